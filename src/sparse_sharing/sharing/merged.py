"""Merged models: arithmetic on the changes of single trainings from one start.

A change is float64 [P]: a task's finished weights minus the common start, for all tensors of the encoder, concatenated.
All tasks have the same weight, and their order has no meaning. The last bits of a sum can depend on the order of its
terms, so sums are in the alphabetical order of the names of the tasks.
"""

from collections.abc import Callable, Mapping

import numpy as np

from sparse_sharing.sharing.base import Sharing

Changes = Mapping[str, np.ndarray]
"""The change of each task, float64 [P]."""


class Merged(Sharing, name="merged"):
    """One encoder for all tasks; the stage `merge` makes it, and the masks of methods with TALL masks."""


def arithmetic(changes: Changes) -> np.ndarray:
    """The sum of the changes, float64 [P] (task arithmetic, Ilharco et al. 2023)."""
    return np.sum(_in_order(changes), axis=0)


def ties(changes: Changes, density: float) -> np.ndarray:
    """The changes merged by TIES, float64 [P] (Yadav et al. 2023).

    For each task the largest changes are kept, the share `density` of them (trim). For each weight the sign of their
    sum is elected (elect), and the mean is over the tasks whose change has this sign (disjoint mean).
    """
    kept = _in_order({task: trimmed(change, density) for task, change in changes.items()})
    sign = np.sign(kept.sum(axis=0))
    agree = (np.sign(kept) == sign) & (sign != 0)
    total, count = np.where(agree, kept, 0.0).sum(axis=0), agree.sum(axis=0)
    return total / np.maximum(count, 1)


def trimmed(change: np.ndarray, density: float) -> np.ndarray:
    """A change without its smallest values: the largest are kept, the share `density` of them, and ties."""
    kept = max(1, round(density * change.size))
    size = np.abs(change)
    smallest = np.partition(size, change.size - kept)[change.size - kept]
    return np.where(size >= smallest, change, 0.0)


def dropped(changes: Changes, rate: float, random_of: Callable[[str], np.random.Generator]) -> dict[str, np.ndarray]:
    """Changes of which the share `rate` is dropped and the rest scaled up by 1 / (1 - rate) (DARE, Yu et al. 2024).

    Each value is dropped independently with this probability, drawn from the generator of its task.
    """
    rescaled = {}
    for task, change in changes.items():
        keep = random_of(task).random(change.size) >= rate
        rescaled[task] = np.where(keep, change, 0.0) / (1 - rate)
    return rescaled


def tall_keep(change: np.ndarray, merged: np.ndarray, threshold: float) -> np.ndarray:
    """The TALL mask of a task, bool [P]: the weights where it keeps the merged change (Wang et al. 2024).

    A weight is kept if the task's change is at least `threshold` times as large as its difference from the merged
    change.
    """
    return np.abs(change) >= threshold * np.abs(merged - change)


def added(start: np.ndarray, merged: np.ndarray, changes: Changes, finished: Mapping[str, np.ndarray]) -> np.ndarray:
    """The start with a merged change, float32 [P].

    If the merged change is that of one task, the weight is that of the task, bit for bit: an addition could round.

    Args:
        start: float32 [P].
        merged: float64 [P].
        changes: of each task.
        finished: for each task the finished weights, float32 [P].
    """
    values = (start.astype(np.float64) + merged).astype(np.float32)
    for task in sorted(changes, reverse=True):
        values = np.where(merged == changes[task], finished[task], values)
    return values


def _in_order(changes: Changes) -> np.ndarray:
    """The changes, float64 [tasks, P], in the order of the names of the tasks."""
    return np.stack([changes[task] for task in sorted(changes)])
