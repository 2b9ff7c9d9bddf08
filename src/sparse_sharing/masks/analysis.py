"""Densities and overlaps of masks. Imports no torch: `sparse-sharing masks show` reads only bits."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sparse_sharing.masks.layers import ALL_LAYERS, layer_of

if TYPE_CHECKING:
    from sparse_sharing.masks.mask import Mask, Shapes


@dataclass(frozen=True)
class Overlap:
    """The overlap of masks (paper, equation 4), and the expected overlap of independent masks.

    Attributes:
        overlap: weights that all masks keep, divided by weights that any mask keeps.
        chance: of independent masks of the same densities.
        chance_by_tensor: of independent masks of the same densities in each tensor.
    """

    overlap: float
    chance: float
    chance_by_tensor: float


def parts_by_layer(keep: np.ndarray, shapes: "Shapes") -> dict[str, np.ndarray]:
    """The bits of a mask, bool [P], split by layer, bool [n]; layers in the order of the tensors."""
    parts: dict[str, list[np.ndarray]] = {}
    start = 0
    for name, shape in shapes.items():
        end = start + int(np.prod(shape))
        parts.setdefault(layer_of(name), []).append(keep[start:end])
        start = end
    return {layer: np.concatenate(pieces) for layer, pieces in parts.items()}


def layer_densities(keep: np.ndarray, shapes: "Shapes") -> dict[str, float]:
    """The share of weights that a mask, bool [P], keeps in each layer."""
    return {layer: np.count_nonzero(part) / max(1, part.size) for layer, part in parts_by_layer(keep, shapes).items()}


def tensor_densities(masks: Sequence["Mask"]) -> dict[str, list[float]]:
    """For each tensor the share of it that each mask keeps."""
    densities = [mask.tensor_densities() for mask in masks]
    return {name: [of_mask[name] for of_mask in densities] for name in masks[0].shapes}


def _stacked(masks: Sequence["Mask"]) -> np.ndarray:
    """Bool [masks, P]."""
    return np.stack([mask.keep.numpy() for mask in masks])


def intersection_size(masks: Sequence["Mask"]) -> int:
    """Number of weights that every mask keeps."""
    return int(np.count_nonzero(_stacked(masks).all(0)))


def union_size(masks: Sequence["Mask"]) -> int:
    """Number of weights that at least one mask keeps."""
    return int(np.count_nonzero(_stacked(masks).any(0)))


def overlap(masks: Sequence["Mask"]) -> float:
    """Weights kept by all masks divided by weights kept by any (paper, equation 4); 0 if nothing is kept."""
    return intersection_size(masks) / max(1, union_size(masks))


def shared_by(masks: Sequence["Mask"]) -> list[int]:
    """How many weights are kept by 0, 1, ... all of the masks."""
    return np.bincount(_stacked(masks).sum(0), minlength=len(masks) + 1).tolist()


def chance_overlap(densities: Sequence[float]) -> float:
    """The overlap that independent random masks of these densities are expected to have."""
    together, missed = float(np.prod(densities)), float(np.prod([1 - density for density in densities]))
    return together / (1 - missed) if missed < 1 else 0.0


def chance_overlap_by_tensor(masks: Sequence["Mask"]) -> float:
    """The overlap of independent masks that keep as many weights in each tensor as these do.

    The expected size of the intersection divided by that of the union, as in `chance_overlap`: if densities differ
    between tensors, masks overlap more than their total density suggests.
    """
    together = union = 0.0
    for name, densities in tensor_densities(masks).items():
        size = int(np.prod(masks[0].shapes[name]))
        together += size * float(np.prod(densities))
        union += size * (1 - float(np.prod([1 - density for density in densities])))
    return together / union if union else 0.0


def compare(masks: Sequence["Mask"]) -> Overlap:
    """The overlap of masks, and the overlaps to compare it with."""
    chance = chance_overlap([mask.density for mask in masks])
    return Overlap(overlap(masks), chance, chance_overlap_by_tensor(masks))


def compare_by_layer(masks: Sequence["Mask"]) -> dict[str, Overlap]:
    """The overlap of masks over all weights (row `all`), and in each layer."""
    layers = [mask.by_layer() for mask in masks]
    groups: Mapping[str, Sequence[Mask]] = {ALL_LAYERS: masks} | {
        name: [parts[name] for parts in layers] for name in layers[0]
    }
    return {name: compare(group) for name, group in groups.items()}
