"""The stages of a tiny configuration, run one after the other as the workflow does; done once, copied by many tests."""

import copy
import json
import shutil
from pathlib import Path

import pytest
from preparing import prepare_all

from sparse_sharing.config import parse_config
from sparse_sharing.pipeline import Specs, layout
from sparse_sharing.pipeline.pretrained import pretrained_folder
from sparse_sharing.pipeline.specs import MergeSpec
from sparse_sharing.stages import evaluate, figures, merge, prune, search, select, tables, train, warmup
from sparse_sharing.storage.artifacts import write_text
from sparse_sharing.text.demo.corpora import generate
from sparse_sharing.text.summary import read_summary

SENTENCES = {"train": 40, "dev": 10, "test": 10}
TASKS = ("chunk", "ner", "pos")
OPTIMIZER = {"optimizer": "adam", "learning_rate": 0.05, "batch_size": 4}
EPOCHS = 5
"""Of the joint training: enough to find some names."""

VALUES = {
    "run": "tiny",
    "device": "cpu",
    "data": {
        "datasets": [
            {
                "name": "joint",
                "corpora": [
                    {
                        "name": "text",
                        **{split: f"{split}.txt" for split in SENTENCES},
                        "tasks": [
                            {"name": "pos", "column": 1},
                            {"name": "chunk", "column": 2, "scheme": "iob2"},
                            {"name": "ner", "column": 3, "scheme": "iob2", "model_scheme": "bioes"},
                        ],
                    }
                ],
            }
        ]
    },
    "model": {"word_dimension": 8, "character_dimension": 4, "character_filters": 5, "hidden": 6, "dropout": 0.1},
    "warmup": {**OPTIMIZER, "epochs": 1},
    # three rounds that keep a half, a quarter and an eighth
    "prune": {**OPTIMIZER, "rounds": 3, "final_density": 0.125, "epochs": 1},
    "select": {
        "choices": [
            {"name": "half", "rule": "target_density", "target_density": 0.5},
            {"name": "whole", "rule": "rounds", "rounds": 0, "allow_dense": True},
        ]
    },
    "train": {
        **OPTIMIZER,
        "learning_rate": 0.1,
        "epochs": EPOCHS,
        "systems": [
            {"name": "single", "sharing": "single"},
            {"name": "hard", "sharing": "hard"},
            {
                "name": "sparse",
                "sharing": "sparse",
                "start": "warmup",
                "choice": "half",
                "epochs_after_start": EPOCHS,
            },
            {"name": "whole", "sharing": "sparse", "choice": "whole"},
        ],
    },
}


