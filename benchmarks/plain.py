"""The method written plainly: what our engine computes, with packed sequences, PyTorch's dropout, and whole tensors.

Nothing here is made for speed. It has one rule in common with the engine, and no code: a step of a task changes, of
weights and of Adam's memory, only what takes part in it.
"""

import torch
from torch import Tensor
from torch.func import functional_call

from benchmarks.reference import PackedTagger
from sparse_sharing.config.schema import Optimization
from sparse_sharing.data.batches import Batch
from sparse_sharing.models.network import Network

FIRST, SECOND, EPSILON = 0.9, 0.999, 1e-8


class PlainTrainer:
    """Trains a copy of a network with Adam; `finish` gives the weights back."""

    def __init__(self, network: Network, optimization: Optimization) -> None:
        """Copy the weights and masks of a network with linear heads, each of which reads the last layer."""
        self.network, self.clip = network, optimization.gradient_clip
        self.tagger = PackedTagger(network.model, network.vocabulary, distinct=True)
        self.tagger.load_ours(network.values())
        names = dict(zip(self.tagger.ours(), dict(self.tagger.named_parameters()), strict=True))
        self.masks = {
            task: {names[name]: part for name, part in network.parts(keep).items()}
            for task, keep in network.keeps.items()
            if keep is not None
        }
        values = dict(self.tagger.named_parameters())
        self.counts, self.means, self.squares = (
            {name: torch.zeros_like(value) for name, value in values.items()} for _ in range(3)
        )

    def step(self, task: str, batch: Batch, learning_rate: float, loss_weight: float = 1.0) -> Tensor:
        """Train on one batch of a task; returns its loss times its weight."""
        values, masks = dict(self.tagger.named_parameters()), self.masks.get(task, {})
        subnetwork = {name: value * masks[name] if name in masks else value for name, value in values.items()}
        loss = loss_weight * functional_call(self.tagger, subnetwork, (task, batch))
        own = {name: value for name, value in values.items() if not _is_of_other_head(name, task)}
        gradients = dict(zip(own, torch.autograd.grad(loss, list(own.values())), strict=True))
        if self.clip is not None:
            norm = torch.stack([gradient.norm() for gradient in gradients.values()]).norm()
            gradients = {name: value * (self.clip / (norm + 1e-6)).clamp(max=1) for name, value in gradients.items()}
        with torch.no_grad():
            for name, gradient in gradients.items():
                taking_part = masks.get(name, torch.ones_like(values[name], dtype=torch.bool))
                if name == "words.weight":
                    taking_part = torch.zeros_like(taking_part)
                    taking_part[batch.word_rows] = True
                self._update(name, values[name], gradient, taking_part, learning_rate)
        return loss.detach()

    def _update(self, name: str, value: Tensor, gradient: Tensor, taking_part: Tensor, learning_rate: float) -> None:
        """Adam, in the form of the end of section 2 of its paper, with steps counted for each weight."""
        count = self.counts[name] + 1
        mean = FIRST * self.means[name] + (1 - FIRST) * gradient
        square = SECOND * self.squares[name] + (1 - SECOND) * gradient**2
        rate = learning_rate * (1 - SECOND ** count.double()).sqrt() / (1 - FIRST ** count.double())
        new = value - rate.float() * mean / (square.sqrt() + EPSILON)
        for old, changed in (
            (self.counts[name], count),
            (self.means[name], mean),
            (self.squares[name], square),
            (value, new),
        ):
            old.copy_(torch.where(taking_part, changed, old))

    def finish(self) -> None:
        """Give the network the weights that have been reached."""
        self.network.load(self.tagger.ours())


def _is_of_other_head(name: str, task: str) -> bool:
    return name.startswith("heads.") and not name.startswith(f"heads.{task}.")
