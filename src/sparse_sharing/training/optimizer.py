"""Optimizers that change only the weights that take part in a step.

A step changes a weight, and its optimizer state, only if the weight takes part. A weight outside the task's mask, a
word that is not in the batch and another task's head stay bit-identical. (The original code masked only the gradients,
and momentum went on changing weights outside the mask.)
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from sparse_sharing.config.schema import Optimization


@dataclass(frozen=True)
class Gate:
    """Which weights a step changes, as factors for the rules.

    Attributes:
        keep: float32, 1 for weights that take part and 0 for others; a scalar 1 if all do.
        shares: for each number of the optimizer state, the share of it that a step replaces, times `keep`.
    """

    keep: Tensor
    shares: tuple[Tensor, ...]

    def part(self, part: slice) -> "Gate":
        """The gate of a range of the weights."""
        return Gate(self.keep[part], tuple(share[part] for share in self.shares))


class Rule(Protocol):
    """How a gradient changes a weight.

    Attributes:
        shares: for each number of the optimizer state per weight, the share of it that a step replaces.
    """

    shares: tuple[float, ...]

    def rate(self, learning_rate: float, counts: Tensor) -> Tensor | float:
        """The step size of weights that have taken part in `counts` steps, float64, including this one.

        A number if it does not depend on the counts, else float64 like `counts`.
        """
        ...

    def update(self, values: Tensor, gradient: Tensor, memory: Tensor, gate: Gate, rate: Tensor | float) -> None:
        """Change values [n] and memory [numbers, n] in place; the gradient is overwritten.

        Nothing changes where the gate is 0; the gradient must be 0 there, and so must a rate that is a tensor (float32,
        one for each weight or for all).
        """


class Sgd:
    """Stochastic gradient descent with momentum; the state is the running mean of the gradient."""

    def __init__(self, momentum: float) -> None:
        """Use a share `momentum` of the past gradients."""
        self.shares = (1 - momentum,)

    def rate(self, learning_rate: float, counts: Tensor) -> float:
        """The step size for a running mean: the velocity of ordinary momentum is the mean divided by 1 - momentum."""
        # PyTorch rejects larger numbers; the loss will show that the rate is too large.
        return min(learning_rate / self.shares[0], torch.finfo(torch.float32).max)

    def update(self, values: Tensor, gradient: Tensor, memory: Tensor, gate: Gate, rate: Tensor | float) -> None:
        """See `Rule`; the rate is a number."""
        (mean,) = memory
        mean.lerp_(gradient, gate.shares[0])
        values.addcmul_(mean, gate.keep, value=-float(rate))


class Adam:
    """Adam (Kingma and Ba 2015, the efficient form at the end of its section 2), steps counted per weight."""

    first, second, epsilon = 0.9, 0.999, 1e-8
    shares = (1 - first, 1 - second)

    def rate(self, learning_rate: float, counts: Tensor) -> Tensor:
        """The learning rate with both bias corrections."""
        return learning_rate * (1 - self.second**counts).sqrt() / (1 - self.first**counts)

    def update(self, values: Tensor, gradient: Tensor, memory: Tensor, gate: Gate, rate: Tensor | float) -> None:
        """See `Rule`; the rate is a tensor."""
        mean, square = memory
        mean.lerp_(gradient, gate.shares[0])
        square.lerp_(gradient.mul_(gradient), gate.shares[1])
        deviation = torch.sqrt(square, out=gradient).add_(self.epsilon)
        direction = torch.div(mean, deviation, out=gradient)
        values.addcmul_(direction, torch.as_tensor(rate), value=-1)


def make_gate(rule: Rule, keep: Tensor) -> Gate:
    """The gate for weights that take part if `keep` (float32, 0 or 1) is 1."""
    return Gate(keep, tuple(keep * share for share in rule.shares))


def make_rule(optimization: Optimization) -> Rule:
    """The rule that a configuration names."""
    return Adam() if optimization.optimizer == "adam" else Sgd(optimization.momentum)


class WeightGroups:
    """Groups the encoder's weights by the set of tasks that keep them: weights of a group have equal counts of steps.

    Attributes:
        group: int32 [P], the group of each weight; None where all tasks keep everything.
        members: for each task bool [G], the groups that it keeps.
    """

    def __init__(self, keeps: Mapping[str, Tensor | None], size: int, device: torch.device) -> None:
        """Group `size` weights by the masks of the tasks (bool [P], or None for all)."""
        self.group: Tensor | None = None
        self._uniform: dict[tuple[int, int], int | None] = {}
        masks = {task: keep for task, keep in keeps.items() if keep is not None}
        if not masks:
            self.members = {task: torch.ones(1, dtype=torch.bool) for task in keeps}
            return
        group, groups = torch.zeros(size, dtype=torch.int32, device=device), 1
        for keep in masks.values():
            pairs = group * 2 + keep
            occurs = torch.bincount(pairs, minlength=2 * groups) > 0
            number = occurs.cumsum(0, dtype=torch.int32) - 1
            group, groups = number.index_select(0, pairs), int(occurs.sum())
        self.group = group
        self.members = {task: torch.ones(groups, dtype=torch.bool) for task in keeps}
        for task, keep in masks.items():
            member = torch.zeros(groups, dtype=torch.bool, device=device)
            member[group[keep]] = True
            self.members[task] = member.cpu()

    def groups(self, part: slice) -> Tensor | int:
        """The groups of a range of weights, int32 [n], or the one group that all of them belong to."""
        if self.group is None:
            return 0
        key = part.start, part.stop
        if key not in self._uniform:
            first = self.group[part.start]
            self._uniform[key] = int(first) if bool((self.group[part] == first).all()) else None
        uniform = self._uniform[key]
        return self.group[part] if uniform is None else uniform
