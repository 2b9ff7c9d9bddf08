"""Batches: sentences of similar length as the padded tensors that the network reads."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar, NamedTuple, Self

import numpy as np
import torch
from torch import Tensor

from sparse_sharing.text.encoded import EncodedText
from sparse_sharing.text.features import FEATURES, FeatureRows
from sparse_sharing.text.vocabulary import NO_TAG, UNKNOWN_WORD

IGNORED_TAG = -100
"""The tag of a padding position, or of a token without a tag; the loss ignores it."""

MAXIMUM_POSITIONS = 4096
"""The largest number of padded positions in a batch for inference: more take memory and save no time."""


class Origin(NamedTuple):
    """The larger batch, of `length` tokens by `sentences`, from which a batch has some columns."""

    length: int
    sentences: int
    columns: slice


WORDS = "words.weight"
"""The name of the word embedding, of which a batch reads some rows."""


@dataclass(frozen=True)
class Batch(ABC):
    """B sentences padded to L tokens, time first. An encoder's own batch adds the tensors that it reads.

    Attributes:
        tags: int64 [L, B], IGNORED_TAG at padding and at tokens without a tag; empty if no task was given.
        mask: bool [L, B], True at tokens.
        origin: the larger batch that it was cut from, or None.
    """

    tags: Tensor
    mask: Tensor
    origin: Origin | None = field(default=None, kw_only=True)

    SHARES_NOISE: ClassVar[bool] = True
    """Whether a part draws the dropout noise of its origin and uses its own columns; otherwise it draws its own."""

    @property
    @abstractmethod
    def rows(self) -> Mapping[str, Tensor]:
        """For each tensor of role `rows`, the distinct rows that the batch reads, int64 [W]."""

    @abstractmethod
    def cut(self, columns: slice) -> Self:
        """A batch of some of the sentences, padded to the longest of them, with the same `rows` and an `origin`."""

    def to(self, device: torch.device) -> Self:
        """The batch on a device."""
        if device.type == "cpu":
            return self
        tensors = {name: value for name, value in vars(self).items() if isinstance(value, Tensor)}
        return replace(self, **{name: send(value, device) for name, value in tensors.items()})


@dataclass(frozen=True)
class WordBatch(Batch):
    """A batch for encoders that read words and their characters.

    Attributes:
        word_rows: int64 [W], the distinct word ids of the batch.
        words: int64 [L, B], the index of each token's word in `word_rows`; padding repeats a word of the batch.
        character_rows: int64 [U, C], the characters of the distinct surfaces of the batch.
        surfaces: int64 [L, B], the index of each token's surface in `character_rows`.
        reverse: int64 [L * B], the positions that reverse each sentence and keep its padding at the end.
        feature_rows: int64 [R], the distinct rows of the features of the batch; None without features.
        features: int64 [U, rows of a surface], the index of each row of a surface in `feature_rows`; None without
            features.
    """

    word_rows: Tensor
    words: Tensor
    character_rows: Tensor
    surfaces: Tensor
    reverse: Tensor
    feature_rows: Tensor | None = field(default=None, kw_only=True)
    features: Tensor | None = field(default=None, kw_only=True)

    @property
    def rows(self) -> Mapping[str, Tensor]:
        """See `Batch`."""
        words = {WORDS: self.word_rows}
        return words if self.feature_rows is None else {**words, FEATURES: self.feature_rows}

    def cut(self, columns: slice) -> "WordBatch":
        """See `Batch`."""
        mask = self.mask[:, columns]
        lengths = mask.sum(0)
        length, count = int(lengths.max()), len(lengths)
        time = torch.arange(length, device=mask.device).unsqueeze(1)
        mask = mask[:length]
        rows, surfaces = self.surfaces[:length, columns].unique(return_inverse=True)
        reverse = torch.where(mask, lengths - 1 - time, time) * count + torch.arange(count, device=mask.device)
        return WordBatch(
            word_rows=self.word_rows,
            words=self.words[:length, columns].contiguous(),
            character_rows=self.character_rows[rows],
            surfaces=surfaces,
            reverse=reverse.reshape(-1),
            feature_rows=self.feature_rows,
            features=None if self.features is None else self.features[rows],
            tags=self.tags[:length, columns].contiguous(),
            mask=mask.contiguous(),
            origin=Origin(len(self.mask), self.mask.shape[1], columns),
        )


def send(value: Tensor, device: torch.device) -> Tensor:
    """A tensor on a device; it is copied to a GPU from pinned memory, asynchronously."""
    return value if value.device.type == device.type else value.pin_memory().to(device, non_blocking=True)


def make_batch(
    text: EncodedText,
    indices: Sequence[int] | np.ndarray,
    task: str | None = None,
    word_dropout: float | np.ndarray = 0.0,
    random: np.random.Generator | None = None,
    features: FeatureRows | None = None,
) -> WordBatch:
    """Collect sentences in a batch.

    Args:
        text: the sentences.
        indices: the indices of the sentences.
        task: the task whose gold tags the batch has; None: no tags.
        word_dropout: the share of the tokens that is read as the unknown word; or the share for each surface of the
            text, float [U].
        random: the generator of word dropout; None: no word dropout.
        features: finds the features of the spelling; None: no features.
    """
    positions, mask = padded_positions(text, indices)
    lengths, time = mask.sum(0), np.arange(len(mask))[:, None]
    surface_ids, surfaces = np.unique(text.tokens[positions], return_inverse=True)
    surfaces = surfaces.reshape(positions.shape)
    word_ids = text.surface_words[surface_ids][surfaces]
    share = word_dropout[surface_ids][surfaces] if isinstance(word_dropout, np.ndarray) else word_dropout
    if np.any(share) and random is not None:
        dropped = random.random(word_ids.shape) < share
        word_ids = np.where(dropped & mask, UNKNOWN_WORD, word_ids)
        word_ids = np.where(mask, word_ids, word_ids[0])
    word_rows, words = np.unique(word_ids, return_inverse=True)
    characters = text.surface_characters[surface_ids]
    characters = characters[:, : max(1, int((characters != 0).any(0).sum()))]
    reverse = np.where(mask, lengths - 1 - time, time) * len(lengths) + np.arange(len(lengths))
    feature_rows = feature_numbers = None
    if features is not None:
        feature_rows, feature_numbers = _distinct(features.of(text.spelled(surface_ids.tolist())))
    return WordBatch(
        word_rows=torch.from_numpy(word_rows.astype(np.int64)),
        words=torch.from_numpy(words.reshape(positions.shape)),
        character_rows=torch.from_numpy(characters.astype(np.int64)),
        surfaces=torch.from_numpy(surfaces),
        reverse=torch.from_numpy(reverse.reshape(-1)),
        feature_rows=feature_rows,
        features=feature_numbers,
        tags=torch.from_numpy(gold_tags(text, task, positions, mask)),
        mask=torch.from_numpy(mask),
    )


def _distinct(rows: np.ndarray) -> tuple[Tensor, Tensor]:
    """The distinct values of an array, int64 [R], and the index of each value in them, in the shape of the array."""
    values, places = np.unique(rows, return_inverse=True)
    return torch.from_numpy(values), torch.from_numpy(places.reshape(rows.shape))


def padded_positions(text: EncodedText, indices: Sequence[int] | np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The tokens of sentences, int64 [L, B], and a mask that is False at padding, bool [L, B].

    Padding repeats the first token of its sentence.
    """
    starts = text.offsets[indices]
    lengths = text.offsets[np.asarray(indices) + 1] - starts
    time = np.arange(int(lengths.max()))[:, None]
    mask = time < lengths
    return np.where(mask, starts + time, starts), mask


