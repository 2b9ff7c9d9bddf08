"""A diagnostic: whether the gradients of two tasks agree, on weights that they share and on others.

It does not affect the training: no weight, no optimizer state, no random number.
"""

from collections.abc import Mapping, Sequence
from itertools import combinations

import torch
from torch import Tensor

from sparse_sharing.masks.layers import ALL_LAYERS, layer_of
from sparse_sharing.masks.mask import Mask
from sparse_sharing.network.memory import random_state, set_random_state
from sparse_sharing.network.network import Network
from sparse_sharing.training.epoch_log import Row
from sparse_sharing.training.gradients import Differentiator
from sparse_sharing.training.loop import TaskData
from sparse_sharing.training.samples import drawn_batches
from sparse_sharing.training.seeds import derive, generator

COLUMNS: tuple[str, ...] = ("epoch", "tasks", "layer", "part", "weights", "cosine")
"""The columns of `conflict.csv`."""


class Conflict:
    """Compares the gradients of all pairs of tasks, each time on the same sentences and with the same dropout.

    Only weights that masks cover are compared. *Shared* are those that both tasks keep. *Private* are those that one of
    the two keeps; the other's gradient there is that of its loss at the value that it reads, 0, and is used in no step.
    """

    def __init__(
        self,
        network: Network,
        tasks: Mapping[str, TaskData],
        masks: Mapping[str, Mask],
        sentences: int,
        batch_size: int,
        seed: int,
    ) -> None:
        """Draw `sentences` training sentences of each task.

        Args:
            network: the network whose gradients are compared.
            tasks: the tasks with their training text.
            masks: the mask of each task, over weights.
            sentences: sentences of each task; all if it has fewer.
            batch_size: sentences in a batch.
            seed: the seed of the run.
        """
        self.network, self.seed = network, seed
        self.differentiate = Differentiator(network)
        self.batches = {
            task: list(drawn_batches(network, task, data, sentences, batch_size, generator(seed, "conflict", task)))
            for task, data in tasks.items()
        }
        shapes = network.prunable_shapes
        self.keeps = {task: _flat(mask, list(shapes)) for task, mask in masks.items()}
        sizes = [torch.Size(shape).numel() for shape in shapes.values()]
        self.layers: dict[str, Tensor] = {ALL_LAYERS: torch.ones(sum(sizes), dtype=torch.bool)}
        names = [layer_of(name) for name in shapes]
        for layer in dict.fromkeys(names):
            part = [torch.full((size,), name == layer) for name, size in zip(names, sizes, strict=True)]
            self.layers[layer] = torch.cat(part)

    def measure(self) -> list[Row]:
        """A row for each pair of tasks, layer and part that has weights; the epoch is left to the caller.

        The cosine is empty if a gradient is 0.
        """
        before = random_state(self.network.device)
        gradients = {task: self._gradient(task) for task in self.batches}
        set_random_state(self.network.device, before)
        rows = []
        for pair in combinations(sorted(gradients), 2):
            first, second = (self.keeps[task] for task in pair)
            parts = {"shared": first & second, "private": first ^ second}
            for layer, in_layer in self.layers.items():
                for part, keep in parts.items():
                    chosen = keep & in_layer
                    if count := int(chosen.sum()):
                        value = cosine(*(gradients[task][chosen] for task in pair))
                        shown = "" if value is None else f"{value:.6f}"
                        identity = {"tasks": "&".join(pair), "layer": layer, "part": part}
                        rows.append(identity | {"weights": str(count), "cosine": shown})
        return rows

    def _gradient(self, task: str) -> Tensor:
        """The mean gradient of a task over its batches, float64 [P] in the order of masks, not masked."""
        torch.manual_seed(derive(self.seed, "conflict", task))
        batches = self.batches[task]
        total = torch.zeros(self.keeps[task].numel(), dtype=torch.float64)
        for batch in batches:
            gradients = self.differentiate(task, batch.to(self.network.device), 1.0)
            flat = torch.cat([part.reshape(-1) for part in gradients.encoder])
            total += self.network.prunable_part(flat).double().cpu() / len(batches)
        return total


def _flat(mask: Mask, names: Sequence[str]) -> Tensor:
    """The mask of some tensors, bool [P]; masks of units also cover biases."""
    parts = mask.tensors()
    return torch.cat([parts[name].reshape(-1) for name in names])


def cosine(first: Tensor, second: Tensor) -> float | None:
    """The cosine of the angle between two vectors; None if one is 0."""
    norms = first.norm() * second.norm()
    return float(first @ second / norms) if norms > 0 else None
