"""The typed configuration: every key a user may write, with its type, bounds, default and meaning.

The JSON schema under `workflow/schemas/` is generated from these classes; a test compares the two.
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
    """Multi-task warm-up: dense training on all tasks, which gives theta(w)."""

    epochs: int = Field(default=20, ge=1)
    """w, the passes over the training data; the weights after them are the start of pruning and training."""
    patience: None = None
    """None: a warm-up has a fixed length."""
    tasks: list[Name] | None = Field(default=None, min_length=1)
    """The tasks that the warm-up trains; none: all. A task that is not named here can be added to a finished run
    without another warm-up; its head starts from initial weights."""


class MeasureAffinity(Section):
    """How often the affinity of tasks is measured, and on how many sentences (Fifty et al. 2021)."""

    sentences: int = Field(default=64, ge=1)
    """Training sentences of each task, the same after every epoch."""
    every: int = Field(default=1, ge=1)
    """The number of epochs between measurements; the first is after the first epoch."""

    def is_due(self, epoch: int) -> bool:
        """Whether to measure after an epoch; epochs count from 1."""
        return (epoch - 1) % self.every == 0


class Train(Optimization):
    """The training of the systems that are compared: the same optimizer settings and the same budget for all."""

    epochs: int = Field(default=30, ge=1)
    """The budget of each system: passes over the training data, including those of the warm-up that it starts from."""
    systems: list[System] = Field(min_length=1)
    """The systems that are compared: each is a way of sharing with its keys."""
    learning_rates: list[Annotated[float, Field(gt=0)]] | None = Field(default=None, min_length=2)
    """Train every model with each of these rates instead of learning_rate, and keep the training with the best dev
    score, the mean over its tasks; the first of equal ones is kept. none: learning_rate only."""
    measure_conflict: int | None = Field(default=None, ge=1)
    """A diagnostic of joint systems that train one encoder: after every epoch, compare the gradients of each pair of
    tasks on this many training sentences of each task. It changes no result, and takes about as long as training on
    them."""
    measure_affinity: MeasureAffinity | None = None
    """A diagnostic of joint systems that train one encoder: after epochs, try a step of each task on some training
    sentences, record how it changes the loss of each task, and undo it. It changes no result. `{}`: with the
    defaults."""

    @model_validator(mode="after")
    def check(self) -> "Train":
        """Check that systems have distinct names, and that no learning rate occurs twice."""
        rates = self.learning_rates or []
        if repeated := [rate for rate in rates if rates.count(rate) > 1]:
            raise ValueError(f"learning_rates: duplicate value {repeated[0]:g}")
        refuse_duplicates("systems", [system.name for system in self.systems])
        return self


class Evaluate(Section):
    """How trained models are applied to the test text."""

    batch_size: int = Field(default=128, ge=1)
    """Sentences in a batch."""


class Tables(Section):
    """How results are compared and presented."""

    baseline: Name = "single"
    """The system that all others are compared with."""
    comparisons: list[Name | Annotated[list[Name], Field(min_length=2, max_length=2)]] | None = Field(
        default=None, min_length=1
    )
    """Which systems are tested against which: a name tests every other system against it, [a, b] tests a against b.
    null: every system against the baseline, and sparse systems against one with hard sharing."""
    paper_notes: list[str] | None = None
    """Known deviations of this run from the paper, shown with the comparison to the paper's figures."""