class Pipeline:
    """The stages of one configuration on the tiny demo corpus, with every file where the workflow has it.

    Each stage function returns the path of what it has written; `output` has it written elsewhere.
    """

    def __init__(self, folder: Path, values: dict) -> None:
        self.folder, self.values = folder, values
        self.config = parse_config(values)
        self.specs = Specs(self.config)

    def path(self, pattern: str, **identity: object) -> Path:
        """A path of the layout."""
        values = {"run": "tiny", "dataset": "joint", "seed": 1, **identity}
        return self.folder / pattern.format(**values)

    def model_folder(self, system: str = "sparse", model: str = "shared") -> Path:
        """The folder of a trained model."""
        return self.path(layout.MODEL, system=system, model=model)

    @property
    def data(self) -> Path:
        """The folder of the prepared text."""
        return self.path(layout.DATA)

    @property
    def files(self) -> dict:
        """The text files of each split by corpus."""
        return {split: {"text": self.folder / f"{split}.txt"} for split in SENTENCES}

    def weights(self, start: str) -> Path:
        """The starting weights."""
        return self.path(layout.START, start=start) / "weights.safetensors"

    def masks(self, task: str, start: str = "warmup") -> Path:
        """The masks of a task's pruning."""
        return self.path(layout.PRUNE, start=start, task=task) / "masks.safetensors"

    def prepare(self, output: Path | None = None, vectors: Path | None = None) -> Path:
        return prepare_all(self.specs, "joint", self.files, output or self.data, vectors)

    def summary(self) -> dict:
        """What the preparation has shown, of the text and of the tags of each task."""
        return read_summary(self.data, self.specs.tasks("joint"))

    def warm_up(self, start: str, output: Path | None = None) -> Path:
        output = output or self.weights(start)
        spec, pretrained = self.specs.warmup("joint", 1, start), pretrained_folder(self.config)
        texts = (self.data / name for name in ("vectors.safetensors", "train.safetensors", "dev.safetensors"))
        warmup.run(spec, self.data / "vocabulary.json", *texts, output, "cpu", pretrained)
        return output

    @property
    def texts(self) -> tuple[Path, Path, Path]:
        """Vocabulary, training and dev text: what every training reads."""
        return tuple(self.data / name for name in ("vocabulary.json", "train.safetensors", "dev.safetensors"))

    def prune(self, task: str, start: str = "warmup", output: Path | None = None) -> Path:
        output = output or self.path(layout.PRUNE, start=start, task=task)
        spec = self.specs.prune("joint", 1, start, task)
        prune.run(spec, *self.texts, self.weights(start), output, "cpu")
        return output

    def prune_named(self, pruning: str, task: str, start: str = "warmup", output: Path | None = None) -> Path:
        output = output or self.path(layout.PRUNE_NAMED, start=start, pruning=pruning, task=task)
        spec = self.specs.prune_named("joint", 1, start, pruning, task)
        prune.run(spec, *self.texts, self.weights(start), output, "cpu")
        return output

    def select(self, choice: str, start: str = "warmup", output: Path | None = None) -> Path:
        output = output or self.path(layout.SELECT, start=start, choice=choice)
        spec = self.specs.select("joint", 1, start, choice)
        pruning = spec.choice.pruning
        pattern = layout.PRUNE if pruning is None else layout.PRUNE_NAMED
        masks = {
            task: self.path(pattern, start=start, pruning=pruning, task=task) / "masks.safetensors"
            for task in spec.masks
        }
        found = None
        if spec.choice.rule == "search":
            found = self.search(choice, start) / "search.json"
        select.run(spec, masks, self.weights(start), output, search=found)
        return output

    def search(self, choice: str, start: str = "warmup", output: Path | None = None) -> Path:
        output = output or self.path(layout.SEARCH, start=start, choice=choice)
        spec = self.specs.search("joint", 1, start, choice)
        masks = {task: self.masks(task, start) for task in spec.masks}
        search.run(spec, masks, *self.texts, self.weights(start), output, "cpu")
        return output

    def selection(self, system: str) -> Path | None:
        """The masks that a system is trained with."""
        chosen = self.specs.systems[system]
        if chosen.choice is None:
            return None
        return self.path(layout.SELECT, start=chosen.start, choice=chosen.choice) / "masks.safetensors"

    def train(self, system: str, model: str = "shared", output: Path | None = None) -> Path:
        output = output or self.path(layout.MODEL, system=system, model=model)
        spec = self.specs.train("joint", 1, system, model)
        weights = self.weights(self.specs.start(system))
        if isinstance(spec, MergeSpec):
            base = self.specs.systems[system].merges
            models = {task: self.path(layout.MODEL, system=base, model=task) for task in spec.tasks}
            merge.run(spec, models, *self.texts, weights, output, "cpu")
            return output
        train.run(spec, *self.texts, weights, self.selection(system), output, "cpu")
        return output

    def evaluate(self, system: str, model: str = "shared", output: Path | None = None) -> Path:
        output = output or self.path(layout.EVALUATION, system=system, model=model)
        spec = self.specs.evaluate("joint", 1, system, model)
        folder = self.path(layout.MODEL, system=system, model=model)
        evaluate.run(spec, folder, self.data / "test.safetensors", output, "cpu")
        return output

    def tables(self, output: Path | None = None) -> Path:
        output = output or self.path(layout.TABLES)
        tables.run(self.specs.tables(), self.path(layout.RUN), output)
        return output

    def figures(self, output: Path | None = None) -> Path:
        output = output or self.path(layout.FIGURES)
        figures.run(self.specs.figures(), self.path(layout.TABLES), output)
        return output

    def run(self) -> "Pipeline":
        """All stages, from the text to the tables."""
        self.prepare()
        for start in self.specs.starts():
            self.warm_up(start)
        for _, _, start, task in self.specs.tables().prunings():
            self.prune(task, start)
        for _, _, start, pruning, task in self.specs.tables().prunings_named():
            self.prune_named(pruning, task, start)
        for start, choice in self.specs.tables().chosen:
            self.select(choice, start)
        for _, _, system, model in self.specs.tables().models():
            self.train(system, model)
            self.evaluate(system, model)
        self.tables()
        return self

    def details(self, path: Path) -> dict:
        """The details of a JSON artifact."""
        return json.loads(path.read_text(encoding="utf-8"))["details"]

    def changed(self, **sections: dict) -> "Pipeline":
        """The same folder under a configuration that differs in some values of some sections."""
        values = copy.deepcopy(self.values)
        for name, changes in sections.items():
            values[name] = {**values.get(name, {}), **changes}
        return Pipeline(self.folder, values)


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Pipeline:
    """The pipeline with its text prepared and nothing else; not to be changed."""
    folder = tmp_path_factory.mktemp("prepared")
    for name, text in generate("joint", SENTENCES, 1).items():
        write_text(folder / name, text)
    own = Pipeline(folder, VALUES)
    own.prepare()
    return own


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Pipeline:
    """The pipeline after all stages; not to be changed."""
    folder = tmp_path_factory.mktemp("finished")
    for name, text in generate("joint", SENTENCES, 1).items():
        write_text(folder / name, text)
    return Pipeline(folder, VALUES).run()


@pytest.fixture
def pipeline(finished: Pipeline, tmp_path: Path) -> Pipeline:
    """A copy of the finished pipeline, to be changed."""
    shutil.copytree(finished.folder, tmp_path / "copy")
    return Pipeline(tmp_path / "copy", VALUES)


@pytest.fixture
def unprepared(finished: Pipeline, tmp_path: Path) -> Pipeline:
    """Only the text files."""
    for split in SENTENCES:
        shutil.copy2(finished.folder / f"{split}.txt", tmp_path)
    return Pipeline(tmp_path, VALUES)
