"""Hierarchical sharing: each task is supervised at its own layer (Søgaard and Goldberg 2016)."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from sparse_sharing.config.section import Name
from sparse_sharing.config.systems import System


class Hierarchical(System):
    """One encoder of several layers; a task runs and trains the layers up to its own."""

    MEANING: ClassVar[str] = "one network for all tasks; each task is supervised at its own layer"
    PLACE: ClassVar[int] = 40

    sharing: Literal["hierarchical"]
    choice: None = None
    task_layers: dict[Name, Annotated[int, Field(ge=1)]]
    """The layer at which each task is supervised, counted from 1; a task does not use the layers above."""

    def settings(self, tasks: Sequence[str]) -> dict[str, Any]:
        """The layers of the tasks that are trained."""
        return {"task_layers": {task: self.task_layers[task] for task in tasks}}

    def check_fit(self, layers: int, datasets: Mapping[str, Sequence[str]]) -> None:
        """Also check that each task has a layer that exists, and that one task has the last layer."""
        super().check_fit(layers, datasets)
        place, layers = f"train.systems: '{self.name}'", self.layers or layers
        known = {task for tasks in datasets.values() for task in tasks}
        for task, layer in self.task_layers.items():
            if task not in known:
                raise ValueError(f"{place}: task_layers names '{task}'; known tasks: {', '.join(sorted(known))}")
            if layer > layers:
                raise ValueError(f"{place}: task_layers has layer {layer} for '{task}'; expected 1 to {layers}")
        for dataset, tasks in datasets.items():
            trained = self.trained(tasks)
            if missing := [task for task in trained if task not in self.task_layers]:
                raise ValueError(f"{place}: task_layers has no layer for {', '.join(missing)} of '{dataset}'")
            if max(self.task_layers[task] for task in trained) < layers:
                raise ValueError(
                    f"{place}: no task of '{dataset}' is supervised at layer {layers}, the last: "
                    "raise one in task_layers, or lower layers"
                )
