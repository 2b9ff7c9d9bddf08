"""Makes new masks from others: combinations, random masks of equal size, permutations."""

from collections.abc import Callable, Mapping

import numpy as np
import torch
from torch import Tensor

from sparse_sharing.errors import ConfigError
from sparse_sharing.masks.files import MaskFile, require_alike
from sparse_sharing.masks.mask import Mask

OPERATIONS: Mapping[str, Callable[[Tensor, Tensor], Tensor]] = {
    "and": torch.logical_and,
    "or": torch.logical_or,
    "xor": torch.logical_xor,
    "minus": lambda first, second: first & ~second,
}
"""The combinations of two masks: the weights kept by both, by any, by exactly one, by only the first."""

Random = Callable[[str], np.random.Generator]
"""The random generator for the mask with a name, so that each mask has its own random numbers."""


def shuffled(mask: Mask, random: np.random.Generator) -> Mask:
    """A mask that keeps as many weights as another, at random positions over all tensors."""
    keep = torch.zeros_like(mask.keep)
    keep[torch.from_numpy(random.permutation(mask.keep.numel())[: mask.kept])] = True
    return Mask(keep, mask.shapes, mask.weights)


def permuted(masks: Mapping[str, Mask], random: np.random.Generator) -> dict[str, Mask]:
    """Masks with the positions within each tensor permuted at random, in the same way for all masks.

    Every mask keeps as many weights of each tensor as before, and any set of masks has as many in common: densities,
    overlaps and union do not change, in total and in each tensor. Only the positions of kept weights change.
    """
    first = next(iter(masks.values()))
    start, places = 0, []
    for shape in first.shapes.values():
        size = int(np.prod(shape))
        places.append(start + random.permutation(size))
        start += size
    order = torch.from_numpy(np.concatenate(places))
    return {name: Mask(mask.keep[order], mask.shapes, mask.weights) for name, mask in masks.items()}


def combine(operation: str, first: MaskFile, second: MaskFile) -> dict[str, Mask]:
    """Combine the masks of two files task by task; a file of a single mask is combined with each of the other's.

    Raises:
        ArtifactError: The masks do not cover the same weights.
        ConfigError: The files have masks of different tasks.
    """
    require_alike([first, second])
    names = list(first.masks)
    if len(second.masks) == 1:
        others = dict.fromkeys(names, next(iter(second.masks.values())))
    elif len(first.masks) == 1:
        only = next(iter(first.masks.values()))
        return {name: _apply(operation, only, mask) for name, mask in second.masks.items()}
    elif set(names) == set(second.masks):
        others = dict(second.masks)
    else:
        raise ConfigError(
            f"{first.label} has masks of {', '.join(names)}, {second.label} of {', '.join(second.masks)}; expected the "
            "same tasks, or one mask (FILE:NAME) on one side"
        )
    return {name: _apply(operation, mask, others[name]) for name, mask in first.masks.items()}


def _apply(operation: str, first: Mask, second: Mask) -> Mask:
    return Mask(OPERATIONS[operation](first.keep, second.keep), first.shapes, first.weights)


def random_like(masks: Mapping[str, Mask], random: Random) -> dict[str, Mask]:
    """Masks that keep as many weights as the given ones, at random positions over all layers."""
    return {name: shuffled(mask, random(name)) for name, mask in masks.items()}


def shuffle_layers(masks: Mapping[str, Mask], random: Random) -> dict[str, Mask]:
    """Masks that keep as many weights in each tensor as the given ones, at random positions within the tensor."""
    return {name: _shuffle_within(mask, random(name)) for name, mask in masks.items()}


def _shuffle_within(mask: Mask, random: np.random.Generator) -> Mask:
    parts = [part.reshape(-1) for part in mask.tensors().values()]
    keep = torch.cat([part[torch.from_numpy(random.permutation(part.numel()))] for part in parts])
    return Mask(keep, mask.shapes, mask.weights)
