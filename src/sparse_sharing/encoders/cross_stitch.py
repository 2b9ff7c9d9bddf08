"""Soft sharing: a BiLSTM stack per task, mixed after every layer by a cross-stitch unit (Misra et al. 2016)."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from sparse_sharing.config.schema import Architecture
from sparse_sharing.encoders.bilstm import BidirectionalLayer, Encoder
from sparse_sharing.text.batches import Batch

OWN_SHARE = 0.9
"""What a unit first takes of a task's own states; the rest comes from the others in equal parts."""


class CrossStitchLayer(nn.Module):
    """A BiLSTM layer for each stack, and the unit a that mixes them: out_t = sum over s of a[t, s] * h_s."""

    def __init__(self, inputs: int, hidden: int, stacks: int) -> None:
        """Build for so many inputs, hidden units per direction, and stacks."""
        super().__init__()
        self.stacks = nn.ModuleList(BidirectionalLayer(inputs, hidden) for _ in range(stacks))
        self.stitch = nn.Parameter(torch.zeros(stacks, stacks))

    def forward(self, inputs: Sequence[Tensor], reverse: Tensor, rows: slice) -> Tensor:
        """For each stack float [L, B, inputs] -> the mixed states of the unit's `rows`, float [R, L, B, 2 * hidden]."""
        states = torch.stack([stack(own, reverse) for stack, own in zip(self.stacks, inputs, strict=True)])
        return torch.tensordot(self.stitch[rows], states, dims=1)


class CrossStitchEncoder(Encoder):
    """Word vectors and characters, which all tasks share -> the states of one task's stack.

    A task runs every stack, since each unit before the last mixes all of them; of the last unit it reads its own row.
    """

    def __init__(self, model: Architecture, character_count: int) -> None:
        """Build the untrained encoder with a stack for each task that `model.stacks` names."""
        super().__init__(model, character_count)
        self.tasks = stacks_of(model)

    def build_layer(self, model: Architecture, inputs: int) -> nn.Module:
        """A layer of all stacks."""
        return CrossStitchLayer(inputs, model.hidden, len(stacks_of(model)))

    def forward(self, word_vectors: Tensor, batch: Batch, readout: int) -> Tensor:
        """Float [W, D] for the batch's `word_rows` -> states [L, B, 2 * hidden] of stack `readout`, dropout applied."""
        states = [self.embed(word_vectors, batch)] * len(self.tasks)
        for layer in self.recurrent[:-1]:
            states = layer(states, batch.reverse, slice(None))
        own = self.recurrent[-1](states, batch.reverse, slice(readout, readout + 1))
        return self.drop(own[0], batch)

    def readout_of(self, task: str, kept: Sequence[str]) -> int:
        """The stack of a task."""
        return self.tasks.index(task)

    def unread(self, parts: Mapping[str, Tensor], readout: int) -> list[Tensor]:
        """The rows of the last unit that belong to other tasks."""
        unit = parts[f"recurrent.{len(self.recurrent) - 1}.stitch"]
        others = [task for task in range(len(self.tasks)) if task != readout]
        return [unit[task] for task in others]


def stacks_of(model: Architecture) -> list[str]:
    """The tasks that have a stack of their own.

    Raises:
        ValueError: There are none; the network is not one of cross-stitch units.
    """
    if not model.stacks:
        raise ValueError("a network of cross-stitch units needs `stacks`, the tasks that have one")
    return list(model.stacks)


def first_unit(unit: Tensor) -> None:
    """Fill a unit [T, T] with its first values: on the diagonal OWN_SHARE, for a stack alone 1."""
    stacks = len(unit)
    unit.fill_((1 - OWN_SHARE) / max(1, stacks - 1))
    unit.fill_diagonal_(OWN_SHARE if stacks > 1 else 1)
