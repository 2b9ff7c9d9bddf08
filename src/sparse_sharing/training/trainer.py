"""One training step: forward and backward through a task's subnetwork, then an update of the weights that took part."""

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor

from sparse_sharing.config.schema import Optimization
from sparse_sharing.errors import ConfigError
from sparse_sharing.network.network import Network
from sparse_sharing.text.batches import Batch, send
from sparse_sharing.training.gradients import Differentiator
from sparse_sharing.training.optimizer import WeightGroups, make_gate, make_rule


class Trainer:
    """Trains a network in place (paper, section "Learning Sparse Sharing Architectures", joint training).

    A step of task t changes the weights that t's mask keeps, weights that no mask covers (character embedding, biases
    of the layers that t runs), the word vectors of the batch, and head t. Everything else, including optimizer state,
    stays bit-identical. A batch that is too large for the GPU runs in parts: see `training.gradients`.
    """

    def __init__(self, network: Network, optimization: Optimization) -> None:
        """Start with empty optimizer state; the network's masks must be set.

        Raises:
            ConfigError: The precision is bfloat16, but there is no GPU.
        """
        network.mixed = optimization.precision == "bfloat16"
        if network.mixed and network.device.type == "cpu":
            raise ConfigError("precision: bfloat16 needs a GPU, but this job runs on the CPU; leave precision out")
        network.encoder.checkpoint_activations(optimization.activation_checkpointing is not None)
        parts = {"sentences": optimization.batch_size} if optimization.accumulation else {}
        self.network, self.differentiate = network, Differentiator(network, **parts)
        self.rule = make_rule(optimization)
        self.clip, self.decay = optimization.gradient_clip, optimization.weight_decay
        self.head_share, self.row_share = (
            1.0 if rate is None else rate / optimization.learning_rate
            for rate in (optimization.head_learning_rate, optimization.embedding_learning_rate)
        )
        self.layer_decay = optimization.layer_decay
        if self.layer_decay is not None:
            self.row_share *= self.layer_decay ** max(network.encoder.layers.values())
        self.observer: Callable[[Tensor], None] | None = None
        self.open = make_gate(self.rule, torch.ones((), device=network.device))
        self.gradient = torch.empty_like(network.theta)
        self._read_masks()
        groups = len(next(iter(self.weight_groups.members.values())))
        numbers = len(self.rule.shares)
        self.memory = {name: value.new_zeros((numbers, *value.shape)) for name, value in self._values().items()}
        self.counts = {name: torch.zeros(1, dtype=torch.float64) for name in self.memory}
        self.counts["encoder"] = torch.zeros(groups, dtype=torch.float64)
        for name, table in self._tables().items():
            self.counts[name] = torch.zeros(len(table), dtype=torch.float64, device=network.device)

    def _read_masks(self) -> None:
        """Take over the network's masks."""
        network = self.network
        taking_part = {task: network.takes_part(task) for task in network.heads}
        self.weight_groups = WeightGroups(taking_part, network.theta.numel(), network.device)
        self.gates = {
            task: self.open if factor is None else make_gate(self.rule, factor)
            for task, factor in network.factors.items()
        }
        self.ranges = {task: self._with_shares(ranges) for task, ranges in network.ranges.items()}
        self.decays = {} if self.decay is None else {task: self._decayed(task) for task in network.heads}
        self.rates: Tensor | None = None
        self.parts = list(network.parts(self.gradient).values())
        self.factors = {
            task: list(network.parts(factor).values()) for task, factor in network.factors.items() if factor is not None
        }

    def _with_shares(self, ranges: Sequence[slice]) -> list[tuple[slice, float]]:
        """Ranges of the encoder's weights, split so that a range has one rate, as a share of the learning rate."""
        if self.layer_decay is None:
            return [(part, 1.0) for part in ranges]
        shares, start, layers = [], 0, self.network.encoder.layers
        for name, value in self.network.parts(self.network.theta).items():
            end = start + value.numel()
            share = self.layer_decay ** (max(layers.values()) - layers[name])
            edges = [(max(start, part.start), min(end, part.stop)) for part in ranges]
            shares += [(slice(*edge), share) for edge in edges if edge[0] < edge[1]]
            start = end
        return shares

    def _decayed(self, task: str) -> Tensor:
        """Float32 [P], 1 for weights that weight decay changes in a step of the task, 0 for others."""
        decayed = torch.zeros_like(self.network.theta)
        for name, part in self.network.parts(decayed).items():
            if self.network.parameters.infos[name].role in ("matrix", "embedding"):
                part.fill_(1)
        keep = self.network.takes_part(task)
        return decayed if keep is None else decayed.mul_(keep)

    def follow_masks(self) -> None:
        """Continue with a smaller mask of the network's only task; kept weights keep their state and their count of
        steps.

        Raises:
            ValueError: The network has several tasks, and their weights would have different counts of steps.
        """
        if len(self.network.heads) != 1:
            raise ValueError("masks can change only during the training of a single task")
        (task,) = self.network.heads
        taken = self.counts["encoder"][self.weight_groups.members[task]].max()
        self._read_masks()
        member = self.weight_groups.members[task]
        self.counts["encoder"] = torch.zeros(len(member), dtype=torch.float64)
        self.counts["encoder"][member] = taken

    def _values(self) -> dict[str, Tensor]:
        heads = {f"heads.{task}": head.detach() for task, head in self.network.heads.items()}
        return {"encoder": self.network.theta, **self._tables(), **heads}

    def _tables(self) -> dict[str, Tensor]:
        """The tensors of role rows that are not frozen."""
        infos = self.network.parameters.infos
        return {name: table for name, table in self.network.rows.items() if not infos[name].frozen}

    def step(self, task: str, batch: Batch, learning_rate: float, loss_weight: float = 1.0) -> Tensor:
        """Train on one batch of a task; returns its loss times its weight, a scalar tensor without gradient."""
        gradients = self.differentiate(task, batch, loss_weight)
        self._flatten(task, gradients.encoder)
        self._bound([self.gradient, *gradients.rows.values(), gradients.head])
        if self.observer is not None:
            self.observer(self.gradient)
        self._update_encoder(task, learning_rate)
        for name, gradient in gradients.rows.items():
            self._update_rows(name, batch.rows[name], gradient, learning_rate * self.row_share)
        self._update_head(task, gradients.head, learning_rate * self.head_share)
        return gradients.loss

    def _flatten(self, task: str, gradients: list[Tensor]) -> None:
        """Write the gradients of the encoder's parameters, masked, into `gradient`."""
        if task in self.factors:
            for part, gradient, factor in zip(self.parts, gradients, self.factors[task], strict=True):
                torch.mul(gradient, factor, out=part)
        else:
            torch.cat([gradient.reshape(-1) for gradient in gradients], out=self.gradient)

    def _bound(self, gradients: list[Tensor]) -> None:
        """Scale gradients so that their common norm is at most the bound."""
        if self.clip is None:
            return
        norm = torch.stack([gradient.norm() for gradient in gradients]).norm()
        # Reading the norm would make the program wait for a GPU; multiplying by one costs less.
        if norm.is_cuda or norm > self.clip:
            scale = (self.clip / (norm + 1e-6)).clamp(max=1.0)
            for gradient in gradients:
                gradient.mul_(scale)

    def _update_encoder(self, task: str, learning_rate: float) -> None:
        network, member, counts = self.network, self.weight_groups.members[task], self.counts["encoder"]
        counts += member
        rate = self._rate(learning_rate, counts.clamp(min=1))
        if isinstance(rate, Tensor):
            rate.mul_(send(member, network.device))
        gate, memory = self.gates[task], self.memory["encoder"]
        for part, share in self.ranges[task]:
            own_rate = self._rate_of(part, rate) if isinstance(rate, Tensor) else rate
            own_rate = own_rate if share == 1 else own_rate * share
            own_gate = gate if gate is self.open else gate.part(part)
            if self.decay is not None:
                network.theta[part].mul_(1 - learning_rate * share * self.decay * self.decays[task][part])
            self.rule.update(network.theta[part], self.gradient[part], memory[:, part], own_gate, own_rate)

    def _rate_of(self, part: slice, rate: Tensor) -> Tensor:
        """The step sizes of a range of weights, from those of the groups of weights."""
        groups = self.weight_groups.groups(part)
        if isinstance(groups, int):
            return rate[groups]
        if self.rates is None:
            self.rates = torch.empty_like(self.network.theta)
        return torch.index_select(rate, 0, groups, out=self.rates[part])

    def _update_rows(self, name: str, rows: Tensor, gradient: Tensor, learning_rate: float) -> None:
        table, memory, counts = self.network.rows[name], self.memory[name], self.counts[name]
        values = table.index_select(0, rows)
        taken = counts.index_select(0, rows) + 1
        counts.index_copy_(0, rows, taken)
        rate = self._rate(learning_rate, taken.unsqueeze(1))
        memory_rows = memory.index_select(1, rows)
        if self.decay is not None:
            values.mul_(1 - learning_rate * self.decay)
        self.rule.update(values, gradient, memory_rows, self.open, rate)
        table.index_copy_(0, rows, values)
        memory.index_copy_(1, rows, memory_rows)

    def _update_head(self, task: str, gradient: Tensor, learning_rate: float) -> None:
        head, name = self.network.heads[task].detach(), f"heads.{task}"
        self.counts[name] += 1
        rate = self._rate(learning_rate, self.counts[name])
        self.rule.update(head, gradient, self.memory[name], self.open, rate)

    def _rate(self, learning_rate: float, counts: Tensor) -> Tensor | float:
        """The step size of a rule; if it is a tensor, float32 on the device."""
        rate = self.rule.rate(learning_rate, counts)
        return send(rate.float(), self.network.device) if isinstance(rate, Tensor) else rate

    def state(self) -> dict[str, Tensor]:
        """The optimizer state and counts by name, as views."""
        memory = {f"memory.{name}": value for name, value in self.memory.items()}
        return memory | {f"counts.{name}": value for name, value in self.counts.items()}

    def load_state(self, values: Mapping[str, Tensor]) -> None:
        """Restore a state from `state`."""
        for name, target in self.state().items():
            target.copy_(values[name])
