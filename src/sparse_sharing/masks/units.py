"""Masks over units: an LSTM unit or a filter is kept or removed as a whole (structured pruning).

A mask over units is a `Mask` whose shapes are the groups of units of an encoder. It is ranked, nested, stored and
compared like a mask over weights, and is expanded to one only when a network applies it. An LSTM unit is the rows of
its four gates, its biases, its recurrent columns, and the inputs of the next layer that read it (Wen et al. 2018,
"Learning Intrinsic Sparse Structures within LSTM"); so a unit that is removed is exactly 0.
"""

from collections.abc import Iterable, Mapping
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from sparse_sharing.masks.mask import Mask, Shapes
from sparse_sharing.masks.tensor_info import TensorInfo, UnitAxis


class Units:
    """The units of an encoder, and their positions in its tensors.

    Attributes:
        infos: the declarations of all tensors except those of role `rows`.
        shapes: for each group of units its shape, (number of units,), as covered by masks over units.
    """

    def __init__(self, tensors: Iterable[TensorInfo]) -> None:
        """Read the declarations of an encoder."""
        self.infos = [info for info in tensors if info.role != "rows"]
        axes = [axis for info in self.infos for axis in info.units]
        self.shapes: Shapes = {axis.group: (axis.count,) for axis in axes}

    @cached_property
    def covered(self) -> Shapes:
        """Name and shape of the tensors of expanded masks: prunable tensors, and the biases of units."""
        return {info.name: info.shape for info in self.infos if info.prunable or info.units}

    def is_over_units(self, mask: Mask) -> bool:
        """Whether a mask is over units."""
        return bool(self.shapes) and dict(mask.shapes) == dict(self.shapes)

    def expand(self, mask: Mask) -> Mask:
        """Expand a mask over units to weights and biases: everything that belongs to a removed unit is removed."""
        kept_units = {group: keep.numpy() for group, keep in mask.tensors().items()}
        parts = []
        for info in self.infos:
            if info.name not in self.covered:
                continue
            keep = np.ones(info.shape, bool)
            for axis in info.units:
                line = np.ones(info.shape[axis.axis], bool)
                line[places(axis)] = kept_units[axis.group][None, :, None]
                keep &= line.reshape([-1 if at == axis.axis else 1 for at in range(keep.ndim)])
            parts.append(keep.reshape(-1))
        return Mask(torch.from_numpy(np.concatenate(parts)), dict(self.covered), mask.weights)

    def collapse(self, mask: Mask) -> Mask | None:
        """The mask over units that expands to a given mask over weights and biases; None if there is none."""
        if not self.shapes or dict(mask.shapes) != dict(self.covered):
            return None
        tensors = {name: keep.numpy() for name, keep in mask.tensors().items()}
        kept_units: dict[str, np.ndarray] = {}
        for info in self.infos:
            for axis in info.units:
                lines = np.moveaxis(tensors[info.name], axis.axis, 0)[places(axis)]
                in_use = np.logical_or.reduce(lines.reshape(axis.blocks, axis.count, -1), axis=(0, 2))
                kept_units[axis.group] = kept_units[axis.group] | in_use if axis.group in kept_units else in_use
        keep = torch.from_numpy(np.concatenate([kept_units[group] for group in self.shapes]))
        units = Mask(keep, self.shapes, mask.weights)
        return units if torch.equal(self.expand(units).keep, mask.keep) else None

    def scores(self, weights: Tensor, signed: bool = False) -> Tensor:
        """The score of each unit: the root mean square of the scores of its weights, without biases.

        It is the mean, not the sum, because units of all groups are ranked together, and an LSTM unit has more weights.

        Args:
            weights: float [P], the scores of the prunable weights in the order of masks.
            signed: whether scores may be below zero; the mean is then used instead of the root mean square.

        Returns:
            float32 [units], in the order of masks over units.
        """
        sums = {group: torch.zeros(shape, dtype=torch.float64) for group, shape in self.shapes.items()}
        counts = dict.fromkeys(self.shapes, 0)
        prunable = [info for info in self.infos if info.prunable]
        parts = weights.detach().cpu().double().split([info.size for info in prunable])
        for info, part in zip(prunable, parts, strict=True):
            values = part if signed else part.square()
            for axis in info.units:
                lines = values.view(info.shape).movedim(axis.axis, 0)[torch.from_numpy(places(axis))]
                lines = lines.reshape(axis.blocks, axis.count, -1)
                sums[axis.group] += lines.sum((0, 2))
                counts[axis.group] += lines.shape[0] * lines.shape[2]
        means = torch.cat([sums[group] / counts[group] for group in self.shapes])
        return (means if signed else means.sqrt()).float()

    def rank(self, weights: Tensor, mask: Mask, signed: bool = False) -> Tensor:
        """Like `scores`, but the best kept unit of each group comes before all others, so that no group is emptied."""
        scores = self.scores(weights, signed)
        top = scores.max() + 1
        groups = scores.split([size for (size,) in self.shapes.values()])
        for part, keep in zip(groups, mask.tensors().values(), strict=True):
            if keep.any():
                part[part.masked_fill(~keep, -torch.inf).argmax()] = top
        return scores


def places(axis: UnitAxis) -> np.ndarray:
    """The indices of each unit along its axis, int64 [blocks, units, size]."""
    size = axis.blocks * axis.count * axis.size
    return (axis.start + np.arange(size)).reshape(axis.blocks, axis.count, axis.size)


def compact(
    values: Mapping[str, np.ndarray], infos: Iterable[TensorInfo], kept_units: Mapping[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """The tensors without the parts of removed units.

    Args:
        values: the values of each tensor.
        infos: the declarations of the tensors.
        kept_units: for each group of units bool [units]; groups that are not named are kept.
    """
    compacted = {}
    for info in infos:
        value = values[info.name]
        for at in {axis.axis for axis in info.units}:
            line = np.ones(info.shape[at], bool)
            for axis in info.units:
                if axis.axis == at and axis.group in kept_units:
                    line[places(axis)] = kept_units[axis.group][None, :, None]
            value = np.compress(line, value, axis=at)
        compacted[info.name] = value
    return compacted
