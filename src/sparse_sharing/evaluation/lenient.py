"""The span scorer that the original code uses for single tasks, for comparison (`replicate.lenient_spans`)."""

from collections.abc import Sequence

from sparse_sharing.text.schemes import Scheme, Span, convert, write_tags


def reread(sentences: Sequence[Sequence[str]], scheme: Scheme) -> list[list[str]]:
    """Tags of a scheme with the spans that the original code reads from the given ones, gold or predicted.

    Scored by the scorer of this program, they give the scores of the original code.
    """
    if scheme == "iob1":
        sentences = [convert(tags, "iob1", "iob2") for tags in sentences]
    spans_of = _spans_of_bioes if scheme == "bioes" else _spans_of_iob2
    return [write_tags(spans_of(tags), len(tags), scheme) for tags in sentences]


def _spans_of_bioes(tags: Sequence[str]) -> list[Span]:
    """B opens a span, which O and I of any type leave open; B, S and E of any type end it."""
    spans, opened = [], None
    for position, tag in enumerate(tags):
        letter, span_type = tag[:1], tag[2:]
        if opened is not None and letter in "BSE":
            spans.append(Span(*opened, position + (letter == "E")))
            opened = None
        if letter == "S":
            spans.append(Span(span_type, position, position + 1))
        elif letter == "B":
            opened = (span_type, position)
    return spans + _cut(opened)


def _spans_of_iob2(tags: Sequence[str]) -> list[Span]:
    """B opens a span, which I of its type continues; an I that continues none is outside."""
    spans, opened = [], None
    for position, tag in enumerate(tags):
        if opened is not None and tag != f"I-{opened[0]}":
            spans.append(Span(*opened, position))
            opened = None
        if tag[:1] == "B":
            opened = (tag[2:], position)
    return spans + _cut(opened)


def _cut(opened: tuple[str, int] | None) -> list[Span]:
    """A span that is open at the end of its sentence: only its first token is used."""
    return [Span(*opened, opened[1] + 1)] if opened else []
