"""Tag schemes: how spans of tokens are encoded as one tag per token, and decoded.

There are two basic functions. `read_spans` decodes any sequence of tags, and `write_tags` encodes spans in their
canonical form; a sequence is valid if it is the canonical form of its own spans.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from sparse_sharing.config.formats import Scheme

OUTSIDE = "O"

RULES = {
    "iob1": "in IOB1 a span is written with I-, and B- only begins a span right after another of its type",
    "iob2": "in IOB2 every span begins with B- and continues with I-",
    "bioes": "in BIOES a span of one token is S-, a longer one begins with B-, continues with I- and ends with E-",
    "bilou": "in BILOU a span of one token is U-, a longer one begins with B-, continues with I- and ends with L-",
    "bmes": "in BMES a span of one token is S-, a longer one begins with B-, continues with M- and ends with E-",
    "bmewo": "in BMEWO a span of one token is W-, a longer one begins with B-, continues with M- and ends with E-",
}

LETTERS = {
    "bilou": {"L": "E", "U": "S"},
    "bmes": {"M": "I"},
    "bmewo": {"M": "I", "W": "S"},
}
"""Schemes that are BIOES with other letters: the BIOES letter of each of their letters."""

_from_bioes = {
    scheme: str.maketrans({plain: letter for letter, plain in letters.items()}) for scheme, letters in LETTERS.items()
}


class Span(NamedTuple):
    """Tokens `start` to `end` (exclusive, counted from 0) of a sentence, and their type."""

    type: str
    start: int
    end: int


class Violation(NamedTuple):
    """A tag that its scheme does not allow at its position, and what is expected there, in words."""

    position: int
    tag: str
    expected: str


def read_spans(tags: Sequence[str], scheme: Scheme) -> list[Span]:
    """The spans of any sequence of tags, valid or not, in order: the lenient reading of conlleval and seqeval.

    All span schemes are read in the same way, those of `LETTERS` after their letters are replaced. A tag that begins
    with none of B, I, E and S is outside every span; a tag without a type has the type "_".

    Raises:
        ValueError: the scheme is `none`, which has no spans.
    """
    _require_spans(scheme)
    # conlleval and seqeval agree on B, I and O. They differ where E and S mix with the rest (conlleval knows no S, and
    # lets no span end between E-X and B-X); this follows seqeval: E and S always end a span.
    spans = []
    start, open_type = 0, None
    letters = LETTERS.get(scheme, {})
    for position, tag in enumerate([*tags, OUTSIDE]):
        letter, span_type = letters.get(tag[:1], tag[:1]), tag[1:].split("-", 1)[-1] or "_"
        inside = letter in ("B", "I", "E", "S")
        if open_type is not None and (not inside or letter in "BS" or span_type != open_type):
            spans.append(Span(open_type, start, position))
            open_type = None
        if inside and open_type is None:
            start, open_type = position, span_type
        if inside and letter in ("E", "S"):
            spans.append(Span(span_type, start, position + 1))
            open_type = None
    return spans


def write_tags(spans: Iterable[Span], length: int, scheme: Scheme) -> list[str]:
    """The canonical tags of a sentence of `length` tokens with these spans, given in any order.

    Raises:
        ValueError: The scheme is `none`; spans overlap, are empty, exceed the sentence or have no type.
    """
    _require_spans(scheme)
    tags = [OUTSIDE] * length
    previous = Span("", 0, 0)
    for span in sorted(spans, key=lambda span: span.start):
        if not (span.type and previous.end <= span.start < span.end <= length):
            raise ValueError(f"{span} does not fit a sentence of {length} tokens after {previous}")
        separates = (span.type, span.start) == (previous.type, previous.end)
        letters = _letters(span.end - span.start, separates, scheme)
        tags[span.start : span.end] = [f"{letter}-{span.type}" for letter in letters]
        previous = span
    return tags


def violation(tags: Sequence[str], scheme: Scheme) -> Violation | None:
    """The first tag of a sentence that the scheme does not allow at its position; in `none` every tag is valid."""
    if scheme == "none":
        return None
    for position, (tag, canonical) in enumerate(zip(tags, _canonical(tags, scheme), strict=True)):
        if tag != canonical:
            if not _has_form(tag, scheme):
                return _misformed(position, tag, scheme)
            before = _shown(tags[position - 1]) if position else "the start of the sentence"
            after = _shown(tags[position + 1]) if position + 1 < len(tags) else "the end of the sentence"
            return Violation(position, tag, f"{_shown(canonical)} between {before} and {after}: {RULES[scheme]}")
    return None


def misformed(tags: Sequence[str], scheme: Scheme) -> Violation | None:
    """The first string that is not a span tag: neither O nor a letter of a span scheme, a hyphen and a type.

    Repair would hide it, but it probably means a wrong column or a wrong scheme.
    """
    if scheme == "none":
        return None
    return next((_misformed(i, tag, scheme) for i, tag in enumerate(tags) if not _has_form(tag, scheme)), None)


def convert(tags: Sequence[str], source: Scheme, target: Scheme) -> list[str]:
    """The same spans in another scheme: exact both ways for valid tags, through the lenient reading for others.

    Raises:
        ValueError: Exactly one of the schemes is `none`.
    """
    if source == target == "none":
        return list(tags)
    return write_tags(read_spans(tags, source), len(tags), target)


def repair(tags: Sequence[str], scheme: Scheme) -> tuple[list[str], int]:
    """The valid tags with the same lenient reading, and how many tags had to change."""
    mended = list(tags) if scheme == "none" else _canonical(tags, scheme)
    return mended, sum(old != new for old, new in zip(tags, mended, strict=True))


def _require_spans(scheme: Scheme) -> None:
    if scheme not in RULES:
        raise ValueError(f"scheme '{scheme}' has no spans; the schemes with spans are {', '.join(RULES)}")


def _canonical(tags: Sequence[str], scheme: Scheme) -> list[str]:
    return write_tags(read_spans(tags, scheme), len(tags), scheme)


def _letters(size: int, separates: bool, scheme: Scheme) -> str:
    """One letter for each token of a span; `separates`: it directly follows a span of its type."""
    if scheme == "bioes" or scheme in LETTERS:
        letters = "S" if size == 1 else "B" + "I" * (size - 2) + "E"
        return letters.translate(_from_bioes.get(scheme, {}))
    return ("B" if scheme == "iob2" or separates else "I") + "I" * (size - 1)


def _has_form(tag: str, scheme: Scheme) -> bool:
    letters = "BIES" if scheme not in LETTERS else "BIES".translate(_from_bioes[scheme])
    return tag == OUTSIDE or (tag[1:2] == "-" and tag[:1] in letters and len(tag) > 2)


def _shown(tag: str) -> str:
    """A tag for a message: its beginning, with escapes for unprintable characters."""
    return repr(tag[:40])[1:-1]


def _misformed(position: int, tag: str, scheme: Scheme) -> Violation:
    return Violation(position, tag, f"O, or a letter, a hyphen and a type, as in B-PER: {RULES[scheme]}")
