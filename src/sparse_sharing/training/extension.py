"""Adds a task to a finished model: the free weights, their start values, and steps that change nothing else.

The new task reads all weights of the model and trains those that no task keeps, as in PackNet (Mallya and Lazebnik
2018). Biases, character embeddings and the vectors of known words belong to all tasks and do not change.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from sparse_sharing.config.schema import Optimization
from sparse_sharing.errors import ConfigError
from sparse_sharing.masks.mask import Mask
from sparse_sharing.masks.ranking import prune_smallest
from sparse_sharing.network.network import Network
from sparse_sharing.network.storage import TrainedModel, union_of
from sparse_sharing.text.batches import WORDS, Batch
from sparse_sharing.text.encoded import EncodedText, surface_tensors
from sparse_sharing.text.vocabulary import Vocabulary
from sparse_sharing.training.initial import first_values
from sparse_sharing.training.optimizer import make_gate
from sparse_sharing.training.seeds import derive
from sparse_sharing.training.trainer import Trainer

LIMITS = "word_limits"
"""The key of a model's details with the number of word ids that each task knows: words added later come after them."""


@dataclass(frozen=True)
class Free:
    """The masked weights of a model, in the order of masks.

    Attributes:
        kept: bool [P], the weights that any task keeps.
        mask: any mask of the model, for shapes and starting weights.
    """

    kept: Tensor
    mask: Mask

    @property
    def count(self) -> int:
        """The number of weights that no task keeps."""
        return int((~self.kept).sum())

    def whole(self) -> Mask:
        """The mask of a task that uses every weight."""
        return replace(self.mask, keep=torch.ones_like(self.kept))

    def largest(self, magnitudes: Tensor, share: float) -> Mask:
        """The mask of all kept weights and a share of the free weights: those with the largest `magnitudes` [P]."""
        taken = max(1, round(share * self.count))
        free = prune_smallest(magnitudes, replace(self.mask, keep=~self.kept), taken)
        return replace(self.mask, keep=self.kept | free.keep)


def free_weights(model: TrainedModel) -> Free:
    """The weights that no task of a model keeps.

    Raises:
        ConfigError: Every weight is kept by a task, or the model cannot be extended.
    """
    if model.own_values:
        raise ConfigError("each task of the model has its own weights (best_epoch: each), so tasks share nothing")
    if model.details["model"].get("stacks"):
        raise ConfigError("the model has sharing 'soft': each task has its own BiLSTM, and no task can use all of them")
    if not model.masks:
        raise ConfigError("the model has no masks; use a model of sharing 'sparse'")
    free = Free(torch.from_numpy(union_of(model.masks.values())), next(iter(model.masks.values())))
    if not free.count:
        raise ConfigError(
            f"every one of the {free.kept.numel():,} weights is kept by a task, so none is free for another. Models of "
            "sharing 'hard' never have free weights; with sharing 'sparse', choose masks of a lower density"
        )
    return free


def start_values(model: TrainedModel, free: Free, network: Network, seed: int) -> dict[str, Tensor]:
    """The weights that a new task starts from, by name: those of the model, and initial values for free weights.

    Words after those of the model, and the head, also get initial values; those of a word depend only on the seed and
    the word.
    """
    values, start = network.values(), 0
    first = dict(first_values(network, seed, [name for name in values if name != WORDS]))
    model_values = {name: torch.from_numpy(value.copy()) for name, value in model.values.items()}
    initial = {}
    for name, like in values.items():
        if name in free.mask.shapes:
            is_kept = free.kept[start : start + like.numel()].view(like.shape)
            initial[name] = torch.where(is_kept, model_values[name], first[name])
            start += like.numel()
        elif name == WORDS:
            new_words = network.vocabulary.words[len(model_values[WORDS]) - 1 :]
            initial[name] = torch.cat(
                [model_values[WORDS], *(first_vector(word, like.shape[1], seed) for word in new_words)]
            )
        else:
            initial[name] = model_values.get(name, first[name])
    return initial


