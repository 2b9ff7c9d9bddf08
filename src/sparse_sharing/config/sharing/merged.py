"""Merged models: the finished models of single tasks are merged into one, without joint training."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, model_validator

from sparse_sharing.config.section import Name, duplicates
from sparse_sharing.config.systems import System

Method = Literal["arithmetic", "ties", "dare", "dare_ties", "tall", "tall_ties"]

GRIDS: Mapping[str, tuple[float, ...]] = {
    "densities": (0.2, 0.5, 1.0),
    "drop_rates": (0.5, 0.9),
    "thresholds": (0.2, 0.3, 0.4, 0.5, 0.6),
}
"""The values that are compared on dev if a method uses a key and the configuration does not give it."""

USED_BY: Mapping[str, tuple[Method, ...]] = {
    "densities": ("ties", "dare_ties", "tall_ties"),
    "drop_rates": ("dare", "dare_ties"),
    "thresholds": ("tall", "tall_ties"),
}
"""The methods that use each key."""

Share = Annotated[float, Field(gt=0, le=1)]
Rate = Annotated[float, Field(ge=0, lt=1)]
Threshold = Annotated[float, Field(ge=0)]


class Merged(System):
    """The merged models of a system of single tasks: the changes of their trainings are added to their common start."""

    MEANING: ClassVar[str] = "finished models of single tasks, merged into one without joint training"
    STAGE: ClassVar[str] = "merge"
    PLACE: ClassVar[int] = 70

    sharing: Literal["merged"]
    choice: None = None
    epochs: None = None
    epochs_after_start: None = None
    best_epoch: Literal["mean"] = "mean"
    layers: None = None
    merges: Name
    """The system of sharing `single` whose finished models are merged; both systems must have the same `start`."""
    method: Method
    """How changes are merged. arithmetic: their sum (Ilharco et al. 2023). ties: their mean without the smallest
    changes and those of the minority sign (Yadav et al. 2023). dare: the sum after some changes are dropped at random
    and the others scaled up (Yu et al. 2024). dare_ties: both. tall, tall_ties: the sum, or the result of ties, to
    which each task applies a mask that keeps what is near its own change (Wang et al. 2024)."""
    scales: list[Annotated[float, Field(gt=0)]] = Field(default=[0.3, 0.5, 0.7, 1.0], min_length=1)
    """Factors of the merged change; dev scores choose one."""
    densities: list[Share] | None = Field(default=None, min_length=1)
    """Methods with ties: the shares of each task's largest changes that are kept; dev scores choose one. none: 0.2,
    0.5, 1."""
    drop_rates: list[Rate] | None = Field(default=None, min_length=1)
    """Methods with dare: the shares of each task's changes that are dropped; dev scores choose one. none: 0.5, 0.9."""
    thresholds: list[Threshold] | None = Field(default=None, min_length=1)
    """Methods with tall: a task keeps the merged change where its own change is at least this many times as large as
    the difference of the two; dev scores choose one value for each task. none: 0.2, 0.3, 0.4, 0.5, 0.6."""

    @model_validator(mode="after")
    def check_method(self) -> "Merged":
        """Check that the method has only its own grids, and that no value is in a grid twice."""
        for key, methods in USED_BY.items():
            if getattr(self, key) is not None and self.method not in methods:
                raise ValueError(f"method '{self.method}' does not use the key '{key}'")
        for key in ("scales", *USED_BY):
            if repeated := duplicates([str(value) for value in getattr(self, key) or ()]):
                raise ValueError(f"{key}: duplicate value {repeated[0]}")
        return self

    def grid(self, key: str) -> list[float] | None:
        """The values of `densities`, `drop_rates` or `thresholds` that dev compares; None: the method uses none."""
        if self.method not in USED_BY[key]:
            return None
        return getattr(self, key) or list(GRIDS[key])

    def settings(self, tasks: Sequence[str]) -> dict[str, Any]:
        """The method and its grids."""
        return {"method": self.method, "scales": self.scales} | {key: self.grid(key) for key in GRIDS}

    def check_systems(self, systems: Mapping[str, System], datasets: Mapping[str, Sequence[str]]) -> None:
        """Check that the merged system exists, has a dense model for each task, and has the same start."""
        place = f"train.systems: '{self.name}'"
        base = systems.get(self.merges)
        if base is None or base is self:
            known = ", ".join(name for name in systems if name != self.name)
            raise ValueError(f"{place} merges '{self.merges}', which is not another system; known: {known}")
        if base.sharing != "single" or base.choice is not None or base.layers is not None:
            raise ValueError(
                f"{place} merges '{base.name}', whose models are not dense models of single tasks from one start; use "
                "a system of sharing single without choice and layers"
            )
        if base.start != self.start:
            raise ValueError(
                f"{place} merges '{base.name}', which starts from '{base.start}'; give both systems the same start "
                f"(got '{self.start}')"
            )
        for dataset, tasks in datasets.items():
            if missing := [task for task in self.trained(tasks) if task not in base.trained(tasks)]:
                raise ValueError(
                    f"{place}: '{base.name}' has no model of task '{missing[0]}' of dataset '{dataset}'; name the "
                    "tasks of both systems with the key tasks"
                )
