"""The systems that are compared: each is a way of sharing with its settings for the training stage."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, model_validator

from sparse_sharing.config.corpora import SHARED
from sparse_sharing.config.replicate import Replicate
from sparse_sharing.config.section import NAME, Name, duplicates
from sparse_sharing.config.select import Choice
from sparse_sharing.config.tagged import Tagged

Start = Literal["initial", "warmup"]
STARTS = ("initial", "warmup")

START = rf"initial(-{NAME})?|warmup"
"""The names of starting weights in paths; `initial-SYSTEM` are those of a system with another network."""


class System(Tagged):
    """A way of sharing, to be trained and compared. Each way has a file in `config/sharing` and one in `sharing`."""

    TAG: ClassVar[str] = "sharing"
    PACKAGE: ClassVar[str] = "sparse_sharing.config.sharing"

    MEANING: ClassVar[str]
    """What the tasks share: one line for readers."""
    IS_JOINT: ClassVar[bool] = True
    """Whether one model has all tasks; otherwise each task has its own model."""
    TRAINS_SHARED: ClassVar[bool] = True
    """Whether tasks of a joint model train any weight together."""
    STAGE: ClassVar[str] = "train"
    """The stage that makes its models."""
    PLACE: ClassVar[int] = 100
    """The place of its rows in tables: ways with a lower number come first."""
    ROWS: ClassVar[tuple[str, ...]] = ()
    """The rows of the paper's tables that its systems can have, in order; none: a row with its own name."""

    name: Name
    sharing: str
    """How the tasks share weights; the other keys depend on it."""
    start: Start = "initial"
    """The starting weights: initial is theta(0), warmup is theta(w)."""
    choice: Name | None = None
    """The choice of masks that the system is trained with."""
    epochs: int | None = Field(default=None, ge=1)
    """The whole budget of this system, including its warm-up, if it differs from train.epochs."""
    epochs_after_start: int | None = Field(default=None, ge=1)
    """Instead of epochs: the epochs trained after the start, not counting the warm-up."""
    unequal_budget: bool = False
    """Set to true if the updates of this system differ from the others' on purpose; `validate` then does not warn."""
    best_epoch: Literal["mean", "each"] = "mean"
    """mean: all tasks have the weights of the epoch with the best mean dev score. each: as a control, each task is
    evaluated with the weights of the epoch with its own best dev score, like tasks of single systems."""
    replicate: Replicate | None = None
    """Deviations of the original code that this system reproduces, besides those of the whole run."""
    tasks: list[Name] | None = Field(default=None, min_length=1)
    """Train only these tasks of every dataset; warm-up, pruning and masks are still made for all tasks."""
    layers: Annotated[int, Field(ge=1)] | None = None
    """BiLSTM layers, if they differ from model.layers; the system must then have start: initial and no choice."""

    @model_validator(mode="after")
    def check(self) -> "System":
        """Check that the keys fit each other, and that joint systems have two or more tasks."""
        if self.replicate is not None:
            self.replicate.check_fit(self.sharing, self.IS_JOINT)
        if self.epochs is not None and self.epochs_after_start is not None:
            raise ValueError("epochs and epochs_after_start exclude each other: one includes the warm-up, one does not")
        if repeated := duplicates(self.tasks or []):
            raise ValueError(f"tasks: duplicate value '{repeated[0]}'")
        if self.IS_JOINT and self.tasks is not None and len(self.tasks) < 2:
            raise ValueError(f"tasks: sharing '{self.sharing}' needs two or more tasks, got only '{self.tasks[0]}'")
        return self

    @classmethod
    def models(cls, tasks: Sequence[str]) -> list[str]:
        """The names of a system's models on one dataset and seed: one for all tasks, or one for each."""
        return [SHARED] if cls.IS_JOINT else list(tasks)

    def row(self, choice: Choice | None) -> str:
        """The row of the paper's tables that corresponds to the system, one of ROWS."""
        return self.sharing

    def own_network(self, layers: int) -> str | None:
        """How the system's network differs from the one that is warmed up and pruned (`layers` layers); None: it does
        not.
        """
        return f"{self.layers} layers, model.layers is {layers}" if self.layers not in (None, layers) else None

    def stacks(self, tasks: Sequence[str]) -> list[str] | None:
        """The tasks that have their own layers in the network; None: all tasks use the same layers."""
        return None

    def settings(self, tasks: Sequence[str]) -> dict[str, Any]:
        """The settings that only this way of sharing has, as keys of TrainSpec."""
        return {}

    def own_rate(self) -> float | None:
        """Its learning rate, if it differs from that of the section `train`."""
        return None

    def trained(self, tasks: Sequence[str]) -> list[str]:
        """The tasks of a dataset that the system trains."""
        return [task for task in tasks if self.tasks is None or task in self.tasks]

    def trained_epochs(self, budget: int, warmup: int) -> int:
        """The epochs trained after the start: the budget minus those of the warm-up that the system starts from.

        Args:
            budget: epochs of the section `train`, used if the system has no epochs of its own.
            warmup: epochs of the warm-up.

        Raises:
            ValueError: The warm-up uses up the budget.
        """
        if self.epochs_after_start is not None:
            return self.epochs_after_start
        epochs = self.epochs or budget
        before = warmup if self.start == "warmup" else 0
        if epochs <= before:
            raise ValueError(
                f"train.systems: '{self.name}' starts from a warm-up of {before} epochs, which its epochs include "
                f"(got {epochs}): it must have more than {before}; lower warmup.epochs, raise epochs, or give it "
                "epochs_after_start, the epochs after the warm-up"
            )
        return epochs - before

    def has_own_network(self, layers: int) -> bool:
        """Whether it trains another network than the one that is warmed up and pruned, which has `layers` layers."""
        return self.own_network(layers) is not None

    def check_systems(self, systems: Mapping[str, "System"], datasets: Mapping[str, Sequence[str]]) -> None:
        """Check the system against the other systems, by name, and the tasks of each dataset; raises ValueError."""

    def check_fit(self, layers: int, datasets: Mapping[str, Sequence[str]]) -> None:
        """Check the system against the layers of the base network and the tasks of each dataset.

        Raises:
            ValueError: A task or layer that it names does not exist, one is missing, or its start is not possible.
        """
        place, network = f"train.systems: '{self.name}'", self.own_network(layers)
        if network is not None and (self.start != "initial" or self.choice is not None):
            raise ValueError(
                f"{place} trains another network ({network}) than the one that is warmed up and pruned; "
                "it must have start 'initial' and no choice"
            )
        for dataset, tasks in datasets.items():
            if missing := [task for task in self.tasks or [] if task not in tasks]:
                raise ValueError(
                    f"{place}: dataset '{dataset}' has no task '{missing[0]}'; its tasks are {', '.join(tasks)}"
                )


class Adapted(System):
    """A frozen network with a small trained part for each task. A base for ways of sharing; only for transformers."""

    TRAINS_SHARED: ClassVar[bool] = False

    choice: None = None
    best_epoch: Literal["mean"] = "mean"
    layers: None = None
    learning_rate: float | None = Field(default=None, gt=0)
    """The learning rate of this system, since small parts need higher rates than a whole network; it replaces
    train.learning_rate and train.learning_rates. none: theirs."""

    def own_rate(self) -> float | None:
        """See `System`."""
        return self.learning_rate


def way_of(sharing: str) -> type[System]:
    """The way of sharing with a name."""
    return System.kind_of(sharing)


def models_of(sharing: str, tasks: Sequence[str]) -> list[str]:
    """The names of a system's models on one dataset and seed."""
    return way_of(sharing).models(tasks)


def rows_in_order() -> list[str]:
    """The rows of the paper's tables that systems can have, in the paper's order."""
    ways = sorted(System.kinds().items(), key=lambda item: (item[1].PLACE, item[0]))
    return [row for name, way in ways for row in way.ROWS or (name,)]