def gold_tags(text: EncodedText, task: str | None, positions: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """The tags of a task at positions from `padded_positions`, int64 [L, B]; empty without a task."""
    if task is None:
        return np.empty((0, 0), np.int64)
    numbers = text.tags[task][positions]
    return np.where(mask & (numbers != NO_TAG), numbers, IGNORED_TAG).astype(np.int64)


def shuffled_batches(
    lengths: np.ndarray, batch_size: int, buckets: int, random: np.random.Generator
) -> list[np.ndarray]:
    """Every sentence once, in random batches.

    The shuffled sentences are taken in pools of `buckets` batches; each pool is sorted by length before it is cut, so
    that a batch has sentences of similar length; then all batches are shuffled. With `buckets` 1 there is no sorting.
    """
    order = random.permutation(len(lengths))
    pool = batch_size * buckets
    batches = []
    for start in range(0, len(order), pool):
        members = order[start : start + pool]
        if buckets > 1:
            members = members[np.argsort(lengths[members], kind="stable")]
        batches.extend(members[cut : cut + batch_size] for cut in range(0, len(members), batch_size))
    return [batches[index] for index in random.permutation(len(batches))]


def training_batches(
    text: EncodedText, task: str, batch_size: int, buckets: int, random: np.random.Generator
) -> list[np.ndarray]:
    """Every sentence with a tag of the task once, in random batches from `shuffled_batches`."""
    labelled = text.labelled(task)
    if labelled is None:
        return shuffled_batches(text.lengths, batch_size, buckets, random)
    return [labelled[batch] for batch in shuffled_batches(text.lengths[labelled], batch_size, buckets, random)]


def sorted_batches(lengths: np.ndarray, batch_size: int) -> list[np.ndarray]:
    """Every sentence once, longest first: batches with the fewest padded positions, for inference.

    A batch has `batch_size` sentences, or fewer if it would exceed MAXIMUM_POSITIONS.
    """
    order = np.argsort(-lengths, kind="stable")
    batches, start = [], 0
    while start < len(order):
        longest = max(1, int(lengths[order[start]]))
        end = start + max(1, min(batch_size, MAXIMUM_POSITIONS // longest))
        batches.append(order[start:end])
        start = end
    return batches
