"""Checks that the dev text of a task with metric F1 has a span: without one every dev score is 0."""

from collections.abc import Collection, Mapping

from sparse_sharing.config.corpora import CorpusSpec, TaskColumn


def tasks_without_dev_spans(spec: CorpusSpec, tags: Mapping[str, Collection[str]]) -> list[TaskColumn]:
    """The tasks of a corpus that must have a span in the dev text and have none; `tags` are those of dev by task."""
    return [task for task in spec.tasks if task.needs_dev_spans and not set(tags[task.name]) - {"O"}]


def no_dev_spans(spec: CorpusSpec, task: str, file: str | None) -> str:
    """The message for a dev text without a span of a task; `file` is None if dev is cut from train."""
    if file is None:
        cut = f"split {spec.split}" if spec.split else f"{spec.dev_fraction:g} of the training sentences"
        share = f"{cut}, split_seed {spec.split_seed}"
        place, remedy = f"corpus '{spec.name}': the dev text ({share})", "raise dev_fraction, change split_seed"
    else:
        place = f"{file}: the dev text of corpus '{spec.name}'"
        remedy = "use a dev file with spans, remove the key dev so that dev is cut from the training file"
    return (
        f"{place} has no span of task '{task}', so its F1 is 0 after every epoch and cannot choose an epoch or a mask. "
        f"Check the task's column and scheme; or {remedy}; or set choose_on_dev: false for the task, which then "
        "chooses nothing"
    )
