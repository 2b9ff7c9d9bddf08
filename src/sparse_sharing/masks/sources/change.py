"""Iterative pruning of the weights that a training changes least: |theta - theta(0 or w)|.

Zhou et al. (2019) compare this criterion ("movement" there) with the magnitude for lottery tickets.
"""

from torch import Tensor

from sparse_sharing.masks.sources.base import Source


class Change(Source, name="change"):
    """Scores weights by their distance from the starting weights."""

    def scores(self, values: Tensor) -> Tensor:
        """The absolute change of each weight."""
        return (values - self.plan.start.to(values.device)).abs()
