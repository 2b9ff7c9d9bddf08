"""Which tags may begin a sentence of a tag scheme, follow one another in it, and end it."""

import functools
from collections.abc import Iterator, Sequence
from itertools import pairwise, product
from typing import NamedTuple

from sparse_sharing.text.schemes import OUTSIDE, Scheme, Span, misformed, write_tags

# A pair of neighbours is in at most two spans, and IOB1 depends on one more span before.
MOST_SPANS = 3
# Longer spans have no further pairs of letters.
SPAN_LENGTHS = (1, 2, 4)


class Transitions(NamedTuple):
    """The transitions that occur in valid sentences, in the order of the tags.

    Attributes:
        starts: for each tag whether a sentence may begin with it.
        pairs: for each pair of tags whether the second may follow the first.
        ends: for each tag whether a sentence may end with it.
    """

    starts: tuple[bool, ...]
    pairs: tuple[tuple[bool, ...], ...]
    ends: tuple[bool, ...]


@functools.cache
def allowed_transitions(tags: tuple[str, ...], scheme: Scheme) -> Transitions:
    """Starts, pairs and ends that occur in at least one valid sentence of the scheme; with `none`, all."""
    if scheme == "none":
        free = (True,) * len(tags)
        return Transitions(free, (free,) * len(tags), free)
    starts, pairs, ends = _occurring(scheme)
    return Transitions(
        tuple(tag[0] in starts for tag in tags),
        tuple(tuple(_letters(tag, after) in pairs for after in tags) for tag in tags),
        tuple(tag[0] in ends for tag in tags),
    )


def is_valid(tags: Sequence[str], scheme: Scheme) -> bool:
    """Whether a sentence follows a scheme, so that `violation` finds nothing, decided by pairs of neighbours."""
    if scheme == "none":
        return True
    allowed = _neighbours(scheme)
    return all(map(allowed.__getitem__, pairwise((OUTSIDE, *tags, OUTSIDE))))


class _Neighbours(dict[tuple[str, str], bool]):
    """For two neighbours whether a scheme allows them, computed on first use.

    The first and the last tag of a sentence are allowed if they are beside a tag outside spans.
    """

    def __init__(self, scheme: Scheme) -> None:
        self.scheme: Scheme = scheme

    def __missing__(self, pair: tuple[str, str]) -> bool:
        _, pairs, _ = _occurring(self.scheme)
        self[pair] = misformed(pair, self.scheme) is None and _letters(*pair) in pairs
        return self[pair]


@functools.cache
def _neighbours(scheme: Scheme) -> _Neighbours:
    return _Neighbours(scheme)


def _letters(tag: str, after: str) -> tuple[str, str, bool]:
    """What a scheme depends on in two neighbours: their letters, and whether their types are equal."""
    return tag[0], after[0], tag[2:] == after[2:]


@functools.cache
def _occurring(scheme: Scheme) -> tuple[frozenset, frozenset, frozenset]:
    """First letters, pairs of neighbours and last letters of all small valid sentences with two types of spans."""
    sentences = [write_tags(spans, length, scheme) for spans, length in _layouts() if length]
    return (
        frozenset(sentence[0][0] for sentence in sentences),
        frozenset(_letters(*pair) for sentence in sentences for pair in pairwise(sentence)),
        frozenset(sentence[-1][0] for sentence in sentences),
    )


def _layouts() -> Iterator[tuple[list[Span], int]]:
    """The spans and the length of each sentence of few short spans, with and without tokens around and between them."""
    for count in range(MOST_SPANS + 1):
        for parts in product(product((0, 2), SPAN_LENGTHS, "XY"), repeat=count):
            spans, position = [], 0
            for gap, length, span_type in parts:
                spans.append(Span(span_type, position + gap, position + gap + length))
                position += gap + length
            yield from ((spans, position + gap) for gap in (0, 2))
