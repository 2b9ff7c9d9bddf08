"""Soft sharing: a BiLSTM stack per task, mixed after every layer by a cross-stitch unit (Misra et al. 2016)."""

import dataclasses
from collections.abc import Mapping, Sequence

import torch
from torch import Generator, Tensor, nn

from sparse_sharing.config.encoders.cross_stitch import CrossStitch
from sparse_sharing.encoders.bilstm import (
    BidirectionalLayer,
    RecurrentEncoder,
    RecurrentLayer,
    Stack,
    recurrent_tensors,
)
from sparse_sharing.masks.tensor_info import TensorInfo
from sparse_sharing.text.batches import WordBatch

OWN_SHARE = 0.9
"""The initial weight of a task's own states in a unit; the other states share the rest equally."""


class CrossStitchLayer(RecurrentLayer):
    """A BiLSTM layer for each stack, and the unit a that mixes them: out_t = sum over s of a[t, s] * h_s."""

    def __init__(self, inputs: int, hidden: int, stacks: int) -> None:
        """Build for an input width, a number of hidden units per direction, and a number of stacks."""
        super().__init__()
        self.stacks: Stack[BidirectionalLayer] = Stack(BidirectionalLayer(inputs, hidden) for _ in range(stacks))
        self.stitch = nn.Parameter(torch.zeros(stacks, stacks))

    @property
    def width(self) -> int:
        """See `RecurrentLayer`."""
        return self.stacks[0].width

    def forward(self, inputs: Sequence[Tensor], reverse: Tensor, rows: slice) -> Tensor:
        """For each stack float [L, B, inputs] -> the mixed states of the unit's `rows`, float [R, L, B, 2 * hidden]."""
        states = torch.stack(
            [stack(stack_inputs, reverse) for stack, stack_inputs in zip(self.stacks, inputs, strict=True)]
        )
        return torch.tensordot(self.stitch[rows], states, dims=1)


class CrossStitchEncoder(RecurrentEncoder[CrossStitch, CrossStitchLayer]):
    """Word vectors and characters, which all tasks share -> the states of one task's stack.

    A task runs every stack, since each unit before the last mixes all of them; of the last unit it reads its own row.
    """

    section = CrossStitch

    def build_layer(self, number: int, inputs: int, units: Mapping[str, int]) -> CrossStitchLayer:
        """A layer of all stacks."""
        return CrossStitchLayer(inputs, self.model.hidden, len(self.model.stacks))

    def width(self, readout: int) -> int:
        """See `Encoder`; the same for every stack."""
        return self.recurrent[-1].width

    def layer_tensors(self, number: int, layer: CrossStitchLayer) -> list[TensorInfo]:
        """See `RecurrentEncoder`."""
        name, unit = f"recurrent.{number}", layer.stitch
        stitch = TensorInfo(f"{name}.stitch", tuple(unit.shape), number + 1, "mixing", own_share)
        stacks = (
            info
            for place, stack in enumerate(layer.stacks)
            for info in recurrent_tensors(stack, f"{name}.stacks.{place}", number + 1, ())
        )
        return [stitch, *stacks]

    def tensors(self) -> list[TensorInfo]:
        """See `Encoder`; there are no units for masks, since cross-stitch units mix them."""
        return [dataclasses.replace(info, units=()) for info in super().tensors()]

    def states(self, rows: Mapping[str, Tensor], batch: WordBatch, readout: int) -> Tensor:
        """See `Encoder`; float [L, B, 2 * hidden] of stack `readout`, counted from 0."""
        states = [self.embed(rows, batch)] * len(self.model.stacks)
        for layer in self.recurrent[:-1]:
            states = layer(states, batch.reverse, slice(None))
        mixed = self.recurrent[-1](states, batch.reverse, slice(readout, readout + 1))
        return self.drop(mixed[0], batch)

    def readout_of(self, task: str, kept: Sequence[str]) -> int:
        """The stack of a task."""
        return self.model.stacks.index(task)

    def unread(self, parts: Mapping[str, Tensor], readout: int) -> list[Tensor]:
        """The rows of the last unit that belong to other tasks."""
        unit = parts[f"recurrent.{len(self.recurrent) - 1}.stitch"]
        others = [task for task in range(len(self.model.stacks)) if task != readout]
        return [unit[task] for task in others]


def own_share(unit: Tensor, source: Generator) -> None:
    """Fill a unit [T, T] with its initial values: OWN_SHARE on the diagonal, or 1 for one stack."""
    stacks = len(unit)
    unit.fill_((1 - OWN_SHARE) / max(1, stacks - 1))
    unit.fill_diagonal_(OWN_SHARE if stacks > 1 else 1)
