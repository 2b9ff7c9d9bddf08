"""One-shot pruning by change: one dense training, and masks of all densities from the changes of its weights.

This is how Ansell et al. (2022) find sparse fine-tunings.
"""

from torch import Tensor

from sparse_sharing.masks.sources.one_shot import OneShot


class OneShotChange(OneShot, name="one_shot_change"):
    """Ranks the weights once, by their distance from the starting weights."""

    def scores(self, values: Tensor) -> Tensor:
        """The absolute change of each weight."""
        return (values - self.plan.start.to(values.device)).abs()
