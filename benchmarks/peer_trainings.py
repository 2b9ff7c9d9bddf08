"""Trains a system of `benchmarks.peers`, spaCy's pipeline or our networks, within a budget of processor seconds."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks import data
from benchmarks.spacy_peer import SpacyPeer
from sparse_sharing.config.encoders.bilstm import BiLstm
from sparse_sharing.config.schema import Optimization
from sparse_sharing.evaluation.scoring import score_tags, score_task
from sparse_sharing.network.network import Network
from sparse_sharing.storage.artifacts import load_tensors
from sparse_sharing.text.encoded import EncodedText
from sparse_sharing.text.vocabulary import Vocabulary
from sparse_sharing.training.initial import initialise
from sparse_sharing.training.inputs import for_tasks, load_text, load_vocabulary
from sparse_sharing.training.loop import Progress, TaskData, train_epochs
from sparse_sharing.training.trainer import Trainer

TASKS = ("pos", "ner")


@dataclass(frozen=True)
class Trained:
    """The epochs of a training, their processor seconds, and the scores of its best epoch in percent by task."""

    epochs: int
    seconds: float
    dev: dict[str, float]
    test: dict[str, float]


@dataclass(frozen=True)
class Corpus:
    """The prepared text, and the file of word vectors that it was prepared with."""

    folder: Path
    vocabulary: Vocabulary
    texts: dict[str, dict[str, EncodedText]]
    vectors: Path | None

    @classmethod
    def read(cls, source: Path, output: Path, sentences: int, vectors: Path | None) -> "Corpus":
        """Prepare the first sentences of CoNLL-2003 below `output`, or read them if they are prepared."""
        name = f"conll03-{sentences}{'-vectors' if vectors else ''}"
        folder = data.prepare_real(source, output / name, sentences, vectors)
        vocabulary = for_tasks(load_vocabulary(folder / "vocabulary.json"), TASKS)
        texts = {split: load_text(folder / f"{split}.safetensors") for split in ("train", "dev", "test")}
        return cls(folder, vocabulary, texts, vectors)

    def word_vectors(self) -> dict[str, np.ndarray]:
        """The vectors of the words of all splits, as written; empty without vectors."""
        if self.vectors is None:
            return {}
        stored = load_tensors(self.folder / "vectors.safetensors", "vectors").tensors
        vectors: dict[str, np.ndarray] = {}
        for task_texts in self.texts.values():
            text = task_texts["pos"]
            rows = np.concatenate([stored["vectors"], text.extra])
            known = np.concatenate([stored["has_vector"], np.ones(len(text.extra), bool)])
            numbers = zip(text.surfaces(), text.surface_words.tolist(), strict=True)
            vectors |= {word: rows[number] for word, number in numbers if known[number]}
        return vectors


class Budget:
    """Processor seconds that a training may use; None: no limit."""

    def __init__(self, seconds: float | None = None) -> None:
        """Start now."""
        self.limit, self.started, self.epochs, self.spent = seconds, time.process_time(), 0, 0.0

    def ends(self) -> bool:
        """Count an epoch that ended now; whether another of the mean length would exceed the limit."""
        self.epochs += 1
        self.spent = time.process_time() - self.started
        return self.limit is not None and self.spent * (self.epochs + 1) / self.epochs > self.limit


def train_own(
    corpus: Corpus,
    model: BiLstm,
    optimization: Optimization,
    groups: Sequence[tuple[str, ...]],
    seed: int,
    limit: float | None,
) -> Trained:
    """Train a network for each group of tasks, all within one limit: an epoch is one of each network."""
    stored = load_tensors(corpus.folder / "vectors.safetensors", "vectors").tensors
    networks = [Network(model, for_tasks(corpus.vocabulary, tasks)) for tasks in groups]
    kept = [Progress() for _ in groups]
    trainings = []
    budget = Budget(limit)
    for network, progress in zip(networks, kept, strict=True):
        initialise(network, seed, stored["vectors"], stored["has_vector"])
        texts = {task: TaskData(corpus.texts["train"][task], corpus.texts["dev"][task]) for task in network.heads}
        trainer, streams = Trainer(network, optimization), ("peers", *network.heads)
        trainings.append(train_epochs(network, trainer, texts, optimization, streams, progress, seed))
    for _ in zip(*trainings, strict=True):
        if budget.ends():
            break
    dev, test = {}, {}
    for network, progress in zip(networks, kept, strict=True):
        network.load(progress.best)
        for task in network.heads:
            dev[task] = progress.history[progress.best_epoch - 1].scores[task]
            test[task] = score_task(network, task, corpus.texts["test"][task]).value
    return Trained(budget.epochs, budget.spent, dev, test)


def train_spacy(corpus: Corpus, seed: int, epochs: int) -> Trained:
    """Train spaCy's pipeline."""
    budget = Budget()
    peer = SpacyPeer(corpus.vocabulary.tasks["ner"].model_scheme, corpus.word_vectors(), seed)
    text = corpus.texts["train"]
    gold = {task: text[task].gold_tags(task, corpus.vocabulary) for task in TASKS}
    best: dict[str, float] = {}
    for _ in peer.train(text["pos"].words(), gold, epochs):
        scores = _scores(peer, corpus, "dev")
        if not best or sum(scores.values()) > sum(best.values()):
            best = scores
            peer.keep()
        budget.ends()
    peer.use_kept()
    return Trained(budget.epochs, budget.spent, best, _scores(peer, corpus, "test"))


def _scores(peer: SpacyPeer, corpus: Corpus, split: str) -> dict[str, float]:
    """The scores of the pipeline on a split, as for our networks."""
    text, tags = corpus.texts[split], corpus.vocabulary.tasks
    predicted = peer.predict(text["pos"].words())
    return {
        task: score_tags(text[task].gold_tags(task, corpus.vocabulary), predicted[task], tags[task]).value
        for task in TASKS
    }
