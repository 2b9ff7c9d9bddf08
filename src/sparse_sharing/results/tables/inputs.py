"""The inputs of the tables of a run: files of its jobs, and other tables; each is read on first use."""

import importlib
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import Any

import pandas as pd

from sparse_sharing.config.systems import rows_in_order
from sparse_sharing.errors import ArtifactError
from sparse_sharing.pipeline import layout
from sparse_sharing.pipeline.experiments import CONTROLS
from sparse_sharing.pipeline.specs import DIGITS_IN_TABLES, TablesSpec
from sparse_sharing.pipeline.tables import tables_of
from sparse_sharing.pipeline.tables.record import TableRecord
from sparse_sharing.results.tables.marks import marks
from sparse_sharing.results.tables.measured import Measured
from sparse_sharing.results.tables.scores import Order, read_all
from sparse_sharing.results.tables.self_overlap import SELECTION, Overlaps, self_overlaps
from sparse_sharing.results.tables.text_notes import text_notes
from sparse_sharing.storage.artifacts import load_json, load_tensors, parts_of, remedy, spec_digest

PRUNING = ("dataset", "seed", "start", "task")
"""The columns that identify a pruning."""


class RunInputs:
    """The inputs that the builders of tables read from a run.

    Attributes:
        spec: the spec of the tables.
        folder: the folder of the run.
        frames: the tables that have been made, by name.
    """

    def __init__(self, spec: TablesSpec, folder: Path) -> None:
        """Read nothing yet."""
        self.spec, self.folder = spec, folder
        self.frames: dict[str, pd.DataFrame] = {}
        self._selections: dict[str, pd.DataFrame] = {}

    def table(self, name: str) -> pd.DataFrame:
        """A table of the run without marks, made on first use."""
        if name not in self.frames:
            record = next(record for record in self.records if record.name == name)
            self.frames[name] = builder_of(record).build(self)
        return self.frames[name]

    def rows_of(self, name: str, dataset: str) -> pd.DataFrame:
        """The rows of a table on one dataset."""
        frame = self.table(name)
        return frame[frame["dataset"] == dataset]

    @cached_property
    def records(self) -> list[TableRecord]:
        """The tables of the run, in their order."""
        return tables_of(self.spec)

    @cached_property
    def systems(self) -> list[str]:
        """The systems in the order of tables: the baseline first, then in the paper's order, controls last."""
        facts, baseline = self.spec.facts, self.spec.baseline
        order = [*rows_in_order(), *CONTROLS]
        return sorted(facts, key=lambda name: (name != baseline, order.index(facts[name].kind), name))

    @property
    def order(self) -> Order:
        """The order of names in tables."""
        return {"dataset": sorted(self.spec.datasets), "system": self.systems, "task": []}

    def evaluated(self, name: str) -> list[Path]:
        """A file of the evaluation of every model, in the order of the spec."""
        pattern = f"{layout.EVALUATION}/{name}"
        return [
            layout.below(self.folder, pattern, dataset=dataset, seed=seed, system=system, model=model)
            for dataset, seed, system, model in self.spec.models()
        ]

    @cached_property
    def metrics(self) -> list[Path]:
        """The scores of every model."""
        return self.evaluated("metrics.json")

    @cached_property
    def sentences(self) -> list[Path]:
        """The counts of each test sentence of every model."""
        return self.evaluated("sentences.safetensors")

    @cached_property
    def scores(self) -> list[dict[str, Any]]:
        """The tasks of all models, as `scores.read_all` returns them."""
        return read_all(self.metrics)

    @cached_property
    def marks(self) -> pd.DataFrame:
        """The marks of all models, as `marks.marks` returns them."""
        return marks(self.scores, self.selections("choice"), self.spec.facts)

    @cached_property
    def measured(self) -> Measured:
        """The data for the tables of experiments."""
        spec = self.spec
        return Measured(self.table("results"), self.table("overlap"), spec.facts, spec.datasets, spec.paper or {})

    @cached_property
    def notes(self) -> Mapping[str, Sequence[str]]:
        """For each dataset notes on its text that matter for its scores."""
        return {name: text_notes(prepared(self.folder, name), tasks) for name, tasks in self.spec.datasets.items()}

    def selections(self, name: str) -> pd.DataFrame:
        """The tables `choice` or `overlap` of all selections, concatenated, with the selection in the first columns.

        Numbers stay text, as written.
        """
        if name not in self._selections:
            self._selections[name] = _gathered(self.folder, f"{layout.SELECT}/{name}.csv", self.spec.selections())
        return self._selections[name]

    @cached_property
    def self_overlaps(self) -> Overlaps:
        """How much the chosen masks overlap with those of a second pruning, by selection and task."""
        return self_overlaps(self.folder, self.selections("choice"), self.spec.self_overlap or [])

    @cached_property
    def prunings(self) -> pd.DataFrame:
        """The rounds of all prunings, concatenated, with the pruning in the first columns."""
        frames = []
        for values in self.spec.prunings():
            identity = dict(zip(PRUNING, values, strict=True))
            path = layout.below(self.folder, f"{layout.PRUNE}/masks.safetensors", **identity)
            # Not from rounds.csv: its seconds differ between equal runs.
            artifact = load_tensors(path, "masks")
            with parts_of(path):
                rounds = pd.DataFrame(artifact.details["rounds"])
                frames.append(rounds.astype({"round": int, "density": float, "dev_score": float}).assign(**identity))
        if not frames:
            return pd.DataFrame(columns=[*PRUNING, "round", "density"])
        return _in_front(PRUNING, pd.concat(frames, ignore_index=True))

    def check(self) -> None:
        """Check that every result was made with the settings of this run.

        Raises:
            ArtifactError: A result is missing, damaged, or made with other settings.
        """
        for index, (path, beside) in enumerate(zip(self.metrics, self.sentences, strict=True)):
            expected = self.spec.metrics[index * DIGITS_IN_TABLES : (index + 1) * DIGITS_IN_TABLES]
            actual = spec_digest(load_json(path, "metrics").spec)
            if not actual.startswith(expected):
                raise ArtifactError(
                    f"{path}: was made with other settings (spec {actual}, this run expects {expected}...). "
                    f"Use the configuration that it was made with. Otherwise: {remedy(path)}"
                )
            load_tensors(beside, "sentences", actual)


