"""The specs of all jobs of a configuration, and the digests by which they refer to each other."""

import functools
from collections.abc import Sequence

from sparse_sharing.config.corpora import CorpusSpec, corpus_spec
from sparse_sharing.config.encoders.base import EncoderSection
from sparse_sharing.config.heads import HeadKind
from sparse_sharing.config.prune import Prune
from sparse_sharing.config.replicate import Switch, settings_of, switches_of
from sparse_sharing.config.schema import Config, Optimization
from sparse_sharing.config.sharing.extended import Extended
from sparse_sharing.config.sharing.merged import Merged
from sparse_sharing.config.systems import STARTS, Start
from sparse_sharing.errors import ConfigError
from sparse_sharing.pipeline.experiments import compared_pairs, facts_of
from sparse_sharing.pipeline.pretrained import pretrained_digest, pretrained_folder
from sparse_sharing.pipeline.specs import (
    DIGITS_IN_TABLES,
    AddTaskSpec,
    DemoSpec,
    DownloadSpec,
    EvaluateSpec,
    FiguresSpec,
    MergeSpec,
    PrepareSpec,
    PrepareTaskSpec,
    PruneSpec,
    ReportSpec,
    SearchSpec,
    SelectSpec,
    TablesSpec,
    TrainSpec,
    WarmupSpec,
)
from sparse_sharing.pipeline.tables import figures_of
from sparse_sharing.pipeline.weights import weights_of


def _plain(section: Optimization, **changes: object) -> Optimization:
    """The keys of a section that are about optimization, without its other keys."""
    values = {key: getattr(section, key) for key in Optimization.model_fields}
    return Optimization(**{**values, **changes})


