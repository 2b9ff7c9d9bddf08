"""Loss and gradients of a batch: at once, or in parts with the same sum if the batch is too large for memory.

In parts, a step has the same gradients apart from the order of additions: each part's loss is weighted by its share of
the units of the mean, and each part's dropout noise is taken from that of the whole batch, if the encoder can do so.
"""

import sys
from dataclasses import dataclass

import torch
from torch import Tensor

from sparse_sharing.network.memory import BatchLimit, is_gpu_shortage, random_state, set_random_state
from sparse_sharing.network.network import Network
from sparse_sharing.text.batches import Batch

CPU_POSITIONS = 16_384
"""The most positions that run at once on the CPU: more take memory, gigabytes with long sentences, and save no time."""


@dataclass(frozen=True)
class Gradients:
    """The loss and the gradients of a batch.

    Attributes:
        loss: a scalar without gradient.
        encoder: the gradient of each parameter of the encoder; zeros for frozen ones.
        rows: for each tensor of role `rows` that is not frozen, the gradient of the batch's rows.
        head: the gradient of the task's head.
    """

    loss: Tensor
    encoder: list[Tensor]
    rows: dict[str, Tensor]
    head: Tensor

    def add(self, other: "Gradients") -> None:
        """Add the gradients of another part of the batch."""
        for tensor, more in zip(self._tensors(), other._tensors(), strict=True):
            tensor += more

    def _tensors(self) -> list[Tensor]:
        return [self.loss, *self.encoder, *self.rows.values(), self.head]


class Differentiator:
    """Computes gradients in as few parts as fit into memory, and remembers the number of parts."""

    def __init__(self, network: Network, sentences: int = sys.maxsize) -> None:
        """Differentiate the losses of a network, in parts of at most `sentences` sentences."""
        self.network, self.most = network, sentences
        self.batch_limit = BatchLimit(CPU_POSITIONS) if network.device.type == "cpu" else BatchLimit()

    def __call__(self, task: str, batch: Batch, loss_weight: float) -> Gradients:
        """The gradients of a task's loss times a weight.

        After a GPU out-of-memory error the batch is tried again in smaller parts, from the same random state. Weights
        and optimizer state do not change.

        Raises:
            ResourceError: One sentence does not fit into the memory of the GPU.
        """
        network, (longest, count) = self.network, batch.mask.shape
        network.encoder.train()
        network.activate(task)
        before = random_state(network.device)
        while True:
            size = min(self.most, self.batch_limit.sentences(count, longest))
            try:
                if size == count:
                    return self._at_once(task, batch, loss_weight)
                return self._in_parts(task, batch, loss_weight, size, before)
            except RuntimeError as error:
                if not is_gpu_shortage(error):
                    raise
                # Keep only the text: the error itself references all memory of the attempt.
                problem = str(error)
            set_random_state(network.device, before)
            self.batch_limit.shrink(size, longest, f"training task {task}", problem)

    def _at_once(self, task: str, batch: Batch, loss_weight: float | Tensor) -> Gradients:
        network = self.network
        infos, rows = network.parameters.infos, network.gather(batch)
        moving = {name: values.requires_grad_() for name, values in rows.items() if not infos[name].frozen}
        loss = loss_weight * network.loss(task, rows, batch)
        parameters = [parameter for parameter in network.encoder.parameters() if parameter.requires_grad]
        leaves = [*parameters, *moving.values(), network.heads[task]]
        *of_parameters, of_head = torch.autograd.grad(loss, leaves, materialize_grads=True)
        of_rows = dict(zip(moving, of_parameters[len(parameters) :], strict=True))
        of_encoder = iter(of_parameters)
        gradients = [
            next(of_encoder) if parameter.requires_grad else torch.zeros_like(parameter)
            for parameter in network.encoder.parameters()
        ]
        return Gradients(loss.detach(), gradients, of_rows, of_head)

    def _in_parts(self, task: str, batch: Batch, loss_weight: float, size: int, before: Tensor) -> Gradients:
        """The sum over parts of `size` sentences; `before` is the random state from which the batch draws its noise."""
        units = self.network.head_kinds[task].units

        def gradients_of(start: int) -> Gradients:
            if batch.SHARES_NOISE:
                set_random_state(self.network.device, before)
            part = batch.cut(slice(start, start + size))
            return self._at_once(task, part, loss_weight * (units(part.mask) / units(batch.mask)))

        total = gradients_of(0)
        for start in range(size, batch.mask.shape[1], size):
            total.add(gradients_of(start))
        return total
