"""Single-task learning: nothing is shared."""

from typing import ClassVar, Literal

from pydantic import model_validator

from sparse_sharing.config.section import Name
from sparse_sharing.config.select import Choice
from sparse_sharing.config.systems import System


class Single(System):
    """A model for each task."""

    MEANING: ClassVar[str] = "one network for each task; nothing is shared"
    IS_JOINT: ClassVar[bool] = False
    PLACE: ClassVar[int] = 10
    ROWS: ClassVar[tuple[str, ...]] = ("single", "single_subnet")

    sharing: Literal["single"]
    choice: Name | None = None
    """Train each task by itself in its subnetwork: the choice of masks."""

    @model_validator(mode="after")
    def check_best_epoch(self) -> "Single":
        """Reject best_epoch: a model of one task always has the weights of the epoch with its best dev score."""
        if self.best_epoch == "each":
            raise ValueError(
                "best_epoch: models of sharing 'single' always have the best epoch of their task; leave the key out"
            )
        return self

    def row(self, choice: Choice | None) -> str:
        """The row: a model for each task, dense or with the task's subnetwork."""
        return "single" if choice is None else "single_subnet"