def builder_of(record: TableRecord) -> ModuleType:
    """The module that makes a table.

    It has a function `build(run) -> DataFrame`, and may have:

    - `section(run, dataset, markup) -> Section | None`: a part of `summary.md` and `summary.tex` on a dataset;
    - `documents(run) -> Mapping[str, str]`: the texts of its further files by ending;
    - `chart(frame) -> Chart`: its figure, from the table as it was written;
    - `on_page(frame) -> DataFrame`: the rows that the page shows, if not all.
    """
    return importlib.import_module(record.module)


def prepared(run_folder: Path, dataset: str) -> Path:
    """The folder of the prepared text of a dataset."""
    return layout.below(run_folder, layout.DATA, dataset=dataset)


def _gathered(run_folder: Path, pattern: str, jobs: Sequence[tuple[object, ...]]) -> pd.DataFrame:
    """The tables of selections, concatenated, each with the identity of its selection in the first columns."""
    frames = []
    for values in jobs:
        identity: dict[str, Any] = dict(zip(SELECTION, values, strict=True))
        path = layout.below(run_folder, pattern, **identity)
        try:
            frames.append(pd.read_csv(path, dtype=str, keep_default_na=False).assign(**identity))
        except (OSError, ValueError) as error:
            raise ArtifactError(f"{path}: is missing or damaged ({error}). {remedy(path)}") from error
    if not frames:
        return pd.DataFrame(columns=list(SELECTION))
    return _in_front(SELECTION, pd.concat(frames, ignore_index=True).fillna(""))


def _in_front(keys: Sequence[str], frame: pd.DataFrame) -> pd.DataFrame:
    """A table with some columns first."""
    return frame[[*keys, *(column for column in frame.columns if column not in keys)]]
