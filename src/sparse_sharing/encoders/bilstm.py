"""The BiLSTM encoder: words and their characters, then BiLSTM layers (paper, section "Base Model")."""

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from sparse_sharing.config.encoders.bilstm import BiLstm
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
from sparse_sharing.text.vocabulary import PADDING_CHARACTER

# By default, PyTorch computes LSTMs in TF32 on a GPU, with ten bits of mantissa instead of 23.
torch.backends.cudnn.allow_tf32 = False


FILTERS = "characters"
"""The group of units of the character convolution."""

DIRECTIONS = ("left_to_right", "right_to_left")


class Characters(nn.Module):
    """Character CNN: embedding, convolution over the word, maximum over its characters.

    The convolution is computed as one matrix product over windows of characters, which for words is much faster than
    the general operation.
    """

    def __init__(self, model: BiLstm, character_count: int, filters: int) -> None:
        """Build for a number of character ids, including padding, and a number of filters."""
        super().__init__()
        self.embedding = nn.Embedding(character_count, model.character_dimension, padding_idx=PADDING_CHARACTER)
        self.convolution = nn.Conv1d(
            model.character_dimension,
            filters,
            model.character_width,
            padding=model.character_width // 2,
        )

    def forward(self, characters: Tensor) -> Tensor:
        """Ids int64 [U, C], padded with 0 -> float [U, filters]; padding has no influence."""
        width, weight = self.convolution.kernel_size[0], self.convolution.weight
        margin = width // 2
        windows = functional.pad(characters, (margin, margin), value=PADDING_CHARACTER).unfold(1, width, 1)
        features = functional.linear(
            self.embedding(windows).flatten(2), weight.transpose(1, 2).flatten(1), self.convolution.bias
        )
        padding = (characters == PADDING_CHARACTER).unsqueeze(2)
        return features.masked_fill(padding, float("-inf")).amax(1)


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
        self.model, self.words, self.dropout = model, sizes.words, model.dropout
        filters = sizes.units.get(FILTERS, model.character_filters)
        self.characters = Characters(model, sizes.characters, filters)
        self.recurrent: Stack[LayerType] = Stack()
        width = model.word_dimension + filters
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
        ]

    def batch(
        self,
        text: EncodedText,
        indices: Sequence[int] | np.ndarray,
        task: str | None = None,
        random: np.random.Generator | None = None,
    ) -> WordBatch:
        """See `Encoder`; in training a share of the words is read as the unknown word."""
        return make_batch(text, indices, task, self.model.word_dropout if random is not None else 0.0, random)

    def embed(self, word_vectors: Tensor, batch: WordBatch) -> Tensor:
        """Float [W, D] for the batch's `word_rows` -> words and characters [L, B, D + filters], dropout applied."""
        words = functional.embedding(batch.words, word_vectors)
        characters = functional.embedding(batch.surfaces, self.characters(batch.character_rows))
        return self.drop(torch.cat([words, characters], dim=2), batch)

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
            filters = self.characters.convolution.out_channels
            return (UnitAxis(FILTERS, 1, filters, start=self.model.word_dimension),)
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
        states = self.embed(rows[WORDS], batch)
        for layer in self.recurrent[:readout]:
            states = layer(states, batch.reverse)
        return self.drop(states, batch)


def _character_tensors(characters: Characters) -> list[TensorInfo]:
    filters = UnitAxis(FILTERS, 0, characters.convolution.out_channels)
    embedding, convolution = characters.embedding.weight, characters.convolution
    weight = convolution.weight
    return [
        TensorInfo(
            "characters.embedding.weight", tuple(embedding.shape), 0, "embedding", with_padding(PADDING_CHARACTER)
        ),
        TensorInfo(
            "characters.convolution.weight",
            tuple(weight.shape),
            0,
            "matrix",
            xavier,
            prunable=True,
            layer_name="characters",
            units=(filters,),
        ),
        TensorInfo(
            "characters.convolution.bias",
            (filters.count,),
            0,
            "bias",
            zeros,
            layer_name="characters",
            units=(filters,),
        ),
    ]


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
