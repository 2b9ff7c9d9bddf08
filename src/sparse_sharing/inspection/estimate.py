"""Estimates how long a run takes: the work is counted from the specs, the speed is measured on this machine."""

import math
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product

import numpy as np

from sparse_sharing.config.encoders.base import EncoderSection
from sparse_sharing.config.schema import SPLITS, Optimization
from sparse_sharing.evaluation.scoring import score_task
from sparse_sharing.inspection.checks import CheckedCorpus
from sparse_sharing.inspection.disk import disk_bytes
from sparse_sharing.network.network import Network
from sparse_sharing.pipeline.jobs import Job
from sparse_sharing.pipeline.specs import AddTaskSpec, PrepareSpec, PruneSpec
from sparse_sharing.stages.prepare import PretrainedVectors, build_vocabulary
from sparse_sharing.stages.prepare_task import task_tags
from sparse_sharing.text.batches import training_batches
from sparse_sharing.text.encoded import EncodedText, encode_text
from sparse_sharing.text.readers.reading import in_model_schemes
from sparse_sharing.training.initial import initialise
from sparse_sharing.training.inputs import choose_device
from sparse_sharing.training.loop import TaskData
from sparse_sharing.training.trainer import Trainer

SAMPLE = 400
"""Sentences of each corpus for measuring the speed, spread evenly over its training text."""

SECONDS = 3.0
"""The longest time of one measurement, in seconds."""

WARM_STEPS = 3
"""First steps that are not counted: they allocate memory."""


@dataclass(frozen=True)
class Speed:
    """Tokens of one task per second in training, and in tagging and scoring."""

    training: float
    scoring: float


@dataclass(frozen=True)
class Estimate:
    """The time and disk space of a run.

    Attributes:
        stages: for each stage, the sum of the seconds of its jobs.
        chain: seconds of the longest chain of dependent jobs; the run takes at least as long, with any number of cores.
        disk: bytes of the files of the finished run.
    """

    stages: Mapping[str, float]
    chain: float
    disk: int

    def on(self, cores: int) -> float:
        """A lower bound of the seconds of the run with `cores` jobs at once."""
        return max(sum(self.stages.values()) / cores, self.chain)


@dataclass(frozen=True)
class _Sample:
    """The network of a dataset, and some of its text."""

    network: Network
    tasks: Mapping[str, TaskData]


def estimate(
    jobs: list[Job],
    data: Mapping[str, list[CheckedCorpus]],
    model: EncoderSection,
    device: str,
    specs: Mapping[str, PrepareSpec],
) -> Estimate:
    """Measure the speed of the network on the data, and multiply it by the work of all jobs.

    Args:
        jobs: of the run.
        data: the corpora of each dataset.
        model: the network.
        device: the device it is trained on.
        specs: for each dataset, how it is encoded, with the tasks of its corpora.
    """
    start_up = _start_up(model)
    tokens = {dataset: _tokens(corpora) for dataset, corpora in data.items()}
    samples = {dataset: _sample(corpora, model, device, specs[dataset]) for dataset, corpora in data.items()}
    speeds: dict[tuple, Speed] = {}
    seconds: dict[int, float] = {}
    for job in jobs:
        seconds[id(job)] = start_up
        if "dataset" not in job.identity:
            continue
        dataset, optimization = str(job.identity["dataset"]), getattr(job.spec, "optimization", None)
        size = (optimization.batch_size, optimization.step_size) if optimization else None
        if optimization and (dataset, size) not in speeds:
            speeds[dataset, size] = _measure(samples[dataset], optimization)
        if optimization:
            seconds[id(job)] += _training(job, tokens[dataset], speeds[dataset, size])
        elif job.stage == "evaluate":
            dataset_speed = next(speed for (name, _), speed in speeds.items() if name == dataset)
            seconds[id(job)] += (
                sum(tokens[dataset]["test"][task] for task in _tasks(job.needs["model"])) / dataset_speed.scoring
            )
    stages: dict[str, float] = {}
    for job in jobs:
        stages[job.stage] = stages.get(job.stage, 0.0) + seconds[id(job)]
    sizes = {dataset: _numbers(sample.network) for dataset, sample in samples.items()}
    return Estimate(stages, _chain(jobs, seconds), disk_bytes(jobs, sizes, tokens))


def _numbers(network: Network) -> tuple[int, int]:
    """How many parameters a network has, and how many of them masks cover."""
    shapes = network.prunable_shapes.values()
    return sum(value.numel() for value in network.values().values()), sum(map(math.prod, shapes))


def trained_epochs(job: Job) -> int:
    """The epochs of all trainings of a job, at most: patience may end it earlier; 0 if it trains nothing."""
    optimization = getattr(job.spec, "optimization", None)
    trainings = getattr(job.spec, "trainings", 1) * len(getattr(job.spec, "learning_rates", None) or [None])
    return optimization.epochs * trainings if optimization else 0


