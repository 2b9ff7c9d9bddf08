"""The base of all sources of masks. The keys of a source are in a file of the same name in `config/sources`.

The training passes weights, gradients and progress to a source. A source has no access to network, optimizer or text.
"""

import importlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from torch import Tensor

from sparse_sharing.masks.mask import Mask
from sparse_sharing.masks.ranking import kept_after, prune_smallest
from sparse_sharing.masks.units import Units


@dataclass(frozen=True)
class Plan:
    """The task of a source.

    Attributes:
        dense: the mask that keeps everything.
        start: float32 [P], the prunable weights that every training starts from, in the order of masks.
        rounds: number of the last round; round 0 is the whole network.
        final_density: share of the weights that the last round keeps.
        settings: the keys that only this source has.
        units: the units of the encoder if whole units are removed; None: single weights are removed.
    """

    dense: Mask
    start: Tensor
    rounds: int
    final_density: float
    settings: Mapping[str, Any] = field(default_factory=dict)
    units: Units | None = None


@dataclass(frozen=True)
class Moment:
    """The progress of a training: step `step` of `steps` in epoch `epoch` of `epochs` has ended; all count from 1."""

    epoch: int
    epochs: int
    step: int
    steps: int

    @property
    def time(self) -> float:
        """Epochs since the start."""
        return self.epoch - 1 + self.step / self.steps


class Source:
    """A source of the masks of a task: it decides which weights are removed, when, and how many.

    A subclass gives its name, `class Change(Source, name="change")`, which registers it. By default it prunes as in the
    paper: one training per round, after which the weights with the lowest scores are removed.
    """

    known: ClassVar[dict[str, type["Source"]]] = {}

    SIGNED: ClassVar[bool] = False
    """Whether scores may be below zero."""

    def __init_subclass__(cls, name: str = "", **options: object) -> None:
        """Register a source by its name."""
        super().__init_subclass__(**options)
        if name:
            Source.known[name] = cls

    def __init__(self, plan: Plan) -> None:
        """Prepare for one task."""
        self.plan = plan

    def scores(self, values: Tensor) -> Tensor:
        """float32 [P], the score of each weight; `values` float32 [P] are the present weights, in the order of
        masks.
        """
        raise NotImplementedError(f"{type(self).__name__} does not define scores")

    def prune(self, values: Tensor, mask: Mask, kept: int) -> Mask:
        """The mask of the `kept` weights, or units, with the highest scores among those that a mask keeps."""
        scores, units = self.scores(values), self.plan.units
        return prune_smallest(scores if units is None else units.rank(scores, mask, self.SIGNED), mask, kept)

    def masks_after(self, round_: int, values: Tensor, mask: Mask) -> list[Mask]:
        """The masks that follow the training of a round, each within the one before.

        Args:
            round_: the number of the round.
            values: float32 [P], the weights of its best epoch.
            mask: the mask that it was trained under.
        """
        kept = kept_after(round_ + 1, self.plan.rounds, self.plan.final_density, mask.keep.numel())
        return [self.prune(values, mask, kept)]

    def observe(self, values: Tensor, gradient: Tensor) -> None:
        """Observe a step before it changes the weights.

        Args:
            values: float32 [P], the weights.
            gradient: float32 [P], the gradient of the loss of the step's batch; 0 for removed weights.
        """

    def cut(self, moment: Moment, values: Tensor, mask: Mask) -> Mask | None:
        """The smaller mask with which the training continues; None: the mask does not change.

        Args:
            moment: the progress of the training.
            values: float32 [P], the weights after the step.
            mask: the present mask.
        """
        return None

    def state(self) -> dict[str, Tensor]:
        """The state of the source for a checkpoint."""
        return {}

    def load_state(self, state: Mapping[str, Tensor]) -> None:
        """Restore a state from `state`."""


def source_of(name: str, plan: Plan) -> Source:
    """The source with a name from the configuration."""
    if name not in Source.known:
        importlib.import_module(f"sparse_sharing.masks.sources.{name}")
    return Source.known[name](plan)