class Specs:
    """The specs of every job of a configuration."""

    def __init__(self, config: Config) -> None:
        """Index the datasets, systems and choices of the configuration by name."""
        self.config = config
        self.datasets = {dataset.name: dataset for dataset in config.data.datasets}
        self.systems = {system.name: system for system in config.train.systems}
        self.choices = {choice.name: choice for choice in config.select.choices}
        self.sources = {source.path: source for source in config.download}
        stages = ("prepare", "prepare_task", "warmup", "prune", "prune_named", "search", "select")
        stages += ("train", "merge", "evaluate", "tables")
        for method in (*stages, "tasks", "start", "replicate"):
            setattr(self, method, functools.cache(getattr(self, method)))

    def tasks(self, dataset: str, system: str | None = None) -> list[str]:
        """The tasks of a dataset, or those that a system trains, sorted by name: their order has no meaning."""
        tasks = sorted(task.name for task in self.datasets[dataset].tasks)
        return tasks if system is None else self.systems[system].trained(tasks)

    def start(self, system: str) -> str:
        """The name of a system's starting weights; those of its own network contain the name of the system."""
        chosen = self.systems[system]
        return f"{chosen.start}-{system}" if chosen.has_own_network(self.config.model.depth) else chosen.start

    def starts(self) -> list[str]:
        """The starting weights that systems use."""
        return sorted({self.start(system) for system in self.systems})

    def heads(self, tasks: Sequence[str]) -> dict[str, HeadKind] | None:
        """The heads of tasks that are not linear."""
        return {task: kind for task in tasks if (kind := self.config.model.head_of(task)) != "linear"} or None

    def architecture(self, dataset: str, start: str) -> EncoderSection:
        """The network of starting weights, with the heads of the tasks that a warm-up trains."""
        heads = self.heads(self.warmed_up(dataset)) if start == "warmup" else None
        model = self.config.model.model_copy(update={"head": heads})
        if (folder := pretrained_folder(self.config)) is not None:
            model = model.identified(pretrained_digest(folder))
        if start in STARTS:
            return model
        system = self.systems[start.removeprefix("initial-")]
        model = model.with_depth(system.layers or model.depth)
        stacks = system.stacks(self.tasks(dataset, system.name))
        return model.with_stacks(stacks) if stacks else model

    def warmed_up(self, dataset: str) -> list[str]:
        """The tasks of a dataset that the warm-up trains."""
        named = self.config.warmup.tasks
        return [task for task in self.tasks(dataset) if named is None or task in named]

    def trained(self, dataset: str, system: str, model: str) -> list[str]:
        """The tasks of a model of a system."""
        return self.tasks(dataset, system) if self.systems[system].IS_JOINT else [model]

    def corpora(self, dataset: str) -> list[CorpusSpec]:
        """How the corpora of a dataset are read, by name."""
        corpora = sorted(self.datasets[dataset].corpora, key=lambda corpus: corpus.name)
        return [corpus_spec(corpus) for corpus in corpora]

    def tags(self, dataset: str, tasks: Sequence[str]) -> dict[str, str]:
        """The digest of the tags of each task."""
        return {task: self.prepare_task(dataset, task).digest() for task in tasks}

    def demo(self) -> DemoSpec:
        """The generation of the demo corpora."""
        return DemoSpec(size=self.config.data.demo)

    def download(self, path: str) -> DownloadSpec:
        """The download of a file; `path` is its path in `data`."""
        source = self.sources[path]
        return DownloadSpec(url=source.url, member=source.member, sha256=source.sha256)

    def prepare(self, dataset: str) -> PrepareSpec:
        """The encoding of the text of a dataset."""
        data = self.config.data
        return PrepareSpec(
            dataset=dataset,
            corpora=[corpus.model_copy(update={"tasks": []}) for corpus in self.corpora(dataset)],
            lowercase=data.lowercase,
            minimum_word_count=data.minimum_word_count,
            minimum_character_count=data.minimum_character_count,
            maximum_characters=data.maximum_characters,
            word_dimension=self.config.model.vector_width,
            vectors=data.vectors is not None,
        )

    def prepare_task(self, dataset: str, task: str) -> PrepareTaskSpec:
        """The encoding of the tags of a task.

        Raises:
            ConfigError: The dataset has no task of that name.
        """
        corpora = [task_corpus for corpus in self.corpora(dataset) if (task_corpus := corpus.of_task(task)) is not None]
        if not corpora:
            task_names = ", ".join(self.tasks(dataset))
            raise ConfigError(f"dataset '{dataset}' has no task '{task}'; its tasks are {task_names}")
        return PrepareTaskSpec(dataset=dataset, corpus=corpora[0], more=corpora[1:] or None)

    def warmup(self, dataset: str, seed: int, start: str) -> WarmupSpec:
        """The starting weights: theta(w) for start `warmup`, theta(0) for `initial` and for a system's own network."""
        tasks = self.warmed_up(dataset) if start == "warmup" else []
        weighted = [task for task in self.datasets[dataset].tasks if task.name in tasks]
        return WarmupSpec(
            data=self.prepare(dataset).digest(),
            tags=self.tags(dataset, tasks) or None,
            seed=seed,
            model=self.architecture(dataset, start),
            optimization=_plain(self.config.warmup) if start == "warmup" else None,
            weights=weights_of(weighted) if start == "warmup" else None,
            replicate=self.config.replicate.of_warmup() if start == "warmup" else None,
        )

    def prune(self, dataset: str, seed: int, start: Start, task: str) -> PruneSpec:
        """The pruning of one task."""
        return self._prune(self.config.prune, dataset, seed, start, task)

    def prune_named(self, dataset: str, seed: int, start: Start, pruning: str, task: str) -> PruneSpec:
        """The pruning of one task with a section of `prunings`."""
        return self._prune(self.config.prunings[pruning], dataset, seed, start, task)

    def _prune(self, prune: Prune, dataset: str, seed: int, start: Start, task: str) -> PruneSpec:
        return PruneSpec(
            data=self.prepare(dataset).digest(),
            tags=self.tags(dataset, [task]),
            start=self.warmup(dataset, seed, start).digest(),
            seed=seed,
            task=task,
            head=self.heads([task]),
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
        """The pruning that the mask of a task comes from in a choice."""
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
            search=self.search(dataset, seed, start, choice).digest() if chosen.rule == "search" else None,
        )

    def search(self, dataset: str, seed: int, start: Start, choice: str) -> SearchSpec:
        """The search for the rounds of a choice with rule search."""
        chosen, tasks, section = self.choices[choice], self.tasks(dataset), self.config.train
        all_switches = switches_of(True, self.config.replicate) or []
        switches: list[Switch] | None = [switch for switch in all_switches if switch != "epoch_on_test"] or None
        rate = {"learning_rate": section.learning_rates[0]} if section.learning_rates else {}
        changes = {"epochs": chosen.budget.epochs, "patience": None, "schedule": None} | rate | settings_of(switches)
        meaning = self.config.pruning_of(chosen).meaning
        return SearchSpec(
            data=self.prepare(dataset).digest(),
            tags=self.tags(dataset, tasks),
            start=self.warmup(dataset, seed, start).digest(),
            masks={task: self.pruning_of(choice, dataset, seed, start, task).digest() for task in tasks},
            seed=seed,
            tasks=tasks,
            search=chosen.budget,
            allow_dense=chosen.allow_dense,
            head=self.heads(tasks),
            optimization=_plain(section, **changes),
            replicate=switches,
            weights=weights_of(self.datasets[dataset].tasks),
            meaning=None if meaning == "zero" else meaning,
        )

    def replicate(self, system: str) -> list[Switch] | None:
        """The deviations of the original code that a system reproduces, its own and those of the run."""
        chosen = self.systems[system]
        return switches_of(chosen.IS_JOINT, self.config.replicate, chosen.replicate)

    def train(self, dataset: str, seed: int, system: str, model: str) -> TrainSpec | AddTaskSpec | MergeSpec:
        """The training of one model of a system, or the spec of another stage that makes the model."""
        if self.systems[system].STAGE != "train":
            return getattr(self, self.systems[system].STAGE)(dataset, seed, system, model)
        chosen, switches = self.systems[system], self.replicate(system)
        section, tasks, own_rate = self.config.train, self.trained(dataset, system, model), chosen.own_rate()
        rates = section.learning_rates if own_rate is None else None
        first = own_rate if rates is None else rates[0]
        rate = {} if first is None else {"learning_rate": first}
        masks = None
        if chosen.choice is not None:
            masks = self.select(dataset, seed, chosen.start, chosen.choice).of(tasks).digest()
        measured = chosen.IS_JOINT and chosen.TRAINS_SHARED and chosen.stacks(tasks) is None
        return TrainSpec(
            data=self.prepare(dataset).digest(),
            tags=self.tags(dataset, tasks),
            start=self.warmup(dataset, seed, self.start(system)).digest(),
            masks=masks,
            seed=seed,
            system=system,
            sharing=chosen.sharing,
            tasks=tasks,
            head=self.heads(tasks),
            allow_dense=chosen.choice is not None and self.choices[chosen.choice].allow_dense,
            optimization=_plain(
                section,
                epochs=chosen.trained_epochs(section.epochs, self.config.warmup.epochs),
                **rate,
                **settings_of(switches),
            ),
            learning_rates=rates,
            best_epoch="each" if chosen.best_epoch == "each" else None,
            replicate=switches,
            weights=weights_of([task for task in self.datasets[dataset].tasks if task.name in tasks]),
            conflict=section.measure_conflict if measured else None,
            affinity=section.measure_affinity if measured else None,
            **chosen.settings(tasks),
        )

    def add_task(self, dataset: str, seed: int, system: str, model: str) -> AddTaskSpec:
        """The addition of a task to the finished model of another system.

        Raises:
            ConfigError: The system does not extend another.
        """
        chosen, section = self.systems[system], self.config.train
        if not isinstance(chosen, Extended):
            raise ConfigError(f"system '{system}' has sharing '{chosen.sharing}'; only 'extended' adds a task")
        base = self.train(dataset, seed, chosen.extends, model)
        tasks = [*base.tasks, chosen.task]
        return AddTaskSpec(
            data=self.prepare(dataset).digest(),
            tags=self.tags(dataset, tasks),
            model=base.digest(),
            seed=seed,
            system=system,
            sharing=chosen.sharing,
            tasks=tasks,
            task=chosen.task,
            share=chosen.share,
            minimum_word_count=self.config.data.minimum_word_count,
            head=self.heads([chosen.task]),
            optimization=_plain(section, epochs=chosen.trained_epochs(section.epochs, self.config.warmup.epochs)),
        )

    def merge(self, dataset: str, seed: int, system: str, model: str) -> MergeSpec:
        """The merging of the models of another system; raises ConfigError if the system merges none."""
        chosen, tasks = self.systems[system], self.trained(dataset, system, model)
        if not isinstance(chosen, Merged):
            raise ConfigError(f"system '{system}' has sharing '{chosen.sharing}'; only 'merged' merges models")
        return MergeSpec(
            data=self.prepare(dataset).digest(),
            tags=self.tags(dataset, tasks),
            start=self.warmup(dataset, seed, chosen.start).digest(),
            models={task: self.train(dataset, seed, chosen.merges, task).digest() for task in tasks},
            seed=seed,
            system=system,
            sharing=chosen.sharing,
            tasks=tasks,
            head=self.heads(tasks),
            replicate=self.replicate(system),
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
        choices = {None: None, **self.choices}
        facts = {name: facts_of(system, choices[system.choice]) for name, system in self.systems.items()}
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
            replicate={name: switches for name in sorted(self.systems) if (switches := self.replicate(name))} or None,
            replicate_pruning=self.config.replicate.of_pruning(),
            given=sorted(choice.name for choice in config.select.choices if not choice.is_pruned) or None,
            named_prunings={choice.name: choice.pruning for choice in config.select.choices if choice.pruning} or None,
            searched=self._searched(),
            conflict=config.train.measure_conflict,
            affinity=True if config.train.measure_affinity is not None else None,
            self_overlap=self._choices_with_self_overlap(),
            metrics="",
        )
        digests = [self.evaluate(*model).digest()[:DIGITS_IN_TABLES] for model in spec.models()]
        return spec.model_copy(update={"metrics": "".join(digests)})

    def _searched(self) -> list[str] | None:
        """The choices of rule search that systems use."""
        used = {system.choice for system in self.config.train.systems}
        return sorted(name for name, choice in self.choices.items() if choice.rule == "search" and name in used) or None

    def _choices_with_self_overlap(self) -> list[str] | None:
        """The choices whose masks can be compared with a second pruning; choices with random masks cannot."""
        if not self.config.prune.self_overlap:
            return None
        used = {system.choice for system in self.config.train.systems}
        comparable = [
            name
            for name, choice in self.choices.items()
            if choice.is_pruned and choice.pruning is None and choice.random is not True
        ]
        return [name for name in sorted(comparable) if name in used] or None

    def report(self) -> ReportSpec:
        """The report of the run."""
        return ReportSpec(**dict(self.tables()), run=self.config.run)

    def figures(self) -> FiguresSpec:
        """The figures of the run."""
        tables = self.tables()
        return FiguresSpec(tables=tables.digest(), figures=figures_of(tables))
