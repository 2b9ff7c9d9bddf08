"""The table `per_type`: test scores of each span type, or each tag."""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from sparse_sharing.pipeline.tables.per_type import RECORD
from sparse_sharing.results.tables.inputs import RunInputs
from sparse_sharing.results.tables.scores import MODEL, Order, in_order


def build(run: RunInputs) -> pd.DataFrame:
    """The table of a run."""
    return per_type(run.scores, run.order)


def per_type(scores: Sequence[dict[str, Any]], order: Order | None = None) -> pd.DataFrame:
    """Test scores per span type, or per tag: one row per dataset, system, seed, task and type.

    Takes the arguments of `results.results`. The columns are dataset, system, seed, task, type, precision, recall, f1
    (percent) and support (how many there are in gold).
    """
    rows = [{**row, "type": kind, **values} for row in scores for kind, values in row["per_type"].items()]
    return in_order(pd.DataFrame(rows, columns=list(RECORD.columns)), [*MODEL, "task", "type"], order)
