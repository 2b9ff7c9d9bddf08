"""The overlap of two prunings of the same task, the second with another order of the data."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from sparse_sharing.masks.files import mask_name
from sparse_sharing.pipeline import layout
from sparse_sharing.results.rows import rows_of
from sparse_sharing.storage.artifacts import load_tensors

SELECTION = ("dataset", "seed", "start", "choice")
"""The columns that identify a selection of masks."""

Overlaps = Mapping[tuple[object, ...], float]
"""Overlaps by dataset, seed, start, choice and task."""


def self_overlaps(run_folder: Path, choices: pd.DataFrame, compared: Sequence[str]) -> Overlaps:
    """The overlap of each chosen mask with that of the same round of the second pruning.

    A task is missing if the second pruning ended before that round.

    Args:
        run_folder: the folder of the run.
        choices: the round of every choice of masks, under its dataset, seed, start, choice and task.
        compared: the choices whose tasks were pruned a second time.
    """
    overlaps: dict[tuple[object, ...], float] = {}
    for row in rows_of(choices[choices["choice"].isin(compared)]):
        identity = {key: row[key] for key in ("dataset", "seed", "start", "task")}
        name, masks = mask_name(int(row["round"])), []
        for pattern in (layout.PRUNE, layout.PRUNE_AGAIN):
            path = layout.below(run_folder, f"{pattern}/masks.safetensors", **identity)
            packed = load_tensors(path, "masks").tensors
            masks += [np.unpackbits(packed[name])] if name in packed else []
        if len(masks) == 2:
            first, second = masks
            overlap = (first & second).sum() / max(1, (first | second).sum())
            overlaps[*(row[key] for key in SELECTION), row["task"]] = float(overlap)
    return overlaps


def mean_overlap(overlaps: Overlaps, row: pd.Series, tasks: Sequence[str]) -> str:
    """The mean over one or two tasks, as text; blank if one is missing, or for more tasks."""
    values = [overlaps.get((*(row[key] for key in SELECTION), task)) for task in tasks]
    present = [value for value in values if value is not None]
    return f"{sum(present) / len(present):.6f}" if len(tasks) <= 2 and len(present) == len(tasks) else ""
