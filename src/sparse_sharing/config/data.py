"""The section `data` of the configuration, and the section `download` with sources of its files."""

import re
from collections.abc import Mapping
from typing import Literal

from pydantic import Field, model_validator

from sparse_sharing.config.corpora import DEMO, Corpus, Task
from sparse_sharing.config.section import Name, Section, Source, refuse_duplicates

RESERVED_DATASETS = ("demo", "tables", "specs", "logs", "benchmarks", "figures")
"""Folders of a run beside those of its datasets."""


SAME = ("model_scheme", "metric", "choose_on_dev", "sampling_weight", "loss_weight", "derive")
"""The keys of a task that must be equal in all corpora that have the task."""


class Dataset(Section):
    """The tasks that are trained together, on one corpus or on several."""

    name: Name
    corpora: list[Corpus] = Field(min_length=1)
    paper: Literal["exp1", "exp2", "exp3", "negative_transfer"] | None = None
    """The experiment of the paper whose figures the tables show beside those measured; its tasks are pos, chunk, ner,
    position."""

    @model_validator(mode="after")
    def check(self) -> "Dataset":
        """Check that corpora, and tasks of a corpus, have distinct names, and that each task has test text and one
        meaning.
        """
        refuse_duplicates("corpora", [corpus.name for corpus in self.corpora])
        for corpus in self.corpora:
            refuse_duplicates("tasks", [task.name for task in corpus.tasks])
        refuse_duplicates("tasks", list(dict.fromkeys(task.name for corpus in self.corpora for task in corpus.tasks)))
        for task in self.tasks:
            _require_one_meaning(task.name, {corpus.name: entry for corpus, entry in self.sources(task.name)})
        for corpus in self.corpora:
            self._require_test(corpus)
        return self

    @property
    def tasks(self) -> list[Task]:
        """The tasks of all corpora, in the order of the configuration; for a task of several corpora, its first
        entry.
        """
        first: dict[str, Task] = {}
        for task in (task for corpus in self.corpora for task in corpus.tasks):
            first.setdefault(task.name, task)
        return list(first.values())

    def sources(self, task: str) -> list[tuple[Corpus, Task]]:
        """The corpora that have a task, each with its entry for the task, in the order of the configuration."""
        return [(corpus, entry) for corpus in self.corpora for entry in corpus.tasks if entry.name == task]

    def _require_test(self, corpus: Corpus) -> None:
        """Raise ValueError if a corpus has no test text and one of its tasks has none in any other corpus."""
        for task in corpus.tasks:
            if not any("test" in other.splits for other, _ in self.sources(task.name)):
                raise ValueError(
                    f"corpus '{corpus.name}': test is required: a file, or split: 80/10/10 to cut one off; no other "
                    f"corpus of the dataset has test text of task '{task.name}'"
                )


def _require_one_meaning(task: str, sources: Mapping[str, Task]) -> None:
    """Raise ValueError if corpora give one task different values of a key that must be equal."""
    (first, one), *others = sources.items()
    for corpus, other in others:
        for key in SAME:
            attribute = "trained_scheme" if key == "model_scheme" else key
            values = getattr(one, attribute), getattr(other, attribute)
            if values[0] != values[1]:
                raise ValueError(
                    f"task '{task}' is in the corpora '{first}' and '{corpus}', whose {key} differ: {values[0]} and "
                    f"{values[1]}. Sentences of one task must have the same {key}: set it in both, or rename one task"
                )


class Download(Section):
    """Where to download a file of `data` that is missing."""

    path: Source = Field(min_length=1)
    """The path of the file as in `data`, below data_root."""
    url: str
    """Its address, http or https."""
    member: str | None = Field(default=None, min_length=1)
    """The name of the file within a zip archive, if url is the address of an archive."""
    sha256: str | None = None
    """The checksum of the file; none: any file is accepted, and its checksum is written to the log."""

    @model_validator(mode="after")
    def check(self) -> "Download":
        """Check that the address is http or https, that the checksum is valid, and that no generated file is
        downloaded.
        """
        if self.path.startswith(DEMO):
            raise ValueError(f"'{self.path}' is a generated demo file, which cannot be downloaded; remove this entry")
        if self.path.startswith("/") or ".." in self.path.split("/"):
            raise ValueError(f"path '{self.path}' must stay below data_root")
        if not re.fullmatch(r"https?://[^\s/]+/\S*", self.url):
            raise ValueError(f"url '{self.url}' must start with http:// or https://")
        if self.sha256 is not None and not re.fullmatch("[0-9a-f]{64}", self.sha256):
            raise ValueError(f"sha256 '{self.sha256}' must be 64 digits from 0 to 9 and a to f")
        return self


class DemoSize(Section):
    """The size of the generated demo corpora."""

    train: int = Field(default=700, ge=10)
    """Training sentences of each file."""
    dev: int = Field(default=200, ge=5)
    """Dev sentences of each file."""
    test: int = Field(default=300, ge=5)
    """Test sentences of each file."""
    seed: int = Field(default=1, ge=0)
    """Seed of the sentences."""


class Data(Section):
    """The text that is read, and how words and characters are encoded."""

    datasets: list[Dataset] = Field(min_length=1)
    vectors: Source | None = None
    """Word vectors in GloVe or word2vec text format, plain or gzip; none: word vectors start at random."""
    lowercase: bool = True
    """Look words up in lower case. Characters keep their case."""
    minimum_word_count: int = Field(default=1, ge=1)
    """A training word that occurs less often, and has no vector, is unknown."""
    minimum_character_count: int = Field(default=2, ge=1)
    """A character that occurs less often in the training text is unknown."""
    maximum_characters: int = Field(default=50, ge=1, le=1000)
    """The character network reads only this many leading characters of a word."""
    demo: DemoSize = DemoSize()
    """The size of the demo corpora, used if a path begins with `demo:`."""

    @model_validator(mode="after")
    def check(self) -> "Data":
        """Check that datasets have distinct names that are not reserved."""
        refuse_duplicates("datasets", [dataset.name for dataset in self.datasets])
        for dataset in self.datasets:
            if dataset.name.lower() in RESERVED_DATASETS:
                raise ValueError(
                    f"'{dataset.name}' is a reserved name, that of a folder of every run; rename the dataset"
                )
        return self
