"""The settings of each stage: one typed spec per stage with only the settings that the stage uses.

A spec is passed to its stage in a file, stored in every file that the stage writes, and named by its digest in the
specs of the stages that read those files. A file made with other settings is recognised by this.
"""

from collections.abc import Sequence
from typing import Any, Literal

from pydantic import Field

from sparse_sharing.config.corpora import CorpusSpec, TaskColumn
from sparse_sharing.config.encoders.base import AnyEncoder
from sparse_sharing.config.heads import HeadKind
from sparse_sharing.config.prune import Prune
from sparse_sharing.config.replicate import Switch
from sparse_sharing.config.schema import GRAMMAR_VERSION, Choice, DemoSize, MeasureAffinity, Optimization
from sparse_sharing.config.select import Search
from sparse_sharing.config.sharing.merged import Method
from sparse_sharing.config.systems import Start, models_of
from sparse_sharing.pipeline.experiments import SystemFacts
from sparse_sharing.pipeline.spec import Spec as Spec
from sparse_sharing.pipeline.weights import TaskWeights

DIGITS_IN_TABLES = 6
"""Digits of each digest in the spec of the tables, which stays short with thousands of models."""


class DemoSpec(Spec):
    """Generate the demo corpora."""

    grammar: int = GRAMMAR_VERSION
    size: DemoSize


class DownloadSpec(Spec):
    """Download one file."""

    url: str
    member: str | None = None
    sha256: str | None = None


class PrepareSpec(Spec):
    """Encode the text of a dataset; its corpora have no tasks here, so that a new task changes nothing."""

    dataset: str
    corpora: list[CorpusSpec]
    lowercase: bool
    minimum_word_count: int
    minimum_character_count: int
    maximum_characters: int
    word_dimension: int
    vectors: bool


class PrepareTaskSpec(Spec):
    """Encode the tags of one task; each corpus has this task only."""

    dataset: str
    corpus: CorpusSpec
    more: list[CorpusSpec] | None = Field(default=None, description="further corpora that have the task, by name")

    @property
    def corpora(self) -> list[CorpusSpec]:
        """The corpora that have the task, in the order of their sentences."""
        return [self.corpus, *(self.more or [])]

    @property
    def task(self) -> TaskColumn:
        """The task."""
        return self.corpus.tasks[0]


class WarmupSpec(Spec):
    """Make theta(0), and theta(w) from it if `optimization` is given.

    `tags` has the digest of the tags of each task that is trained. Heads of other tasks are drawn when they are used,
    from the seed and the name of the task.
    """

    data: str
    tags: dict[str, str] | None = None
    seed: int
    model: AnyEncoder
    optimization: Optimization | None = None
    weights: dict[str, TaskWeights] | None = Field(default=None, description="of the tasks with weights")
    replicate: list[Switch] | None = None


class PruneSpec(Spec):
    """Find the masks of one task; `tags` has the digest of its tags."""

    data: str
    tags: dict[str, str]
    start: str
    seed: int
    task: str
    head: dict[str, HeadKind] | None = Field(default=None, description="of tasks whose head is not linear")
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
        """The section of its source, with keys and properties."""
        return Prune.kind_of(self.source or Prune.DEFAULT)

    @property
    def trainings(self) -> int:
        """The largest number of trainings."""
        return 1 if self.kind.TRAINS_ONCE else self.rounds + 1


class SearchSpec(Spec):
    """Search for the round of each task by short joint trainings; `masks` has the digest of each task's pruning.

    `tags` has the digest of the tags of each task. The epochs of `optimization` are those of the first rung.
    """

    data: str
    tags: dict[str, str]
    start: str
    masks: dict[str, str]
    seed: int
    tasks: list[str]
    search: Search
    allow_dense: bool
    head: dict[str, HeadKind] | None = Field(default=None, description="of tasks whose head is not linear")
    optimization: Optimization
    replicate: list[Switch] | None = None
    weights: dict[str, TaskWeights] | None = Field(default=None, description="of the tasks with weights")
    meaning: Literal["delta"] | None = Field(default=None, description="of the masks; none: zero")

    @property
    def trainings(self) -> int:
        """The largest number of trainings, each of the epochs of the first rung."""
        return self.search.trained_epochs(self.search.combinations) // self.search.epochs


class SelectSpec(Spec):
    """Choose one mask for each task; `masks` has the digest of each task's pruning, none if masks come from a file."""

    choice: Choice
    seed: int | None = Field(default=None, description="for random masks; none: the masks are those of the pruning")
    masks: dict[str, str]
    tasks: list[str] | None = Field(default=None, description="the tasks, if their masks do not come from a pruning")
    start: str | None = Field(default=None, description="rule magnitude: digest of the starting weights")
    granularity: Literal["unit"] | None = Field(default=None, description="rule magnitude: of the masks")
    search: str | None = Field(default=None, description="rule search: digest of the search")

    def of(self, tasks: Sequence[str]) -> "SelectSpec":
        """The part about some tasks; the mask of a task does not depend on other tasks."""
        named = {
            key: {task: of_task for task, of_task in value.items() if task in tasks}
            for key in ("target_density", "rounds")
            if isinstance(value := getattr(self.choice, key), dict)
        }
        return self.model_copy(
            update={
                "choice": self.choice.model_copy(update=named),
                "masks": {task: digest for task, digest in self.masks.items() if task in tasks},
                "tasks": self.tasks and [task for task in self.tasks if task in tasks],
            }
        )


