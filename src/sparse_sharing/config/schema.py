"""The typed configuration: every key a user may write, with its type, bounds, default and meaning.

The JSON schema under `workflow/schemas/` is generated from these classes; a test holds the two together.
"""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from sparse_sharing.config.corpora import DEMO as DEMO
from sparse_sharing.config.corpora import DEMO_FILES as DEMO_FILES
from sparse_sharing.config.corpora import SHARED as SHARED
from sparse_sharing.config.corpora import SPLITS as SPLITS
from sparse_sharing.config.corpora import Corpus as Corpus
from sparse_sharing.config.corpora import Format as Format
from sparse_sharing.config.corpora import Scheme as Scheme
from sparse_sharing.config.corpora import Task as Task
from sparse_sharing.config.corpora import cannot_choose
from sparse_sharing.config.data import RESERVED_DATASETS as RESERVED_DATASETS
from sparse_sharing.config.data import Data as Data
from sparse_sharing.config.data import Dataset as Dataset
from sparse_sharing.config.data import DemoSize as DemoSize
from sparse_sharing.config.data import Download as Download
from sparse_sharing.config.encoders.base import ConfiguredEncoder
from sparse_sharing.config.encoders.bilstm import BiLstm
from sparse_sharing.config.heads import HEADS
from sparse_sharing.config.optimization import Optimization as Optimization
from sparse_sharing.config.prune import Prune
from sparse_sharing.config.replicate import Replicate
from sparse_sharing.config.section import Name, Section, Source, duplicates, refuse_duplicates
from sparse_sharing.config.select import Choice as Choice
from sparse_sharing.config.select import Select as Select
from sparse_sharing.config.systems import System

GRAMMAR_VERSION = 1
"""Version of the grammar and lexicon that the demo corpora are drawn from; part of the spec of the demo stage."""


class Warmup(Optimization):
    """Multi-task warm-up: dense training on all tasks that gives theta(w)."""

    epochs: int = Field(default=20, ge=1)
    """w, the passes before the weights are kept as the start of what follows."""
    patience: None = None
    """A warm-up has a fixed length."""
    tasks: list[Name] | None = Field(default=None, min_length=1)
    """The tasks that the warm-up trains; none: all. A task that is not named here can be added to a finished run
    without another warm-up; its head starts from its first weights."""


class MeasureAffinity(Section):
    """On how much text, and how often, the affinity of tasks is measured (Fifty et al. 2021)."""

    sentences: int = Field(default=64, ge=1)
    """Training sentences of each task, the same after every epoch."""
    every: int = Field(default=1, ge=1)
    """Measure after the first epoch, and after each so many epochs from there on."""

    def is_due(self, epoch: int) -> bool:
        """Whether to measure after an epoch; epochs count from 1."""
        return (epoch - 1) % self.every == 0


class Train(Optimization):
    """The training of the systems that are compared: one optimizer set-up and one budget for all."""

    epochs: int = Field(default=30, ge=1)
    """The budget of each system: passes over the training data, those of the warm-up that it starts from included."""
    systems: list[System] = Field(min_length=1)
    """What is compared: each system is a way of sharing with its keys."""
    learning_rates: list[Annotated[float, Field(gt=0)]] | None = Field(default=None, min_length=2)
    """Train every model with each of these rates, in place of learning_rate, and keep the training with the best dev
    score, the mean over its tasks; none: learning_rate only. Of equal scores the first rate counts."""
    measure_conflict: int | None = Field(default=None, ge=1)
    """A diagnostic of joint systems with one encoder: compare the gradients of each two tasks after every epoch, on as
    many training sentences of each task. It changes nothing else, and takes about as long as training on them."""
    measure_affinity: MeasureAffinity | None = None
    """A diagnostic of joint systems with one encoder: how a step of each task changes the loss of each other, tried on
    some sentences after epochs and taken back. It changes nothing else. `{}`: with its defaults."""

    @model_validator(mode="after")
    def check(self) -> "Train":
        """No two systems of one name, and no learning rate twice."""
        rates = self.learning_rates or []
        if repeated := [rate for rate in rates if rates.count(rate) > 1]:
            raise ValueError(f"learning_rates: duplicate value {repeated[0]:g}")
        refuse_duplicates("systems", [system.name for system in self.systems])
        return self


