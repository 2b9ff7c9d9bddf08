"""Word vectors for words that are not in the training text, as the stage `prepare` adds them for the test text."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from sparse_sharing.errors import ConfigError
from sparse_sharing.text.vectors import read_vectors
from sparse_sharing.text.vocabulary import Vocabulary


class UnseenVectors(Mapping[str, np.ndarray]):
    """Vectors of words that are not in a model's training text, by the key by which the vocabulary looks words up.

    As in the stage `prepare`, a word without a vector gets that of its lower-case form.
    """

    def __init__(self, rows: Mapping[str, int], vectors: np.ndarray) -> None:
        """Use the row of each word in `vectors`, float32 [words, dimension]."""
        self.rows, self.vectors = rows, vectors

    @classmethod
    def none(cls) -> "UnseenVectors":
        """No vectors: words that are not in the training text are unknown."""
        return cls({}, np.zeros((0, 0), np.float32))

    @property
    def dimension(self) -> int:
        """Numbers in a vector; 0 without vectors."""
        return self.vectors.shape[1]

    @classmethod
    def read(cls, path: Path, details: Mapping[str, Any], vocabulary: Vocabulary) -> "UnseenVectors":
        """Read the vectors that a model lacks; `details` are the details of its file.

        Raises:
            ConfigError: The model was trained without vectors, or with smaller ones.
            DataError: The file cannot be read.
        """
        if not details["data"]["vectors"]:
            raise ConfigError(f"{path}: the model was trained without word vectors; leave the vectors out")
        read = read_vectors(path, _Except(vocabulary.word_ids if vocabulary.lowercase else {}))
        found, most = read.values.shape[1], details["model"]["word_dimension"]
        if found > most:
            raise ConfigError(
                f"{path}: has {found} dimensions, but the model's word vectors have {most}; "
                "use the file that the model was trained with"
            )
        return cls({word: row for row, word in enumerate(read.words)}, read.values)

    def __getitem__(self, key: str) -> np.ndarray:
        """float32 [dimension], the vector of a key."""
        row = self.rows.get(key)
        return self.vectors[self.rows[key.lower()] if row is None else row]

    def __contains__(self, key: object) -> bool:
        """Whether a key has a vector."""
        return isinstance(key, str) and (key in self.rows or key.lower() in self.rows)

    def __iter__(self) -> Iterator[str]:
        """The words."""
        return iter(self.rows)

    def __len__(self) -> int:
        """The number of words."""
        return len(self.rows)


class _Except:
    """All words except some."""

    def __init__(self, words: Mapping[str, int]) -> None:
        self.words = words

    def __contains__(self, word: str) -> bool:
        return word not in self.words