def first_vector(word: str, dimension: int, seed: int) -> Tensor:
    """The initial vector of an added word, float32 [1, dimension]: uniform with variance 1 / dimension."""
    bound = (3 / dimension) ** 0.5
    source = torch.Generator().manual_seed(derive(seed, "initial word", word))
    return torch.empty(1, dimension).uniform_(-bound, bound, generator=source)


def prunable(network: Network, mask: Tensor, rest: bool = False) -> Tensor:
    """A vector bool [P] in the order of masks, expanded to all encoder parameters; `rest` is the value elsewhere."""
    whole = torch.full_like(network.theta, rest, dtype=torch.bool)
    parts, start = network.parts(whole), 0
    for name in network.prunable_shapes:
        size = parts[name].numel()
        parts[name].copy_(mask[start : start + size].view(parts[name].shape))
        start += size
    return whole


class ExtendingTrainer(Trainer):
    """Trains the free weights of a new task, its head and its new words; everything else stays bit-identical."""

    def __init__(self, network: Network, optimization: Optimization, free: Tensor, first_word: int) -> None:
        """Train the weights `free`, bool [P] in the order of masks, and word ids from `first_word` on."""
        super().__init__(network, optimization)
        self.first_word = first_word
        factor = prunable(network, free).float()
        for task in network.heads:
            self.gates[task] = make_gate(self.rule, factor)
            self.factors[task] = list(network.parts(factor).values())

    def step(self, task: str, batch: Batch, learning_rate: float, loss_weight: float = 1.0) -> Tensor:
        """See `Trainer`."""
        gradients = self.differentiate(task, batch, loss_weight)
        self._flatten(task, gradients.encoder)
        rows = batch.rows[WORDS]
        new = rows >= self.first_word
        word_gradients = gradients.rows[WORDS][new]
        self._bound([self.gradient, word_gradients, gradients.head])
        self._update_encoder(task, learning_rate)
        self._update_rows(WORDS, rows[new], word_gradients, learning_rate)
        self._update_head(task, gradients.head, learning_rate)
        return gradients.loss


def extended_words(vocabulary: Vocabulary, text: EncodedText, has_vector: Collection[str], minimum: int) -> Vocabulary:
    """A vocabulary, with the missing words of a training text appended in alphabetical order.

    A word with a pretrained vector is read by that vector, as in dev and test text and by the model's tasks, and is not
    added.
    """
    counts: dict[str, int] = {}
    surfaces = text.surfaces()
    for surface, count in zip(surfaces, np.bincount(text.tokens, minlength=len(surfaces)).tolist(), strict=True):
        key = vocabulary.key(surface)
        counts[key] = counts.get(key, 0) + count
    new = (key for key, count in counts.items() if count >= minimum)
    added = sorted(key for key in new if key not in vocabulary.word_ids and key not in has_vector)
    return replace(vocabulary, words=(*vocabulary.words, *added))


def read_anew(
    text: EncodedText, vocabulary: Vocabulary, vectors: Mapping[str, np.ndarray], dimension: int
) -> EncodedText:
    """A text encoded with another vocabulary; `vectors` has the vectors of words that it lacks."""
    return replace(text, **surface_tensors(text.surfaces(), vocabulary, vectors, dimension))


def vectors_of(
    texts: Iterable[EncodedText], vocabulary: Vocabulary, rows: np.ndarray, has_vector: np.ndarray
) -> dict[str, np.ndarray]:
    """The pretrained vectors of a prepared dataset, by the key of each word.

    Args:
        texts: the texts of the dataset, which contain the vectors of words that are not in the vocabulary.
        vocabulary: the vocabulary of the dataset.
        rows: float32 [V, D], the vectors of the vocabulary, and bool [V], which words have one.
        has_vector: see `rows`.
    """
    vectors = {word: rows[number] for word, number in vocabulary.word_ids.items() if has_vector[number]}
    for text in texts:
        for surface, number in zip(text.surfaces(), text.surface_words.tolist(), strict=True):
            if number >= vocabulary.word_count:
                vectors[vocabulary.key(surface)] = text.extra[number - vocabulary.word_count]
    return vectors
