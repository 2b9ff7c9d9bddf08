"""Trainers that reproduce deviations of the authors' code from their paper (`replicate:` in the configuration)."""

from collections.abc import Collection, Sequence

import torch
from torch import Tensor

from sparse_sharing.config.replicate import Switch
from sparse_sharing.config.schema import Optimization
from sparse_sharing.errors import ConfigError
from sparse_sharing.network.network import Network
from sparse_sharing.text.batches import Batch
from sparse_sharing.training.gradients import Differentiator
from sparse_sharing.training.trainer import Trainer


def make_trainer(network: Network, optimization: Optimization, replicate: Collection[Switch] = ()) -> Trainer:
    """The trainer of a network for the given switches; it also sets the divisor of the loss of CRF heads."""
    for head in network.head_kinds.values():
        head.replicate(list(replicate))
    if "leaky_momentum" in replicate:
        return LeakyTrainer(network, optimization, by_value="clip_by_value" in replicate)
    return (ClippingTrainer if "clip_by_value" in replicate else Trainer)(network, optimization)


class ClippingTrainer(Trainer):
    """Clips each value of a gradient (switch `clip_by_value`)."""

    def _bound(self, gradients: list[Tensor]) -> None:
        clip_values(gradients, self.clip)


class LeakyTrainer(Trainer):
    """An ordinary optimizer over all weights, with masked gradients (switch `leaky_momentum`).

    Its momentum, or its Adam moments, also change weights that do not take part in a step: weights outside the task's
    mask, words that are not in the batch, the heads of other tasks.
    """

    def __init__(self, network: Network, optimization: Optimization, by_value: bool = False) -> None:
        """Start with empty optimizer state; `by_value` clips each value of a gradient.

        Raises:
            ConfigError: There are rates or weight decay that the original code does not have.
        """
        later = ("weight_decay", "head_learning_rate", "embedding_learning_rate", "layer_decay")
        later += ("accumulation", "activation_checkpointing")
        if used := [key for key in later if getattr(optimization, key) is not None]:
            raise ConfigError(f"replicate.leaky_momentum: the authors' code has no {used[0]}; leave one of them out")
        if any(info.frozen for info in network.parameters.infos.values()):
            raise ConfigError("replicate.leaky_momentum: the authors' code freezes nothing; leave one of them out")
        self.network, self.differentiate = network, Differentiator(network)
        self.clip, self.by_value = optimization.gradient_clip, by_value
        self.weights = {"encoder": network.theta, **network.rows}
        self.weights |= {f"heads.{task}": head for task, head in network.heads.items()}
        weights, rate = list(self.weights.values()), optimization.learning_rate
        adam = optimization.optimizer == "adam"
        self.optimizer: torch.optim.Optimizer = (
            torch.optim.Adam(weights, lr=rate) if adam else torch.optim.SGD(weights, rate, optimization.momentum)
        )
        # PyTorch creates its state in the first step, but a checkpoint may be restored before.
        for weight in weights:
            memory = self.optimizer.state[weight]
            for name in ("exp_avg", "exp_avg_sq") if adam else ("momentum_buffer",):
                memory[name] = torch.zeros_like(weight, requires_grad=False)
            if adam:
                memory["step"] = torch.zeros(())

    def step(self, task: str, batch: Batch, learning_rate: float, loss_weight: float = 1.0) -> Tensor:
        """Train on one batch of a task; returns its loss, a scalar tensor without gradient."""
        network, derivatives = self.network, self.differentiate(task, batch, loss_weight)
        gradients = {name: torch.zeros_like(weight) for name, weight in self.weights.items()}
        gradients["encoder"] = torch.cat([part.flatten() for part in derivatives.encoder])
        if (keep := network.keeps[task]) is not None:
            gradients["encoder"].mul_(keep)
        for name, rows in batch.rows.items():
            gradients[name][rows] = derivatives.rows[name]
        gradients[f"heads.{task}"] = derivatives.head
        self._bound(list(gradients.values()))
        for name, weight in self.weights.items():
            weight.grad = gradients[name]
        self.optimizer.param_groups[0]["lr"] = learning_rate
        self.optimizer.step()
        self.optimizer.zero_grad()
        return derivatives.loss

    def _bound(self, gradients: list[Tensor]) -> None:
        if self.by_value:
            clip_values(gradients, self.clip)
        else:
            super()._bound(gradients)

    def state(self) -> dict[str, Tensor]:
        """See `Trainer`."""
        states = {name: self.optimizer.state[weight] for name, weight in self.weights.items()}
        return {f"{key}.{name}": value for name, state in states.items() for key, value in state.items()}


def clip_values(gradients: Sequence[Tensor], bound: float | None) -> None:
    """Clip each value in place; None: no clipping."""
    if bound is not None:
        for gradient in gradients:
            gradient.clamp_(-bound, bound)
