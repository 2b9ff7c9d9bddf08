"""A finished run of many datasets, tasks and systems with generated results, without any training.

`python -m benchmarks.synthetic_run`, a part of `make bench`, writes runs of 50 datasets and of 200 tasks, makes their
tables, figures and report, and prints processor seconds and sizes.
"""

import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from benchmarks.report import Report, Target
from benchmarks.timing import Series
from sparse_sharing.config import parse_config
from sparse_sharing.masks.files import write_rounds, write_selection
from sparse_sharing.masks.mask import Mask
from sparse_sharing.pipeline import Specs, jobs_of, layout
from sparse_sharing.pipeline.jobs import Job
from sparse_sharing.stages import figures, report, tables
from sparse_sharing.storage.artifacts import save_json, save_tensors, write_text
from sparse_sharing.storage.costs import Costs, write_costs

SYSTEMS = (
    {"name": "single", "sharing": "single"},
    {"name": "hard", "sharing": "hard"},
    {"name": "hard_warm", "sharing": "hard", "start": "warmup"},
    {"name": "sparse", "sharing": "sparse", "start": "warmup", "choice": "best"},
    {"name": "cold", "sharing": "sparse", "choice": "best"},
    {"name": "random", "sharing": "sparse", "start": "warmup", "choice": "random"},
)
CHOICES = ({"name": "best", "rule": "best_dev"}, {"name": "random", "rule": "best_dev", "random": True})
RUNS = {"50 datasets of 2 tasks": (50, 2, 2), "200 tasks": (1, 200, 1, 4)}
"""The number of datasets, tasks, seeds and, where not all are used, systems."""

SENTENCES, EPOCHS, ROUNDS, TYPES = 300, 20, 5, 8
SHAPES = {"characters.convolution.weight": (5, 4, 3), "recurrent.0.left_to_right.weight_ih_l0": (24, 13)}


def specs_of(datasets: int, tasks: int, seeds: int, systems: int = len(SYSTEMS)) -> Specs:
    """The specs of a run of this size; each task has spans."""
    names = [f"task{number:03}" for number in range(tasks)]
    columns = [{"name": name, "column": place, "scheme": "iob2"} for place, name in enumerate(names, start=1)]
    splits = {split: f"{split}.txt" for split in ("train", "dev", "test")}
    corpora = [{"name": "text", **splits, "tasks": columns}]
    named = [{"name": f"dataset{number:02}", "corpora": corpora} for number in range(datasets)]
    values = {
        "run": "synthetic",
        "seeds": list(range(1, seeds + 1)),
        "prune": {"rounds": ROUNDS},
        "select": {"choices": [dict(choice) for choice in CHOICES]},
        "data": {"datasets": named},
        "train": {"systems": [dict(system) for system in SYSTEMS[:systems]]},
    }
    return Specs(parse_config(values))


def write(specs: Specs, folder: Path) -> None:
    """Write the inputs of the stages `tables` and `report` into the folder of a run."""
    random = np.random.default_rng(1)
    for job in jobs_of(specs):
        output = folder / Path(*job.folder.parts[2:])
        if job.stage in WRITERS:
            WRITERS[job.stage](specs, job, output, random)
            measured = Path(folder, "benchmarks", *job.log.parts[3:]).with_suffix(".tsv")
            write_text(measured, "s\tmax_rss\n12.5\t310.0\n")


def _prepare(specs: Specs, job: Job, output: Path, random: np.random.Generator) -> None:
    texts = {"file": "text.txt", "sha256": "0", "sentences": SENTENCES, "tokens": 15 * SENTENCES}
    covered = {"exact": 0.0, "lower_cased": 0.0, "missing": 1.0}
    split = {"corpora": {"text": texts}, "unknown_words": 0.1, "vector_coverage": covered}
    details = {"splits": dict.fromkeys(("train", "dev", "test"), split), "leaks": []}
    save_json(output / "summary.json", "summary", job.spec, details)


def _prepare_task(specs: Specs, job: Job, output: Path, random: np.random.Generator) -> None:
    split = {"repairs": 0, "missing_tags": 0, "spans": {}, "tags_not_in_training": {}}
    details = {"tags": 2 * TYPES, "corpus": "text", "splits": dict.fromkeys(("train", "dev", "test"), split)}
    save_json(output / "summary.json", "task_summary", job.spec, details)


def _prune(specs: Specs, job: Job, output: Path, random: np.random.Generator) -> None:
    rounds = [
        {"round": number, "density": 0.7**number, "dev_score": 90 - number + random.normal(), "kept": 100, "epochs": 5}
        for number in range(ROUNDS + 1)
    ]
    write_rounds(output / "masks.safetensors", job.spec, [Mask.dense(SHAPES, "weights")], {"rounds": rounds})
    write_costs(output, _costs(specs, [str(job.identity["task"])]))


