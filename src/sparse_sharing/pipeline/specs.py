"""What each stage is to do: one typed spec per stage that holds just what the stage uses.

A spec is passed to its stage as canonical JSON, stored in every file the stage writes, and named by its digest in the
specs of the stages that read those files. So a file made under other settings is recognised wherever it comes from.
"""

import functools
from typing import Any, Literal

from pydantic import Field

from sparse_sharing.config.corpora import CorpusSpec, corpus_spec
from sparse_sharing.config.encoders.base import AnyEncoder, EncoderSection
from sparse_sharing.config.prune import Prune
from sparse_sharing.config.replicate import Switch, settings_of, switches_of
from sparse_sharing.config.schema import (
    GRAMMAR_VERSION,
    Choice,
    Config,
    Corpus,
    DemoSize,
    Optimization,
    Task,
)
from sparse_sharing.config.systems import STARTS, Start, models_of
from sparse_sharing.pipeline.experiments import SystemFacts, compared_pairs, facts_of, figures_of
from sparse_sharing.pipeline.pretrained import pretrained_digest, pretrained_folder
from sparse_sharing.pipeline.spec import Spec as Spec
from sparse_sharing.pipeline.weights import TaskWeights, weights_of

DIGITS_IN_TABLES = 6
"""Digits of each digest that the spec of the tables keeps, so that thousands of models fit on a command line."""


class DemoSpec(Spec):
    """Generate the demo corpora."""

    grammar: int = GRAMMAR_VERSION
    size: DemoSize


class DownloadSpec(Spec):
    """Fetch one file."""

    url: str
    member: str | None = None
    sha256: str | None = None


class PrepareSpec(Spec):
    """Encode the text of a dataset."""

    dataset: str
    corpora: list[CorpusSpec]
    lowercase: bool
    minimum_word_count: int
    minimum_character_count: int
    maximum_characters: int
    word_dimension: int
    vectors: bool


class WarmupSpec(Spec):
    """Make theta(0), and theta(w) from it where `optimization` is given."""

    data: str
    seed: int
    model: AnyEncoder
    optimization: Optimization | None = None
    weights: dict[str, TaskWeights] | None = Field(default=None, description="of the tasks that have any")
    replicate: list[Switch] | None = None


class PruneSpec(Spec):
    """Find the masks of one task."""

    data: str
    start: str
    seed: int
    task: str
    optimization: Optimization
    rounds: int
    final_density: float
    stop_after: int | None = Field(default=None, description="rounds without a better dev score that end the pruning")
    early_bird: float | None = Field(default=None, description="share of the next mask whose change ends a round")
    early_bird_window: int | None = Field(default=None, description="epochs in a row that change less than this share")
    again: bool | None = Field(default=None, description="a second pruning, with another order of the data")
    replicate: list[Switch] | None = None
    source: str | None = Field(default=None, description="of the masks; none: iterative magnitude pruning")
    settings: dict[str, Any] | None = Field(default=None, description="the keys that only its source has")
    granularity: Literal["unit"] | None = Field(default=None, description="of the masks; none: weights")
    meaning: Literal["delta"] | None = Field(default=None, description="of the masks; none: zero")

    @property
    def kind(self) -> type[Prune]:
        """The keys and properties of its source."""
        return Prune.kind_of(self.source or Prune.DEFAULT)

    @property
    def trainings(self) -> int:
        """How many trainings it takes, at most."""
        return 1 if self.kind.TRAINS_ONCE else self.rounds + 1


class SelectSpec(Spec):
    """Pick one mask for each task; `masks` gives the digest of each task's pruning, none where masks are given."""

    choice: Choice
    seed: int | None = Field(default=None, description="for random masks; none: the masks are those of the pruning")
    masks: dict[str, str]
    tasks: list[str] | None = Field(default=None, description="the tasks, where their masks come from no pruning")
    start: str | None = Field(default=None, description="rule magnitude: digest of the starting weights")
    granularity: Literal["unit"] | None = Field(default=None, description="rule magnitude: of the masks")


class TrainSpec(Spec):
    """Train one model of a system."""

    data: str
    start: str
    masks: str | None = Field(default=None, description="digest of the selection; none: every task keeps all weights")
    seed: int
    system: str
    sharing: str
    tasks: list[str]
    allow_dense: bool
    task_layers: dict[str, int] | None = Field(default=None, description="the layer at which each task is supervised")
    settings: dict[str, Any] | None = Field(default=None, description="other keys that only its way of sharing has")
    optimization: Optimization
    learning_rates: list[float] | None = Field(default=None, description="tried in place of learning_rate")
    best_epoch: Literal["each"] | None = Field(default=None, description="each: of each task too")
    replicate: list[Switch] | None = None
    weights: dict[str, TaskWeights] | None = Field(default=None, description="of the tasks that have any")
    meaning: Literal["delta"] | None = Field(default=None, description="of the masks; none: zero")


