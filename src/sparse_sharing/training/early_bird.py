"""Early-bird masks: a round of pruning may end when its next mask has settled (You et al., ICLR 2020).

As in the paper, the distances between the masks of consecutive epochs must all stay below a limit (0.1 there) for the
last epochs (5 there). The distance is the share of the weights that differ, here of those that the round can keep. The
authors' code compares the newest mask with each of the four before it instead.
"""

from collections.abc import Callable, Sequence

import torch

from sparse_sharing.masks.mask import Mask


class EarlyBird:
    """Compares the mask that the present weights would give with that of the epoch before."""

    def __init__(self, cut: Callable[[], Mask], size: int, limit: float, window: int) -> None:
        """Watch a training.

        Args:
            cut: returns the mask that the present weights would give.
            size: number of weights that can be kept.
            limit: the share of them below which changes end the training.
            window: how many consecutive epochs must change less.
        """
        self.cut, self.size, self.limit, self.window = cut, size, limit, window
        self._last: Mask | None = None

    def change(self) -> float | None:
        """The share of the weights on which the mask differs from that of the previous call; None at first."""
        last, self._last = self._last, self.cut()
        if last is None:
            return None
        return int(torch.count_nonzero(last.keep ^ self._last.keep)) / self.size

    def settled(self, changes: Sequence[float | None]) -> bool:
        """Whether the changes of the epochs so far, as returned by `change`, end the training."""
        last = changes[-self.window :]
        return len(last) == self.window and all(change is not None and change < self.limit for change in last)
