"""The base of all encoders, which turn text into states and declare each of their tensors."""

import functools
import importlib
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Generic, TypeVar

import numpy as np
from torch import Tensor, nn

from sparse_sharing.config.encoders.base import EncoderSection
from sparse_sharing.errors import ConfigError
from sparse_sharing.masks.mask import Shapes
from sparse_sharing.masks.tensor_info import TensorInfo, UnitAxis, prunable_shapes
from sparse_sharing.text.batches import Batch
from sparse_sharing.text.encoded import EncodedText

SectionType = TypeVar("SectionType", bound=EncoderSection)
BatchType = TypeVar("BatchType", bound=Batch)


@dataclass(frozen=True)
class TextSizes:
    """The sizes that an encoder needs before it is built.

    Attributes:
        words: number of word ids, including the unknown word.
        characters: number of character ids, including padding.
        units: for groups of which a compact network has fewer units than its section says, their number.
        tasks: the tasks of the network, for encoders that have tensors of single tasks.
    """

    words: int = 0
    characters: int = 1
    units: Mapping[str, int] = field(default_factory=dict)
    tasks: tuple[str, ...] = ()


class Encoder(nn.Module, ABC, Generic[SectionType, BatchType]):
    """Text -> states. A subclass in `encoders/NAME.py` names the section of its keys; defining it registers it.

    It is generic in the type of its section and in that of its batches.

    The module's parameters are what masks can cover. They are views of a flat buffer (see `network.parameters`), so a
    subclass must not replace them. Large tables of which a batch reads few rows are not parameters: they are declared
    with the role `rows`, kept outside of the module, and passed in as the rows of the batch.
    """

    section: ClassVar[type[EncoderSection]]

    def __init_subclass__(cls, **options: object) -> None:
        """Register the class as the implementation of its section."""
        super().__init_subclass__(**options)
        if "section" in cls.__dict__:
            _IMPLEMENTATIONS[cls.section.kind] = cls

    @abstractmethod
    def __init__(self, model: SectionType, sizes: TextSizes) -> None:
        """Build the untrained encoder; `network.parameters` gives it memory, `training.initial` first values."""
        super().__init__()
        self.model = model

    @classmethod
    def complete(cls, model: SectionType, folder: Path | None) -> SectionType:
        """The section completed from the folder of its pretrained weights; unchanged without pretrained weights.

        Raises:
            ConfigError: The folder is missing, or is given to an encoder without pretrained weights.
            ArtifactError: The files of the folder cannot be read, or do not fit the section.
        """
        if folder is not None:
            raise ConfigError(f"encoder '{model.kind}' has no pretrained weights; leave --pretrained out")
        return model

    @abstractmethod
    def tensors(self) -> list[TensorInfo]:
        """The declaration of every tensor: each parameter, in the order of `parameters()`, then those of role rows.

        The first number in the name of a prunable tensor or of a group of units is read as its layer, counted from 0,
        where only a file of masks is at hand (see `masks.layers`): in tables of layers, and by hierarchical sharing.
        """

    @abstractmethod
    def width(self, readout: int) -> int:
        """The width of a state that is read at `readout`."""

    @abstractmethod
    def batch(
        self,
        text: EncodedText,
        indices: Sequence[int] | np.ndarray,
        task: str | None = None,
        random: np.random.Generator | None = None,
    ) -> BatchType:
        """Some sentences of a text as a batch for the encoder, on the CPU.

        Args:
            text: the sentences.
            indices: the indices of the sentences.
            task: the task whose gold tags the batch has; None: no tags.
            random: the generator of training noise, such as word dropout; None: no noise.
        """

    @abstractmethod
    def states(self, rows: Mapping[str, Tensor], batch: BatchType, readout: int) -> Tensor:
        """The states of the tokens, float [L, B, width], dropout applied in training.

        Args:
            rows: for each tensor of role rows the values of the batch's rows, float [W, D].
            batch: made by `batch`, on the device of the parameters.
            readout: the layer that a task reads, from `readout_of`; layers above it do not run.
        """

    def state_units(self, readout: int) -> tuple[UnitAxis, ...]:
        """The units among the numbers of a state that is read at `readout`; their axis is 0."""
        return ()

    def extend_rows(self, rows: Mapping[str, Tensor], text: EncodedText) -> Mapping[str, Tensor]:
        """The tensors of role `rows`, with the additional rows of a text appended.

        Raises:
            ArtifactError: The rows of the text do not fit.
        """
        return rows

    def checkpoint_activations(self, on: bool) -> None:
        """Whether the backward pass computes states inside of layers again instead of storing them.

        Raises:
            ConfigError: The encoder can only store them.
        """
        if on:
            raise ConfigError(f"activation_checkpointing: not possible with encoder '{self.model.kind}'; leave it out")

    def for_task(self, task: str, values: Mapping[str, Tensor]) -> tuple[EncoderSection, dict[str, Tensor]]:
        """The section and the values of an encoder that computes the states of one task without tensors of tasks."""
        return self.model, dict(values)

    def trimmed(
        self, section: EncoderSection, values: Mapping[str, Tensor], words: Iterable[str]
    ) -> tuple[EncoderSection, dict[str, Tensor]]:
        """A section and values of this encoder, without the pieces that words do not need.

        Raises:
            ConfigError: The encoder has no pieces.
        """
        raise ConfigError(f"--trim: encoder '{self.model.kind}' has no vocabulary of pieces; leave the option out")

    def readout_of(self, task: str, kept: Sequence[str]) -> int:
        """The layer at which a task's states are read: the highest in which its mask keeps weights, at least the first.

        Args:
            task: the task; most encoders use only its mask.
            kept: names of the covered tensors in which the mask keeps any weight.
        """
        layers = self.layers
        return max([1, *(layers[name] for name in kept)])

    def unread(self, parts: Mapping[str, Tensor], readout: int) -> list[Tensor]:
        """The parts of a vector over the parameters that a task never reads: those above its layer."""
        layers = self.layers
        return [part for name, part in parts.items() if layers[name] > readout]

    @functools.cached_property
    def layers(self) -> Mapping[str, int]:
        """The layer of each tensor by name."""
        return {info.name: info.layer for info in self.tensors()}

    def prunable_shapes(self) -> Shapes:
        """Name and shape of the tensors that masks over weights cover, in the order of a mask."""
        return prunable_shapes(self.tensors())


