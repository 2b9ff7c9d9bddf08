"""Decodes tag numbers to tags and spans, for many sentences at once.

This is `data.schemes.read_spans` and `convert` over arrays: the same lenient reading of any sequence of tags.
"""

from dataclasses import dataclass

import numpy as np

from sparse_sharing.text.schemes import OUTSIDE, Scheme
from sparse_sharing.text.vocabulary import TaskTags

Predictions = tuple[np.ndarray, np.ndarray]
"""The tag of every token, int64 [N], and its probability, float32 [N]."""

LETTERS = "OBIES"
OUT, BEGIN, INSIDE, END, SINGLE = range(5)


@dataclass(frozen=True)
class Spans:
    """The spans of all sentences, in order: label number, first token, end token (exclusive), each int64 [S]."""

    labels: np.ndarray
    starts: np.ndarray
    ends: np.ndarray


class TagDecoder:
    """Decodes the tag numbers of one task.

    Attributes:
        labels: the types of its spans; the label number of a span is an index into them.
    """

    def __init__(self, task_tags: TaskTags) -> None:
        """Prepare the tables of a task."""
        self.has_spans, self.scheme = task_tags.has_spans, task_tags.scheme
        self.tags = np.array(task_tags.tags, dtype=object)
        types = [tag[1:].split("-", 1)[-1] or "_" for tag in task_tags.tags]
        self.labels = tuple(dict.fromkeys(types))
        numbers = {name: number for number, name in enumerate(self.labels)}
        self.letter = np.array([max(0, LETTERS.find(tag[:1])) if tag else OUT for tag in task_tags.tags])
        self.label = np.array([numbers[name] for name in types])
        rows = [[OUTSIDE] * len(self.labels), *([f"{letter}-{name}" for name in self.labels] for letter in LETTERS[1:])]
        self.written = np.array(rows, dtype=object)

    def decode(self, numbers: np.ndarray, offsets: np.ndarray) -> tuple[list[str], Spans | None]:
        """The tags in the scheme of the files, and the spans.

        Args:
            numbers: int64 [N], the tag of each token, in the model's scheme.
            offsets: int64 [S + 1], where each sentence begins; the last entry is N.

        Returns:
            N tags, and the spans by tokens counted over all sentences; None for a task without spans.
        """
        if not self.has_spans:
            return self.tags[numbers].tolist(), None
        first = np.zeros(len(numbers) + 1, dtype=bool)
        first[offsets] = True
        spans = self._spans(numbers, first)
        return self._written(spans, len(numbers), first).tolist(), spans

    def _spans(self, numbers: np.ndarray, first: np.ndarray) -> Spans:
        letter, label = self.letter[numbers], self.label[numbers]
        inside = letter != OUT
        begins = first[:-1] | (letter == BEGIN) | (letter == SINGLE)
        before, now = letter[:-1], slice(1, None)
        begins[now] |= (before == OUT) | (before == END) | (before == SINGLE) | (label[:-1] != label[1:])
        begins &= inside
        stops = np.ones(len(numbers), dtype=bool)
        stops[:-1] = first[1:-1] | ~inside[1:] | begins[1:]
        starts = np.flatnonzero(begins)
        return Spans(label[starts], starts, np.flatnonzero(stops & inside) + 1)

    def _written(self, spans: Spans, size: int, first: np.ndarray) -> np.ndarray:
        """The canonical tags of spans in the scheme of the files, object [N]."""
        steps = np.zeros(size + 1, dtype=np.int64)
        steps[spans.starts] += 1
        steps[spans.ends] -= 1
        letter = np.where(np.cumsum(steps[:-1]) > 0, INSIDE, OUT)
        label = np.zeros(size, dtype=np.int64)
        label[letter == INSIDE] = np.repeat(spans.labels, spans.ends - spans.starts)
        letter[spans.starts[self._marked(spans, first)]] = BEGIN
        if self.scheme == "bioes":
            single = spans.ends - spans.starts == 1
            letter[spans.ends - 1] = END
            letter[spans.starts[single]] = SINGLE
        return self.written[letter, label]

    def _marked(self, spans: Spans, first: np.ndarray) -> np.ndarray:
        """Bool [S], the spans whose first tag is B-: all; in IOB1 only those directly after another of their type."""
        marked = np.ones(len(spans.starts), dtype=bool)
        if self.scheme == "iob1" and len(marked):
            marked[0] = False
            touches = (spans.starts[1:] == spans.ends[:-1]) & (spans.labels[1:] == spans.labels[:-1])
            marked[1:] = touches & ~first[spans.starts[1:]]
        return marked


def shares_of(scores: np.ndarray, tags: np.ndarray) -> np.ndarray:
    """The probability of a tag, int64 [N], of each token by a softmax over its scores, float32 [N, T]: float32 [N]."""
    chosen = scores[np.arange(len(tags)), tags][:, None]
    with np.errstate(over="ignore"):
        return 1 / np.exp(scores - chosen).sum(1)


def file_tags(task_tags: TaskTags) -> frozenset[str]:
    """The tags that files of a task may have: those of the files' scheme, which may differ from the model's."""
    if not task_tags.has_spans:
        return frozenset(task_tags.tags)
    types = {tag[2:] for tag in task_tags.tags if tag != OUTSIDE}
    return frozenset({OUTSIDE, *(f"{letter}-{name}" for letter in _letters(task_tags.scheme) for name in types)})


def _letters(scheme: Scheme) -> str:
    return "BIES" if scheme == "bioes" else "BI"
