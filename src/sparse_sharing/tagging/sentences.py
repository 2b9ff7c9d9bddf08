"""Sentences before and after tagging: their source text, tokens with character positions, tags and spans."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from operator import sub
from typing import Any, NamedTuple


class Token(NamedTuple):
    """A word, and the characters `start_char` to `end_char` (exclusive, from 0) that it takes in the source text."""

    text: str
    start_char: int
    end_char: int


class TaggedSpan(NamedTuple):
    """A labelled span of a sentence.

    `text` is a copy of the characters `start_char` to `end_char` of the source. The span has the tokens `first_token`
    up to `end_token`, exclusive and counted from 0. `score` is the mean probability of the tags of its tokens.
    """

    label: str
    text: str
    start_char: int
    end_char: int
    first_token: int
    end_token: int
    score: float


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence to be tagged.

    Attributes:
        text: its part of the source text.
        tokens: its words, with character positions in the source.
        start_char: where `text` begins in the source.
    """

    text: str
    tokens: tuple[Token, ...]
    start_char: int = 0

    @property
    def words(self) -> tuple[str, ...]:
        """The tokens as strings."""
        return tuple(token[0] for token in self.tokens)


def from_words(words: Sequence[str]) -> Sentence:
    """A sentence from its words; its text is the words joined by spaces."""
    ends = list(accumulate(map(len, words), lambda end, size: end + 1 + size))
    starts = map(sub, ends, map(len, words))
    return Sentence(" ".join(words), tuple(map(Token._make, zip(words, starts, ends, strict=True))))


@dataclass(frozen=True, slots=True)
class TaggedSentence:
    """A sentence with the tags and spans of a model.

    Attributes:
        text: its part of the source text.
        tokens: its words, with character positions in the source.
        tags: for each task a tag per token, in the scheme of the files that the model was trained on.
        spans: for each task with spans the spans of its tags.
        probabilities: for each task the probability of the tag of each token; empty unless requested.
        start_char: where `text` begins in the source.
    """

    text: str
    tokens: tuple[Token, ...]
    tags: dict[str, list[str]]
    spans: dict[str, list[TaggedSpan]]
    probabilities: dict[str, list[float]] = field(default_factory=dict)
    start_char: int = 0

    @property
    def words(self) -> tuple[str, ...]:
        """The tokens as strings."""
        return tuple(token[0] for token in self.tokens)

    def entities(self, task: str) -> list[dict[str, Any]]:
        """The spans of a task in the form of Hugging Face Transformers' token classification pipeline.

        The keys are `entity_group`, `word`, `start`, `end` (characters) and `score`.

        Raises:
            KeyError: The task has no spans.
        """
        return [
            {"entity_group": label, "score": round(score, 6), "word": text, "start": start, "end": end}
            for label, text, start, end, _, _, score in self.spans[task]
        ]
