"""Movement pruning: weights that a training moves towards zero are removed first (Sanh et al. 2020).

The score of a weight is the sum over all steps of -weight * gradient, the first-order form of their equation 3. Unlike
there, removed weights stay removed, and a weight outside the mask gets no score: a step of a task changes nothing
outside its mask.
"""

from collections.abc import Mapping

import torch
from torch import Tensor

from sparse_sharing.masks.sources.base import Plan
from sparse_sharing.masks.sources.gradual import Gradual


class Movement(Gradual, name="movement"):
    """Scores weights by how far they have moved away from zero."""

    SIGNED = True

    def __init__(self, plan: Plan) -> None:
        """Start with scores of zero."""
        super().__init__(plan)
        self.total = torch.zeros_like(plan.start)

    def observe(self, values: Tensor, gradient: Tensor) -> None:
        """Add the movement of a step."""
        self.total = self.total.to(values.device).addcmul_(values, gradient, value=-1)

    def scores(self, values: Tensor) -> Tensor:
        """The movement so far."""
        return self.total

    def state(self) -> dict[str, Tensor]:
        """The movement so far."""
        return {"total": self.total}

    def load_state(self, state: Mapping[str, Tensor]) -> None:
        """Restore the movement of an interrupted training."""
        self.total = state["total"].clone()
