"""Extended models: a task is added to a finished model, whose other tasks do not change."""

from collections.abc import Mapping, Sequence
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from sparse_sharing.config.section import Name
from sparse_sharing.config.systems import System


class Extended(System):
    """The model of another system with one more task, which trains only weights that no other task keeps."""

    MEANING: ClassVar[str] = "a finished model with one more task; the other tasks do not change, bit for bit"
    STAGE: ClassVar[str] = "add_task"
    PLACE: ClassVar[int] = 60

    sharing: Literal["extended"]
    choice: None = None
    extends: Name
    """The system whose finished model the task is added to; its sharing is sparse or extended."""
    task: Name
    """The new task; `tasks` are the tasks of the other system and this one."""
    share: Annotated[float, Field(gt=0, le=1)] = 0.5
    """Share of the free weights that the new task keeps: those with the largest magnitudes after a training with all
    free weights."""

    def check_systems(self, systems: Mapping[str, System], datasets: Mapping[str, Sequence[str]]) -> None:
        """Check that the extended system exists, has one model for all its tasks, and lacks only the new task."""
        place = f"train.systems: '{self.name}'"
        base = systems.get(self.extends)
        if base is None or base is self:
            known = ", ".join(name for name in systems if name != self.name)
            raise ValueError(f"{place} extends '{self.extends}', which is not another system; known: {known}")
        if base.sharing not in ("sparse", "extended"):
            raise ValueError(
                f"{place} extends '{base.name}' of sharing '{base.sharing}', which leaves no weight free; use a "
                "system of sharing sparse or extended"
            )
        for dataset, tasks in datasets.items():
            before, after = set(base.trained(tasks)), set(self.trained(tasks))
            if after != before | {self.task} or self.task in before:
                raise ValueError(
                    f"{place}: its tasks of dataset '{dataset}' must be those of '{base.name}' "
                    f"({', '.join(sorted(before))}) and the new one, '{self.task}'; got {', '.join(sorted(after))}"
                )
