"""Features of the spelling of words as rows of a table: prefixes, suffixes, shape and case.

A feature is hashed to HASHES rows, whose sum is its vector ("Bloom embeddings", Serra and Karatzoglou 2017): two
features rarely share all rows, although the table is much smaller than the number of features. A word that is not in
the training text has the features of its spelling like any other.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

FEATURES = "features.weight"
"""The name of the table, of which a batch reads some rows."""

HASHES = 2
"""Rows of the table that a feature reads."""

LONGEST_RUN = 4
"""Characters of a kind in a row that a shape has at most."""

MOST_WORDS = 1 << 16
"""How many words are cached; more would fill the memory of a long-running program."""


@dataclass(frozen=True)
class FeatureKinds:
    """The features of a word that are read, and the number of rows of the table: see `config.features`."""

    prefix: tuple[int, ...]
    suffix: tuple[int, ...]
    shape: bool
    case: bool
    rows: int

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "FeatureKinds":
        """Read the values of the section `features` of a model."""
        prefix, suffix = (tuple(values.get(name) or ()) for name in ("prefix", "suffix"))
        return cls(prefix, suffix, values["shape"], values["case"], values["rows"])

    @property
    def count(self) -> int:
        """The number of features of a word."""
        return len(self.prefix) + len(self.suffix) + self.shape + self.case

    def of(self, word: str) -> Iterator[str]:
        """The features of a word, each with its kind, such as `suffix 3:ing`."""
        lower = word.lower()
        yield from (f"prefix {length}:{lower[:length]}" for length in self.prefix)
        yield from (f"suffix {length}:{lower[-length:]}" for length in self.suffix)
        if self.shape:
            yield f"shape:{shape_of(word)}"
        if self.case:
            yield f"case:{case_of(word)}"


class FeatureRows:
    """Finds the rows of words in the table; those of each word are computed once."""

    def __init__(self, kinds: FeatureKinds) -> None:
        """Use these features."""
        self.kinds = kinds
        self._cache: dict[str, np.ndarray] = {}

    def of(self, words: Iterable[str]) -> np.ndarray:
        """Int64 [words, features * HASHES], the rows of each word; those of a feature follow each other."""
        cache = self._cache
        if len(cache) > MOST_WORDS:
            cache.clear()
        by_word = []
        for word in words:
            if (rows := cache.get(word)) is None:
                rows = cache[word] = self._computed(word)
            by_word.append(rows)
        return np.stack(by_word) if by_word else np.zeros((0, self.kinds.count * HASHES), np.int64)

    def _computed(self, word: str) -> np.ndarray:
        numbers = [hashed(feature) for feature in self.kinds.of(word)]
        return np.concatenate(numbers).astype(np.int64) % self.kinds.rows


def shape_of(word: str) -> str:
    """X for each upper-case letter, x for other letters, d for digits; other characters are kept."""
    shape = ""
    for character in word:
        kind = character
        if character.isalpha():
            kind = "X" if character.isupper() else "x"
        elif character.isdigit():
            kind = "d"
        if not shape.endswith(kind * LONGEST_RUN):
            shape += kind
    return shape


def case_of(word: str) -> str:
    """lower, upper, title (Word), mixed (iPhone), number (digits without letters), or none."""
    letters = "".join(filter(str.isalpha, word))
    if not letters:
        return "number" if any(map(str.isdigit, word)) else "none"
    if letters == letters.lower():
        return "lower"
    # A single capital is the beginning of a sentence or of a name more often than an abbreviation.
    if letters[0].isupper() and letters[1:] == letters[1:].lower():
        return "title"
    return "upper" if letters == letters.upper() else "mixed"


def hashed(feature: str) -> np.ndarray:
    """HASHES numbers of 32 bits, uint32, the same in every process and on every machine."""
    return np.frombuffer(hashlib.blake2b(feature.encode("utf-8"), digest_size=4 * HASHES).digest(), "<u4")
