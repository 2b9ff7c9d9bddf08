"""Recognises the format of a file from its first lines, and the form of span tags from their values."""

import json
import re
import shlex
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sparse_sharing.config.formats import Format, Scheme
from sparse_sharing.errors import DataError
from sparse_sharing.text.readers.columns import COMMENT_FORM, DOCUMENT_START, split_fields
from sparse_sharing.text.readers.conllu import COLUMNS
from sparse_sharing.text.readers.foreign import refuse_binary, refuse_line
from sparse_sharing.text.readers.lines import quote, read_lines
from sparse_sharing.text.readers.offsets import is_record
from sparse_sharing.text.schemes import misformed
from sparse_sharing.text.tags import loosely

LINES_LOOKED_AT = 2000

MOST_VALUES = 1000
"""A column with more different values has text, not tags."""

SPAN_SHARE = 0.98
"""Share of the tokens whose tag must have the form of a span tag; the others may be typos."""

INSIDE_SHARE = 0.9
"""The same among the tokens whose tag is not O."""

_conllu_id = re.compile(r"[0-9]+(?:[-.][0-9]+)?").fullmatch


@dataclass(frozen=True)
class Recognised:
    """How a file is read: the corresponding keys of a corpus.

    Attributes:
        format: its format.
        separator: the separator of columns: `tab`, or None.
        comments: whether column files have comment lines.
        tabs: whether all lines of a column file have the same number of tabs, at least one.
        keys: the names of columns of CoNLL-U, or the keys of JSON objects whose values are lists.
    """

    format: Format
    separator: str | None = None
    comments: bool = False
    tabs: bool = False
    keys: tuple[str, ...] = ()


def recognise(path: Path) -> Recognised:
    """Recognise a file from its first lines.

    Raises:
        DataError: It cannot be read, is empty, or has an unsupported format; the message says what it looks like.
    """
    refuse_binary(path)
    lines = []
    for number, line in read_lines(path):
        lines.append(line)
        if number == LINES_LOOKED_AT:
            break
    filled = [line for line in lines if line.strip()]
    if not filled:
        raise DataError(f"{path}: is empty; expected one token on each line, with its tags in columns")
    if filled[0].startswith("#begin document"):
        return Recognised("conll2012")
    if filled[0].lstrip()[:1] in ("{", "["):
        return _recognise_json(path, filled[0])
    if conllu := _recognise_conllu(filled):
        return conllu
    refuse_line(path, filled[0])
    return _recognise_columns(path, lines)


def _recognise_json(path: Path, first: str) -> Recognised:
    try:
        record = json.loads(first)
    except ValueError:
        # An array over several lines begins with a bracket; a bracket in a column file is not followed by a quote.
        if re.match(r"\s*\[\s*(?:\{|$)", first):
            return Recognised("spans")
        if re.match(r'\s*\{\s*(?:"|$)', first):
            raise _not_json_lines(path, "JSON over several lines", ".") from None
        return _recognise_columns(path, [first])
    if isinstance(record, list) and record and isinstance(record[0], dict):
        if not is_record(record[0]):
            raise _not_json_lines(path, "one JSON list", ".[]")
        return Recognised("spans")
    if isinstance(record, list) and record:
        raise DataError(
            f"{path}: has JSON lists; expected JSON objects, such as "
            '{"text": ..., "spans": [[start, end, label], ...]} or {"tokens": [...], "tags": [...]}'
        )
    if not isinstance(record, dict):
        return _recognise_columns(path, [first])
    if is_record(record):
        return Recognised("spans")
    if len(record) == 1 and _has_objects(next(iter(record.values()))):
        raise _not_json_lines(path, "one JSON object", f".[{json.dumps(next(iter(record)))}][]")
    lists = tuple(key for key, value in record.items() if isinstance(value, list) and not _has_objects(value))
    if not lists:
        keys = ", ".join(map(quote, list(record)[:8]))
        raise DataError(
            f"{path}: has JSON objects with the keys {keys}; expected a list of tokens with lists of tags, or a "
            "text with its spans"
        )
    return Recognised("jsonl", keys=lists)


def _has_objects(value: object) -> bool:
    return isinstance(value, list) and any(isinstance(entry, dict) for entry in value)


