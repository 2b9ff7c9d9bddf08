"""The base of all heads. A head turns the states of the encoder into the tags of one task.

The weights of a head are one flat vector, which the trainer updates as a whole; the head declares its tensors.
"""

import importlib
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import ClassVar

import torch
from torch import Tensor

from sparse_sharing.config.heads import HEADS
from sparse_sharing.masks.tensor_info import TensorInfo
from sparse_sharing.text.vocabulary import TaskTags


class Head(ABC):
    """The head of a task. A subclass in `heads/NAME.py` has a `kind` from `config/heads.py`."""

    kind: ClassVar[str]

    def __init_subclass__(cls, **options: object) -> None:
        """Register the class as the implementation of its kind."""
        super().__init_subclass__(**options)
        if "kind" in cls.__dict__:
            _IMPLEMENTATIONS[cls.kind] = cls

    @abstractmethod
    def __init__(self, states: int, tags: TaskTags, device: torch.device) -> None:
        """Build the head for states of width `states` and for the tags of a task."""

    @abstractmethod
    def tensors(self) -> Sequence[TensorInfo]:
        """The declarations of its tensors, in the order of the flat vector. Layers and masks have no meaning here."""

    @abstractmethod
    def scores(self, flat: Tensor, states: Tensor) -> Tensor:
        """The scores of single tags, float [L, B, T], from states float [L, B, S]."""

    @abstractmethod
    def loss(self, flat: Tensor, states: Tensor, tags: Tensor, mask: Tensor) -> Tensor:
        """The loss of the gold tags int64 [L, B], the mean over the `units` of the batch; mask bool [L, B]."""

    @abstractmethod
    def decode(self, flat: Tensor, states: Tensor, mask: Tensor) -> Tensor:
        """The best tag of each token, int64 [L, B], with any number at padding."""

    @abstractmethod
    def assess(self, flat: Tensor, states: Tensor, tags: Tensor, mask: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Decode, and compute the loss of gold tags at the same time.

        Args:
            flat: the head's weights.
            states: float [L, B, S].
            tags: the gold tags, int64 [L, B]; a token without a tag, or with one that the head
                does not have, is excluded from the loss.
            mask: bool [L, B], True at tokens.

        Returns:
            The best tags as from `decode`, the summed loss, and the number of tokens in the sum.
        """

    def units(self, mask: Tensor) -> Tensor | int:
        """The number of units that the loss is a mean over, in a batch with mask bool [L, B]: its tokens."""
        return mask.sum()

    @property
    def size(self) -> int:
        """Number of weights."""
        return sum(info.size for info in self.tensors())

    def parts(self, flat: Tensor) -> dict[str, Tensor]:
        """The tensors of the head by name, views of its flat vector."""
        tensors = self.tensors()
        cuts = flat.split([info.size for info in tensors])
        return {info.name: cut.view(info.shape) for info, cut in zip(tensors, cuts, strict=True)}

    def state_axis(self, tensor: str) -> int | None:
        """The axis of one of its tensors along which the numbers of a state are; None for a tensor without one."""
        return None

    @property
    def decodes_sentences(self) -> bool:
        """Whether the best tag of a token depends on the tags of others, so that decoding needs whole sentences."""
        return False

    def replicate(self, switches: Sequence[str]) -> None:  # noqa: B027
        """Reproduce deviations of the authors' code from their paper (`replicate:` in the configuration)."""


_IMPLEMENTATIONS: dict[str, type[Head]] = {}


def build_head(kind: str, states: int, tags: TaskTags, device: torch.device) -> Head:
    """The head of a kind for a task; its module is imported by name."""
    if kind not in _IMPLEMENTATIONS:
        importlib.import_module(HEADS[kind].module)
    return _IMPLEMENTATIONS[kind](states, tags, device)


def head_values(heads: Mapping[str, Head], flats: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors of all heads, as views, under their names in files."""
    return {
        head_name(task, name): part
        for task, head in heads.items()
        for name, part in head.parts(flats[task].detach()).items()
    }


def head_name(task: str, tensor: str) -> str:
    """The name of a tensor of a task's head in files; names of tasks contain no dot."""
    return f"heads.{task}.{tensor}"
