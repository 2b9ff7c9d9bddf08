"""Masks over one tensor, written bit by bit."""

import torch

from sparse_sharing.masks.mask import Mask


def mask_of(bits, weights="weights"):
    """A mask over one tensor."""
    return Mask(torch.tensor(bits, dtype=torch.bool), {"matrix": (len(bits),)}, weights)


def dense(size):
    """The mask that keeps all of one tensor."""
    return Mask.dense({"matrix": (size,)}, "weights")