_IMPLEMENTATIONS: dict[str, type[Encoder]] = {}


def implementation(model: EncoderSection) -> type[Encoder]:
    """The class of the encoder of a section; its module is imported by name.

    Raises:
        ConfigError: A package that the encoder needs is not installed.
    """
    if model.kind not in _IMPLEMENTATIONS:
        try:
            importlib.import_module(model.implementation)
        except ModuleNotFoundError as error:
            if model.extra is None or (error.name or "").startswith("sparse_sharing"):
                raise
            raise ConfigError(
                f"model.encoder: '{model.kind}' needs the package {error.name}. Install it with: "
                f"pip install 'sparse-sharing[{model.extra}]'"
            ) from error
    return _IMPLEMENTATIONS[model.kind]


def complete(model: EncoderSection, folder: Path | None) -> EncoderSection:
    """The section of an encoder with everything that its initial weights need; see `Encoder.complete`."""
    return implementation(model).complete(model, folder)


def build_encoder(model: EncoderSection, sizes: TextSizes) -> Encoder:
    """The untrained encoder of a section; its module is imported by name."""
    return implementation(model)(model, sizes)


def counted_parameters(encoder: Encoder, kept: int, covered: Collection[str] = ()) -> int:
    """Parameters as the paper counts them: kept prunable weights plus all biases; no embeddings, no heads.

    Tensors of single tasks are also counted, but not cross-stitch units.

    Args:
        encoder: the encoder.
        kept: the number of weights that masks keep.
        covered: the tensors that masks cover; biases among them are counted only if they are kept.
    """
    uncovered = [info for info in encoder.tensors() if _is_counted(info) and info.name not in covered]
    return kept + sum(info.size for info in uncovered)


def trained_parameters(encoder: Encoder, kept: int, covered: Collection[str] = ()) -> int:
    """Those of `counted_parameters` that are not frozen."""
    frozen = [info for info in encoder.tensors() if info.frozen]
    # Either all matrices are frozen, or none.
    moving = 0 if any(info.prunable for info in frozen) else kept
    uncovered = sum(info.size for info in frozen if _is_counted(info) and info.name not in covered)
    return counted_parameters(encoder, moving, covered) - uncovered


def _is_counted(info: TensorInfo) -> bool:
    return info.role in ("bias", "norm") or info.task is not None
