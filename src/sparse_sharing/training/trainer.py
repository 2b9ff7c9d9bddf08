"""One training step: forward and backward through a task's subnetwork, then an update of what took part."""

from collections.abc import Mapping

import torch
from torch import Tensor

from sparse_sharing.config.schema import Optimization
from sparse_sharing.data.batches import Batch
from sparse_sharing.models.network import Network
from sparse_sharing.training.optimizer import Patterns, make_rule


class Trainer:
    """Trains a network in place (paper, section "Learning Sparse Sharing Architectures", joint training).

    A step of task t changes the weights that t's mask keeps, what no mask covers (character embedding, biases of the
    layers that t runs), the word vectors of the batch, and head t. All else, the optimizer's memory included, stays bit
    for bit as it was.
    """

    def __init__(self, network: Network, optimization: Optimization) -> None:
        """Start with an empty memory; the network's masks must be set."""
        self.network = network
        self.rule = make_rule(optimization)
        self.clip = optimization.gradient_clip
        parts = {task: network.takes_part(task) for task in network.heads}
        self.patterns = Patterns(parts, network.theta.numel(), network.device)
        groups = len(next(iter(self.patterns.members.values())))
        slots = self.rule.slots
        self.memory = {name: value.new_zeros((slots, *value.shape)) for name, value in self._values().items()}
        self.counts = {name: torch.zeros(1, dtype=torch.float64) for name in self.memory}
        self.counts["encoder"] = torch.zeros(groups, dtype=torch.float64)
        self.counts["words"] = torch.zeros(len(network.words), dtype=torch.float64, device=network.device)
        sparse = any(keep is not None for keep in network.keeps.values())
        self._keep = torch.empty_like(network.theta) if sparse else None

    def _values(self) -> dict[str, Tensor]:
        heads = {f"heads.{task}": head.detach() for task, head in self.network.heads.items()}
        return {"encoder": self.network.theta, "words": self.network.words, **heads}

    def step(self, task: str, batch: Batch, learning_rate: float, loss_weight: float = 1.0) -> Tensor:
        """Train on one batch of a task; returns its loss times its weight, a scalar tensor without gradient."""
        network, rows = self.network, batch.word_rows
        network.encoder.train()
        network.activate(task)
        network.gradient.zero_()
        vectors = network.words[rows].requires_grad_()
        loss = loss_weight * network.loss(task, vectors, batch)
        loss.backward()
        head = network.heads[task]
        keep = self._activate_keep(task)
        if keep is not None:
            network.gradient.mul_(keep)
        self._bound([network.gradient, vectors.grad, head.grad])
        self._update_encoder(task, learning_rate, keep)
        self._update_words(rows, vectors, learning_rate)
        self._update_head(task, learning_rate)
        return loss.detach()

    def _activate_keep(self, task: str) -> Tensor | None:
        """The task's mask as float32 [P], or None where it keeps everything."""
        keep = self.network.keeps[task]
        return None if keep is None else self._keep.copy_(keep)

    def _bound(self, gradients: list[Tensor]) -> None:
        """Scale gradients so that their common norm is at most the bound."""
        if self.clip is None:
            return
        norm = torch.stack([gradient.norm() for gradient in gradients]).norm()
        scale = (self.clip / (norm + 1e-6)).clamp(max=1.0)
        for gradient in gradients:
            gradient.mul_(scale)

    def _update_encoder(self, task: str, learning_rate: float, keep: Tensor | None) -> None:
        member = self.patterns.members[task]
        counts = self.counts["encoder"]
        counts += member
        rates = self.rule.rate(learning_rate, counts.clamp(min=1))
        for part in self.network.ranges[task]:
            own_keep = None if keep is None else keep[part]
            groups = self.patterns.groups(part)
            if self.rule.adapts and isinstance(groups, Tensor):
                rate = (rates * member).float().to(self.network.device).index_select(0, groups)
            else:
                rate = rates[0 if isinstance(groups, Tensor) else groups].item()
                rate = rate if keep is None else own_keep * rate
            values, gradient = self.network.theta[part], self.network.gradient[part]
            self.rule.update(values, gradient, self.memory["encoder"][:, part], rate, own_keep)

    def _update_words(self, rows: Tensor, vectors: Tensor, learning_rate: float) -> None:
        counts = self.counts["words"]
        counts[rows] += 1
        rate = self.rule.rate(learning_rate, counts[rows]).float().unsqueeze(1)
        memory = self.memory["words"][:, rows]
        values = vectors.detach()
        self.rule.update(values, vectors.grad, memory, rate, None)
        self.network.words[rows] = values
        self.memory["words"][:, rows] = memory

    def _update_head(self, task: str, learning_rate: float) -> None:
        head, name = self.network.heads[task], f"heads.{task}"
        self.counts[name] += 1
        rate = self.rule.rate(learning_rate, self.counts[name]).item()
        self.rule.update(head.detach(), head.grad, self.memory[name], rate, None)
        head.grad = None

    def state(self) -> dict[str, Tensor]:
        """The optimizer's memory and counts by name, as views."""
        memory = {f"memory.{name}": value for name, value in self.memory.items()}
        return memory | {f"counts.{name}": value for name, value in self.counts.items()}

    def load_state(self, values: Mapping[str, Tensor]) -> None:
        """Take over what `state` gave."""
        for name, own in self.state().items():
            own.copy_(values[name])
