"""Masks of whole layers, for hierarchical sharing."""

from sparse_sharing.masks.layers import layer_number
from sparse_sharing.masks.mask import Mask


def up_to_layer(dense: Mask, layer: int) -> Mask:
    """The mask that keeps the characters and every layer up to one, counted from 1."""
    return Mask.of_tensors(dense.shapes, dense.weights, lambda name: layer_number(name) <= layer)
