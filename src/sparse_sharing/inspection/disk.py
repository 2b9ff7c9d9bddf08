"""Estimates the disk space of a finished run from the sizes of its network and text."""

from collections.abc import Mapping

from sparse_sharing.pipeline.jobs import Job
from sparse_sharing.pipeline.specs import AddTaskSpec, MergeSpec, PruneSpec, TrainSpec

NUMBER = 4
"""Bytes of a float32, or of the number of a word or tag."""

TEXT = 45
"""Bytes of a token of encoded text, including its share of the distinct words: measured on CoNLL-2003, 42 to 60."""

PREDICTION = 14
"""Bytes of a token in a file of predictions: the word and two tags."""


def disk_bytes(
    jobs: list[Job],
    sizes: Mapping[str, tuple[int, int]],
    tokens: Mapping[str, Mapping[str, Mapping[str, int]]],
) -> int:
    """The bytes of the large files of all jobs, without logs, tables and checkpoints, which trainings remove.

    Models are counted as if they kept every weight, so the estimate is an upper bound.

    Args:
        jobs: the jobs of the run.
        sizes: for each dataset, how many parameters a network with all tasks has, and how many of them masks cover.
        tokens: the tokens of each task by dataset and split.
    """
    return sum(_of_job(job, sizes, tokens) for job in jobs if "dataset" in job.identity)


def _of_job(
    job: Job, sizes: Mapping[str, tuple[int, int]], tokens: Mapping[str, Mapping[str, Mapping[str, int]]]
) -> int:
    dataset = str(job.identity["dataset"])
    (numbers, prunable), text = sizes[dataset], tokens[dataset]
    mask = prunable // 8
    if isinstance(job.spec, PruneSpec):
        return (job.spec.rounds + 1) * mask
    match job.stage:
        case "prepare":
            return TEXT * sum(max(split.values(), default=0) for split in text.values())
        case "prepare_task":
            return NUMBER * sum(split[str(job.identity["task"])] for split in text.values())
        case "warmup":
            return NUMBER * numbers
        case "select":
            return mask * len(text["train"])
        case "evaluate":
            return PREDICTION * sum(text["test"][task] for task in _tasks_of_model(job.needs["model"]))
    tasks = _tasks_of_model(job)
    return NUMBER * numbers + mask * len(tasks) if tasks else 0


def _tasks_of_model(job: Job) -> list[str]:
    """The tasks of the model that a job makes; empty where it makes none."""
    return job.spec.tasks if isinstance(job.spec, TrainSpec | AddTaskSpec | MergeSpec) else []
