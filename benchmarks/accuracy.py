"""Checks that the engine's speed costs no accuracy: test scores of the plain implementation and of the engine.

Both start with the same weights and have the same batches in the same order; only their dropout noise differs.
"""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks import data
from benchmarks.plain import PlainTrainer
from benchmarks.training import network_of
from sparse_sharing.config.encoders.bilstm import BiLstm
from sparse_sharing.config.schema import Optimization
from sparse_sharing.evaluation.scoring import score_task
from sparse_sharing.text.vocabulary import Vocabulary
from sparse_sharing.training.inputs import load_text, load_vocabulary
from sparse_sharing.training.loop import Progress, TaskData, train_epochs
from sparse_sharing.training.trainer import Trainer

SEEDS = (1, 2, 3)
KINDS = ("hard", "sparse")
WAYS = {"plain": PlainTrainer, "engine": Trainer}


@dataclass(frozen=True)
class Outcome:
    """The result of one training: test scores after the last epoch, in percent, and the seconds of its epochs."""

    kind: str
    way: str
    seed: int
    scores: dict[str, float]
    seconds: float


def measure(output: Path, sentences: int, epochs: int, seeds: tuple[int, ...]) -> Iterator[Outcome]:
    """Train hard and sparse sharing in both ways, on the first sentences of CoNLL-2003, with Adam and one layer."""
    source = data.real_corpus()
    if source is None:
        raise SystemExit("SPARSE_SHARING_DATA must be a folder with conll03/train.txt, dev.txt and test.txt")
    folder = data.prepare_real(source, output / f"conll03-{sentences}", sentences)
    vocabulary = load_vocabulary(folder / "vocabulary.json")
    text = {split: load_text(folder / f"{split}.safetensors") for split in ("train", "dev", "test")}
    for seed in seeds:
        for kind in KINDS:
            for way in WAYS:
                yield _train(kind, way, seed, vocabulary, text, epochs)


def _train(kind: str, way: str, seed: int, vocabulary: Vocabulary, text: dict[str, dict], epochs: int) -> Outcome:
    settings = {"learning_rate": 0.002, "learning_rate_decay": 0.05, "batch_size": 16, "epochs": epochs}
    optimization = Optimization(optimizer="adam", **settings)
    network = network_of(kind, BiLstm(layers=1), vocabulary, seed=seed)
    trainer = WAYS[way](network, optimization)
    tasks = {task: TaskData(text["train"][task], text["dev"][task]) for task in vocabulary.tasks}
    started = time.perf_counter()
    for _ in train_epochs(network, trainer, tasks, optimization, ("accuracy",), Progress(), seed):
        pass
    spent = time.perf_counter() - started
    scores = {task: score_task(network, task, text["test"][task]).value for task in tasks}
    return Outcome(kind, way, seed, scores, spent)


def show(outcomes: list[Outcome], console: Console) -> None:
    """For each way of sharing and training: scores of each seed, and their mean."""
    table = Table(title="Test scores after the last epoch, one for each seed, and their mean", title_justify="left")
    tasks = list(outcomes[0].scores)
    for column in ("", "", *tasks, "mean", "seconds"):
        table.add_column(column, justify="right" if column else "left")
    for kind in KINDS:
        for way in WAYS:
            matching = [outcome for outcome in outcomes if (outcome.kind, outcome.way) == (kind, way)]
            by_task = np.array([[outcome.scores[task] for task in tasks] for outcome in matching])
            cells = [" ".join(f"{value:.2f}" for value in column) for column in by_task.T]
            seconds = np.median([outcome.seconds for outcome in matching])
            table.add_row(kind, way, *cells, f"{by_task.mean():.2f}", f"{seconds:.0f}")
    console.print(table)


def run(output: Path, quick: bool, console: Console) -> None:
    """Measure, print each training when it ends, and write all results to `accuracy.json`."""
    outcomes = []
    sentences, epochs, seeds = (300, 2, SEEDS[:1]) if quick else (3000, 5, SEEDS)
    for outcome in measure(output, sentences, epochs, seeds):
        outcomes.append(outcome)
        scored = ", ".join(f"{task} {value:.2f}" for task, value in outcome.scores.items())
        console.print(f"{outcome.kind}, {outcome.way}, seed {outcome.seed}: {scored}, {outcome.seconds:.0f} s")
        values = json.dumps([vars(one) for one in outcomes], indent=1)
        (output / "accuracy.json").write_text(values + "\n", encoding="utf-8")
    show(outcomes, console)
