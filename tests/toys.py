"""An encoder and a head defined outside of the package, as small as they can be."""

from typing import ClassVar, Literal

import torch
from torch import nn

from sparse_sharing.config.encoders.base import EncoderSection
from sparse_sharing.encoders.base import Encoder
from sparse_sharing.encoders.first_values import unit_variance_rows, xavier, zeros
from sparse_sharing.heads.linear import LinearHead
from sparse_sharing.masks.tensor_info import TensorInfo, UnitAxis
from sparse_sharing.text.batches import WORDS, make_batch


class BagSection(EncoderSection):
    """Each word by itself, through one layer."""

    kind: ClassVar[str] = "bag"
    implementation: ClassVar[str] = "toys"

    encoder: Literal["bag"]
    states: int = 8
    """Numbers of a state."""


class Bag(Encoder):
    """The vector of each word, through one layer."""

    section = BagSection

    def __init__(self, model, sizes):
        super().__init__(model, sizes)
        self.words = sizes.words
        self.layer = nn.Linear(4, sizes.units.get("layer", model.states))

    def tensors(self):
        units = UnitAxis("layer", 0, self.layer.out_features)
        weight, bias = self.layer.weight.shape, self.layer.bias.shape
        return [
            TensorInfo("layer.weight", tuple(weight), 1, "matrix", xavier, prunable=True, units=(units,)),
            TensorInfo("layer.bias", tuple(bias), 1, "bias", zeros, units=(units,)),
            TensorInfo(WORDS, (self.words, 4), 0, "rows", unit_variance_rows),
        ]

    def width(self, readout):
        return self.layer.out_features

    def state_units(self, readout):
        return (UnitAxis("layer", 0, self.layer.out_features),)

    def batch(self, text, indices, task=None, random=None):
        return make_batch(text, indices, task)

    def states(self, rows, batch, readout):
        return torch.tanh(self.layer(rows[WORDS][batch.words]))


class ScaledHead(LinearHead):
    """A linear head whose scores are doubled."""

    kind = "scaled"

    def scores(self, flat, states):
        return 2 * super().scores(flat, states)
