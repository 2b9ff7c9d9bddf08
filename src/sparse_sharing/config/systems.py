"""The systems that are compared: each is a way of sharing, written down as data of the one training stage."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Literal

from pydantic import Field, model_validator

from sparse_sharing.config.corpora import SHARED
from sparse_sharing.config.replicate import Replicate
from sparse_sharing.config.section import NAME, Name, Section, duplicates

Start = Literal["initial", "warmup"]
STARTS = ("initial", "warmup")

START = rf"initial(-{NAME})?|warmup"
"""What starting weights are called in paths: `initial-` and a system's name are those of a network of its own."""


class System(Section):
    """A way of sharing, to be trained and compared."""

    name: Name
    sharing: Literal["single", "hard", "soft", "hierarchical", "sparse"]
    """single: a model per task; hard: one dense encoder; soft: a BiLSTM per task, joined by cross-stitch units;
    hierarchical: one encoder, each task supervised at a layer of its own; sparse: one encoder, a subnetwork per task.
    """
    start: Start = "initial"
    """The starting weights: initial, theta(0), or warmup, theta(w)."""
    choice: Name | None = None
    """Sharing sparse: the name of the choice of masks; sharing single: train each task's subnetwork alone."""
    epochs: int | None = Field(default=None, ge=1)
    """The whole budget of this system, its warm-up included, where it differs from that of the section."""
    epochs_after_start: int | None = Field(default=None, ge=1)
    """Instead of epochs: the epochs trained after the start, whatever the warm-up has had before."""
    unequal_budget: bool = False
    """The updates of this system differ from the others' on purpose; `validate` then notes it without a warning."""
    best_epoch: Literal["mean", "each"] = "mean"
    """A control, all but single. mean: all tasks have the weights of the epoch with the best mean dev score. each: each
    task is evaluated with the weights of the epoch with its own best dev score, as tasks of single systems are."""
    replicate: Replicate | None = None
    """What of the original code this system replicates, besides what the whole run does."""
    tasks: list[Name] | None = Field(default=None, min_length=1)
    """Train only these tasks of every dataset; warm-up, pruning and masks stay those of all tasks."""
    layers: Annotated[int, Field(ge=1)] | None = None
    """BiLSTM layers where they differ from model.layers; the system then starts from initial and has no choice."""
    task_layers: dict[Name, Annotated[int, Field(ge=1)]] | None = None
    """Sharing hierarchical: the layer at which each task is supervised, counted from 1; a task runs no layer above."""

    @model_validator(mode="after")
    def check(self) -> "System":
        """Each way of sharing has its own keys, and only those; tasks that are trained jointly are two or more."""
        if self.replicate is not None:
            self.replicate.check_fit(self.sharing)
        if self.sharing == "single" and self.best_epoch == "each":
            raise ValueError("best_epoch: models of sharing 'single' have one task, and its best epoch: leave it out")
        if self.sharing == "sparse" and self.choice is None:
            raise ValueError("sharing 'sparse' needs the key 'choice'")
        if self.sharing not in ("sparse", "single") and self.choice is not None:
            raise ValueError(f"sharing '{self.sharing}' does not use the key 'choice'")
        if (self.task_layers is not None) != (self.sharing == "hierarchical"):
            verb = "needs" if self.sharing == "hierarchical" else "does not use"
            raise ValueError(f"sharing '{self.sharing}' {verb} the key 'task_layers'")
        if self.epochs is not None and self.epochs_after_start is not None:
            raise ValueError("epochs and epochs_after_start exclude each other: one includes the warm-up, one does not")
        if repeated := duplicates(self.tasks or []):
            raise ValueError(f"tasks: '{repeated[0]}' stands there twice")
        if self.sharing != "single" and self.tasks is not None and len(self.tasks) < 2:
            raise ValueError(f"tasks: sharing '{self.sharing}' trains tasks together, and '{self.tasks[0]}' is alone")
        return self

    def trained(self, tasks: Sequence[str]) -> list[str]:
        """Those of a dataset's tasks that the system trains."""
        return [task for task in tasks if self.tasks is None or task in self.tasks]

    def trained_epochs(self, budget: int, warmup: int) -> int:
        """The epochs trained after the start: the budget less those of the warm-up that the system starts from.

        Args:
            budget: epochs of the section `train`, which count where the system has none of its own.
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
        """Whether it trains another network than the one of so many layers that is warmed up and pruned."""
        return self.sharing == "soft" or self.layers not in (None, layers)

    def check_fit(self, layers: int, datasets: Mapping[str, Sequence[str]]) -> None:
        """Check the system against the layers of the base network and the tasks of each dataset.

        Raises:
            ValueError: It names a task or layer that does not exist, leaves one out, or cannot start as it says.
        """
        place = f"train.systems: '{self.name}'"
        if self.has_own_network(layers) and (self.start != "initial" or self.choice is not None):
            own = "a BiLSTM per task" if self.sharing == "soft" else f"{self.layers} layers, model.layers is {layers}"
            raise ValueError(
                f"{place} trains another network ({own}) than the one that is warmed up and pruned: "
                "it needs start 'initial' and takes no choice"
            )
        for dataset, tasks in datasets.items():
            if missing := [task for task in self.tasks or [] if task not in tasks]:
                raise ValueError(
                    f"{place}: dataset '{dataset}' has no task '{missing[0]}'; its tasks are {', '.join(tasks)}"
                )
        if self.task_layers is not None:
            self._check_task_layers(place, self.layers or layers, datasets)

    def _check_task_layers(self, place: str, layers: int, datasets: Mapping[str, Sequence[str]]) -> None:
        known = {task for tasks in datasets.values() for task in tasks}
        for task, layer in self.task_layers.items():
            if task not in known:
                raise ValueError(f"{place}: task_layers names '{task}'; known tasks: {', '.join(sorted(known))}")
            if layer > layers:
                raise ValueError(f"{place}: task_layers puts '{task}' at layer {layer} of {layers}")
        for dataset, tasks in datasets.items():
            trained = self.trained(tasks)
            if missing := [task for task in trained if task not in self.task_layers]:
                raise ValueError(f"{place}: task_layers gives no layer for {', '.join(missing)} of '{dataset}'")
            if max(self.task_layers[task] for task in trained) < layers:
                raise ValueError(
                    f"{place}: no task of '{dataset}' is supervised at layer {layers}, the last: "
                    "raise one in task_layers, or lower layers"
                )


def models_of(sharing: str, tasks: Sequence[str]) -> list[str]:
    """The names of a system's models on one dataset and seed: one per task for `single`, else one for all."""
    return list(tasks) if sharing == "single" else [SHARED]