class EvaluateSpec(Spec):
    """Apply one model to the test text."""

    data: str
    model: str
    dataset: str
    system: str
    seed: int
    batch_size: int


class ExportSpec(Spec):
    """Take one task out of a model; `model` is the digest of the spec that it was made under."""

    model: str
    task: str


class TablesSpec(Spec):
    """Gather the metrics of all models."""

    baseline: str
    seeds: list[int]
    datasets: dict[str, list[str]] = Field(description="the tasks of each dataset")
    systems: dict[str, str] = Field(description="the sharing of each system")
    facts: dict[str, SystemFacts] = Field(description="what else the tables know of each system")
    comparisons: list[tuple[str, str]] = Field(description="the (reference, system) pairs that are tested")
    paper: dict[str, str] | None = Field(default=None, description="the experiment of the paper of each dataset")
    paper_notes: list[str] | None = Field(default=None, description="known deviations from the paper")
    chosen: list[tuple[Start, str]] = Field(description="the (start, choice) pairs that systems use")
    replicate: dict[str, list[Switch]] | None = Field(default=None, description="the switches of systems that use any")
    replicate_pruning: list[Switch] | None = None
    given: list[str] | None = Field(default=None, description="the choices whose masks come from no pruning")
    named_prunings: dict[str, str] | None = Field(default=None, description="of choices that name a pruning, which")
    self_overlap: list[str] | None = Field(default=None, description="choices compared with a second pruning")
    metrics: str = Field(description="six digits of the digest of each model's evaluation, in the order of models()")

    def models(self) -> list[tuple[str, int, str, str]]:
        """Every model of the run as (dataset, seed, system, model)."""
        return [
            (dataset, seed, system, model)
            for dataset, tasks in self.datasets.items()
            for seed in self.seeds
            for system, sharing in self.systems.items()
            for model in models_of(sharing, self.facts[system].tasks or tasks)
        ]

    def selections(self) -> list[tuple[str, int, Start, str]]:
        """Every selection of masks as (dataset, seed, start, choice)."""
        return [(dataset, seed, *pair) for dataset in self.datasets for seed in self.seeds for pair in self.chosen]

    def prunings(self) -> list[tuple[str, int, Start, str]]:
        """Every pruning as (dataset, seed, start, task)."""
        other = {*(self.given or ()), *(self.named_prunings or ())}
        return self._prunings({start for start, choice in self.chosen if choice not in other})

    def prunings_named(self) -> list[tuple[str, int, Start, str, str]]:
        """Every pruning that a section of `prunings` describes, as (dataset, seed, start, pruning, task)."""
        names = self.named_prunings or {}
        used = sorted({(start, names[choice]) for start, choice in self.chosen if choice in names})
        return [
            (dataset, seed, start, pruning, task)
            for dataset, tasks in self.datasets.items()
            for seed in self.seeds
            for start, pruning in used
            for task in tasks
        ]

    def prunings_again(self) -> list[tuple[str, int, Start, str]]:
        """Every second pruning, with another order of the data, as (dataset, seed, start, task)."""
        return self._prunings({start for start, choice in self.chosen if choice in (self.self_overlap or [])})

    def _prunings(self, starts: set[Start]) -> list[tuple[str, int, Start, str]]:
        return [
            (dataset, seed, start, task)
            for dataset, tasks in self.datasets.items()
            for seed in self.seeds
            for start in sorted(starts)
            for task in tasks
        ]


class FiguresSpec(Spec):
    """Draw the figures from the tables."""

    tables: str
    figures: list[str]


class ReportSpec(TablesSpec):
    """Show a run on a page."""

    run: str


def _plain(section: Optimization, **changes: object) -> Optimization:
    """The values of a section that say how to train, without what else the section holds."""
    values = {key: getattr(section, key) for key in Optimization.model_fields}
    return Optimization(**{**values, **changes})


def _name(part: Corpus | Task) -> str:
    return part.name


