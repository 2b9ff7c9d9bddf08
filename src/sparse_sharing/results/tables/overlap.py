"""The table `overlap`: the overlap of the chosen masks of tasks, from the files of the selections."""

import pandas as pd

from sparse_sharing.results.tables.inputs import RunInputs
from sparse_sharing.results.tables.self_overlap import mean_overlap


def build(run: RunInputs) -> pd.DataFrame:
    """The table of a run, with a column `self_overlap` if tasks were pruned a second time."""
    overlaps = run.selections("overlap")
    if not run.spec.self_overlap:
        return overlaps
    values = [mean_overlap(run.self_overlaps, row, row["tasks"].split("&")) for _, row in overlaps.iterrows()]
    return overlaps.assign(self_overlap=values)