class TrainSpec(Spec):
    """Train one model of a system; `tags` has the digest of the tags of each of its tasks."""

    data: str
    tags: dict[str, str]
    start: str
    masks: str | None = Field(
        default=None,
        description="digest of the part of the selection that is about the tasks; none: every task keeps all weights",
    )
    seed: int
    system: str
    sharing: str
    tasks: list[str]
    head: dict[str, HeadKind] | None = Field(default=None, description="of tasks whose head is not linear")
    allow_dense: bool
    task_layers: dict[str, int] | None = Field(default=None, description="the layer at which each task is supervised")
    settings: dict[str, Any] | None = Field(default=None, description="other keys that only its way of sharing has")
    optimization: Optimization
    learning_rates: list[float] | None = Field(default=None, description="tried instead of learning_rate")
    best_epoch: Literal["each"] | None = Field(default=None, description="each: also keep the best epoch of each task")
    replicate: list[Switch] | None = None
    weights: dict[str, TaskWeights] | None = Field(default=None, description="of the tasks with weights")
    meaning: Literal["delta"] | None = Field(default=None, description="of the masks; none: zero")
    conflict: int | None = Field(
        default=None, description="sentences on which gradients are compared; none: they are not"
    )
    affinity: MeasureAffinity | None = Field(default=None, description="how affinity is measured; none: it is not")


class AddTaskSpec(Spec):
    """Add a task to a finished model; `model` is the digest of the spec of the model.

    `tags` has the digest of the tags of each task whose tags are known.
    """

    data: str
    tags: dict[str, str]
    model: str
    seed: int
    system: str
    sharing: str
    tasks: list[str] = Field(description="of the extended model, the new one last")
    task: str = Field(description="the new one")
    share: float = Field(description="of the free weights, which the new task keeps")
    minimum_word_count: int
    head: dict[str, HeadKind] | None = Field(default=None, description="of the new task, where it is not linear")
    optimization: Optimization

    @property
    def trainings(self) -> int:
        """The number of trainings: with all free weights, and again with those that the task keeps."""
        return 1 if self.share == 1 else 2


class MergeSpec(Spec):
    """Merge the finished models of single tasks; `models` has the digest of the spec of each.

    `tags` has the digest of the tags of each task, `start` that of the starting weights of all models. The lists are
    the grids from which dev scores choose.
    """

    data: str
    tags: dict[str, str]
    start: str
    models: dict[str, str]
    seed: int
    system: str
    sharing: str
    tasks: list[str]
    head: dict[str, HeadKind] | None = Field(default=None, description="of tasks whose head is not linear")
    method: Method
    scales: list[float]
    densities: list[float] | None = Field(default=None, description="of methods with ties")
    drop_rates: list[float] | None = Field(default=None, description="of methods with dare")
    thresholds: list[float] | None = Field(default=None, description="of methods with tall")
    replicate: list[Switch] | None = None


class EvaluateSpec(Spec):
    """Apply one model to the test text; the spec of the model has the digests of the tags."""

    data: str
    model: str
    dataset: str
    system: str
    seed: int
    batch_size: int


class ExportSpec(Spec):
    """Export one task of a model; `model` is the digest of the spec of the model."""

    model: str
    task: str
    trim: Literal[True] | None = Field(default=None, description="pieces that do not occur are removed")


class RemoveSpec(Spec):
    """Remove one task from a model and keep the others; `model` is the digest of the spec of the model."""

    model: str
    task: str
    system: str
    seed: int


class TablesSpec(Spec):
    """Collect the metrics of all models."""

    baseline: str
    seeds: list[int]
    datasets: dict[str, list[str]] = Field(description="the tasks of each dataset")
    systems: dict[str, str] = Field(description="the sharing of each system")
    facts: dict[str, SystemFacts] = Field(description="further facts about each system")
    comparisons: list[tuple[str, str]] = Field(description="the (reference, system) pairs that are tested")
    paper: dict[str, str] | None = Field(default=None, description="the experiment of the paper of each dataset")
    paper_notes: list[str] | None = Field(default=None, description="known deviations from the paper")
    chosen: list[tuple[Start, str]] = Field(description="the (start, choice) pairs that systems use")
    replicate: dict[str, list[Switch]] | None = Field(
        default=None, description="the switches of each system that uses any"
    )
    replicate_pruning: list[Switch] | None = None
    given: list[str] | None = Field(default=None, description="the choices whose masks do not come from a pruning")
    named_prunings: dict[str, str] | None = Field(default=None, description="the pruning of each choice that names one")
    searched: list[str] | None = Field(default=None, description="the choices that were made by a search")
    conflict: int | None = Field(default=None, description="sentences on which gradients of tasks are compared")
    affinity: bool | None = Field(default=None, description="whether the affinity of tasks is measured")
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

    def searches(self) -> list[tuple[str, int, Start, str]]:
        """Every search for rounds as (dataset, seed, start, choice)."""
        return [chosen for chosen in self.selections() if chosen[-1] in (self.searched or ())]

    def prunings(self) -> list[tuple[str, int, Start, str]]:
        """Every pruning as (dataset, seed, start, task)."""
        other = {*(self.given or ()), *(self.named_prunings or ())}
        return self._prunings({start for start, choice in self.chosen if choice not in other})

    def prunings_named(self) -> list[tuple[str, int, Start, str, str]]:
        """Every pruning that a section of `prunings` describes, as (dataset, seed, start, pruning, task)."""
        names = self.named_prunings or {}
        used: set[tuple[Start, str]] = {(start, names[choice]) for start, choice in self.chosen if choice in names}
        return [
            (dataset, seed, start, pruning, task)
            for dataset, tasks in self.datasets.items()
            for seed in self.seeds
            for start, pruning in sorted(used)
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
    """Show a run on an HTML page."""

    run: str
