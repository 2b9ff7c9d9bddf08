"""The table `leaks`: scores without the test sentences that are also in the training or dev text."""

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from sparse_sharing.evaluation import statistics
from sparse_sharing.pipeline.tables.leaks import RECORD
from sparse_sharing.results.rows import rows_of
from sparse_sharing.results.tables.inputs import RunInputs
from sparse_sharing.results.tables.markup import SHOWN_DECIMALS, Markup, Rows, Section, number, score_name, signed
from sparse_sharing.results.tables.scores import Order, in_order
from sparse_sharing.storage.artifacts import load_tensors, parts_of

LEAKS_TITLE = "Without leaked sentences"
LEAKS_CAPTION = (
    "Test scores in percent, means over seeds: on all test sentences, and without those that also occur word for word "
    "in the training or dev text of the dataset."
)
FLAGS = ".leaked"
"""The suffix of a task's name in the name of the tensor that flags its leaked sentences."""


def build(run: RunInputs) -> pd.DataFrame:
    """The table of a run."""
    return leaks(run.sentences, run.order)


def section(run: RunInputs, dataset: str, markup: Markup) -> Section | None:
    """The part of the summary on a dataset."""
    rows = run.rows_of("leaks", dataset)
    return Section(LEAKS_TITLE, LEAKS_CAPTION, _cells(rows, markup)) if len(rows) else None


def leaks(paths: Sequence[Path], order: Order | None = None) -> pd.DataFrame:
    """The scores with and without the test sentences that also occur in the training or dev text of the dataset.

    Args:
        paths: the counts of all models; of these, tasks without flags or without a leaked sentence have no row.
        order: see `scores.results`.

    Returns:
        One row per dataset, system and task: seeds (their number), sentences of the test text, leaked ones of these;
        value and without_leaked, the main metric in percent on all sentences and on those that are not leaked, both
        means over seeds; difference, the second minus the first, in points.

    Raises:
        ArtifactError: A file is missing or damaged, or flags do not fit the sentences.
    """
    scores_by_key: dict[tuple[str, str, str], list[dict]] = defaultdict(list)
    for path in paths:
        artifact = load_tensors(path, "sentences")
        with parts_of(path):
            model = tuple(artifact.spec[key] for key in ("dataset", "system"))
            for name, flags in artifact.tensors.items():
                if name.endswith(FLAGS) and flags.any():
                    task = name.removesuffix(FLAGS)
                    scores_by_key[(*model, task)].append(_scores(artifact.tensors[task], flags))
    rows = []
    for (dataset, system, task), models in scores_by_key.items():
        means = {key: float(np.mean([model[key] for model in models])) for key in ("value", "without_leaked")}
        row = {"dataset": dataset, "system": system, "task": task, **models[0], "seeds": len(models), **means}
        rows.append(row | {"difference": means["without_leaked"] - means["value"]})
    return in_order(pd.DataFrame(rows, columns=list(RECORD.columns)), ["dataset", "system", "task"], order)


def _scores(counts: np.ndarray, flags: np.ndarray) -> dict:
    """The sizes and scores of one model on one task; counts int [sentences, 2 or 3], flags bool [sentences]."""
    if flags.dtype != bool or flags.shape != counts.shape[:1]:
        raise ValueError(f"expected one flag per sentence ({len(counts)}), got {flags.dtype} {flags.shape}")
    return {
        "metric": "f1" if counts.shape[1] == 3 else "accuracy",
        "sentences": len(counts),
        "leaked": int(flags.sum()),
        "value": float(statistics.score(counts.sum(0))),
        "without_leaked": float(statistics.score(counts[~flags].sum(0))),
    }


def _cells(table: pd.DataFrame, markup: Markup) -> Rows:
    """One row per system and task."""
    rows = [["system", "task", "sentences", "leaked", "all", "without leaked", "Δ"]]
    for row in rows_of(table):
        scores = [number(row[key], SHOWN_DECIMALS) for key in ("value", "without_leaked")]
        sizes = [str(row["sentences"]), str(row["leaked"])]
        rows.append([row["system"], score_name(row["task"], row["metric"]), *sizes, *scores, signed(row["difference"])])
    return [[markup.escape(cell) for cell in row] for row in rows]