def _not_json_lines(path: Path, form: str, query: str) -> DataError:
    return DataError(
        f"{path}: looks like {form}; expected JSON Lines, one object on each line: "
        f"jq -c {shlex.quote(query)} {shlex.quote(str(path))} > {shlex.quote(str(path.with_suffix('.lines.jsonl')))}"
    )


def _recognise_conllu(lines: list[str]) -> Recognised | None:
    names = re.match(r"#\s*global\.columns\s*=\s*(.+)", lines[0])
    columns = tuple(names[1].upper().split()) if names else COLUMNS
    rows = [line.split("\t") for line in lines if not line.startswith("#")]
    if not rows or not all(len(cells) == len(columns) and _conllu_id(cells[0]) for cells in rows):
        return None
    return Recognised("conllu", keys=columns)


def _recognise_columns(path: Path, lines: list[str]) -> Recognised:
    filled = [line for line in lines if line.strip() and not line.startswith(DOCUMENT_START)]
    comments = _has_comments(lines)
    tokens = [line for line in filled if not (comments and line.startswith("#"))] or filled
    by_tabs = Counter(line.count("\t") for line in tokens)
    tabs, often = by_tabs.most_common(1)[0] if by_tabs else (0, 0)
    # If spaces separate the columns as well, the key is not needed.
    needed = any(len(split_fields(line)) != tabs + 1 for line in tokens)
    tabbed = tabs > 0 and often == len(tokens)
    return Recognised("columns", "tab" if tabbed and needed else None, comments, tabbed)


def _has_comments(lines: list[str]) -> bool:
    """Whether sentences begin with comments: lines with # that have the form of one, or another number of columns."""
    firsts = [
        (line, following)
        for before, line, following in zip(["", *lines], lines, [*lines[1:], ""], strict=False)
        if line.startswith("#") and (not before.strip() or before.startswith("#"))
    ]
    shaped = [line for line, _ in firsts if COMMENT_FORM(line)]
    other = [
        line
        for line, following in firsts
        if following.strip()
        and not following.startswith("#")
        and len(line.split("\t")) != len(following.split("\t"))
        and len(split_fields(line)) != len(split_fields(following))
    ]
    return bool(shaped or other)


@dataclass(frozen=True)
class SpanForm:
    """The form of the span tags of a column: the scheme, if the letters show it, and whether spelling: loose is
    needed.
    """

    scheme: Scheme | None
    loose: bool

    def __str__(self) -> str:
        keys = [f"scheme: {self.scheme or 'iob2'}", *(["spelling: loose"] if self.loose else [])]
        return ", ".join(keys)


def span_form(values: Mapping[str, int]) -> SpanForm | None:
    """The form of span tags in a column, from its values and their counts; None if they are not span tags."""
    if len(values) > MOST_VALUES:
        return None
    for loose in (False, True):
        tags: Counter[str] = Counter()
        for value, count in values.items():
            tags[loosely(value) if loose else value] += count
        if loose and "O" not in tags and any(len(value) > 1 for value in values):
            continue
        if (letters := _letters(tags)) is not None:
            return SpanForm(_scheme(letters), loose)
    return None


def _letters(tags: Mapping[str, int]) -> set[str] | None:
    """The letters of span tags, if nearly all tokens have a span tag or O."""
    total, outside = sum(tags.values()), tags.get("O", 0)
    for scheme in ("iob2", "bilou", "bmes", "bmewo"):
        shaped = {tag: count for tag, count in tags.items() if not misformed([tag], scheme)}
        letters = {tag[0] for tag in shaped} - {"O"}
        count = sum(shaped.values())
        nearly_all = count >= SPAN_SHARE * total and count - outside >= INSIDE_SHARE * (total - outside)
        if letters & set("BISUW") and nearly_all:
            return letters
    return None


def _scheme(letters: set[str]) -> Scheme | None:
    """The scheme with these letters; None if it is IOB1 or IOB2."""
    if letters & {"L", "U"}:
        return "bilou"
    if "W" in letters:
        return "bmewo"
    if "M" in letters:
        return "bmes"
    return "bioes" if letters & {"E", "S"} else None
