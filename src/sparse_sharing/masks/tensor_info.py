"""The declaration of each tensor of an encoder or a head, with all facts for masks and training."""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from torch import Generator, Tensor

Role = Literal["matrix", "bias", "norm", "embedding", "rows", "mixing"]
"""The role of a tensor: `matrix` and `bias` of an affine map or a convolution; `norm` of a normalization; `embedding`,
a table of vectors that is read as a whole; `rows`, a table of which a step reads and changes only the rows of its
batch; `mixing`, weights of a mean of states (cross-stitch units)."""

FirstValues = Callable[[Tensor, Generator], None]
"""Fills a tensor of zeros on the CPU, in place, with numbers drawn from a generator."""


@dataclass(frozen=True)
class UnitAxis:
    """The positions of the units of a group in a tensor.

    A unit is kept or removed as a whole by a mask of units: a unit of an LSTM, a filter, an attention head. Unit
    `u` has the indices `start + (block * count + u) * size + i` of the axis, for `block` in range(blocks) and `i` in
    range(size).

    Attributes:
        group: the name of the units, the same in each tensor that has a part of them.
        axis: the axis of the tensor.
        count: the number of units of the group.
        start: the first index along the axis that belongs to the group.
        blocks: how often the units follow each other along the axis, such as 4 for the gates of an LSTM.
        size: indices of a unit in a block, such as the width of an attention head.
    """

    group: str
    axis: int
    count: int
    start: int = 0
    blocks: int = 1
    size: int = 1


@dataclass(frozen=True)
class TensorInfo:
    """The declaration of a tensor.

    Attributes:
        name: the name under which it is stored; for an encoder's parameter, its name in the module.
        shape: its shape.
        layer: the layer that reads it, counted from 1; 0 below the first layer.
        role: its role.
        first: the function that fills it with initial values.
        prunable: whether masks over weights cover it.
        layer_name: the name of the layer in tables and figures.
        units: the groups of units that have a part of it.
        frozen: whether training leaves it unchanged.
        task: the only task that has it; None: all tasks have it.
        copy_of: the name of the tensor of all tasks with whose values it starts.
    """

    name: str
    shape: tuple[int, ...]
    layer: int
    role: Role
    first: FirstValues
    prunable: bool = False
    layer_name: str = ""
    units: tuple[UnitAxis, ...] = ()
    frozen: bool = False
    task: str | None = None
    copy_of: str | None = None

    @property
    def size(self) -> int:
        """The number of its values."""
        return math.prod(self.shape)


def prunable_shapes(tensors: Iterable[TensorInfo]) -> Mapping[str, tuple[int, ...]]:
    """Name and shape of the tensors that masks over weights cover, in order."""
    return {info.name: info.shape for info in tensors if info.prunable}
