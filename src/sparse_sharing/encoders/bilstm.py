"""The encoder that all tasks share: words and their characters, then BiLSTM layers (paper, section "Base Model")."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from sparse_sharing.config.schema import Architecture, Model
from sparse_sharing.masks.layers import layer_number as layer_number
from sparse_sharing.masks.layers import layer_of as layer_of
from sparse_sharing.text.batches import Batch
from sparse_sharing.text.vocabulary import PADDING_CHARACTER

# Left to itself, PyTorch computes LSTMs in TF32 on a GPU: ten bits of mantissa where float32 has 23.
torch.backends.cudnn.allow_tf32 = False


class Characters(nn.Module):
    """Character CNN: embedding, convolution over the word, maximum over its characters.

    The convolution is computed as one matrix product over windows of characters, which for words costs far less than
    the general operation.
    """

    def __init__(self, model: Model, character_count: int) -> None:
        """Build for so many character ids, padding included."""
        super().__init__()
        self.embedding = nn.Embedding(character_count, model.character_dimension, padding_idx=PADDING_CHARACTER)
        self.convolution = nn.Conv1d(
            model.character_dimension,
            model.character_filters,
            model.character_width,
            padding=model.character_width // 2,
        )

    def forward(self, characters: Tensor) -> Tensor:
        """Ids int64 [U, C], padded with 0 -> float [U, filters]; what is behind the last character has no influence."""
        width, weight = self.convolution.kernel_size[0], self.convolution.weight
        margin = width // 2
        windows = functional.pad(characters, (margin, margin), value=PADDING_CHARACTER).unfold(1, width, 1)
        features = functional.linear(
            self.embedding(windows).flatten(2), weight.transpose(1, 2).flatten(1), self.convolution.bias
        )
        padding = (characters == PADDING_CHARACTER).unsqueeze(2)
        return features.masked_fill(padding, float("-inf")).amax(1)


class BidirectionalLayer(nn.Module):
    """A BiLSTM layer made of two one-way LSTMs; the second reads each sentence turned round.

    Turning round by an index is exact for sentences of any length and keeps both LSTMs on the fused, unpacked path.
    """

    def __init__(self, inputs: int, hidden: int) -> None:
        """Build for so many inputs and hidden units per direction."""
        super().__init__()
        self.left_to_right = nn.LSTM(inputs, hidden)
        self.right_to_left = nn.LSTM(inputs, hidden)

    def forward(self, inputs: Tensor, reverse: Tensor) -> Tensor:
        """Float [L, B, inputs] and the batch's `reverse` int64 [L * B] -> float [L, B, 2 * hidden]."""
        ahead, _ = self.left_to_right(inputs)
        back, _ = self.right_to_left(_Turned.apply(inputs, reverse))
        return torch.cat([ahead, _Turned.apply(back, reverse)], dim=2)


class Encoder(nn.Module):
    """Word vectors and characters -> BiLSTM states.

    The word vectors come in from outside: only the rows of a batch are ever touched in a step.
    """

    def __init__(self, model: Architecture, character_count: int) -> None:
        """Build the untrained encoder; `training.weights` gives it values."""
        super().__init__()
        self.dropout = model.dropout
        self.characters = Characters(model, character_count)
        widths = [model.word_dimension + model.character_filters] + [2 * model.hidden] * (model.layers - 1)
        self.recurrent = nn.ModuleList(self.build_layer(model, width) for width in widths)

    def build_layer(self, model: Architecture, inputs: int) -> nn.Module:
        """One layer of the stack."""
        return BidirectionalLayer(inputs, model.hidden)

    def embed(self, word_vectors: Tensor, batch: Batch) -> Tensor:
        """Float [W, D] for the batch's `word_rows` -> words and characters [L, B, D + filters], dropout applied."""
        words = functional.embedding(batch.words, word_vectors)
        characters = functional.embedding(batch.surfaces, self.characters(batch.character_rows))
        return self.drop(torch.cat([words, characters], dim=2), batch)

    def drop(self, states: Tensor, batch: Batch) -> Tensor:
        """Dropout, in training; of states [L, B, S] of a part of a larger batch, what that would have drawn for it."""
        if batch.origin is None or not self.training or self.dropout == 0:
            return dropout(states, self.dropout, self.training)
        length, sentences, columns = batch.origin
        noise = dropout(states.new_ones(length, sentences, states.shape[2]), self.dropout, True)
        # A copy: a view would keep the noise of the whole batch in memory.
        return states * noise[: len(states), columns].clone()

    def forward(self, word_vectors: Tensor, batch: Batch, readout: int) -> Tensor:
        """Float [W, D] for the batch's `word_rows` -> states [L, B, 2 * hidden] of layer `readout`, dropout applied.

        Layers count from 1; those above `readout` do not run.
        """
        states = self.embed(word_vectors, batch)
        for layer in self.recurrent[:readout]:
            states = layer(states, batch.reverse)
        return self.drop(states, batch)

    def readout_of(self, task: str, kept: Sequence[str]) -> int:
        """Where a task's states are read: the highest layer in which its mask keeps weights, the first at least.

        Args:
            task: the task; here all that counts is its mask.
            kept: names of the prunable tensors in which the mask keeps any weight.
        """
        return max([1, *map(layer_number, kept)])

    def unread(self, parts: Mapping[str, Tensor], readout: int) -> list[Tensor]:
        """Of a vector over the encoder, cut into parts, those that a task never reads: what lies above its layer."""
        return [part for name, part in parts.items() if layer_number(name) > readout]

    def prunable_shapes(self) -> dict[str, tuple[int, ...]]:
        """Name and shape of the tensors that masks cover: LSTM matrices and the character convolution, no biases."""
        return {name: tuple(value.shape) for name, value in self.named_parameters() if is_prunable(name)}


def is_prunable(name: str) -> bool:
    """Whether masks cover a tensor of the encoder: weight matrices of the LSTM and of the character convolution."""
    return "weight" in name and name.startswith(("characters.convolution", "recurrent"))


def counted_parameters(encoder: Encoder, kept: int) -> int:
    """Parameters as the paper counts them: kept prunable weights plus all their biases; no embeddings, no heads.

    Cross-stitch units are neither.
    """
    biases = [value.numel() for name, value in encoder.named_parameters() if "bias" in name]
    return kept + sum(biases)


def dropout(states: Tensor, share: float, training: bool) -> Tensor:
    """Set a share of the numbers to zero and scale the others up.

    On the CPU 16 random bits decide on each number, so the share is exact to 1/65536: PyTorch's own dropout takes
    several times as long to draw its numbers.
    """
    if not training or share == 0 or states.is_cuda:
        return functional.dropout(states, share, training)
    words = torch.empty((states.numel() + 3) // 4, dtype=torch.int64).random_(-(2**63), None)
    bits = words.view(torch.int16)[: states.numel()].view(states.shape)
    keep = (bits >= min(round(share * 2**16), 2**16 - 1) - 2**15).to(states.dtype)
    return states * keep.mul_(1 / (1 - share))


class _Turned(torch.autograd.Function):
    """Sentences turned round. To turn round twice changes nothing, so the gradient is turned round as well, which costs
    less than the general way of adding up what was read from each position.
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
