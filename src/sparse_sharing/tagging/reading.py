"""Reading text to be tagged as a stream: raw text, sentences of tokens, or columns, from a file or as it arrives."""

import logging
import os
import re
import select
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import BinaryIO

from sparse_sharing.data.columns import DOCUMENT_START, LONGEST_LINE, decode_line, read_lines
from sparse_sharing.errors import DataError
from sparse_sharing.tagging.tokenizer import split_sentences

log = logging.getLogger(__name__)

LONGEST_SENTENCE = 10_000
"""Tokens. What is longer is cut, so that a file without sentence ends does not fill the memory."""

LINES_LOOKED_AT = 100
"""To find out what the input is."""

BLOCK = 1 << 16

PAUSE = None
"""Stands in a stream where nothing more can be read for now: what came before it is due."""

Line = tuple[int, str]
Lines = Iterator[Line | None]

_like_tag = re.compile(r"[BIES]-.+|[^a-z]+").fullmatch
_fields = re.compile(r"[^ \t]+").findall


@dataclass(frozen=True)
class Item:
    """A sentence, or a line between sentences, which has no words; `lines` are those of a column file."""

    words: tuple[str, ...] = ()
    lines: tuple[str, ...] = ()


Items = Iterator[Item | None]


def file_lines(path: Path) -> Lines:
    """The numbered lines of a file, plain or gzip."""
    return read_lines(path)


def live_lines(stream: BinaryIO, name: str) -> Lines:
    """The numbered lines of a stream as they arrive, with a PAUSE wherever the next is not there yet.

    Raises:
        DataError: A line is no UTF-8 text or too long.
    """
    number, rest, source = 0, b"", Path(name)
    while True:
        if not select.select([stream], [], [], 0)[0]:
            yield PAUSE
        block = os.read(stream.fileno(), BLOCK)
        *lines, rest = (rest + block).split(b"\n")
        for line in [*lines, *([rest] if rest and (not block or len(rest) > LONGEST_LINE) else [])]:
            number += 1
            yield number, decode_line(source, number, line)
        if not block:
            return


def raw_items(lines: Lines) -> Items:
    """Plain text: sentences end with their line or by punctuation."""
    for line in lines:
        yield from [PAUSE] if line is PAUSE else map(_item, split_sentences(line[1]))


def token_items(lines: Lines) -> Items:
    """One sentence in a line, its tokens separated by spaces or tabs."""
    for line in lines:
        if line is PAUSE:
            yield PAUSE
        elif tokens := _fields(line[1]):
            yield _item(tokens)


def column_items(lines: Lines, word_column: int, source: str) -> Items:
    """One token in a line, its word in a column counted from 0 (from the end: -1 is the last).

    Blank lines and lines that begin with -DOCSTART- end a sentence, and are passed on as they are.

    Raises:
        DataError: A line has no such column.
    """
    words: list[str] = []
    rows: list[str] = []
    for line in lines:
        if line is PAUSE:
            yield PAUSE
            continue
        number, text = line
        fields = _fields(text)
        between = not fields or fields[0] == DOCUMENT_START
        if rows and (between or len(rows) == LONGEST_SENTENCE):
            yield Item(tuple(words), tuple(rows))
            words, rows = [], []
        if between:
            yield Item(lines=(text,))
            continue
        if not -len(fields) <= word_column < len(fields):
            expected = f"the word in column {word_column} (counted from 0; --word-column says which)"
            raise DataError.at(source, number, f"{len(fields)} columns", expected)
        words.append(fields[word_column])
        rows.append(text)
    if rows:
        yield Item(tuple(words), tuple(rows))


def read_items(lines: Lines, kind: str, word_column: int, source: str) -> tuple[Items, str]:
    """The items of a stream, and what kind of input it is: `raw`, `tokens` or `columns`, found out if `auto`."""
    if kind == "auto":
        seen, lines = _look_ahead(lines)
        kind = guess_kind([text for _, text in seen])
    readers: dict[str, Callable[[], Items]] = {
        "raw": lambda: raw_items(lines),
        "tokens": lambda: token_items(lines),
        "columns": lambda: column_items(lines, word_column, source),
    }
    return _without_giants(readers[kind]()), kind


def guess_kind(lines: Iterable[str]) -> str:
    """`columns` or `raw`, by the first lines up to a blank one.

    Columns are lines with a tab or a -DOCSTART- at their head, or at least two lines of equally many fields whose last
    one looks like a tag: it has no lower-case letter or begins with B-, I-, E- or S-.
    Sentences of tokens look like raw text: they must be announced.
    """
    fields = [_fields(line) for line in lines if line.strip()]
    if not fields:
        return "raw"
    if fields[0][0] == DOCUMENT_START or any("\t" in line for line in lines):
        return "columns"
    alike = len(fields) > 1 and len({len(row) for row in fields}) == 1 and len(fields[0]) > 1
    return "columns" if alike and all(map(_like_tag, (row[-1] for row in fields))) else "raw"


def in_chunks(items: Items, sentences: int) -> Iterator[list[Item]]:
    """Items in lists of at most so many, to be tagged together; a PAUSE ends a list early."""
    chunk: list[Item] = []
    tokens = 0
    for item in items:
        if item is not PAUSE:
            chunk.append(item)
            tokens += len(item.words)
        if chunk and (item is PAUSE or len(chunk) >= sentences or tokens >= 50 * sentences):
            yield chunk
            chunk, tokens = [], 0
    if chunk:
        yield chunk


def _look_ahead(lines: Lines) -> tuple[list[Line], Lines]:
    """The first lines up to a blank one behind others, or a PAUSE; and the stream with nothing missing."""
    taken: list[Line | None] = []
    for line in lines:
        taken.append(line)
        seen = [line for line in taken if line is not PAUSE]
        blank = line is not PAUSE and not line[1].strip() and any(text.strip() for _, text in seen)
        if blank or (line is PAUSE and seen) or len(taken) >= LINES_LOOKED_AT:
            break
    return [line for line in taken if line is not PAUSE], chain(taken, lines)


def _without_giants(items: Items) -> Items:
    """The items with sentences cut that are too long."""
    for item in items:
        if item is PAUSE or len(item.words) < LONGEST_SENTENCE:
            yield item
            continue
        log.warning("a sentence of %d tokens or more is cut; is the --input right?", LONGEST_SENTENCE)
        for start in range(0, len(item.words), LONGEST_SENTENCE):
            end = start + LONGEST_SENTENCE
            yield Item(item.words[start:end], item.lines[start:end])


def _item(tokens: list[str]) -> Item:
    return Item(tuple(tokens))