def _select(specs: Specs, job: Job, output: Path, random: np.random.Generator) -> None:
    tasks, size = specs.tasks(str(job.identity["dataset"])), sum(int(np.prod(shape)) for shape in SHAPES.values())
    masks = {task: Mask(torch.from_numpy(random.random(size) < 0.5), SHAPES, "weights") for task in tasks}
    write_selection(output / "masks.safetensors", job.spec, masks)
    chosen = {"round": 2, "density": 0.49, "kept": 100, "dev_score": 88.0, "best_epoch": 3, "overlap_with_start": 0.4}
    choice = pd.DataFrame([{"task": task, **chosen} for task in tasks])
    pairs = [f"{first}&{second}" for place, first in enumerate(tasks) for second in tasks[place + 1 :]]
    overlap = pd.DataFrame({"tasks": pairs}).assign(
        overlap=0.4, chance=0.3, chance_by_tensor=0.31, overlap_with_start=0.5
    )
    for name, frame in (("choice", choice), ("overlap", overlap)):
        write_text(output / f"{name}.csv", frame.to_csv(index=False))


def _train(specs: Specs, job: Job, output: Path, random: np.random.Generator) -> None:
    tasks = _tasks(specs, job)
    scores = {
        f"dev {task}": 80 + 10 * (1 - 1 / np.arange(1, EPOCHS + 1)) + random.normal(size=EPOCHS) for task in tasks
    }
    history = pd.DataFrame({"epoch": np.arange(1, EPOCHS + 1), "loss": 1.0, **scores, "best": 0, "seconds": 1.0})
    write_text(output / "history.csv", history.to_csv(index=False, float_format="%.4f"))
    write_costs(output, _costs(specs, tasks))


def _evaluate(specs: Specs, job: Job, output: Path, random: np.random.Generator) -> None:
    task_metrics, counts = {}, {}
    for task in _tasks(specs, job):
        gold = np.full(SENTENCES, 2)
        correct = random.binomial(2, 0.8 + 0.05 * random.random(), SENTENCES)
        counts[task] = np.stack([correct, gold, gold], 1).astype(np.int32)
        f1 = 100 * float(correct.sum()) / float(gold.sum())
        scores = {"precision": f1, "recall": f1, "f1": f1, "accuracy": 95.0}
        types = {f"TYPE{number}": {"precision": f1, "recall": f1, "f1": f1, "support": 75} for number in range(TYPES)}
        task_metrics[task] = {"metric": "f1", "dev": scores, "test": scores, "per_type": types, "density": 0.5}
    identity = {name: job.identity[name] for name in ("dataset", "system", "seed")}
    training = {
        "best_epoch": 15,
        "epochs": EPOCHS,
        "planned_epochs": EPOCHS,
        "best_dev": dict.fromkeys(task_metrics, 89.0),
    }
    details = {**identity, "tasks": task_metrics, "parameters": 400_000, "seconds": 30.0, "training": training}
    save_json(output / "metrics.json", "metrics", job.spec, details)
    save_tensors(output / "sentences.safetensors", "sentences", job.spec, counts)


WRITERS: Mapping[str, Callable[[Specs, Job, Path, np.random.Generator], None]] = {
    "prepare": _prepare,
    "prepare_task": _prepare_task,
    "prune": _prune,
    "select": _select,
    "train": _train,
    "evaluate": _evaluate,
}


def _tasks(specs: Specs, job: Job) -> list[str]:
    """The tasks of a model."""
    model, dataset = str(job.identity["model"]), str(job.identity["dataset"])
    return specs.tasks(dataset) if model == "shared" else [model]


def _costs(specs: Specs, tasks: list[str]) -> Costs:
    counts = dict.fromkeys(tasks, 1000)
    return Costs(30.0, updates=counts, tokens=counts, dev_scores=dict.fromkeys(tasks, EPOCHS))


def measure(specs: Specs, folder: Path) -> dict[str, Any]:
    """Processor seconds of each stage that shows results, and the size of the report in megabytes."""
    run = folder / layout.RUN.format(run=specs.config.run)
    write(specs, run)
    measured: dict[str, Any] = {"models": len(specs.tables().models())}
    stages: dict[str, Callable[[], None]] = {
        "tables": lambda: tables.run(specs.tables(), run, run / "tables"),
        "figures": lambda: figures.run(specs.figures(), run / "tables", run / "figures"),
        "report": lambda: report.run(specs.report(), run, run / "report.html"),
    }
    for name, stage in stages.items():
        started = time.process_time()
        stage()
        measured[name] = round(time.process_time() - started, 1)
    return measured | {"report MB": round((run / "report.html").stat().st_size / 1e6, 2)}


def runs() -> Iterator[tuple[str, dict[str, Any]]]:
    """Measure each run of `RUNS`, in a folder that is removed."""
    for name, specs in RUNS.items():
        with tempfile.TemporaryDirectory() as folder:
            yield name, measure(specs_of(*specs), Path(folder))


def add_to(report: Report) -> None:
    """Add what tables and report of each run cost, with targets."""
    for name, measured in runs():
        for figure, unit, bound in (("tables", "CPU-s", 30), ("report", "CPU-s", 10), ("report MB", "MB", 5)):
            label = f"{figure}, {name}"
            report.figures[label] = Series((measured[figure],)), unit
            report.targets.append(Target(label, measured[figure], bound, unit, at_most=True))


def main() -> None:
    """Print what is measured."""
    for name, measured in runs():
        sys.stdout.write(f"{name}: {measured}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
