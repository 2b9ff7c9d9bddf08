"""The table `masks`: the chosen round and mask of each task, from the files of the selections."""

import pandas as pd

from sparse_sharing.results.tables.inputs import RunInputs
from sparse_sharing.results.tables.self_overlap import mean_overlap


def build(run: RunInputs) -> pd.DataFrame:
    """The table of a run, with a column `self_overlap` if tasks were pruned a second time."""
    choices = run.selections("choice")
    if not run.spec.self_overlap:
        return choices
    return choices.assign(
        self_overlap=[mean_overlap(run.self_overlaps, row, [row["task"]]) for _, row in choices.iterrows()]
    )
