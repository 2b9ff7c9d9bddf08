"""What every source of masks has in common. Its keys are a file of the same name under `config/sources`.

A source is handed weights, gradients and progress by the training. It never sees a network, an optimizer or a text.
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
    """What a source is asked for.

    Attributes:
        dense: the mask that keeps everything.
        start: float32 [P], the prunable weights that every training starts from, in the order of masks.
        rounds: number of the last round; round 0 is the whole network.
        final_density: share of the weights that the last round keeps.
        settings: the keys that only this source has.
        units: the units of the encoder where whole units are removed; none: single weights are.
    """

    dense: Mask
    start: Tensor
    rounds: int
    final_density: float
    settings: Mapping[str, Any] = field(default_factory=dict)
    units: Units | None = None


@dataclass(frozen=True)
class Moment:
    """How far a training is: step `step` of `steps` in epoch `epoch` of `epochs` has just ended; all count from 1."""

    epoch: int
    epochs: int
    step: int
    steps: int

    @property
    def time(self) -> float:
        """Epochs since the start."""
        return self.epoch - 1 + self.step / self.steps


class Source:
    """Where the masks of a task come from: which weights are kept longest, and when how many are removed.

    A subclass names itself, `class Change(Source, name="change")`, and is known from then on. Without further methods
    it prunes as the paper does: a training for each round, after which the weights of the lowest scores are removed.
    """

    known: ClassVar[dict[str, type["Source"]]] = {}

    SIGNED: ClassVar[bool] = False
    """Whether scores may be below zero."""

    def __init_subclass__(cls, name: str = "", **options: object) -> None:
        """Make a source known by its name."""
        super().__init_subclass__(**options)
        if name:
            Source.known[name] = cls

    def __init__(self, plan: Plan) -> None:
        """Prepare for one task."""
        self.plan = plan

    def scores(self, values: Tensor) -> Tensor:
        """float32 [P], how much each weight counts; `values` float32 [P] are the weights now, in the order of masks."""
        raise NotImplementedError(f"{type(self).__name__} does not say how much a weight counts")

    def prune(self, values: Tensor, mask: Mask, kept: int) -> Mask:
        """The mask that keeps the `kept` weights, or units, of the highest scores among those that a mask keeps."""
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
        """Be told of a step before it changes the weights.

        Args:
            values: float32 [P], the weights.
            gradient: float32 [P], of the loss of the step's batch; 0 where the mask removes the weight.
        """

    def cut(self, moment: Moment, values: Tensor, mask: Mask) -> Mask | None:
        """The smaller mask that the training goes on with from here; None: the mask that it has.

        Args:
            moment: how far the training is.
            values: float32 [P], the weights after the step.
            mask: the mask that the training has now.
        """
        return None

    def state(self) -> dict[str, Tensor]:
        """What the source has to remember when a training is interrupted."""
        return {}

    def load_state(self, state: Mapping[str, Tensor]) -> None:
        """Take over what `state` gave."""


def source_of(name: str, plan: Plan) -> Source:
    """The source of a name that the configuration knows."""
    if name not in Source.known:
        importlib.import_module(f"sparse_sharing.masks.sources.{name}")
    return Source.known[name](plan)
