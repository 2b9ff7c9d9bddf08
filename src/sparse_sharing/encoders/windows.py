"""Divides sentences of any length into windows with a limited number of pieces, without cutting anything off.

A sentence that does not fit into one window is divided into windows that overlap, at the borders of words. Each word is
read in the window in which it has the most context on the side with less context; the beginning and the end of the
sentence do not count as missing context.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

OVERLAP = 4
"""Windows overlap by one part in OVERLAP of their length."""


@dataclass(frozen=True)
class Windows:
    """A sentence in windows.

    Attributes:
        spans: the first piece of each window, and the one after its last, counted in the sentence.
        window: int64 [pieces], the window in which each piece is read.
    """

    spans: list[tuple[int, int]]
    window: np.ndarray


def windows_of(lengths: Sequence[int] | np.ndarray, capacity: int) -> Windows:
    """Divide a sentence into windows.

    Args:
        lengths: the pieces of each word, at least 1.
        capacity: pieces per window, at least 1. A word with more pieces is cut into parts of this size.
    """
    total = int(sum(lengths))
    if total <= capacity:
        return Windows([(0, total)], np.zeros(total, np.int64))
    edges = _edges(lengths, capacity)
    spans = _spans(edges, capacity)
    starts, ends = (np.array(side)[:, None] for side in zip(*spans, strict=True))
    begin, end = edges[:-1], edges[1:]
    # The ends of the sentence are not missing context.
    left = np.where(starts == 0, total, begin - starts)
    right = np.where(ends == total, total, ends - end)
    context = np.where((begin >= starts) & (end <= ends), np.minimum(left, right), -1)
    return Windows(spans, np.repeat(context.argmax(0), np.diff(edges)))


def _edges(lengths: Sequence[int] | np.ndarray, capacity: int) -> np.ndarray:
    """Where a sentence may be cut: between words, and inside words that are longer than a window. int64, 0 first."""
    edges = [0]
    for length in lengths:
        begin = edges[-1]
        edges.extend(range(begin + capacity, begin + length, capacity))
        edges.append(begin + length)
    return np.array(edges, np.int64)


def _spans(edges: np.ndarray, capacity: int) -> list[tuple[int, int]]:
    """Windows from edge to edge: each as long as it can be, the next one overlapping it."""
    total, overlap = int(edges[-1]), capacity // OVERLAP
    spans, start = [], 0
    while True:
        end = int(edges[np.searchsorted(edges, start + capacity, side="right") - 1])
        spans.append((start, end))
        if end == total:
            return spans
        following = int(edges[np.searchsorted(edges, end, side="right")])
        # Far enough for the next word to fit; the last window begins as early as possible.
        earliest = max(following - capacity, min(end - overlap, total - capacity))
        start = min(end, max(int(edges[np.searchsorted(edges, earliest)]), _after(edges, start)))


def _after(edges: np.ndarray, start: int) -> int:
    return int(edges[np.searchsorted(edges, start, side="right")])
