"""Tensors of a transformer that single tasks have: copies of norms and biases, and low-rank updates of matrices."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional

from sparse_sharing.encoders.first_values import zeros
from sparse_sharing.masks.tensor_info import FirstValues

PREFIX = "tasks"
"""The first part of the names of these tensors; the next is the name of the task."""


def task_of(name: str) -> str | None:
    """The task that a tensor of an encoder belongs to, by its name; None if it belongs to all tasks."""
    prefix, _, key = name.partition(".")
    return key.partition("/")[0] if prefix == PREFIX else None


@dataclass(frozen=True)
class Part:
    """A tensor of one task.

    Attributes:
        task: the task.
        origin: the name of the tensor of all tasks that it replaces or updates.
        kind: `copy`, which replaces it; `down` [rank, inputs] and `up` [outputs, rank], whose product updates it.
    """

    task: str
    origin: str
    kind: str

    @property
    def key(self) -> str:
        """The name of the parameter in `TaskParts`; names of tasks and tensors contain no slash."""
        return "/".join([self.task, *self.origin.split("."), *([] if self.kind == "copy" else [self.kind])])

    @property
    def first(self) -> FirstValues:
        """The initial values of a factor, as of the authors of LoRA: the update is zero at first."""
        return zeros if self.kind == "up" else narrow_uniform


class TaskParts(nn.Module):
    """The tensors of the tasks, and their use in the module that all tasks share.

    A copy hides the parameter of the module, as an attribute of the instance does. An update
    (Hu et al. 2022, LoRA) is added to the output of its linear map, scale * B A x, so that the gradient of the whole
    matrix is never computed.
    """

    def __init__(
        self,
        body: nn.Module,
        tasks: Sequence[str],
        copied: Iterable[str],
        updated: Iterable[str],
        rank: int,
        scale: float,
    ) -> None:
        """Give tasks their own tensors.

        Args:
            body: the module that all tasks share.
            tasks: the names of the tasks.
            copied: the names of the parameters of `body` of which each task has a copy.
            updated: the names of the weights of linear maps that each task updates.
            rank: the rank of the updates.
            scale: the factor of the updates.
        """
        super().__init__()
        self.tasks, self.scale = tuple(tasks), scale
        self.parts: dict[str, Part] = {}
        self.active = ""
        modules, values = dict(body.named_modules()), dict(body.named_parameters())
        self._copied = {name: (modules[name.rpartition(".")[0]], name.rpartition(".")[2]) for name in copied}
        self.updated = tuple(updated)
        for task in self.tasks:
            for origin in self._copied:
                self._add(Part(task, origin, "copy"), values[origin].shape)
            for origin in self.updated:
                outputs, inputs = values[origin].shape
                self._add(Part(task, origin, "down"), (rank, inputs))
                self._add(Part(task, origin, "up"), (outputs, rank))
        for origin in self.updated if self.tasks else ():
            modules[origin.rpartition(".")[0]].register_forward_hook(self._updating(origin))

    def _add(self, part: Part, shape: Sequence[int]) -> None:
        self.parts[part.key] = part
        self.register_parameter(part.key, nn.Parameter(torch.zeros(*shape)))

    def _updating(self, origin: str) -> Callable[[nn.Module, tuple[Tensor, ...], Tensor], Tensor]:
        """A hook after a linear map."""

        def hook(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> Tensor:
            down, up = (self.get_parameter_of(self.active, origin, kind) for kind in ("down", "up"))
            return output + self.scale * functional.linear(functional.linear(inputs[0], down), up)

        return hook

    def get_parameter_of(self, task: str, origin: str, kind: str) -> nn.Parameter:
        """A tensor of a task."""
        return self._parameters[Part(task, origin, kind).key]  # pyright: ignore[reportReturnType]

    def activate(self, task: str) -> None:
        """Let the shared module compute with the tensors of a task, until the next call."""
        self.active = task
        for origin, (module, leaf) in self._copied.items():
            # Not registered: an attribute of the instance comes before its parameters.
            module.__dict__[leaf] = self.get_parameter_of(task, origin, "copy")

    def folded(self, task: str, values: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
        """Values by name without tensors of tasks: those of one task are in the tensors of all tasks.

        Args:
            task: the task.
            values: values by name, as of the encoder.
            prefix: the part of their names before the names in the shared module.
        """
        tensors = {name: value for name, value in values.items() if not name.startswith(f"{PREFIX}.")}
        copies = {part.origin: key for key, part in self.parts.items() if part.task == task and part.kind == "copy"}
        tensors |= {f"{prefix}{origin}": values[f"{PREFIX}.{key}"] for origin, key in copies.items()}
        for origin in self.updated:
            down, up = (values[f"{PREFIX}.{Part(task, origin, kind).key}"] for kind in ("down", "up"))
            tensors[f"{prefix}{origin}"] = tensors[f"{prefix}{origin}"] + self.scale * (up @ down)
        return tensors


def narrow_uniform(tensor: Tensor, source: Generator) -> None:
    """Uniform between -1 / sqrt(inputs) and 1 / sqrt(inputs), for float [rank, inputs]."""
    bound = tensor.shape[1] ** -0.5
    tensor.uniform_(-bound, bound, generator=source)
