"""Trainings of one system with different seeds, between which a test must not find a difference."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmarks.data import prepare_dataset, spec_of
from benchmarks.training import network_of
from sparse_sharing.config.encoders.bilstm import BiLstm
from sparse_sharing.config.schema import Optimization
from sparse_sharing.evaluation.scoring import as_scored, count_tags, predict_tags
from sparse_sharing.text.demo.corpora import generate
from sparse_sharing.training.inputs import load_text, load_vocabulary
from sparse_sharing.training.loop import Progress, TaskData, train_epochs
from sparse_sharing.training.trainer import Trainer

SENTENCES = {"train": 300, "dev": 50, "test": 400}
SENTENCES_OF_A_DOCUMENT = 10
MODEL = BiLstm(layers=1, hidden=24, word_dimension=24, character_dimension=8, character_filters=8)
OPTIMIZATION = Optimization(optimizer="adam", learning_rate=0.02, batch_size=8, epochs=8)


def count_trainings(folder: Path, trainings: int) -> Iterator[dict[str, np.ndarray]]:
    """Train hard sharing on a small demo corpus with seeds 1, 2, ...; yields the counts of every test sentence.

    Yields:
        int32 [sentences, 2 or 3] by task, as `evaluate` writes them.
    """
    prepared = _prepare(folder)
    vocabulary = load_vocabulary(prepared / "vocabulary.json")
    text = {split: load_text(prepared / f"{split}.safetensors") for split in SENTENCES}
    for seed in range(1, trainings + 1):
        network = network_of("hard", MODEL, vocabulary, seed=seed)
        tasks = {task: TaskData(text["train"][task], text["dev"][task]) for task in vocabulary.tasks}
        for _ in train_epochs(
            network, Trainer(network, OPTIMIZATION), tasks, OPTIMIZATION, ("accuracy",), Progress(), seed
        ):
            pass
        counts = {}
        for task, tags in vocabulary.tasks.items():
            tested = text["test"][task]
            predicted = predict_tags(network, task, tested, OPTIMIZATION.batch_size)
            counts[task] = count_tags(*as_scored(tested.gold_tags(task, vocabulary), predicted, tags, False), tags)
        yield counts


def documents_of(sentences: int) -> np.ndarray:
    """The document of each test sentence: int32 [sentences]."""
    return np.arange(sentences, dtype=np.int32) // SENTENCES_OF_A_DOCUMENT


def _prepare(folder: Path) -> Path:
    """Write and prepare the corpus. Test sentences are sorted by length, so that those of a document are alike."""
    files = generate("joint", SENTENCES, seed=1)
    paths = {}
    for name, content in files.items():
        split = name.removesuffix(".txt")
        paths[split] = {"news": folder / name}
        if split == "test":
            content = "\n\n".join(sorted(content.strip().split("\n\n"), key=lambda one: one.count("\n"))) + "\n"
        (folder / name).write_text(content, encoding="utf-8")
    prepare_dataset(paths, folder / "prepared", spec_of(dimension=MODEL.word_dimension))
    return folder / "prepared"
