"""Reference implementations: a straightforward one in PyTorch, and the masking of the paper's original code.

Both run the paper's network with the optimizer of our training: SGD with momentum and a clipped gradient norm.
"""

import copy
from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from sparse_sharing.config.encoders.bilstm import BiLstm
from sparse_sharing.text.batches import IGNORED_TAG, Batch
from sparse_sharing.text.vocabulary import Vocabulary

MOMENTUM, CLIP = 0.9, 5.0


class PackedTagger(nn.Module):
    """Words and characters, a bidirectional `nn.LSTM` over packed sequences, a linear layer per task."""

    def __init__(self, model: BiLstm, vocabulary: Vocabulary, distinct: bool) -> None:
        """Build it; `distinct`: convolve the characters of each distinct word of a batch once, not of each token.

        Otherwise it also has the buffer that the library of the original code has in its state dict: the characters of
        every word, int64, padded to the longest word.
        """
        super().__init__()
        self.distinct = distinct
        if not distinct:
            shape = vocabulary.word_count, max(map(len, vocabulary.words))
            self.register_buffer("spellings", torch.zeros(shape, dtype=torch.int64))
        self.words = nn.Embedding(vocabulary.word_count, model.word_dimension)
        self.characters = nn.Embedding(vocabulary.character_count, model.character_dimension, padding_idx=0)
        self.convolution = nn.Conv1d(
            model.character_dimension,
            model.character_filters,
            model.character_width,
            padding=model.character_width // 2,
        )
        self.lstm = nn.LSTM(
            model.word_dimension + model.character_filters, model.hidden, model.layers, bidirectional=True
        )
        self.dropout = nn.Dropout(model.dropout)
        self.heads = nn.ModuleDict(
            {task: nn.Linear(2 * model.hidden, len(tags.tags)) for task, tags in vocabulary.tasks.items()}
        )

    def share(self, values: Mapping[str, Tensor]) -> None:
        """Share the weights of one of our networks, views by name: a change to either changes both."""
        for name, parameter in self.named_parameters():
            parameter.data = values[our_name(name)]

    def forward(self, task: str, batch: Batch) -> Tensor:
        """The mean cross-entropy of a batch."""
        spellings = batch.character_rows if self.distinct else batch.character_rows[batch.surfaces.flatten()]
        features = self.convolution(self.characters(spellings).transpose(1, 2))
        spelled = features.masked_fill((spellings == 0).unsqueeze(1), float("-inf")).amax(2)
        shape = (*batch.words.shape, -1)
        spelled = spelled[batch.surfaces] if self.distinct else spelled.view(shape)
        inputs = self.dropout(torch.cat([self.words(batch.word_rows[batch.words]), spelled], dim=2))
        packed = pack_padded_sequence(inputs, batch.mask.sum(0).cpu(), enforce_sorted=False)
        states, _ = pad_packed_sequence(self.lstm(packed)[0])
        logits = self.heads[task](self.dropout(states))
        return functional.cross_entropy(logits.flatten(0, 1), batch.tags.flatten(), ignore_index=IGNORED_TAG)


def our_name(name: str) -> str:
    """The name in our networks of a weight of `PackedTagger`."""
    first, _, rest = name.partition(".")
    if first == "lstm":
        kind, _, layer = rest.removesuffix("_reverse").rpartition("_l")
        direction = "right_to_left" if rest.endswith("_reverse") else "left_to_right"
        return f"recurrent.{layer}.{direction}.{kind}_l0"
    inside = {"characters": "characters.embedding", "convolution": "characters.convolution"}
    return f"{inside.get(first, first)}.{rest}"


class PackedHardSharing:
    """Reference (a): dense hard sharing, trained with `torch.optim.SGD`."""

    def __init__(self, model: BiLstm, vocabulary: Vocabulary, learning_rate: float) -> None:
        """Build the network and its optimizer."""
        self.network = PackedTagger(model, vocabulary, distinct=True)
        self.optimizer = torch.optim.SGD(self.network.parameters(), lr=learning_rate, momentum=MOMENTUM)

    def step(self, task: str, batch: Batch) -> None:
        """Train on one batch."""
        self.optimizer.zero_grad()
        self.network(task, batch).backward()
        nn.utils.clip_grad_norm_(self.network.parameters(), CLIP)
        self.optimizer.step()


class OriginalMasking:
    """Reference (b): the joint training of the original code.

    Before a batch the state dict is copied and the weights outside the task's mask are set to zero; after it the
    weights are restored and the gradients are masked: by `masked_fill_` with bool masks, as in the original code.
    Characters are convolved for every token, as in its library.
    """

    def __init__(
        self, model: BiLstm, vocabulary: Vocabulary, learning_rate: float, masks: Mapping[str, Mapping[str, Tensor]]
    ) -> None:
        """Build it; `masks`: for each task and name of a parameter bool, true for kept weights."""
        self.network = PackedTagger(model, vocabulary, distinct=False)
        self.optimizer = torch.optim.SGD(self.network.parameters(), lr=learning_rate, momentum=MOMENTUM)
        self.removed = {task: {name: ~mask for name, mask in task_masks.items()} for task, task_masks in masks.items()}

    def step(self, task: str, batch: Batch) -> None:
        """Train on one batch."""
        named = dict(self.network.named_parameters())
        whole = copy.deepcopy(self.network.state_dict())
        for name, removed in self.removed[task].items():
            named[name].data.masked_fill_(removed, 0.0)
        self.optimizer.zero_grad()
        self.network(task, batch).backward()
        self.network.load_state_dict(whole)
        for name, removed in self.removed[task].items():
            named[name].grad.masked_fill_(removed, 0.0)
        nn.utils.clip_grad_norm_(self.network.parameters(), CLIP)
        self.optimizer.step()


def random_masks(model: BiLstm, vocabulary: Vocabulary, density: float) -> dict[str, dict[str, Tensor]]:
    """For each task random masks, bool, over the weight matrices of the LSTM and the convolution."""
    shapes = {
        name: value.shape
        for name, value in PackedTagger(model, vocabulary, True).named_parameters()
        if name.startswith(("lstm.weight", "convolution.weight"))
    }
    random = torch.Generator().manual_seed(1)
    return {
        task: {name: torch.rand(shape, generator=random) < density for name, shape in shapes.items()}
        for task in vocabulary.tasks
    }