class Specs:
    """The specs of every job of a configuration."""

    def __init__(self, config: Config) -> None:
        """Index the datasets, systems and choices of the configuration by name."""
        self.config = config
        self.datasets = {dataset.name: dataset for dataset in config.data.datasets}
        self.systems = {system.name: system for system in config.train.systems}
        self.choices = {choice.name: choice for choice in config.select.choices}
        self.sources = {source.path: source for source in config.download}
        for stage in ("prepare", "warmup", "prune", "prune_named", "select", "train", "evaluate", "tables"):
            setattr(self, stage, functools.cache(getattr(self, stage)))

    def tasks(self, dataset: str, system: str | None = None) -> list[str]:
        """The tasks of a dataset, or those that a system trains, by name: their order has no meaning anywhere."""
        tasks = sorted(task.name for task in self.datasets[dataset].tasks)
        return tasks if system is None else self.systems[system].trained(tasks)

    def start(self, system: str) -> str:
        """What the starting weights of a system are called: those of its own network after the system."""
        chosen = self.systems[system]
        return f"{chosen.start}-{system}" if chosen.has_own_network(self.config.model.depth) else chosen.start

    def starts(self) -> list[str]:
        """The starting weights that systems use."""
        return sorted({self.start(system) for system in self.systems})

    def architecture(self, dataset: str, start: str) -> EncoderSection:
        """The network that starting weights belong to; of its heads those are named that are not linear."""
        kinds = {task: kind for task in self.tasks(dataset) if (kind := self.config.model.head_of(task)) != "linear"}
        model = self.config.model.model_copy(update={"head": kinds or None})
        if (folder := pretrained_folder(self.config)) is not None:
            model = model.identified(pretrained_digest(folder))
        if start in STARTS:
            return model
        system = self.systems[start.removeprefix("initial-")]
        model = model.with_depth(system.layers or model.depth)
        stacks = system.stacks(self.tasks(dataset, system.name))
        return model.with_stacks(stacks) if stacks else model

    def demo(self) -> DemoSpec:
        """The generation of the demo corpora."""
        return DemoSpec(size=self.config.data.demo)

    def download(self, path: str) -> DownloadSpec:
        """The fetching of a file that the configuration knows a source of; `path` is the one that `data` names."""
        source = self.sources[path]
        return DownloadSpec(url=source.url, member=source.member, sha256=source.sha256)

    def prepare(self, dataset: str) -> PrepareSpec:
        """The encoding of a dataset."""
        data = self.config.data
        return PrepareSpec(
            dataset=dataset,
            corpora=[corpus_spec(corpus) for corpus in sorted(self.datasets[dataset].corpora, key=_name)],
            lowercase=data.lowercase,
            minimum_word_count=data.minimum_word_count,
            minimum_character_count=data.minimum_character_count,
            maximum_characters=data.maximum_characters,
            word_dimension=self.config.model.vector_width,
            vectors=data.vectors is not None,
        )

    def warmup(self, dataset: str, seed: int, start: str) -> WarmupSpec:
        """The starting weights: theta(w) for start `warmup`, theta(0) for `initial` and a network of a system's own."""
        return WarmupSpec(
            data=self.prepare(dataset).digest(),
            seed=seed,
            model=self.architecture(dataset, start),
            optimization=_plain(self.config.warmup) if start == "warmup" else None,
            weights=weights_of(self.datasets[dataset].tasks) if start == "warmup" else None,
            replicate=self.config.replicate.of_warmup() if start == "warmup" else None,
        )

    def prune(self, dataset: str, seed: int, start: Start, task: str) -> PruneSpec:
        """The pruning of one task."""
        return self._prune(self.config.prune, dataset, seed, start, task)

    def prune_named(self, dataset: str, seed: int, start: Start, pruning: str, task: str) -> PruneSpec:
        """The pruning of one task as a section of `prunings` says."""
        return self._prune(self.config.prunings[pruning], dataset, seed, start, task)

    def _prune(self, prune: Prune, dataset: str, seed: int, start: Start, task: str) -> PruneSpec:
        return PruneSpec(
            data=self.prepare(dataset).digest(),
            start=self.warmup(dataset, seed, start).digest(),
            seed=seed,
            task=task,
            optimization=_plain(prune),
            rounds=prune.last_round,
            final_density=prune.final_density,
            stop_after=prune.stop_after,
            early_bird=prune.early_bird,
            early_bird_window=None if prune.early_bird is None else prune.early_bird_window,
            replicate=self.config.replicate.of_pruning(),
            source=None if prune.source == Prune.DEFAULT else prune.source,
            settings=prune.settings(),
            granularity=prune.granularity,
            meaning=None if prune.meaning == "zero" else prune.meaning,
        )

    def pruning_of(self, choice: str, dataset: str, seed: int, start: Start, task: str) -> PruneSpec:
        """The pruning that a choice takes the mask of a task from."""
        name = self.choices[choice].pruning
        if name is None:
            return self.prune(dataset, seed, start, task)
        return self.prune_named(dataset, seed, start, name, task)

    def prune_again(self, dataset: str, seed: int, start: Start, task: str) -> PruneSpec:
        """The second pruning of a task, with another order of its data."""
        return self.prune(dataset, seed, start, task).model_copy(update={"again": True})

    def select(self, dataset: str, seed: int, start: Start, choice: str) -> SelectSpec:
        """The choice of one mask for each task."""
        chosen, tasks = self.choices[choice], self.tasks(dataset)
        return SelectSpec(
            choice=chosen,
            seed=seed if chosen.random else None,
            masks={
                task: self.pruning_of(choice, dataset, seed, start, task).digest() for task in tasks if chosen.is_pruned
            },
            tasks=None if chosen.is_pruned else tasks,
            start=self.warmup(dataset, seed, start).digest() if chosen.rule == "magnitude" else None,
            granularity=self.config.prune.granularity if chosen.rule == "magnitude" else None,
        )

    def replicate(self, system: str) -> list[Switch] | None:
        """What of the original code a system replicates, by itself and as part of the run."""
        chosen = self.systems[system]
        return switches_of(chosen.IS_JOINT, self.config.replicate, chosen.replicate)

    def train(self, dataset: str, seed: int, system: str, model: str) -> TrainSpec:
        """The training of one model of a system."""
        chosen, switches = self.systems[system], self.replicate(system)
        section, tasks = self.config.train, self.tasks(dataset, system) if chosen.IS_JOINT else [model]
        rate = {"learning_rate": section.learning_rates[0]} if section.learning_rates else {}
        masks = None
        if chosen.choice is not None:
            masks = self.select(dataset, seed, chosen.start, chosen.choice).digest()
        return TrainSpec(
            data=self.prepare(dataset).digest(),
            start=self.warmup(dataset, seed, self.start(system)).digest(),
            masks=masks,
            seed=seed,
            system=system,
            sharing=chosen.sharing,
            tasks=tasks,
            allow_dense=chosen.choice is not None and self.choices[chosen.choice].allow_dense,
            optimization=_plain(
                section,
                epochs=chosen.trained_epochs(section.epochs, self.config.warmup.epochs),
                **rate,
                **settings_of(switches),
            ),
            learning_rates=section.learning_rates,
            best_epoch="each" if chosen.best_epoch == "each" else None,
            replicate=switches,
            weights=weights_of([task for task in self.datasets[dataset].tasks if task.name in tasks]),
            **chosen.settings(tasks),
        )

    def evaluate(self, dataset: str, seed: int, system: str, model: str) -> EvaluateSpec:
        """The evaluation of one model."""
        return EvaluateSpec(
            data=self.prepare(dataset).digest(),
            model=self.train(dataset, seed, system, model).digest(),
            dataset=dataset,
            system=system,
            seed=seed,
            batch_size=self.config.evaluate.batch_size,
        )

    def tables(self) -> TablesSpec:
        """The tables of the run."""
        config = self.config
        facts = {name: facts_of(system, self.choices.get(system.choice)) for name, system in self.systems.items()}
        paper = {name: dataset.paper for name, dataset in self.datasets.items() if dataset.paper}
        spec = TablesSpec(
            baseline=config.tables.baseline,
            seeds=sorted(config.seeds),
            datasets={name: self.tasks(name) for name in sorted(self.datasets)},
            systems={name: self.systems[name].sharing for name in sorted(self.systems)},
            facts=dict(sorted(facts.items())),
            comparisons=compared_pairs(config, facts),
            paper=paper or None,
            paper_notes=config.tables.paper_notes or None,
            chosen=sorted({(s.start, s.choice) for s in config.train.systems if s.choice is not None}),
            replicate={name: own for name in sorted(self.systems) if (own := self.replicate(name))} or None,
            replicate_pruning=self.config.replicate.of_pruning(),
            given=sorted(choice.name for choice in config.select.choices if not choice.is_pruned) or None,
            named_prunings={choice.name: choice.pruning for choice in config.select.choices if choice.pruning} or None,
            self_overlap=self._choices_with_self_overlap(),
            metrics="",
        )
        digests = [self.evaluate(*model).digest()[:DIGITS_IN_TABLES] for model in spec.models()]
        return spec.model_copy(update={"metrics": "".join(digests)})

    def _choices_with_self_overlap(self) -> list[str] | None:
        """The choices whose masks a second pruning can be compared with; masks drawn for each task are none."""
        if not self.config.prune.self_overlap:
            return None
        used = {system.choice for system in self.config.train.systems}
        found = [
            name
            for name, own in self.choices.items()
            if own.is_pruned and own.pruning is None and own.random is not True
        ]
        return sorted(used & set(found)) or None

    def report(self) -> ReportSpec:
        """The report of the run."""
        return ReportSpec(**dict(self.tables()), run=self.config.run)

    def figures(self) -> FiguresSpec:
        """The figures of the run."""
        tables = self.tables()
        return FiguresSpec(tables=tables.digest(), figures=figures_of(tables))
