"""What every way of sharing has in common. Its keys are a file of the same name under `config/sharing`."""

import importlib
from collections.abc import Mapping
from typing import ClassVar

from sparse_sharing.masks.mask import Mask
from sparse_sharing.pipeline.specs import TrainSpec


class Sharing:
    """How the tasks of a system share one network.

    Network, optimizer and loop are the same for all ways: a way only says which part of the network each task keeps.
    A subclass names itself, `class Soft(Sharing, name="soft")`, and is known from then on.
    """

    known: ClassVar[dict[str, type["Sharing"]]] = {}

    def __init_subclass__(cls, name: str, **options: object) -> None:
        """Make a way of sharing known by its name."""
        super().__init_subclass__(**options)
        Sharing.known[name] = cls

    def masks(self, spec: TrainSpec, dense: Mask, chosen: Mapping[str, Mask] | None) -> dict[str, Mask]:
        """The mask of each task of the training.

        Args:
            spec: of the training.
            dense: the mask of the network that keeps everything.
            chosen: the masks of the system's choice by task, checked; None where it has no choice.
        """
        return {task: dense if chosen is None else chosen[task] for task in spec.tasks}


def sharing_of(name: str) -> Sharing:
    """The way of sharing of a name that the configuration knows."""
    if name not in Sharing.known:
        importlib.import_module(f"sparse_sharing.sharing.{name}")
    return Sharing.known[name]()