def _training(job: Job, tokens: Mapping[str, Mapping[str, int]], speed: Speed) -> float:
    """Seconds of all epochs of a training job; patience may end it earlier."""
    tasks = _tasks(job) or list(tokens["train"])
    if isinstance(job.spec, AddTaskSpec):
        tasks = [job.spec.task]
    weights = getattr(job.spec, "weights", None) or {}
    passes = {task: (weights[task].sampling if task in weights else None) or 1.0 for task in tasks}
    steps = sum(tokens["train"][task] * passes[task] for task in tasks) / speed.training
    return trained_epochs(job) * (steps + sum(tokens["dev"][task] for task in tasks) / speed.scoring)


def _tasks(job: Job) -> list[str]:
    """The tasks of a job; empty: all."""
    return [job.spec.task] if isinstance(job.spec, PruneSpec) else list(getattr(job.spec, "tasks", None) or [])


def _chain(jobs: list[Job], seconds: Mapping[int, float]) -> float:
    """The longest sum of seconds along dependent jobs; each job must come after those that it needs."""
    ends: dict[int, float] = {}
    for job in jobs:
        ends[id(job)] = seconds[id(job)] + max((ends[id(needed)] for needed in job.needs.values()), default=0.0)
    return max(ends.values())


def _tokens(corpora: list[CheckedCorpus]) -> Mapping[str, Mapping[str, int]]:
    """Tokens of each task by split."""
    tokens = {split: Counter[str]() for split in SPLITS}
    for checked, split in product(corpora, SPLITS):
        if split in checked.sentences:
            tokens[split].update({task.name: checked.tokens(split) for task in checked.corpus.tasks})
    return tokens


def _sample(corpora: list[CheckedCorpus], model: EncoderSection, device: str, spec: PrepareSpec) -> _Sample:
    """The network for the whole dataset, and a part of its text; for a task of several corpora, that of the last."""
    checked_by_name = {checked.corpus.name: checked for checked in corpora}
    samples, tags = {}, {}
    for corpus in spec.corpora:
        checked = checked_by_name[corpus.name]
        every = max(1, len(checked.sentences["train"]) // SAMPLE)
        # The spec has its tasks in alphabetical order, the configuration in any order.
        places = [[task.name for task in checked.corpus.tasks].index(task.name) for task in corpus.tasks]
        sample = [
            sentence.__class__(sentence.words, tuple(sentence.tags[place] for place in places), sentence.line)
            for sentence in checked.sentences["train"][::every]
        ]
        samples[corpus.name] = list(in_model_schemes(sample, corpus.tasks))
        for task in corpus.tasks:
            tags[task.name] = task_tags(
                task, {tag for _, tagging in samples[corpus.name] for tag in tagging[task.name]}
            )
    word_counts = Counter(word for checked in corpora for sentence in checked.words("train") for word in sentence)
    vocabulary = build_vocabulary(spec, word_counts, PretrainedVectors({}, frozenset(), 0), tags)
    network = Network(model, vocabulary, choose_device(device))
    count = network.vocabulary.word_count
    initialise(network, 1, np.zeros((count, 0), np.float32), np.zeros(count, bool))
    texts: dict[str, EncodedText] = {}
    for corpus in spec.corpora:
        tasks = [task.name for task in corpus.tasks]
        texts |= dict.fromkeys(tasks, encode_text(samples[corpus.name], vocabulary, tasks, {}, 0))
    return _Sample(network, {task: TaskData(text, text) for task, text in texts.items()})


def _measure(sample: _Sample, optimization: Optimization) -> Speed:
    """Time some training steps, and the scoring of some text."""
    trainer, random = Trainer(sample.network, optimization), np.random.default_rng(1)
    size, buckets = optimization.step_size, optimization.length_buckets
    steps = [
        (task, indices)
        for task, data in sample.tasks.items()
        for indices in training_batches(data.train, task, size, buckets, random)
    ]
    order = random.permutation(len(steps))
    tokens, started, limit = 0, time.perf_counter(), time.perf_counter() + SECONDS
    for number, index in enumerate(order):
        if number == min(WARM_STEPS, len(order) - 1):
            tokens, started = 0, time.perf_counter()
        task, indices = steps[index]
        batch = sample.network.encoder.batch(sample.tasks[task].train, indices, task, random)
        # Reading the loss waits for a GPU to finish the step.
        trainer.step(task, batch.to(sample.network.device), 1e-4).item()
        tokens += int(batch.mask.sum())
        if time.perf_counter() > limit and number >= WARM_STEPS:
            break
    training = tokens / (time.perf_counter() - started)
    task, data = next(iter(sample.tasks.items()))
    score_task(sample.network, task, data.dev)
    started = time.perf_counter()
    score_task(sample.network, task, data.dev)
    return Speed(training, len(data.dev.tokens) / (time.perf_counter() - started))


def _start_up(model: EncoderSection) -> float:
    """Seconds until a job begins its work: the time to start Python and import the libraries."""
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", f"import sparse_sharing.stages.train, {model.implementation}"], check=True)
    return time.perf_counter() - started
