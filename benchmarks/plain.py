"""A plain implementation of the method: the computation of the engine with ordinary PyTorch operations.

It uses packed sequences, PyTorch's dropout and new tensors, and is not optimized for speed. It shares no code with the
engine, only the rule that a step of a task changes only the weights, and their Adam state, that take part in it.
"""

import torch
from torch import Tensor
from torch.func import functional_call

from benchmarks.reference import PackedTagger, our_name
from sparse_sharing.config.schema import Optimization
from sparse_sharing.network.network import Network
from sparse_sharing.text.batches import Batch

FIRST, SECOND, EPSILON = 0.9, 0.999, 1e-8
MEMORY = 3
"""Adam's state of a weight: the number of steps, the mean of the gradient, the mean of its square."""


class PlainTrainer:
    """Trains a network in place with Adam."""

    def __init__(self, network: Network, optimization: Optimization) -> None:
        """Take the weights and masks of a network with linear heads, each of which reads the last layer."""
        self.clip = optimization.gradient_clip
        self.tagger = PackedTagger(network.model, network.vocabulary, distinct=True)
        self.tagger.share(network.values())
        values = dict(self.tagger.named_parameters())
        self.memory = {name: [torch.zeros_like(value) for _ in range(MEMORY)] for name, value in values.items()}
        self.masks = {}
        for task, keep in network.keeps.items():
            parts = {} if keep is None else network.parts(keep)
            self.masks[task] = {name: parts[our_name(name)] for name in values if our_name(name) in parts}

    def step(self, task: str, batch: Batch, learning_rate: float, loss_weight: float = 1.0) -> Tensor:
        """Train on one batch of a task; returns its loss times its weight."""
        values, masks = dict(self.tagger.named_parameters()), self.masks[task]
        subnetwork = {name: value * masks[name] if name in masks else value for name, value in values.items()}
        loss = loss_weight * functional_call(self.tagger, subnetwork, (task, batch))
        task_weights = {name: value for name, value in values.items() if not _is_of_other_head(name, task)}
        gradients = dict(zip(task_weights, torch.autograd.grad(loss, list(task_weights.values())), strict=True))
        if self.clip is not None:
            norm = torch.stack([gradient.norm() for gradient in gradients.values()]).norm()
            gradients = {name: value * (self.clip / (norm + 1e-6)).clamp(max=1) for name, value in gradients.items()}
        with torch.no_grad():
            for name, gradient in gradients.items():
                value, memory = values[name].detach(), self.memory[name]
                if name == "words.weight":
                    rows = batch.word_rows
                    parts = [tensor[rows] for tensor in (value, *memory)]
                    _update(parts[0], parts[1:], gradient[rows], None, learning_rate)
                    for whole, part in zip((value, *memory), parts, strict=True):
                        whole[rows] = part
                else:
                    _update(value, memory, gradient, masks.get(name), learning_rate)
        return loss.detach()


def _update(
    value: Tensor, memory: list[Tensor], gradient: Tensor, taking_part: Tensor | None, learning_rate: float
) -> None:
    """Adam, in the form of the end of section 2 of its paper, steps counted for each weight; None: all take part."""
    count, mean, square = memory
    taken = count + 1
    numbers = torch.arange(1, int(taken.max()) + 1, dtype=torch.float64)
    rates = learning_rate * (1 - SECOND**numbers).sqrt() / (1 - FIRST**numbers)
    rate = rates.float()[taken.long() - 1]
    new_mean = FIRST * mean + (1 - FIRST) * gradient
    new_square = SECOND * square + (1 - SECOND) * gradient**2
    new_value = value - rate * new_mean / (new_square.sqrt() + EPSILON)
    for old, new in ((value, new_value), (count, taken), (mean, new_mean), (square, new_square)):
        old.copy_(new if taking_part is None else torch.where(taking_part, new, old))


def _is_of_other_head(name: str, task: str) -> bool:
    return name.startswith("heads.") and not name.startswith(f"heads.{task}.")
