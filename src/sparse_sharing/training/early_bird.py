"""Early-bird masks: a round of pruning may end when the mask that it leads to has settled (You et al., ICLR 2020)."""

from collections.abc import Callable

import torch

from sparse_sharing.masks import Mask


class EarlyBird:
    """Compares the mask that the weights would give with that of the epoch before."""

    def __init__(self, cut: Callable[[], Mask], size: int, limit: float) -> None:
        """Watch a training.

        Args:
            cut: gives the mask that the weights lead to as they are now.
            size: number of weights that can be kept.
            limit: the share of them below which a change ends the training.
        """
        self.cut, self.size, self.limit = cut, size, limit
        self._last: Mask | None = None

    def change(self) -> float | None:
        """The share of the weights on which the mask differs from that of the call before; none at first."""
        last, self._last = self._last, self.cut()
        if last is None:
            return None
        return int(torch.count_nonzero(last.keep ^ self._last.keep)) / self.size

    def settled(self, change: float | None) -> bool:
        """Whether so small a change ends the training."""
        return change is not None and change < self.limit
