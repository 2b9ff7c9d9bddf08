"""The weight of each task in joint training."""

from collections.abc import Sequence

from sparse_sharing.config.schema import Task
from sparse_sharing.config.section import Section


class TaskWeights(Section):
    """The passes over a task's sentences in an epoch, and the factor of its loss; None: one."""

    sampling: float | None = None
    loss: float | None = None


def weights_of(tasks: Sequence[Task]) -> dict[str, TaskWeights] | None:
    """The weights of tasks that are trained together; None if no task has any, or there is only one task."""
    weights = {
        task.name: TaskWeights(sampling=_unless_one(task.sampling_weight), loss=_unless_one(task.loss_weight))
        for task in tasks
        if {task.sampling_weight, task.loss_weight} - {None, 1.0}
    }
    return weights if weights and len(tasks) > 1 else None


def _unless_one(weight: float | None) -> float | None:
    return None if weight == 1 else weight
