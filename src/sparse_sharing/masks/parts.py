"""Masks cut into layers."""

import torch

from sparse_sharing.masks.layers import layer_of
from sparse_sharing.masks.mask import Mask


def by_layer(mask: Mask) -> dict[str, Mask]:
    """The part of a mask that belongs to each layer: the character convolution, and each BiLSTM layer."""
    parts = mask.tensors()
    names: dict[str, list[str]] = {}
    for name in parts:
        names.setdefault(layer_of(name), []).append(name)
    return {
        layer: Mask(
            torch.cat([parts[name].reshape(-1) for name in members]),
            {name: mask.shapes[name] for name in members},
            mask.weights,
        )
        for layer, members in names.items()
    }
