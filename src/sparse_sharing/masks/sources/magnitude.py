"""Iterative magnitude pruning (paper, Algorithm 1): the smallest weights are removed after each training."""

from torch import Tensor

from sparse_sharing.masks.sources.base import Source


class Magnitude(Source, name="magnitude"):
    """Scores weights by their size."""

    def scores(self, values: Tensor) -> Tensor:
        """The absolute weights."""
        return values.abs()