class Evaluate(Section):
    """How trained models are applied to the test text."""

    batch_size: int = Field(default=128, ge=1)
    """Sentences that are tagged together."""


class Tables(Section):
    """How results are laid out."""

    baseline: Name = "single"
    """The system that the others are compared with."""
    comparisons: list[Name | Annotated[list[Name], Field(min_length=2, max_length=2)]] | None = Field(
        default=None, min_length=1
    )
    """Which systems are tested against which: a name tests every other system against it, [a, b] tests a against b.
    null: every system against the baseline, and sparse systems against one with hard sharing."""
    paper_notes: list[str] | None = None
    """What differs from the paper in this run, shown where its figures stand beside ours."""


class Config(Section):
    """A run: everything it makes lies under results/{run}/."""

    run: Name
    """The name of the run."""
    data_root: Source = "."
    """Folder that relative paths in `data` start from; relative itself to the folder of this file."""
    seeds: list[Annotated[int, Field(ge=0, lt=2**31)]] = Field(default=[1], min_length=1)
    """Each seed is a full repetition, from the initial weights to the test scores."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """Where networks are trained; auto takes a GPU if there is one."""
    data: Data
    download: list[Download] = Field(default=[])
    """Files that are fetched where the user's are missing; a file that is there is never fetched or replaced."""
    model: ConfiguredEncoder = BiLstm()
    """The encoder that tasks share, and the heads on it."""
    warmup: Warmup = Warmup()
    prune: Prune = Field(default={}, validate_default=True)
    prunings: dict[Name, Prune] = Field(default={})
    """Further prunings by name, each with the keys of `prune`; a choice takes its masks from one with `pruning`."""
    select: Select = Select()
    train: Train
    evaluate: Evaluate = Evaluate()
    tables: Tables = Tables()
    replicate: Replicate = Replicate()

    @model_validator(mode="after")
    def check(self) -> "Config":
        """Names that refer to something exist; masks chosen per task name every task."""
        self._check_heads_have_tasks()
        self._check_warmup_tasks()
        if repeated := duplicates(self.seeds):
            raise ValueError(f"seeds: {repeated[0]} stands there twice")
        if repeated := duplicates([source.path for source in self.download]):
            raise ValueError(f"download: {repeated[0]} stands there twice")
        if self.data.vectors is not None and not self.model.vector_width:
            raise ValueError(f"data.vectors: encoder '{self.model.kind}' reads no word vectors; leave the key out")
        systems = [system.name for system in self.train.systems]
        entries = self.tables.comparisons or []
        compared = [name for entry in entries for name in ([entry] if isinstance(entry, str) else entry)]
        named = {"baseline": [self.tables.baseline], "comparisons": compared}
        for key in self.tables.model_fields_set & set(named):
            if unknown := [name for name in named[key] if name not in systems]:
                raise ValueError(f"tables.{key}: no system is called '{unknown[0]}'; known: {', '.join(systems)}")
        if same := [entry[0] for entry in entries if not isinstance(entry, str) and entry[0] == entry[1]]:
            raise ValueError(f"tables.comparisons: '{same[0]}' cannot be tested against itself")
        choices = {choice.name: choice for choice in self.select.choices}
        tasks = {dataset.name: [task.name for task in dataset.tasks] for dataset in self.data.datasets}
        for system in self.train.systems:
            if system.choice is not None and system.choice not in choices:
                known = ", ".join(choices) or "none"
                raise ValueError(f"train.systems: '{system.name}' names the choice '{system.choice}'; known: {known}")
            try:
                self.model.check_system(system.sharing, system.layers)
            except ValueError as error:
                raise ValueError(f"train.systems: '{system.name}': {error}") from error
            system.check_fit(self.model.depth, tasks)
            system.check_systems({own.name: own for own in self.train.systems}, tasks)
            system.trained_epochs(self.train.epochs, self.warmup.epochs)
        if again := [name for name, own in self.prunings.items() if own.self_overlap]:
            raise ValueError(f"prunings.{again[0]}: self_overlap is a key of the section prune only; leave it out")
        for choice in choices.values():
            self._check_tasks_named(choice)
            self._check_dev_may_choose(choice)
            self._check_pruning(choice)
        return self

    def pruning_of(self, choice: Choice) -> Prune:
        """The pruning that the masks of a choice come from."""
        return self.prune if choice.pruning is None else self.prunings[choice.pruning]

    def _check_pruning(self, choice: Choice) -> None:
        """The pruning of a choice exists, has the rounds that the choice names, and scores those it compares."""
        if choice.pruning is not None and choice.pruning not in self.prunings:
            known = ", ".join(self.prunings) or "none"
            raise ValueError(f"select.choices: '{choice.name}' names the pruning '{choice.pruning}'; known: {known}")
        pruning = self.pruning_of(choice)
        wanted = choice.rounds.values() if isinstance(choice.rounds, dict) else [choice.rounds or 0]
        wanted = [*wanted, *(choice.budget.rounds or ())]
        if max(wanted) > pruning.last_round:
            raise ValueError(f"select.choices: '{choice.name}' wants round {max(wanted)} of {pruning.last_round}")
        if choice.rule == "best_dev" and not pruning.SCORES_ROUNDS:
            raise ValueError(
                f"select.choices: '{choice.name}' with rule 'best_dev' compares dev scores of rounds, and a pruning "
                f"with source '{pruning.source}' has none; take rule target_density or rounds"
            )

    def _check_heads_have_tasks(self) -> None:
        switches = [self.replicate, *(system.replicate for system in self.train.systems if system.replicate)]
        heads = {self.model.head_of(task.name) for dataset in self.data.datasets for task in dataset.tasks}
        if "crf" not in heads and any(own.crf_loss_per_sentence for own in switches):
            raise ValueError("replicate.crf_loss_per_sentence: no task has a CRF head; set model.head, or leave it out")
        known = {task.name: None for dataset in self.data.datasets for task in dataset.tasks}
        if isinstance(self.model.head, dict) and (unknown := [task for task in self.model.head if task not in known]):
            raise ValueError(f"model.head: there is no task '{unknown[0]}'; known: {', '.join(known)}")
        for dataset in self.data.datasets:
            for task in dataset.tasks:
                if task.missing and HEADS[kind := self.model.head_of(task.name)].needs_every_tag:
                    raise ValueError(f"model.head: a {kind} needs every tag, but task '{task.name}' has missing: skip")

    def _check_warmup_tasks(self) -> None:
        """The warm-up names tasks that exist, and one of each dataset."""
        named = self.warmup.tasks
        if named is None:
            return
        if repeated := duplicates(named):
            raise ValueError(f"warmup.tasks: duplicate value '{repeated[0]}'")
        known = {task.name: None for dataset in self.data.datasets for task in dataset.tasks}
        if unknown := [task for task in named if task not in known]:
            raise ValueError(f"warmup.tasks: there is no task '{unknown[0]}'; known: {', '.join(known)}")
        for dataset in self.data.datasets:
            if not {task.name for task in dataset.tasks} & set(named):
                raise ValueError(f"warmup.tasks: names no task of dataset '{dataset.name}'; name one, or leave it out")

    def _check_dev_may_choose(self, choice: Choice) -> None:
        """Rules that compare dev scores need tasks whose dev text may choose; an unused choice is not made."""
        used = {system.choice for system in self.train.systems}
        if choice.rule not in ("best_dev", "search") or choice.name not in used:
            return
        for dataset in self.data.datasets:
            if unchosen := [task.name for task in dataset.tasks if not task.choose_on_dev]:
                raise ValueError(f"select.choices: '{choice.name}' with {cannot_choose(unchosen[0])}")

    def _check_tasks_named(self, choice: Choice) -> None:
        for key in ("target_density", "rounds"):
            named = getattr(choice, key)
            if not isinstance(named, dict):
                continue
            for dataset in self.data.datasets:
                if missing := [task.name for task in dataset.tasks if task.name not in named]:
                    raise ValueError(
                        f"select.choices: '{choice.name}' gives no {key} for {', '.join(missing)} of '{dataset.name}'"
                    )
