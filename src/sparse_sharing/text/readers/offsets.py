"""Reader of texts with spans given by character offsets, as Doccano, Label Studio and Prodigy export them.

Each record becomes one or several sentences: its lines are split into sentences and tokens, and a token never crosses
the border of a span. The tags are in IOB2.
"""

import json
import re
import unicodedata
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple, TypeGuard

from sparse_sharing.errors import DataError
from sparse_sharing.terminal.escaping import JOINERS
from sparse_sharing.text.readers.columns import whole_word
from sparse_sharing.text.readers.conllu import Layer
from sparse_sharing.text.readers.jsonl import read_records
from sparse_sharing.text.readers.lines import check_length, quote, read_lines
from sparse_sharing.text.schemes import Span, write_tags
from sparse_sharing.text.sentences import ReadReport, Sentence
from sparse_sharing.text.tags import renamed

MOST_CHARACTERS = 200_000_000
"""The longest file, in characters, that is one JSON array, since it must be in memory as a whole."""

_token = re.compile(r"\w+(?:[-'’.@]\w+)*|[^\w\s]").finditer
_sentence_end = re.compile(r"(?<=[.?!])[\"'”’)\]]*\s+(?=[^\sa-z])|\s*\n\s*").finditer


class Marked(NamedTuple):
    """A span of characters `start` to `end` (exclusive) of a text, and its label."""

    label: str
    start: int
    end: int


class Record(NamedTuple):
    """A text with its spans, in order; `tokens` are (start, end) if the file has tokens."""

    text: str
    spans: list[Marked]
    tokens: list[tuple[int, int]] | None


def read_offsets(
    path: Path, layers: Sequence[Layer], *, report: ReadReport | None = None, limit: int | None = None
) -> Iterator[Sentence]:
    """Stream the sentences of an export of Doccano, Label Studio (JSON or JSON-MIN) or Prodigy, plain or gzip.

    All layers have the same tags, in IOB2, renamed by the rules of each. Each record is a document. Records that an
    annotator skipped or rejected are skipped and counted as skipped documents. `report` and `limit` are those of
    `read_sentences`.

    Raises:
        DataError: A record has another form, or its spans overlap, are empty or exceed the text.
    """
    report = ReadReport() if report is None else report
    read = 0
    for number, values in _records(path):
        record = _record(path, number, values)
        if record is None:
            report.documents_skipped += 1
            continue
        report.start_document()
        for words, spans in _sentences(path, number, record):
            check_length(path, number, words)
            tags = write_tags(spans, len(words), "iob2")
            read += 1
            report.add_sentence(len(words))
            yield Sentence(words, tuple(renamed(tags, "iob2", layer.rules.labels) for layer in layers), number)
            if read == limit:
                return
    if not read:
        raise DataError(f"{path}: found no text; expected records with a text and its spans")


def is_record(values: dict) -> bool:
    """Whether a JSON object has the form of a record of one of these tools."""
    return (_text(values) is not None and any(key in values for key in ("label", "labels", "entities", "spans"))) or (
        isinstance(values.get("data"), dict) and isinstance(values.get("annotations"), list)
    )


def _records(path: Path) -> Iterator[tuple[int, dict]]:
    """The records of JSON Lines, or of one JSON array; each with its line number, or in an array its record number."""
    first = next((line for _, line in read_lines(path) if line.strip()), "")
    if not first.lstrip().startswith("["):
        yield from read_records(path)
        return
    text, size = [], 0
    for _, line in read_lines(path):
        text.append(line)
        size += len(line)
        if size > MOST_CHARACTERS:
            raise DataError(f"{path}: is a JSON array of more than {MOST_CHARACTERS:,} characters; export JSON Lines")
    try:
        records = json.loads("\n".join(text))
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path}: is not valid JSON ({error}); export it again") from error
    for number, record in enumerate(records, start=1):
        if not isinstance(record, dict):
            raise DataError.at(path, number, quote(str(record)), "a JSON object with a text and its spans")
        yield number, record


def _record(path: Path, number: int, values: dict) -> Record | None:
    """The text and the spans of a record of any of the tools; None if an annotator rejected it."""
    if values.get("answer", "accept") != "accept":
        return None
    text, marks = _text(values), []
    if text is None:
        expected = "a text under the key 'text'"
        if "tokens" in values or "words" in values:
            expected += f"; objects with tokens and tags must be JSON Lines: jq -c '.[]' {path.name}"
        raise DataError.at(path, number, f"the keys {', '.join(map(quote, values))}", expected)
    for span in _marks(values):
        marks.append(_mark(path, number, text, span))
    marks.sort(key=lambda mark: mark.start)
    for one, other in pairwise(marks):
        if other.start < one.end:
            actual = f"the spans {quote(text[one.start : one.end])} and {quote(text[other.start : other.end])} overlap"
            raise DataError.at(path, number, actual, "spans that do not overlap; export only one level of spans")
    tokens = values.get("tokens")
    token_offsets = [(token["start"], token["end"]) for token in tokens] if _have_offsets(tokens) else None
    return Record(text, marks, token_offsets)


