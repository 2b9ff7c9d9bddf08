"""The order of an epoch: which task's batch comes when (paper, section "Parallel Training of Subnetworks")."""

from collections.abc import Mapping, Sequence
from typing import TypeVar

import numpy as np

T = TypeVar("T")


def proportional(batches: Mapping[str, Sequence[T]], random: np.random.Generator) -> list[tuple[str, T]]:
    """All batches of all tasks in random order.

    The next batch belongs to a task with a probability proportional to what the task has left, so that an epoch sees
    each sentence of each task exactly once: the paper's draw proportional to data size, without replacement.
    """
    tasks = [task for task, own in batches.items() for _ in own]
    remaining = {task: iter(own) for task, own in batches.items()}
    return [(tasks[index], next(remaining[tasks[index]])) for index in random.permutation(len(tasks))]


def round_robin(batches: Mapping[str, Sequence[T]]) -> list[tuple[str, T]]:
    """One batch of each task in turn; tasks whose batches are used up are passed over (the original code)."""
    longest = max(map(len, batches.values()), default=0)
    return [(task, own[turn]) for turn in range(longest) for task, own in batches.items() if turn < len(own)]
