"""Sentences as windows of pieces in numpy: what a transformer reads, whatever runs it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from sparse_sharing.encoders.pieces import WordTokenizer
from sparse_sharing.encoders.windows import windows_of
from sparse_sharing.text.encoded import EncodedText

Pooling = Literal["first", "last", "mean"]


@dataclass(frozen=True)
class PieceWindows:
    """Some sentences in windows of pieces.

    Attributes:
        ids: int64 [N, P], N windows of up to P pieces, special tokens included.
        attended: bool [N, P], False at padding.
        places: int64 [K], the pieces that the words read, as indices into [N * P].
        offsets: int64 [words + 1], where each word begins in `places`; the words of all sentences, concatenated.
    """

    ids: np.ndarray
    attended: np.ndarray
    places: np.ndarray
    offsets: np.ndarray


@dataclass(frozen=True)
class WindowReader:
    """Divides sentences into windows.

    Attributes:
        tokenizer: splits words into pieces.
        capacity: pieces per window, without special tokens.
        pooling: whether a word reads its first piece, its last piece, or the mean over its pieces.
    """

    tokenizer: WordTokenizer
    capacity: int
    pooling: Pooling

    def read(self, text: EncodedText, indices: Sequence[int] | np.ndarray) -> PieceWindows:
        """Some sentences of a text, in this order."""
        starts, lengths = text.offsets[indices], text.lengths[indices]
        tokens = np.concatenate(
            [text.tokens[start : start + length] for start, length in zip(starts, lengths, strict=True)]
        )
        surfaces, numbers = np.unique(tokens, return_inverse=True)
        pieces = self.tokenizer.pieces(text.spelled(surfaces.tolist()))
        rows: list[np.ndarray] = []
        read: list[np.ndarray] = []
        for sentence in np.split(numbers, np.cumsum(lengths)[:-1]):
            windows, places = self._sentence([pieces.of(word) for word in sentence], len(rows))
            rows += windows
            read += places
        width = max(len(row) for row in rows)
        ids = np.full((len(rows), width), self.tokenizer.frame.padding, np.int64)
        attended = np.zeros(ids.shape, bool)
        for number, row in enumerate(rows):
            ids[number, : len(row)] = row
            attended[number, : len(row)] = True
        window, place = np.concatenate(read).T
        return PieceWindows(ids, attended, window * width + place, np.cumsum([0, *map(len, read)]))

    def _sentence(self, words: Sequence[np.ndarray], first: int) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """The windows of a sentence, numbered from `first`, and for each word the pieces it reads: int64 [n, 2].

        The two numbers are the window and the position in it.
        """
        lengths = np.array([len(word) for word in words])
        flat = np.concatenate(words)
        windows, frame = windows_of(lengths, self.capacity), self.tokenizer.frame
        rows = [
            np.concatenate([frame.before, flat[start:end], frame.behind]).astype(np.int64)
            for start, end in windows.spans
        ]
        starts = np.array([start for start, _ in windows.spans])
        places = np.arange(len(flat)) - starts[windows.window] + len(frame.before)
        positions = np.stack([windows.window + first, places], axis=1)
        ends = np.cumsum(lengths)
        if self.pooling == "mean":
            return rows, np.split(positions, ends[:-1])
        chosen = ends - 1 if self.pooling == "last" else ends - lengths
        return rows, list(positions[chosen][:, None])
