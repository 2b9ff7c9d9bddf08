"""Every job of a configuration: its name, the folder of its files, its spec, and its inputs."""

import functools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sparse_sharing.config.schema import DEMO, SPLITS
from sparse_sharing.config.sharing.extended import Extended
from sparse_sharing.config.sharing.merged import Merged
from sparse_sharing.config.systems import Start
from sparse_sharing.pipeline import layout
from sparse_sharing.pipeline.pretrained import pretrained_folder
from sparse_sharing.pipeline.provenance import stored_spec_digest
from sparse_sharing.pipeline.run_specs import Specs
from sparse_sharing.pipeline.spec import Spec
from sparse_sharing.pipeline.stage import STAGE, STAGES


@dataclass(frozen=True)
class Job:
    """One job of a run.

    Attributes:
        stage: the stage.
        identity: the wildcards that name the job, such as dataset, seed and task.
        folder: the folder of its files.
        spec: its settings.
        files: the names of all files that it writes there.
        needs: the jobs whose files it reads, by the key of its spec that holds their digest.
        sources: the user's files that it reads.
    """

    stage: str
    identity: Mapping[str, object]
    folder: Path
    spec: Spec
    files: tuple[str, ...]
    needs: Mapping[str, "Job"] = field(default_factory=dict)
    sources: tuple[Path, ...] = ()

    @property
    def outputs(self) -> list[Path]:
        """Everything that the job writes."""
        return [self.folder / name for name in self.files]

    @property
    def carrier(self) -> Path | None:
        """The output that stores its spec, if one does."""
        carrier = STAGE[self.stage].carrier
        return None if carrier is None else self.folder / carrier.file

    @property
    def log(self) -> Path:
        """The log of the job."""
        return Path(STAGE[self.stage].beside("logs", ".log").format(run=self.folder.parts[1], **self.identity))

    @property
    def work(self) -> Path:
        """The folder in which the job stores its progress."""
        return self.folder / "work"

    @property
    def label(self) -> str:
        """The stage and the identity of the job: `prune joint seed1 warmup ner`."""
        names = (f"seed{value}" if key == "seed" else str(value) for key, value in self.identity.items())
        return " ".join([self.stage, *names])

    def is_current(self) -> bool:
        """Whether all its files exist and were made with its spec."""
        if not all(path.exists() for path in self.outputs):
            return False
        return self.carrier is None or stored_spec_digest(self.carrier) == self.spec.digest()


def jobs_of(specs: Specs) -> list[Job]:
    """All jobs of a run, each after those whose files it reads."""
    return list(_Jobs(specs).jobs.values())


