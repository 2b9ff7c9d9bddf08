"""The base of all ways of sharing. The keys of each way are in a file of the same name in `config/sharing`."""

import importlib
from collections.abc import Mapping
from typing import ClassVar

from sparse_sharing.config.encoders.base import EncoderSection
from sparse_sharing.masks.mask import Mask
from sparse_sharing.pipeline.specs import TrainSpec


class Sharing:
    """How the tasks of a system share one network.

    Network, optimizer and loop are the same for all ways: a way only defines which part of the network each task keeps,
    and which tensors tasks have for themselves.
    A subclass gives its name, `class Soft(Sharing, name="soft")`, which registers it.
    """

    known: ClassVar[dict[str, type["Sharing"]]] = {}

    def __init_subclass__(cls, name: str, **options: object) -> None:
        """Register a way of sharing by its name."""
        super().__init_subclass__(**options)
        Sharing.known[name] = cls

    def masks(self, spec: TrainSpec, dense: Mask, chosen: Mapping[str, Mask] | None) -> dict[str, Mask]:
        """The mask of each task of the training.

        Args:
            spec: the spec of the training.
            dense: the mask of the network that keeps everything.
            chosen: the checked masks of the system's choice by task; None if it has no choice.
        """
        return {task: dense if chosen is None else chosen[task] for task in spec.tasks}

    def encoder(self, spec: TrainSpec, model: EncoderSection) -> EncoderSection:
        """The section of the encoder of the training, from that of its starting weights."""
        return model


def sharing_of(name: str) -> Sharing:
    """The way of sharing with a name from the configuration."""
    if name not in Sharing.known:
        importlib.import_module(f"sparse_sharing.sharing.{name}")
    return Sharing.known[name]()
