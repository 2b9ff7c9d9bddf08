"""Ranking: which weights a smaller mask keeps, and how many (paper, Algorithm 1)."""

import numpy as np
import torch
from torch import Tensor

from sparse_sharing.masks.mask import Mask


def kept_after(round_: int, rounds: int, final_density: float, size: int) -> int:
    """Weights kept by the mask of a round: the size times final_density ** (round / rounds), rounded.

    Removing the share 1 - final_density ** (1 / rounds) of what is left, round after round, gives these counts.
    """
    return round(size * final_density ** (round_ / rounds))


def prune_smallest(magnitudes: Tensor, mask: Mask, kept: int) -> Mask:
    """Keep the `kept` largest of the weights that a mask keeps, ranked globally over all tensors (Algorithm 1).

    Args:
        magnitudes: float [P], the absolute weights.
        mask: the current mask; what it has removed stays removed.
        kept: how many weights the new mask keeps. Of equal magnitudes the earlier in the vector is kept.

    Raises:
        ValueError: A weight is not finite, or more weights are to be kept than there are.
    """
    ranked, remaining = magnitudes.detach().cpu().numpy(), mask.keep.numpy()
    values = ranked[remaining]
    if not np.isfinite(values).all():
        raise ValueError("a weight to be ranked is not finite")
    if not 0 <= kept <= len(values):
        raise ValueError(f"cannot keep {kept} of {len(values)} weights")
    if not kept:
        return Mask(torch.zeros_like(mask.keep), mask.shapes, mask.weights)
    cutoff = np.partition(values, len(values) - kept)[len(values) - kept]
    above = remaining & (ranked > cutoff)
    ties = np.flatnonzero(remaining & (ranked == cutoff))
    above[ties[: kept - np.count_nonzero(above)]] = True
    keep = torch.from_numpy(above)
    return Mask(keep, mask.shapes, mask.weights)
