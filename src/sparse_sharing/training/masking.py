"""Prunes during a training: passes weights, gradients and progress to a source of masks, and applies its masks."""

from collections.abc import Mapping

import torch
from torch import Tensor

from sparse_sharing.masks.mask import Mask
from sparse_sharing.masks.sources.base import Moment, Source
from sparse_sharing.network.network import Network
from sparse_sharing.training.trainer import Trainer


class Masking:
    """The mask of a task that is trained by itself; it shrinks during the training.

    Attributes:
        mask: the present mask.
        masks: the masks at the end of each epoch so far.
    """

    def __init__(self, source: Source, network: Network, task: str) -> None:
        """Let a source prune a network, which must have only this task."""
        self.source, self.network, self.task = source, network, task
        self.trainer: Trainer | None = None
        self.mask, self.masks = source.plan.dense, list[Mask]()

    def follow(self, trainer: Trainer) -> None:
        """Observe a trainer, from before its first step, and start with the whole network."""
        self.trainer, trainer.observer = trainer, self._observe
        self._apply(self.source.plan.dense)
        self.masks = []

    def after_step(self, moment: Moment) -> None:
        """Shrink the mask if the source does so."""
        if (mask := self.source.cut(moment, self.network.prunable_values(), self.mask)) is not None:
            self._apply(mask)

    def end_epoch(self) -> None:
        """Store the mask at the end of the epoch."""
        self.masks.append(self.mask)

    def state(self) -> dict[str, Tensor]:
        """The state for a checkpoint: the masks so far, bool [epochs, P], and the state of the source."""
        tensors = {"masks": torch.stack([mask.keep for mask in self.masks])}
        return tensors | {f"source.{name}": value for name, value in self.source.state().items()}

    def load_state(self, state: Mapping[str, Tensor]) -> None:
        """Restore a state from `state`."""
        dense = self.source.plan.dense
        self.masks = [Mask(keep, dense.shapes, dense.weights) for keep in state["masks"].cpu().bool()]
        names = {name.removeprefix("source."): value for name, value in state.items() if name.startswith("source.")}
        self.source.load_state(names)
        self._apply(self.masks[-1])

    def _observe(self, gradient: Tensor) -> None:
        self.source.observe(self.network.prunable_values(), self.network.prunable_part(gradient))

    def _apply(self, mask: Mask) -> None:
        self.mask = mask
        self.network.set_masks({self.task: mask})
        if self.trainer is not None:
            self.trainer.follow_masks()
