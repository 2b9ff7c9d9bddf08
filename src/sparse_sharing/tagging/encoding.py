"""Encodes words as numbers for a network; each word is looked up once and cached between calls."""

from collections.abc import Iterable
from itertools import pairwise

import numpy as np

from sparse_sharing.tagging.vectors import UnseenVectors
from sparse_sharing.text.encoded import EncodedText, spell_all
from sparse_sharing.text.readers.columns import NO_BREAK_SPACE
from sparse_sharing.text.vocabulary import UNKNOWN_WORD, Vocabulary

MOST_SURFACES = 1 << 15
"""How many distinct words are cached; more would fill the memory of a long-running program."""

FIRST_ROWS = 1024


class Surfaces:
    """The distinct words seen so far; each has a number, its surface.

    Attributes:
        generation: how often the words were dropped; anything cached by surface is invalid after that.
        words: int64 [U], the word id of each surface; ids beyond the vocabulary are rows of `extra`.
        characters: int32 [U, C], the character ids of each surface, padded with 0.
    """

    def __init__(self, vocabulary: Vocabulary, vectors: UnseenVectors) -> None:
        """Begin without any word."""
        self.vocabulary, self.vectors, self.generation = vocabulary, vectors, 0
        self._forget()

    def __len__(self) -> int:
        """The number of surfaces."""
        return len(self._ids)

    @property
    def words(self) -> np.ndarray:
        """See the class."""
        return self._words[: len(self)]

    @property
    def characters(self) -> np.ndarray:
        """See the class."""
        return self._characters[: len(self)]

    @property
    def extra(self) -> np.ndarray:
        """float32 [E, D], the vectors of words that are not in the training text."""
        return np.stack(self._extra) if self._extra else np.zeros((0, self.vectors.dimension), np.float32)

    def written(self, start: int) -> list[str]:
        """The surfaces from number `start` on as written, spaces in them as no-break spaces."""
        edges = [0, *self._spelling_ends][start:]
        return [self._spelling[begin:end].decode("utf-8") for begin, end in pairwise(edges)]

    def forget_if_many(self) -> None:
        """Drop all words if there are too many; call it between texts."""
        if len(self) > MOST_SURFACES:
            self.generation += 1
            self._forget()

    def encode(self, words: Iterable[str]) -> np.ndarray:
        """The surface of each word, int64 [N]."""
        ids = self._ids
        start = len(ids)
        numbers = [ids.setdefault(word, len(ids)) for word in words]
        if len(ids) > start:
            self._add(list(ids)[start:])
        return np.array(numbers, dtype=np.int64)

    def as_text(self, surfaces: np.ndarray, offsets: np.ndarray) -> EncodedText:
        """Sentences as an `EncodedText` over all surfaces; it has no tags."""
        spelling = np.frombuffer(bytes(self._spelling), np.uint8), np.array(self._spelling_ends, np.int64)
        return EncodedText(
            surfaces.astype(np.int32), offsets, self.words, self.characters, self.extra, *spelling, {}, {}
        )

    def _forget(self) -> None:
        self._ids: dict[str, int] = {}
        self._spelling, self._spelling_ends = bytearray(), []
        self._extra_rows: dict[str, int] = {}
        self._extra: list[np.ndarray] = []
        self._words = np.zeros(FIRST_ROWS, np.int64)
        self._characters = np.zeros((FIRST_ROWS, 1), np.int32)

    def _add(self, new: list[str]) -> None:
        """Look up new surfaces, which come last. Spaces in a word are read as no-break spaces, as in files."""
        start, end = len(self) - len(new), len(self)
        written = [word.replace(" ", NO_BREAK_SPACE) for word in new]
        spelled = spell_all(written, self.vocabulary)
        rows = max(end, len(self._words) if end <= len(self._words) else 2 * len(self._words))
        width = max(spelled.shape[1], self._characters.shape[1])
        if (rows, width) != self._characters.shape:
            words, characters = self._words, self._characters
            self._words, self._characters = np.zeros(rows, np.int64), np.zeros((rows, width), np.int32)
            self._words[:start] = words[:start]
            self._characters[:start, : characters.shape[1]] = characters[:start]
        for word in written:
            self._spelling += word.encode("utf-8")
            self._spelling_ends.append(len(self._spelling))
        self._words[start:end] = [self._word_id(word) for word in written]
        self._characters[start:end, : spelled.shape[1]] = spelled

    def _word_id(self, word: str) -> int:
        key = self.vocabulary.key(word)
        if (number := self.vocabulary.word_ids.get(key)) is not None:
            return number
        if key not in self.vectors:
            return UNKNOWN_WORD
        if key not in self._extra_rows:
            self._extra_rows[key] = len(self._extra)
            self._extra.append(self.vectors[key])
        return self.vocabulary.word_count + self._extra_rows[key]
