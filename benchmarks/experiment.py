"""What an experiment costs: Experiment 1 of the paper with the shipped settings, and with cheaper masks."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import yaml

from benchmarks.processes import ROOT
from benchmarks.report import Report
from benchmarks.timing import Series
from sparse_sharing.config import parse_config
from sparse_sharing.inspection.estimate import trained_epochs
from sparse_sharing.pipeline import Specs, jobs_of
from sparse_sharing.pipeline.jobs import Job
from sparse_sharing.pipeline.specs import PruneSpec

CONFIGURATION = ROOT / "config" / "conll03.yaml"
TRAINING_TOKENS = 203_621
"""Of CoNLL-2003."""

VARIANTS: dict[str, dict] = {
    "as shipped": {},
    "source: gradual": {"source": "gradual", "rounds": None},
    "a tenth of the rounds": {"rounds": 2},
}
"""Keys of `prune` that change, by name; None removes a key."""


def task_epochs(job: Job) -> int:
    """Epochs over the text of one task that a job trains, at most: early stops may end it before."""
    epochs = trained_epochs(job)
    tasks = 1 if isinstance(job.spec, PruneSpec) else len(getattr(job.spec, "tags", None) or ())
    return epochs * tasks


def costs(changes: Mapping, path: Path = CONFIGURATION) -> Counter[str]:
    """Task-epochs of each stage of a configuration, the keys of its section `prune` changed."""
    values = yaml.safe_load(path.read_text(encoding="utf-8"))
    prune = {**values["prune"], **changes}
    values["prune"] = {key: value for key, value in prune.items() if value is not None}
    epochs: Counter[str] = Counter()
    for job in jobs_of(Specs(parse_config(values))):
        epochs[job.stage] += task_epochs(job)
    return +epochs


def measure(report: Report, tokens_per_second: float) -> None:
    """Add task-epochs and core-hours at a measured speed of training, all seeds and systems together."""
    for name, changes in VARIANTS.items():
        epochs = costs(changes)
        hours = {stage: count * TRAINING_TOKENS / tokens_per_second / 3600 for stage, count in epochs.items()}
        report.figures[f"Experiment 1, {name}: task-epochs"] = Series((float(epochs.total()),)), "epochs"
        for stage, value in hours.items():
            report.figures[f"Experiment 1, {name}: {stage}"] = Series((value,)), "core-hours"
        report.figures[f"Experiment 1, {name}: all"] = Series((sum(hours.values()),)), "core-hours"
