"""A diagnostic: how a step of one task changes the loss of another (Fifty et al. 2021, inter-task affinity).

It does not affect the training: no weight, no optimizer state, no random number.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor

from sparse_sharing.network.memory import random_state, set_random_state
from sparse_sharing.network.network import Network
from sparse_sharing.training.epoch_log import Row
from sparse_sharing.training.gradients import Differentiator
from sparse_sharing.training.loop import TaskData
from sparse_sharing.training.samples import drawn_batches
from sparse_sharing.training.seeds import derive, generator

COLUMNS = ("epoch", "task", "partner", "loss", "affinity")
"""The columns of `affinity.csv`."""


@dataclass(frozen=True)
class Direction:
    """The mean gradient of a task's loss over its batches, of the weights that other tasks may read.

    Attributes:
        encoder: float32 [P], 0 for weights that a step of the task does not change.
        rows: for each tensor of role `rows` and each batch, the rows int64 [W] and their part of the mean, float [W,
            D].
    """

    encoder: Tensor
    rows: Mapping[str, list[tuple[Tensor, Tensor]]]


class Affinity:
    """Tries a step of each task and undoes it, each time on the same sentences and with the same dropout.

    The step is plain gradient descent on all weights that the task trains, except its head: those that its mask keeps,
    those that no mask covers, and the word vectors of its sentences. Tasks of one text have the same sentences.
    """

    def __init__(
        self, network: Network, tasks: Mapping[str, TaskData], sentences: int, batch_size: int, seed: int
    ) -> None:
        """Draw `sentences` training sentences for each task.

        Args:
            network: the network in training; its masks must be set.
            tasks: the tasks with their training text.
            sentences: sentences of each task; all if it has fewer.
            batch_size: sentences in a batch.
            seed: the seed of the run.
        """
        self.network, self.tasks, self.seed = network, tasks, seed
        self.differentiate = Differentiator(network)
        self.batches = {
            task: list(drawn_batches(network, task, data, sentences, batch_size, generator(seed, "affinity")))
            for task, data in tasks.items()
        }

    def measure(self, learning_rate: float) -> list[Row]:
        """A row for each task and partner, the task itself included; the epoch is left to the caller.

        `loss` is that of the task before the step, `affinity` is 1 - (loss after a step of the partner) / loss;
        empty if the loss is 0.

        Args:
            learning_rate: the learning rate of the step.
        """
        random = random_state(self.network.device)
        before = {task: self._loss(task) for task in self.tasks}
        after: dict[tuple[str, str], float] = {}
        for partner in self.tasks:
            direction = self._direction(partner)
            with self._stepped(direction, learning_rate):
                after |= {(task, partner): self._loss(task) for task in self.tasks}
            self.network.activate(partner)
        set_random_state(self.network.device, random)
        return [_row(*pair, before[pair[0]], after[pair]) for pair in sorted(after)]

    @torch.no_grad()
    def _loss(self, task: str) -> float:
        """The mean loss of a task over its batches, with dropout as in training."""
        torch.manual_seed(derive(self.seed, "affinity", task))
        network = self.network
        network.encoder.train()
        network.activate(task)
        batches = [batch.to(network.device) for batch in self.batches[task]]
        return sum(network.loss(task, network.gather(batch), batch).item() for batch in batches) / len(batches)

    def _direction(self, task: str) -> Direction:
        torch.manual_seed(derive(self.seed, "affinity", task))
        network, batches, weight = self.network, self.batches[task], self.tasks[task].loss_weight
        encoder = torch.zeros_like(network.theta)
        rows: dict[str, list[tuple[Tensor, Tensor]]] = {}
        for batch in batches:
            on_device = batch.to(network.device)
            gradients = self.differentiate(task, on_device, weight)
            encoder += torch.cat([part.reshape(-1) for part in gradients.encoder]) / len(batches)
            for name, gradient in gradients.rows.items():
                rows.setdefault(name, []).append((on_device.rows[name], gradient / len(batches)))
        changed = network.takes_part(task)
        return Direction(encoder if changed is None else encoder * changed, rows)

    @contextmanager
    def _stepped(self, direction: Direction, learning_rate: float) -> Iterator[None]:
        """The network after a step; at the end it is restored bit for bit."""
        network = self.network
        encoder = network.theta.clone()
        touched = {name: torch.cat([rows for rows, _ in parts]).unique() for name, parts in direction.rows.items()}
        saved_rows = {name: network.rows[name][rows] for name, rows in touched.items()}
        network.theta.sub_(direction.encoder, alpha=learning_rate)
        for name, parts in direction.rows.items():
            for rows, gradient in parts:
                network.rows[name].index_add_(0, rows, gradient, alpha=-learning_rate)
        try:
            yield
        finally:
            network.theta.copy_(encoder)
            for name, rows in touched.items():
                network.rows[name].index_copy_(0, rows, saved_rows[name])


def _row(task: str, partner: str, before: float, after: float) -> Row:
    affinity = f"{1 - after / before:.8f}" if before else ""
    return {"task": task, "partner": partner, "loss": f"{before:.6f}", "affinity": affinity}
