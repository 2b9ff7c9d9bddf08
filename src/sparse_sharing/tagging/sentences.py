"""What a tagger says about a sentence."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from sparse_sharing.data.schemes import read_spans
from sparse_sharing.data.vocabulary import TaskTags


class TaggedSpan(NamedTuple):
    """Tokens `start` to `end` (exclusive, counted from 0), what they are, and their text."""

    type: str
    start: int
    end: int
    text: str


@dataclass(frozen=True)
class TaggedSentence:
    """A sentence with what the model says about it.

    Attributes:
        tokens: the words.
        tags: for each task a tag per token, in the scheme of the files that the model was trained on.
        spans: for each task with spans the spans of its tags.
        probabilities: for each task that of the best tag of each token; empty unless asked for.
    """

    tokens: tuple[str, ...]
    tags: dict[str, list[str]]
    spans: dict[str, list[TaggedSpan]]
    probabilities: dict[str, list[float]] = field(default_factory=dict)


def spans_of(tokens: Sequence[str], tags: Sequence[str], known: TaskTags) -> list[TaggedSpan]:
    """The spans of the tags of a sentence, given in the scheme of the files."""
    found = read_spans(tags, known.scheme)
    return [TaggedSpan(*span, " ".join(tokens[span.start : span.end])) for span in found]