class _Jobs:
    """Collects the jobs, from the tables backwards, each once."""

    def __init__(self, specs: Specs) -> None:
        self.specs, self.config = specs, specs.config
        self.jobs: dict[tuple, Job] = {}
        for stage in ("prepare", "prepare_task", "warmup", "prune", "prune_named", "select", "train", "evaluate"):
            setattr(self, stage, functools.cache(getattr(self, stage)))
        run = specs.tables()
        sources = [path for dataset in specs.datasets for path in self._files(dataset)]
        if any(path.startswith(DEMO) for path in sources):
            self._add("demo", {}, specs.demo(), files=layout.DEMO_FILES)
        needs = {f"metrics[{index}]": self.evaluate(*model) for index, model in enumerate(run.models())}
        needs |= {f"chosen[{index}]": self.select(*chosen) for index, chosen in enumerate(run.selections())}
        needs |= {f"again[{index}]": self.prune_again(*pruned) for index, pruned in enumerate(run.prunings_again())}
        needs |= {
            f"tags.{name}.{task}": self.prepare_task(name, task) for name in run.datasets for task in run.datasets[name]
        }
        tables = self._add("tables", {}, run, needs, files=tuple(layout.table_files(run)))
        if figures := tuple(layout.figure_files(run)):
            self._add("figures", {}, specs.figures(), {"tables": tables}, files=figures)
        self._add("report", {}, specs.report(), {"tables": tables})
        order = {stage.name: number for number, stage in enumerate(STAGES)}
        self.jobs = dict(sorted(self.jobs.items(), key=lambda item: order[item[1].stage]))

    def _add(
        self,
        stage: str,
        identity: Mapping[str, object],
        spec: Spec,
        needs: Mapping[str, Job] | None = None,
        sources: tuple[str, ...] = (),
        files: tuple[str, ...] = (),
    ) -> Job:
        key = (stage, *identity.values())
        if key not in self.jobs:
            folder = Path(STAGE[stage].folder.format(run=self.config.run, **identity))
            files = files or tuple(output.file for output in STAGE[stage].outputs)
            paths = tuple(Path(layout.source_path(self.config, path)) for path in sources)
            self.jobs[key] = Job(stage, identity, folder, spec, files, needs or {}, paths)
        return self.jobs[key]

    def _files(self, dataset: str) -> tuple[str, ...]:
        """The files that a dataset names in the configuration, and the vectors."""
        corpora = sorted(self.specs.datasets[dataset].corpora, key=lambda corpus: corpus.name)
        named = [path for corpus in corpora for split in SPLITS for path in corpus.files(split)]
        return (*named, *filter(None, [self.config.data.vectors]))

    def prepare(self, dataset: str) -> Job:
        files = self._files(dataset)
        needs = {}
        if any(path.startswith(DEMO) for path in files):
            needs["demo"] = self._add("demo", {}, self.specs.demo(), files=layout.DEMO_FILES)
        return self._add("prepare", {"dataset": dataset}, self.specs.prepare(dataset), needs, files)

    def prepare_task(self, dataset: str, task: str) -> Job:
        spec = self.specs.prepare_task(dataset, task)
        corpora = {corpus.name: corpus for corpus in self.specs.datasets[dataset].corpora}
        files = tuple(path for corpus in spec.corpora for split in SPLITS for path in corpora[corpus.name].files(split))
        needs = {}
        if any(path.startswith(DEMO) for path in files):
            needs["demo"] = self._add("demo", {}, self.specs.demo(), files=layout.DEMO_FILES)
        return self._add("prepare_task", {"dataset": dataset, "task": task}, spec, needs, files)

    def _text(self, dataset: str, tags: Iterable[str]) -> dict[str, Job]:
        """The jobs that prepare the text of a dataset and the tags of the tasks that a job reads."""
        return {"data": self.prepare(dataset)} | {f"tags.{task}": self.prepare_task(dataset, task) for task in tags}

    def warmup(self, dataset: str, seed: int, start: str) -> Job:
        identity = {"dataset": dataset, "seed": seed, "start": start}
        spec = self.specs.warmup(dataset, seed, start)
        folder = pretrained_folder(self.config)
        sources = () if folder is None else (str(folder.absolute()),)
        return self._add("warmup", identity, spec, self._text(dataset, spec.tags or ()), sources)

    def prune(self, dataset: str, seed: int, start: Start, task: str) -> Job:
        identity = {"dataset": dataset, "seed": seed, "start": start, "task": task}
        needs = self._text(dataset, [task]) | {"start": self.warmup(dataset, seed, start)}
        return self._add("prune", identity, self.specs.prune(dataset, seed, start, task), needs)

    def prune_named(self, dataset: str, seed: int, start: Start, pruning: str, task: str) -> Job:
        identity = {"dataset": dataset, "seed": seed, "start": start, "pruning": pruning, "task": task}
        needs = self._text(dataset, [task]) | {"start": self.warmup(dataset, seed, start)}
        return self._add("prune_named", identity, self.specs.prune_named(dataset, seed, start, pruning, task), needs)

    def prune_again(self, dataset: str, seed: int, start: Start, task: str) -> Job:
        identity = {"dataset": dataset, "seed": seed, "start": start, "task": task}
        needs = self._text(dataset, [task]) | {"start": self.warmup(dataset, seed, start)}
        return self._add("prune_again", identity, self.specs.prune_again(dataset, seed, start, task), needs)

    def select(self, dataset: str, seed: int, start: Start, choice: str) -> Job:
        identity = {"dataset": dataset, "seed": seed, "start": start, "choice": choice}
        spec = self.specs.select(dataset, seed, start, choice)
        pruning = spec.choice.pruning
        needs = {
            f"masks.{task}": self.prune(dataset, seed, start, task)
            if pruning is None
            else self.prune_named(dataset, seed, start, pruning, task)
            for task in spec.masks
        }
        needs["start"] = self.warmup(dataset, seed, start)
        if spec.search is not None:
            search = self.specs.search(dataset, seed, start, choice)
            needs["search"] = self._add("search", identity, search, self._text(dataset, search.tags) | needs)
        return self._add("select", identity, spec, needs, tuple(filter(None, [spec.choice.file])))

    def train(self, dataset: str, seed: int, system: str, model: str) -> Job:
        identity = {"dataset": dataset, "seed": seed, "system": system, "model": model}
        chosen = self.specs.systems[system]
        if isinstance(chosen, Extended):
            spec = self.specs.add_task(dataset, seed, system, model)
            needs = self._text(dataset, spec.tags) | {"model": self.train(dataset, seed, chosen.extends, model)}
            return self._add("add_task", identity, spec, needs)
        needs = self._text(dataset, self.specs.trained(dataset, system, model))
        needs["start"] = self.warmup(dataset, seed, self.specs.start(system))
        if isinstance(chosen, Merged):
            spec = self.specs.merge(dataset, seed, system, model)
            needs |= {f"models.{task}": self.train(dataset, seed, chosen.merges, task) for task in spec.tasks}
            return self._add("merge", identity, spec, needs)
        if chosen.choice is not None:
            needs["masks"] = self.select(dataset, seed, chosen.start, chosen.choice)
        return self._add("train", identity, self.specs.train(dataset, seed, system, model), needs)

    def evaluate(self, dataset: str, seed: int, system: str, model: str) -> Job:
        identity = {"dataset": dataset, "seed": seed, "system": system, "model": model}
        needs = self._text(dataset, self.specs.trained(dataset, system, model))
        needs["model"] = self.train(dataset, seed, system, model)
        return self._add("evaluate", identity, self.specs.evaluate(dataset, seed, system, model), needs)