class Config(Section):
    """A run: all its results are under results/{run}/."""

    run: Name
    """The name of the run."""
    data_root: Source = "."
    """Folder at which relative paths in `data` start; itself relative to the folder of this file."""
    seeds: list[Annotated[int, Field(ge=0, lt=2**31)]] = Field(default=[1], min_length=1)
    """Seeds; each gives a full repetition, from the initial weights to the test scores."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """Where networks are trained; auto uses a GPU if there is one."""
    data: Data
    download: list[Download] = Field(default=[])
    """Files that are downloaded if they are missing; an existing file is never downloaded again or replaced."""
    model: ConfiguredEncoder = BiLstm()
    """The encoder that tasks share, and the heads on it."""
    warmup: Warmup = Warmup()
    prune: Prune = Field(default={}, validate_default=True)
    prunings: dict[Name, Prune] = Field(default={})
    """Further prunings by name, each with the keys of `prune`; a choice uses the masks of one with its key
    `pruning`."""
    select: Select = Select()
    train: Train
    evaluate: Evaluate = Evaluate()
    tables: Tables = Tables()
    replicate: Replicate = Replicate()

    @model_validator(mode="after")
    def check(self) -> "Config":
        """Check that names refer to something that exists, and that values given per task are given for every task."""
        self._check_heads_have_tasks()
        self._check_warmup_tasks()
        self._check_activation_checkpointing()
        if repeated := duplicates(self.seeds):
            raise ValueError(f"seeds: duplicate value {repeated[0]}")
        if repeated := duplicates([source.path for source in self.download]):
            raise ValueError(f"download: duplicate path {repeated[0]}")
        if self.data.vectors is not None and not self.model.vector_width:
            raise ValueError(f"data.vectors: encoder '{self.model.kind}' uses no word vectors; leave the key out")
        systems = [system.name for system in self.train.systems]
        entries = self.tables.comparisons or []
        compared = [name for entry in entries for name in ([entry] if isinstance(entry, str) else entry)]
        named = {"baseline": [self.tables.baseline], "comparisons": compared}
        for key in self.tables.model_fields_set & set(named):
            if unknown := [name for name in named[key] if name not in systems]:
                raise ValueError(f"tables.{key}: there is no system '{unknown[0]}'; known: {', '.join(systems)}")
        if same := [entry[0] for entry in entries if not isinstance(entry, str) and entry[0] == entry[1]]:
            raise ValueError(f"tables.comparisons: '{same[0]}' cannot be tested against itself")
        choices = {choice.name: choice for choice in self.select.choices}
        tasks = {dataset.name: [task.name for task in dataset.tasks] for dataset in self.data.datasets}
        for system in self.train.systems:
            if system.choice is not None and system.choice not in choices:
                choice_names = ", ".join(choices) or "none"
                raise ValueError(
                    f"train.systems: '{system.name}' names the choice '{system.choice}'; known: {choice_names}"
                )
            try:
                self.model.check_system(system.sharing, system.layers)
            except ValueError as error:
                raise ValueError(f"train.systems: '{system.name}': {error}") from error
            system.check_fit(self.model.depth, tasks)
            system.check_systems({other.name: other for other in self.train.systems}, tasks)
            system.trained_epochs(self.train.epochs, self.warmup.epochs)
        if again := [name for name, pruning in self.prunings.items() if pruning.self_overlap]:
            raise ValueError(f"prunings.{again[0]}: self_overlap is a key of the section prune only; leave it out")
        for choice in choices.values():
            self._check_tasks_named(choice)
            self._check_dev_may_choose(choice)
            self._check_pruning(choice)
        return self

    def pruning_of(self, choice: Choice) -> Prune:
        """The pruning that a choice takes its masks from."""
        return self.prune if choice.pruning is None else self.prunings[choice.pruning]

    def _check_pruning(self, choice: Choice) -> None:
        """Check that the pruning of a choice exists, has the rounds that the choice names, and scores those it
        compares.
        """
        if choice.pruning is not None and choice.pruning not in self.prunings:
            pruning_names = ", ".join(self.prunings) or "none"
            raise ValueError(
                f"select.choices: '{choice.name}' names the pruning '{choice.pruning}'; known: {pruning_names}"
            )
        pruning = self.pruning_of(choice)
        wanted = choice.rounds.values() if isinstance(choice.rounds, dict) else [choice.rounds or 0]
        wanted = [*wanted, *(choice.budget.rounds or ())]
        if max(wanted) > pruning.last_round:
            raise ValueError(
                f"select.choices: '{choice.name}' asks for round {max(wanted)}, but the last round is "
                f"{pruning.last_round}"
            )
        if choice.rule == "best_dev" and not pruning.SCORES_ROUNDS:
            raise ValueError(
                f"select.choices: '{choice.name}' with rule 'best_dev' compares dev scores of rounds, and a pruning "
                f"with source '{pruning.source}' has none; use rule target_density or rounds"
            )

    def _check_heads_have_tasks(self) -> None:
        switches = [self.replicate, *(system.replicate for system in self.train.systems if system.replicate)]
        heads = {self.model.head_of(task.name) for dataset in self.data.datasets for task in dataset.tasks}
        if "crf" not in heads and any(switch.crf_loss_per_sentence for switch in switches):
            raise ValueError(
                "replicate.crf_loss_per_sentence: no task has a CRF head; set model.head, or leave the switch out"
            )
        task_names = {task.name: None for dataset in self.data.datasets for task in dataset.tasks}
        if isinstance(self.model.head, dict) and (
            unknown := [task for task in self.model.head if task not in task_names]
        ):
            raise ValueError(f"model.head: there is no task '{unknown[0]}'; known: {', '.join(task_names)}")
        for dataset in self.data.datasets:
            for task in dataset.tasks:
                if task.missing and HEADS[kind := self.model.head_of(task.name)].needs_every_tag:
                    raise ValueError(
                        f"model.head: head '{kind}' needs a tag on every token, but task "
                        f"'{task.name}' has missing: skip"
                    )

    def _check_activation_checkpointing(self) -> None:
        sections = {"warmup": self.warmup, "prune": self.prune, "train": self.train}
        sections |= {f"prunings.{name}": section for name, section in self.prunings.items()}
        used = [name for name, section in sections.items() if section.activation_checkpointing]
        if used and not self.model.checkpoints_activations:
            raise ValueError(
                f"{used[0]}.activation_checkpointing: not possible with encoder '{self.model.kind}'; leave it out"
            )

    def _check_warmup_tasks(self) -> None:
        """Check that the warm-up names tasks that exist, and at least one of each dataset."""
        named = self.warmup.tasks
        if named is None:
            return
        if repeated := duplicates(named):
            raise ValueError(f"warmup.tasks: duplicate value '{repeated[0]}'")
        task_names = {task.name: None for dataset in self.data.datasets for task in dataset.tasks}
        if unknown := [task for task in named if task not in task_names]:
            raise ValueError(f"warmup.tasks: there is no task '{unknown[0]}'; known: {', '.join(task_names)}")
        for dataset in self.data.datasets:
            if not {task.name for task in dataset.tasks} & set(named):
                raise ValueError(
                    f"warmup.tasks: no task of dataset '{dataset.name}' is named; name one, or leave the key out"
                )

    def _check_dev_may_choose(self, choice: Choice) -> None:
        """Check that rules that compare dev scores have tasks whose dev scores may choose; unused choices are not
        checked.
        """
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
