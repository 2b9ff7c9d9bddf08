"""The BiLSTM encoder: words and their characters, then BiLSTM layers (paper, section "Base Model")."""

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate
from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from sparse_sharing.config.encoders.bilstm import BiLstm
from sparse_sharing.config.features import Features
from sparse_sharing.encoders.base import Encoder, TextSizes
from sparse_sharing.encoders.first_values import (
    open_forget_gates,
    unit_variance_rows,
    with_padding,
    xavier,
    zeros,
)
from sparse_sharing.errors import ArtifactError
from sparse_sharing.masks.tensor_info import TensorInfo, UnitAxis
from sparse_sharing.text.batches import WORDS, WordBatch, make_batch
from sparse_sharing.text.encoded import EncodedText
from sparse_sharing.text.features import FEATURES, HASHES, FeatureKinds, FeatureRows
from sparse_sharing.text.vocabulary import PADDING_CHARACTER

# By default, PyTorch computes LSTMs in TF32 on a GPU, with ten bits of mantissa instead of 23.
torch.backends.cudnn.allow_tf32 = False


FILTERS = "characters"
"""The group of units of the character convolution; of several, each has a group `characters.width_N`."""

DIRECTIONS = ("left_to_right", "right_to_left")


class Characters(nn.Module):
    """Character CNN: embedding, convolutions over the word, maximum over its characters.

    A convolution is computed as one matrix product over windows of characters, which for words is much faster than
    the general operation.
    """

    def __init__(self, model: BiLstm, character_count: int, units: Mapping[str, int] | None = None) -> None:
        """Build for a number of character ids, including padding.

        Args:
            model: the section of the encoder.
            character_count: the number of character ids.
            units: for groups of filters of which a compact network has fewer than the section says, their number.
        """
        super().__init__()
        self.embedding = nn.Embedding(character_count, model.character_dimension, padding_idx=PADDING_CHARACTER)
        # A number between dots would be read as the number of a layer: see `masks.layers`.
        widths = {f"width_{width}": width for width in model.character_widths or []}
        for name, width in (widths or {"convolution": model.character_width}).items():
            filters = (units or {}).get(_group_of(name), model.character_filters)
            self.add_module(name, nn.Conv1d(model.character_dimension, filters, width, padding=width // 2))

    @property
    def convolutions(self) -> dict[str, nn.Conv1d]:
        """The convolutions by name, in the order of their filters in the result."""
        return {name: module for name, module in self.named_children() if isinstance(module, nn.Conv1d)}

    @property
    def groups(self) -> dict[str, int]:
        """For each group of filters their number."""
        return {_group_of(name): convolution.out_channels for name, convolution in self.convolutions.items()}

    def forward(self, characters: Tensor) -> Tensor:
        """Ids int64 [U, C], padded with 0 -> float [U, filters]; padding has no influence."""
        padding = (characters == PADDING_CHARACTER).unsqueeze(2)
        maxima = [
            self._features(characters, convolution).masked_fill(padding, float("-inf")).amax(1)
            for convolution in self.convolutions.values()
        ]
        return maxima[0] if len(maxima) == 1 else torch.cat(maxima, dim=1)

    def _features(self, characters: Tensor, convolution: nn.Conv1d) -> Tensor:
        """Float [U, C, filters]; a filter of even width reads one more character before its place than after it."""
        width, weight = convolution.kernel_size[0], convolution.weight
        before = width // 2
        windows = functional.pad(characters, (before, width - 1 - before), value=PADDING_CHARACTER).unfold(1, width, 1)
        return functional.linear(
            self.embedding(windows).flatten(2), weight.transpose(1, 2).flatten(1), convolution.bias
        )


def _group_of(convolution: str) -> str:
    """The group of the filters of a convolution."""
    return FILTERS if convolution == "convolution" else f"{FILTERS}.{convolution}"


class RecurrentLayer(nn.Module, ABC):
    """A layer of a stack."""

    @property
    @abstractmethod
    def width(self) -> int:
        """The width of a state."""


class BidirectionalLayer(RecurrentLayer):
    """A BiLSTM layer of two one-way LSTMs; the second reads each sentence reversed.

    Reversing by an index is exact for sentences of any length, and lets both LSTMs use the fused, unpacked path.
    """

    def __init__(self, inputs: int, hidden: int, backwards: int | None = None) -> None:
        """Build for an input width and a number of hidden units per direction.

        Args:
            inputs: the width of the input.
            hidden: units of each direction, or of the one that reads from left to right.
            backwards: units of the other direction, if they differ.
        """
        super().__init__()
        self.left_to_right = nn.LSTM(inputs, hidden)
        self.right_to_left = nn.LSTM(inputs, hidden if backwards is None else backwards)

    @property
    def width(self) -> int:
        """See `RecurrentLayer`."""
        return self.left_to_right.hidden_size + self.right_to_left.hidden_size

    def forward(self, inputs: Tensor, reverse: Tensor) -> Tensor:
        """Float [L, B, inputs] and the batch's `reverse` int64 [L * B] -> float [L, B, width]."""
        ahead, _ = self.left_to_right(inputs)
        back, _ = self.right_to_left(_Turned.apply(inputs, reverse))
        return torch.cat([ahead, _Turned.apply(back, reverse)], dim=2)


SectionType = TypeVar("SectionType", bound=BiLstm)
LayerType = TypeVar("LayerType", bound=RecurrentLayer)


class Stack(nn.ModuleList, Generic[LayerType]):
    """Layers of one type, the first at the bottom; PyTorch's own list loses their type."""

    if TYPE_CHECKING:

        @overload
        def __getitem__(self, idx: slice) -> "Stack[LayerType]": ...

        @overload
        def __getitem__(self, idx: int) -> LayerType: ...

        def __getitem__(self, idx: int | slice) -> "LayerType | Stack[LayerType]": ...

        def __iter__(self) -> Iterator[LayerType]: ...


class RecurrentEncoder(Encoder[SectionType, WordBatch], Generic[SectionType, LayerType]):
    """Word vectors and characters, and a stack of recurrent layers on them."""

    def __init__(self, model: SectionType, sizes: TextSizes) -> None:
        """See `Encoder`."""
        super().__init__(model, sizes)
        self.words, self.dropout = sizes.words, model.dropout
        self.characters = Characters(model, sizes.characters, sizes.units)
        self.features = None if model.features is None else feature_rows(model.features)
        self.recurrent: Stack[LayerType] = Stack()
        width = model.word_dimension + sum(self.characters.groups.values())
        width += model.features.count * model.features.width if model.features else 0
        for number in range(model.layers):
            layer = self.build_layer(number, width, sizes.units)
            self.recurrent.append(layer)
            width = layer.width

    @abstractmethod
    def build_layer(self, number: int, inputs: int, units: Mapping[str, int]) -> LayerType:
        """One layer of the stack, counted from 0."""

    @abstractmethod
    def layer_tensors(self, number: int, layer: LayerType) -> list[TensorInfo]:
        """The declarations of one layer of the stack, counted from 0."""

    def tensors(self) -> list[TensorInfo]:
        """See `Encoder`."""
        return [
            *_character_tensors(self.characters),
            *(info for number, layer in enumerate(self.recurrent) for info in self.layer_tensors(number, layer)),
            TensorInfo(WORDS, (self.words, self.model.word_dimension), 0, "rows", unit_variance_rows),
            *_feature_tensors(self.model.features),
        ]

    def batch(
        self,
        text: EncodedText,
        indices: Sequence[int] | np.ndarray,
        task: str | None = None,
        random: np.random.Generator | None = None,
    ) -> WordBatch:
        """See `Encoder`; in training a share of the words is read as the unknown word."""
        share: float | np.ndarray = self.model.word_dropout
        if self.model.rare_word_dropout is not None:
            share = np.maximum(share, self.model.rare_word_dropout / (self.model.rare_word_dropout + text.word_counts))
        return make_batch(text, indices, task, share, random, self.features)

    def embed(self, rows: Mapping[str, Tensor], batch: WordBatch) -> Tensor:
        """Words, characters and features of the tokens, float [L, B, inputs of the first layer], dropout applied.

        Args:
            rows: the rows of the batch, as in `states`.
            batch: see `states`.
        """
        words = functional.embedding(batch.words, rows[WORDS])
        spelled = self.characters(batch.character_rows)
        if batch.features is not None:
            spelled = torch.cat([spelled, feature_vectors(rows[FEATURES], batch.features)], dim=1)
        return self.drop(torch.cat([words, functional.embedding(batch.surfaces, spelled)], dim=2), batch)

    def drop(self, states: Tensor, batch: WordBatch) -> Tensor:
        """Dropout, in training. For a slice of a batch, use its columns of the whole batch's noise."""
        if batch.origin is None or not self.training or self.dropout == 0:
            return dropout(states, self.dropout, self.training)
        length, sentences, columns = batch.origin
        noise = dropout(states.new_ones(length, sentences, states.shape[2]), self.dropout, True)
        # A copy: a view would keep the noise of the whole batch in memory.
        return states * noise[: len(states), columns].clone()

    def extend_rows(self, rows: Mapping[str, Tensor], text: EncodedText) -> Mapping[str, Tensor]:
        """See `Encoder`; the vectors of words that are not in the training text are appended."""
        if not len(text.extra):
            return rows
        words = rows[WORDS]
        if text.extra.shape[1] > words.shape[1]:
            raise ArtifactError(
                f"the text has word vectors of {text.extra.shape[1]} numbers, the network of {words.shape[1]}; "
                "prepare the text with the vectors of the training"
            )
        extra = words.new_zeros(len(text.extra), words.shape[1])
        extra[:, : text.extra.shape[1]] = torch.from_numpy(text.extra)
        return {**rows, WORDS: torch.cat([words, extra])}


class BiLstmEncoder(RecurrentEncoder[BiLstm, BidirectionalLayer]):
    """Word vectors and characters -> BiLSTM states."""

    section = BiLstm

    def build_layer(self, number: int, inputs: int, units: Mapping[str, int]) -> BidirectionalLayer:
        """See `RecurrentEncoder`."""
        hidden = [units.get(f"recurrent.{number}.{way}", self.model.hidden) for way in DIRECTIONS]
        return BidirectionalLayer(inputs, *hidden)

    def layer_tensors(self, number: int, layer: BidirectionalLayer) -> list[TensorInfo]:
        """See `RecurrentEncoder`."""
        return recurrent_tensors(layer, f"recurrent.{number}", number + 1, self._inputs_of(number))

    def _inputs_of(self, number: int) -> tuple[UnitAxis, ...]:
        """The units among the inputs of a layer."""
        if number == 0:
            counts, starts = self.characters.groups, accumulate(self.characters.groups.values(), initial=0)
            first = self.model.word_dimension
            return tuple(
                UnitAxis(group, 1, count, start=first + start)
                for (group, count), start in zip(counts.items(), starts, strict=False)
            )
        return tuple(dataclasses.replace(axis, axis=1) for axis in self.state_units(number))

    def width(self, readout: int) -> int:
        """See `Encoder`."""
        return self.recurrent[readout - 1].width

    def state_units(self, readout: int) -> tuple[UnitAxis, ...]:
        """See `Encoder`; first the units that read from left to right, then the others."""
        layer, name = self.recurrent[readout - 1], f"recurrent.{readout - 1}"
        ahead, back = layer.left_to_right.hidden_size, layer.right_to_left.hidden_size
        return (
            UnitAxis(f"{name}.{DIRECTIONS[0]}", 0, ahead),
            UnitAxis(f"{name}.{DIRECTIONS[1]}", 0, back, start=ahead),
        )

    def states(self, rows: Mapping[str, Tensor], batch: WordBatch, readout: int) -> Tensor:
        """See `Encoder`; float [L, B, width] of layer `readout`, counted from 1."""
        states = self.embed(rows, batch)
        for layer in self.recurrent[:readout]:
            states = layer(states, batch.reverse)
        return self.drop(states, batch)


def feature_rows(features: Features) -> FeatureRows:
    """What finds the rows of the features of words."""
    return FeatureRows(FeatureKinds.from_json(features.model_dump()))


def feature_vectors(table: Tensor, rows: Tensor) -> Tensor:
    """Float [R, D] and the rows of each surface, int64 [U, features * HASHES] -> float [U, features * D]."""
    return functional.embedding(rows, table).unflatten(1, (-1, HASHES)).sum(2).flatten(1)


def _feature_tensors(features: Features | None) -> list[TensorInfo]:
    if features is None:
        return []
    return [TensorInfo(FEATURES, (features.rows, features.width), 0, "rows", unit_variance_rows)]


def _character_tensors(characters: Characters) -> list[TensorInfo]:
    embedding = tuple(characters.embedding.weight.shape)
    tensors = [TensorInfo("characters.embedding.weight", embedding, 0, "embedding", with_padding(PADDING_CHARACTER))]
    for part, convolution in characters.convolutions.items():
        filters = UnitAxis(_group_of(part), 0, convolution.out_channels)
        name, shape = f"characters.{part}", tuple(convolution.weight.shape)
        common: Any = {"layer_name": "characters", "units": (filters,)}
        tensors += [
            TensorInfo(f"{name}.weight", shape, 0, "matrix", xavier, prunable=True, **common),
            TensorInfo(f"{name}.bias", (filters.count,), 0, "bias", zeros, **common),
        ]
    return tensors


def recurrent_tensors(layer: nn.Module, name: str, number: int, inputs: tuple[UnitAxis, ...]) -> list[TensorInfo]:
    """The declarations of a BiLSTM layer.

    Args:
        layer: the layer.
        name: the name of the layer in the encoder.
        number: the number of the layer, counted from 1.
        inputs: the units among its inputs.
    """
    declarations = []
    for local_name, value in layer.named_parameters():
        group = f"{name}.{local_name.rpartition('.')[0]}"
        hidden, matrix = value.shape[0] // 4, value.dim() > 1
        gates, recurrent = UnitAxis(group, 0, hidden, blocks=4), UnitAxis(group, 1, hidden)
        columns = () if not matrix else (recurrent,) if "weight_hh" in local_name else inputs
        declarations.append(
            TensorInfo(
                f"{name}.{local_name}",
                tuple(value.shape),
                number,
                "matrix" if matrix else "bias",
                xavier if matrix else open_forget_gates,
                prunable=matrix,
                layer_name=f"lstm {number}",
                units=(gates, *columns),
            )
        )
    return declarations


def dropout(states: Tensor, share: float, training: bool) -> Tensor:
    """Set a share of the values to zero and scale the others up.

    On the CPU 16 random bits decide on each value, so the share is exact to 1/65536: PyTorch's own dropout takes
    several times as long to draw its random numbers.
    """
    if not training or share == 0 or states.is_cuda:
        return functional.dropout(states, share, training)
    words = torch.empty((states.numel() + 3) // 4, dtype=torch.int64).random_(-(2**63), None)
    bits = words.view(torch.int16)[: states.numel()].view(states.shape)
    keep = (bits >= min(round(share * 2**16), 2**16 - 1) - 2**15).to(states.dtype)
    return states * keep.mul_(1 / (1 - share))


class _Turned(torch.autograd.Function):
    """Reversed sentences. Reversing twice changes nothing, so the gradient is reversed as well, which is cheaper than
    the general gradient of indexing, which adds up the contributions to each position.
    """

    @staticmethod
    def forward(ctx: Any, states: Tensor, reverse: Tensor) -> Tensor:
        ctx.save_for_backward(reverse)
        return states.reshape(-1, states.shape[2]).index_select(0, reverse).view(states.shape)

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Tensor) -> tuple[Tensor, None]:
        (gradient,) = grad_outputs
        (reverse,) = ctx.saved_tensors
        return gradient.reshape(-1, gradient.shape[2]).index_select(0, reverse).view(gradient.shape), None