def _text(values: dict) -> str | None:
    data = values.get("data")
    text = (data if isinstance(data, dict) else values).get("text", data if isinstance(data, str) else None)
    return text if isinstance(text, str) else None


def _marks(values: dict) -> list:
    """The spans of a record as in the file: lists or objects."""
    if isinstance(values.get("annotations"), list):
        done = [item for item in values["annotations"] if isinstance(item, dict) and not item.get("was_cancelled")]
        results = done[0].get("result", []) if done else []
        return [item["value"] for item in results if isinstance(item, dict) and "start" in item.get("value", {})]
    spans = next((values[key] for key in ("spans", "entities", "labels", "label") if values.get(key)), [])
    return spans if isinstance(spans, list) else []


def _mark(path: Path, number: int, text: str, span: object) -> Marked:
    """One span of a record, from [start, end, label] or an object, without the white space at its ends."""
    if isinstance(span, dict):
        labels = span.get("labels") or [span.get("label")]
        start, end = (span.get(key, span.get(f"{key}_offset")) for key in ("start", "end"))
        parts: list[Any] = [start, end, labels[0] if isinstance(labels, list) else labels]
    else:
        parts = span if isinstance(span, list) else []
    if len(parts) != 3 or not all(type(part) is int for part in parts[:2]) or not isinstance(parts[2], str):
        raise DataError.at(path, number, quote(str(span)), "a start, an end and a label for each span")
    start, end, label = parts
    if not (0 <= start < end <= len(text)) or not text[start:end].strip() or not label.strip():
        raise DataError.at(path, number, f"the span {quote(str(span))}", f"one inside the {len(text)} characters")
    covered = text[start:end]
    start += len(covered) - len(covered.lstrip())
    return Marked(re.sub(r"\s+", "_", label.strip()), start, start + len(covered.strip()))


def _have_offsets(tokens: object) -> TypeGuard[list[dict[str, int]]]:
    return isinstance(tokens, list) and all(
        isinstance(token, dict) and type(token.get("start")) is int and type(token.get("end")) is int
        for token in tokens
    )


def _sentences(path: Path, number: int, record: Record) -> Iterator[tuple[tuple[str, ...], list[Span]]]:
    """The sentences of a record: words, and spans of tokens. A sentence never ends inside a span."""
    cuts = [0, *(match.end() for match in _sentence_end(record.text)), len(record.text)]
    cuts = [cut for cut in cuts if not any(mark.start < cut < mark.end for mark in record.spans)]
    tokens = [token for token in record.tokens or _tokens(record) if record.text[slice(*token)].strip()]
    if record.tokens is not None:
        cuts = [0, len(record.text)]
    for start, end in pairwise(cuts):
        sentence_tokens = [token for token in tokens if start <= token[0] < end]
        if not sentence_tokens:
            continue
        spans = []
        for mark in record.spans:
            inside = [
                index for index, token in enumerate(sentence_tokens) if token[0] < mark.end and token[1] > mark.start
            ]
            if inside:
                spans.append(Span(mark.label, inside[0], inside[-1] + 1))
        if any(other.start < one.end for one, other in pairwise(spans)):
            raise DataError.at(
                path, number, f"two spans at one token of {quote(record.text)}", "at most one span for each token"
            )
        yield tuple(whole_word(record.text[first:last]) for first, last in sentence_tokens), spans


def _tokens(record: Record) -> list[tuple[int, int]]:
    """The (start, end) of each token, cut at the borders of spans."""
    borders = {border for mark in record.spans for border in (mark.start, mark.end)}
    tokens = []
    for start, end in _words(record.text):
        tokens += pairwise([start, *sorted(border for border in borders if start < border < end), end])
    return tokens


def _words(text: str) -> list[tuple[int, int]]:
    """The (start, end) of words and punctuation; combining marks, as in many scripts, stay inside their word."""
    words: list[tuple[int, int]] = []
    for match in _token(text):
        start, end = match.span()
        combining = _combines(text[start]) or (start > 0 and _combines(text[start - 1]) and text[start].isalnum())
        if words and words[-1][1] == start and combining:
            words[-1] = (words[-1][0], end)
        else:
            words.append((start, end))
    return words


def _combines(letter: str) -> bool:
    return unicodedata.category(letter).startswith("M") or letter in JOINERS
