"""The order of the tasks' batches in an epoch (paper, section "Parallel Training of Subnetworks")."""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

import numpy as np

T = TypeVar("T")


def passes(weight: float, one_pass: Callable[[], list[T]]) -> list[T]:
    """The batches of a task in an epoch: `weight` passes over its sentences, and at least one batch.

    A weight of 2.3 gives two whole passes and 0.3 of a third, each shuffled again: the first 0.3 B of its B batches,
    rounded. The part differs from epoch to epoch, so that all sentences are used in turn.
    """
    whole = int(weight)
    batches = [batch for _ in range(whole) for batch in one_pass()]
    if part := weight - whole:
        last = one_pass()
        batches += last[: max(round(part * len(last)), 0 if batches else 1)]
    return batches


def steps_in_epoch(sentences: int, batch_size: int, weight: float = 1.0) -> int:
    """The number of batches of a task from `passes`: the updates of the task in an epoch."""
    batches = -(-sentences // batch_size)
    whole = int(weight)
    part = max(round((weight - whole) * batches), 0 if whole else min(1, batches)) if weight > whole else 0
    return whole * batches + part


def proportional(batches: Mapping[str, Sequence[T]], random: np.random.Generator) -> list[tuple[str, T]]:
    """All batches of all tasks in random order.

    The probability that the next batch belongs to a task is proportional to the batches that the task has left, so that
    an epoch has each sentence of each task exactly once: the paper's draw proportional to data size, without
    replacement. A sampling weight multiplies the batches of a task, and so its share of the steps.
    """
    tasks = [task for task, task_batches in batches.items() for _ in task_batches]
    remaining = {task: iter(task_batches) for task, task_batches in batches.items()}
    return [(tasks[index], next(remaining[tasks[index]])) for index in random.permutation(len(tasks))]


def round_robin(batches: Mapping[str, Sequence[T]]) -> list[tuple[str, T]]:
    """One batch of each task in turn; tasks without further batches are skipped (as in the original code)."""
    longest = max(map(len, batches.values()), default=0)
    return [
        (task, task_batches[turn])
        for turn in range(longest)
        for task, task_batches in batches.items()
        if turn < len(task_batches)
    ]
