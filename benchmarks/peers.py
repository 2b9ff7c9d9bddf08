"""Scores beside what people would take instead: spaCy, and our networks with and without optional inputs of words.

All train on the first 3,000 sentences of CoNLL-2003 (parts of speech and names) on one thread, without word vectors and
with them if they are found, at equal processor seconds: those of 12 epochs of spaCy; without spaCy all have 12 epochs.
Training and the scores on dev after each epoch count. The epoch with the best dev scores is tested.

`make accuracy SEED=1` measures one seed. Results are added to `peers.json`; what it has is not measured again.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks import data
from benchmarks.peer_trainings import TASKS, Corpus, Trained, train_own, train_spacy
from benchmarks.processes import ROOT
from benchmarks.spacy_peer import is_installed
from sparse_sharing.config.encoders.bilstm import BiLstm
from sparse_sharing.config.load import load_config

CONFIG = ROOT / "config" / "conll03_features.yaml"
VECTORS = Path("glove") / "glove.6B.50d.trimmed.txt.gz"
SENTENCES, EPOCHS, SEEDS = 3000, 12, (1, 2, 3)
OFF = {"features": None, "character_widths": None, "rare_word_dropout": None, "hidden": 200}
"""The network of the paper's configurations with one layer: what the optional inputs are compared with."""
SPACY = "spaCy"


@dataclass(frozen=True)
class Outcome:
    """The result of one system with or without word vectors."""

    system: str
    vectors: bool
    seed: int
    trained: Trained


def measure(corpus: Corpus, seed: int, epochs: int, known: Mapping[str, Trained]) -> Iterator[Outcome]:
    """Train each system that is not known yet, spaCy first."""
    config, has_vectors = load_config(CONFIG), corpus.vectors is not None
    if not isinstance(config.model, BiLstm):
        raise SystemExit(f"{CONFIG}: expected the encoder bilstm")
    peer = known.get(SPACY)
    if peer is None and is_installed():
        peer = train_spacy(corpus, seed, epochs)
        yield Outcome(SPACY, has_vectors, seed, peer)
    limit = None if peer is None else peer.seconds
    # With a limit the epochs only have to be enough: it ends the training.
    count = epochs if limit is None else 10 * epochs
    optimization = config.train.model_copy(update={"epochs": count})
    # With word vectors few words are unknown, and dropping rare ones did not help on dev.
    changes = {"rare_word_dropout": None} if has_vectors else {}
    chosen = config.model.model_copy(update=changes)
    inputs = {"": config.model.model_copy(update=OFF), ", features": chosen}
    for kind, groups in {"single": [(task,) for task in TASKS], "hard": [TASKS]}.items():
        for label, model in inputs.items():
            if (name := f"{kind}{label}") not in known:
                trained = train_own(corpus, model, optimization, groups, seed, limit)
                yield Outcome(name, has_vectors, seed, trained)


def show(outcomes: list[Outcome], console: Console) -> None:
    """For each system the test scores of each seed and their mean, dev scores, processor seconds and epochs."""
    table = Table(title="Test scores (dev scores), mean over seeds, and each seed", title_justify="left")
    for column in ("", "vectors", *TASKS, *(f"{task}, each seed" for task in TASKS), "CPU s", "epochs"):
        table.add_column(column, justify="right" if column not in ("", "vectors") else "left")
    for vectors in (False, True):
        matching = [outcome for outcome in outcomes if outcome.vectors == vectors]
        for name in dict.fromkeys(outcome.system for outcome in matching):
            trainings = [outcome.trained for outcome in matching if outcome.system == name]
            means = [
                f"{np.mean([one.test[task] for one in trainings]):.2f} "
                f"({np.mean([one.dev[task] for one in trainings]):.2f})"
                for task in TASKS
            ]
            each = [" ".join(f"{one.test[task]:.2f}" for one in trainings) for task in TASKS]
            spent = (
                f"{np.median([one.seconds for one in trainings]):.0f}",
                f"{np.median([o.epochs for o in trainings]):.0f}",
            )
            table.add_row(name, "yes" if vectors else "no", *means, *each, *spent)
    console.print(table)


def read(path: Path) -> list[Outcome]:
    """The outcomes in a file; none if it does not exist."""
    values = json.loads(path.read_text(encoding="utf-8")) if path.exists() else []
    return [Outcome(**{**one, "trained": Trained(**one["trained"])}) for one in values]


def run(
    output: Path, seeds: tuple[int, ...], console: Console, sentences: int = SENTENCES, epochs: int = EPOCHS
) -> None:
    """Measure what is missing, print each outcome, and write all of them to `peers.json` after each."""
    source = data.real_corpus()
    if source is None:
        raise SystemExit("SPARSE_SHARING_DATA must be a folder with conll03/train.txt, dev.txt and test.txt")
    vectors = source.parent / VECTORS
    output.mkdir(parents=True, exist_ok=True)
    path = output / "peers.json"
    outcomes = read(path)
    for seed in seeds:
        for vector_file in (None, vectors) if vectors.exists() else (None,):
            corpus = Corpus.read(source, output, sentences, vector_file)
            known = {
                one.system: one.trained
                for one in outcomes
                if (one.vectors, one.seed) == (vector_file is not None, seed)
            }
            for outcome in measure(corpus, seed, epochs, known):
                outcomes.append(outcome)
                values = json.dumps([asdict(one) for one in outcomes], indent=1)
                path.write_text(values + "\n", encoding="utf-8")
                trained = outcome.trained
                scored = ", ".join(f"{task} {trained.test[task]:.2f} (dev {trained.dev[task]:.2f})" for task in TASKS)
                used = f"{trained.epochs} epochs, {trained.seconds:.0f} CPU s"
                with_vectors = ", vectors" if outcome.vectors else ""
                console.print(f"{outcome.system}{with_vectors}, seed {seed}: {scored}; {used}")
    show(outcomes, console)
