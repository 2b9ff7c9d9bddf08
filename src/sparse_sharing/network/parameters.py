"""The memory of a network's weights: a flat buffer for the encoder, tables of rows, and the heads.

The encoder's parameters are views of a second buffer, in which a task's mask is applied. Only this module and the
optimizer depend on the buffers being flat; all others read and write tensors by name.
"""

from collections.abc import Mapping
from itertools import pairwise

import torch
from torch import Tensor

from sparse_sharing.encoders.base import Encoder
from sparse_sharing.heads.base import Head, head_values


class Parameters:
    """The weights of an encoder and of the heads on it, zeros at first.

    Attributes:
        infos: the declaration of each tensor of the encoder by name.
        theta: float32 [P], the encoder's parameters.
        work: float32 [P], the encoder's input: `theta` with the active task's mask applied; the same memory as
            `theta` if no task has a mask.
        rows: for each tensor of role rows float32 [V, D].
        heads: for each task float32 [weights of its head].
    """

    def __init__(self, encoder: Encoder, heads: Mapping[str, Head], device: torch.device) -> None:
        """Reserve the memory.

        Raises:
            ValueError: The encoder's declarations are not those of its parameters.
        """
        self.encoder, self.head_kinds = encoder, heads
        self.infos = {info.name: info for info in encoder.tensors()}
        self._require_declared()
        size = sum(parameter.numel() for parameter in encoder.parameters())
        self.theta = torch.zeros(size, device=device)
        self.rows = {
            name: torch.zeros(info.shape, device=device) for name, info in self.infos.items() if info.role == "rows"
        }
        self.heads = {task: torch.zeros(head.size, device=device, requires_grad=True) for task, head in heads.items()}
        for name, parameter in encoder.named_parameters():
            parameter.requires_grad_(not self.infos[name].frozen)
        self.use(self.theta)

    def _require_declared(self) -> None:
        declared = [(name, info.shape) for name, info in self.infos.items() if info.role != "rows"]
        actual = [(name, tuple(value.shape)) for name, value in self.encoder.named_parameters()]
        if declared != actual:
            different = sorted(set(declared) ^ set(actual))[:3] or "their order"
            raise ValueError(
                f"{type(self.encoder).__name__}.tensors() must declare the parameters in their order; check {different}"
            )

    def use(self, work: Tensor) -> None:
        """Make the encoder's parameters views of a flat buffer."""
        self.work = work
        start = 0
        for parameter in self.encoder.parameters():
            end = start + parameter.numel()
            parameter.data = work[start:end].view(parameter.shape)
            start = end

    def parts(self, flat: Tensor) -> dict[str, Tensor]:
        """A flat vector over all encoder parameters, cut into views with their names and shapes."""
        infos = [info for info in self.infos.values() if info.role != "rows"]
        parts = torch.split(flat, [info.size for info in infos])
        return {info.name: part.view(info.shape) for info, part in zip(infos, parts, strict=True)}

    def values(self) -> dict[str, Tensor]:
        """All weights by name, as views: what `load` reads."""
        return self.parts(self.theta) | self.rows | head_values(self.head_kinds, self.heads)

    def load(self, values: Mapping[str, Tensor]) -> None:
        """Take weights by name; those of other tasks' heads are ignored.

        Raises:
            ValueError: A weight is missing or has another shape.
        """
        current = self.values()
        require_shapes(current, values)
        for name, value in current.items():
            value.copy_(values[name])


def require_shapes(expected: Mapping[str, Tensor], values: Mapping[str, Tensor]) -> None:
    """Raise ValueError unless `values` has a value of each shape in `expected`; call it before copying."""
    for name, value in expected.items():
        if name not in values or values[name].shape != value.shape:
            actual = tuple(values[name].shape) if name in values else "nothing"
            raise ValueError(f"weight {name}: expected shape {tuple(value.shape)}, found {actual}")


def common_ranges(reads: Mapping[str, Tensor]) -> dict[str, list[slice]]:
    """The ranges of a flat vector that each task reads, split so that a task reads either all of a range or nothing."""
    if not reads:
        return {}
    table = torch.stack(list(reads.values())).cpu()
    changes = (table[:, 1:] != table[:, :-1]).any(0).nonzero().squeeze(1) + 1
    edges = [0, *changes.tolist(), table.shape[1]]
    ranges = [slice(start, end) for start, end in pairwise(edges)]
    return {task: [part for part in ranges if is_read[part.start]] for task, is_read in zip(reads, table, strict=True)}
