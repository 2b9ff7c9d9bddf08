"""The largest of the starting weights, without any pruning: what a choice with rule `magnitude` takes, as a control."""

from collections.abc import Mapping

from torch import Tensor

from sparse_sharing.masks.mask import Mask
from sparse_sharing.masks.ranking import prune_smallest


def largest_at_start(magnitudes: Tensor, dense: Mask, densities: Mapping[str, float]) -> dict[str, Mask]:
    """For each task the mask that keeps as many of the largest weights as its density asks for.

    Args:
        magnitudes: float32 [P], the absolute starting weights.
        dense: the mask that keeps everything.
        densities: the share of weights that each task's mask keeps.
    """
    size = dense.keep.numel()
    return {task: prune_smallest(magnitudes, dense, round(density * size)) for task, density in densities.items()}
