"""Masks of the largest starting weights, without pruning, for the control choice with rule `magnitude`."""

from collections.abc import Mapping

from torch import Tensor

from sparse_sharing.masks.mask import Mask
from sparse_sharing.masks.ranking import prune_smallest


def largest_at_start(magnitudes: Tensor, dense: Mask, densities: Mapping[str, float]) -> dict[str, Mask]:
    """For each task the mask of the largest starting weights with its density.

    Args:
        magnitudes: float32 [P], the absolute starting weights.
        dense: the mask that keeps everything.
        densities: the share of weights that each task's mask keeps.
    """
    size = dense.keep.numel()
    return {task: prune_smallest(magnitudes, dense, round(density * size)) for task, density in densities.items()}
