"""Optimizers that move only what takes part in a step.

One rule holds everywhere: a step changes a weight, and the optimizer's memory of it, only if the weight takes part. A
weight outside the task's mask, a word that is not in the batch, another task's head: all stay bit for bit as they are.
(The original code masked gradients alone, and momentum went on moving what the mask had excluded.)
"""

from collections.abc import Mapping
from typing import Protocol

import torch
from torch import Tensor

from sparse_sharing.config.schema import Optimization


class Rule(Protocol):
    """How a gradient changes a weight. `slots` is how many numbers the rule remembers per weight."""

    slots: int
    adapts: bool

    def rate(self, learning_rate: float, counts: Tensor) -> Tensor:
        """The step size of weights that have taken part in so many steps, this one included: float64, like `counts`."""

    def update(
        self, values: Tensor, gradient: Tensor, memory: Tensor, rate: Tensor | float, keep: Tensor | None
    ) -> None:
        """Change values [n] and memory [slots, n] in place. Where keep (float, 0 or 1) is 0, rate must be 0 too."""


class Sgd:
    """Stochastic gradient descent with momentum; the memory is the running mean of the gradient."""

    slots = 1
    adapts = False

    def __init__(self, momentum: float) -> None:
        """Remember a share `momentum` of the past gradients."""
        self.share = 1 - momentum

    def rate(self, learning_rate: float, counts: Tensor) -> Tensor:
        """The velocity of usual momentum is the running mean divided by 1 - momentum."""
        return torch.full_like(counts, learning_rate / self.share)

    def update(
        self, values: Tensor, gradient: Tensor, memory: Tensor, rate: Tensor | float, keep: Tensor | None
    ) -> None:
        """See `Rule`."""
        memory[0].lerp_(gradient, self.share if keep is None else keep * self.share)
        values.sub_(memory[0] * rate)


class Adam:
    """Adam (Kingma and Ba 2015, the efficient form at the end of its section 2), steps counted per weight."""

    slots = 2
    adapts = True
    first, second, epsilon = 0.9, 0.999, 1e-8

    def rate(self, learning_rate: float, counts: Tensor) -> Tensor:
        """The learning rate with both bias corrections."""
        return learning_rate * (1 - self.second**counts).sqrt() / (1 - self.first**counts)

    def update(
        self, values: Tensor, gradient: Tensor, memory: Tensor, rate: Tensor | float, keep: Tensor | None
    ) -> None:
        """See `Rule`."""
        means = (1 - self.first, 1 - self.second)
        if keep is not None:
            means = tuple(keep * share for share in means)
        memory[0].lerp_(gradient, means[0])
        memory[1].lerp_(gradient.square(), means[1])
        values.sub_((memory[0] * rate).div_(memory[1].sqrt().add_(self.epsilon)))


def make_rule(optimization: Optimization) -> Rule:
    """The rule that a configuration names."""
    return Adam() if optimization.optimizer == "adam" else Sgd(optimization.momentum)


class Patterns:
    """Groups the encoder's weights by the set of tasks that keep them: a group has taken part equally often.

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
        group = torch.zeros(size, dtype=torch.int64, device=device)
        for keep in masks.values():
            group = torch.unique(group * 2 + keep, return_inverse=True)[1]
        groups = int(group.max()) + 1
        self.group = group.to(torch.int32)
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
