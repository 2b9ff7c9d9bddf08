"""The table `results`: every score of every model, tidy."""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from sparse_sharing.pipeline.tables.results import RECORD
from sparse_sharing.results.tables.inputs import RunInputs
from sparse_sharing.results.tables.scores import MODEL, SPLITS, Order, in_order


def build(run: RunInputs) -> pd.DataFrame:
    """The table of a run."""
    return results(run.scores, run.order)


def results(scores: Sequence[dict[str, Any]], order: Order | None = None) -> pd.DataFrame:
    """All scores, tidy: one row per dataset, system, seed, task, split and metric.

    Args:
        scores: the tasks of all models, as `scores.read_all` returns them.
        order: names in the order of the configuration, under the keys dataset, system and task; names that are not
            listed follow alphabetically.

    Returns:
        The columns dataset, system, seed, task, split, metric, value (percent), parameters, trained_parameters, density
        (of the task's mask) and seconds (of training).
    """
    rows = [
        {**row, "split": split, "metric": metric, "value": value}
        for row in scores
        for split in SPLITS
        for metric, value in row[split].items()
    ]
    return in_order(pd.DataFrame(rows, columns=list(RECORD.columns)), [*MODEL, "task", "split", "metric"], order)
