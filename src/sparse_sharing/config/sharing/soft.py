"""Soft sharing: an encoder for each task, joined by cross-stitch units (Misra et al. 2016)."""

from collections.abc import Sequence
from typing import ClassVar, Literal

from sparse_sharing.config.systems import System


class Soft(System):
    """A BiLSTM for each task; after every layer a cross-stitch unit mixes the states of all tasks."""

    MEANING: ClassVar[str] = "one BiLSTM for each task, connected by cross-stitch units"
    PLACE: ClassVar[int] = 30

    sharing: Literal["soft"]
    choice: None = None

    def own_network(self, layers: int) -> str:
        """It always has another network than the one that is warmed up and pruned."""
        return "a BiLSTM per task"

    def stacks(self, tasks: Sequence[str]) -> list[str]:
        """All tasks: each has its own layers."""
        return list(tasks)
