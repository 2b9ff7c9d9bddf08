"""Reads text to be tagged as a stream: raw text, sentences of tokens, columns, CoNLL-U or JSON Lines."""

import logging
import os
import re
import select
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import chain
from pathlib import Path
from typing import BinaryIO, Final

from sparse_sharing.errors import DataError
from sparse_sharing.tagging.detection import CONLLU_COLUMNS, Layout, layout_of
from sparse_sharing.tagging.sentences import Sentence, from_words
from sparse_sharing.tagging.tokenizer import split_sentences, unspaced
from sparse_sharing.text.readers.columns import (
    DOCUMENT_START,
    LONGEST_LINE,
    decode_line,
    quote,
    read_lines,
    split_fields,
)
from sparse_sharing.text.readers.foreign import refuse_binary
from sparse_sharing.text.readers.jsonl import as_record

log = logging.getLogger(__name__)

LONGEST_SENTENCE = 10_000
"""The longest sentence in tokens. Longer ones are cut, so that a file without sentence ends does not fill the
memory."""

LINES_LOOKED_AT = 100
"""Lines that are read to detect the kind of input."""

BLOCK = 1 << 16


class Pause(Enum):
    """The type of PAUSE."""

    PAUSE = "pause"


PAUSE: Final = Pause.PAUSE
"""A mark in a stream that nothing more can be read for now: process everything before it."""

Line = tuple[int, str]
Lines = Iterator[Line | Pause]

_conllu_word = re.compile(r"[1-9][0-9]*").fullmatch
_conllu_other = re.compile(r"[1-9][0-9]*-[1-9][0-9]*|[0-9]+\.[1-9][0-9]*").fullmatch
NOTHING = Sentence("", ())


@dataclass(frozen=True)
class Item:
    """A sentence, or lines between sentences without tokens.

    Attributes:
        sentence: the sentence to tag.
        lines: its lines in a file of columns or CoNLL-U.
        rows: for each token its index in `lines`.
    """

    sentence: Sentence = NOTHING
    lines: tuple[str, ...] = ()
    rows: Sequence[int] = ()

    @property
    def words(self) -> tuple[str, ...]:
        """The words of the sentence."""
        return self.sentence.words


Items = Iterator[Item | Pause]


def file_lines(path: Path) -> Lines:
    """The numbered lines of a file, plain or gzip.

    Raises:
        DataError: Its first bytes are those of a format that is not text.
    """
    refuse_binary(path)
    return read_lines(path)


def live_lines(stream: BinaryIO, name: str) -> Lines:
    """The numbered lines of a stream as they arrive, with a PAUSE if the next line has not arrived yet.

    Raises:
        DataError: A line is not UTF-8 text, or too long.
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


def raw_items(lines: Lines, source: str = "the text") -> Items:
    """Plain text: sentences end with their line or by punctuation. A text without spaces gets one warning."""
    warned = False
    for line in lines:
        if line is PAUSE:
            yield PAUSE
            continue
        number, text = line
        if not warned and (stretch := unspaced(text)):
            warned = True
            log.warning(
                "%s, line %d has no spaces between its words (%s). The tokenizer is for languages with spaces; "
                "split the "
                "text into words yourself and use --input tokens",
                *(source, number, quote(stretch, 20)),
            )
        for sentence in split_sentences(text):
            yield Item(sentence)


def token_items(lines: Lines) -> Items:
    """One sentence per line, its tokens separated by spaces or tabs."""
    for line in lines:
        if line is PAUSE:
            yield PAUSE
        elif tokens := split_fields(line[1]):
            yield Item(from_words(tokens))


def jsonl_items(lines: Lines, source: str) -> Items:
    """JSON Lines: on each line an object with a list of `tokens`, or with a `text`, which is split into sentences.

    Raises:
        DataError: A line is not such an object.
    """
    for line in lines:
        if line is PAUSE:
            yield PAUSE
            continue
        number, content = line
        if not content.strip():
            continue
        record = as_record(source, number, content)
        tokens, text = record.get("tokens"), record.get("text")
        if isinstance(tokens, list) and all(isinstance(token, str) and token.strip() for token in tokens):
            if tokens:
                yield Item(from_words(tokens))
        elif tokens is None and isinstance(text, str):
            yield from map(Item, split_sentences(text))
        else:
            raise DataError.at(source, number, quote(content), 'a list "tokens" of non-empty texts, or a "text"')


def column_items(lines: Lines, word_column: int, source: str, layout: Layout | None = None) -> Items:
    """One token per line, its word in a column counted from 0 (from the end: -1 is the last).

    Blank lines and lines that begin with -DOCSTART- end a sentence. They and comments are passed on unchanged.

    Raises:
        DataError: A line has no such column, or nothing in it.
    """
    layout = layout or Layout("columns")
    sentence = _Collector()
    for line in lines:
        if line is PAUSE:
            yield PAUSE
            continue
        number, text = line
        fields = layout.fields(text)
        between = not fields or fields[0].startswith(DOCUMENT_START)
        if between or sentence.is_long:
            yield from sentence.take()
        if between:
            yield Item(lines=(text,))
        elif layout.is_comment(text, not sentence.rows):
            sentence.add_line(text)
        else:
            sentence.add(text, _field(fields, word_column, source, number))
    yield from sentence.take()


def conllu_items(lines: Lines, source: str) -> Items:
    """CoNLL-U: the words are the second of ten columns; comments, ranges (1-2) and empty nodes (1.1) have no tags.

    Raises:
        DataError: A line is neither blank, nor a comment, nor has a number and a word in its ten columns.
    """
    sentence = _Collector()
    for line in lines:
        if line is PAUSE:
            yield PAUSE
            continue
        number, text = line
        if not text.strip():
            yield from sentence.take()
            yield Item(lines=(text,))
            continue
        if sentence.is_long:
            yield from sentence.take()
        fields = text.split("\t")
        if text.startswith("#") or (len(fields) == CONLLU_COLUMNS and _conllu_other(fields[0])):
            sentence.add_line(text)
        elif len(fields) == CONLLU_COLUMNS and _conllu_word(fields[0]) and fields[1]:
            sentence.add(text, fields[1])
        else:
            raise DataError.at(
                source, number, f"{len(fields)} columns in {quote(text)}", "CoNLL-U, ten columns separated by tabs"
            )
    yield from sentence.take()


def read_items(
    lines: Lines, kind: str, word_column: int, source: str, known_tags: Collection[str] = ()
) -> tuple[Items, str]:
    """The items of a stream, and its kind of input: `raw`, `tokens`, `columns`, `conllu` or `jsonl`.

    With the kind `auto`, the first lines decide, with the help of the model's tags, `known_tags`.

    Raises:
        ConfigError: `auto`, and the lines could be columns as well as text.
    """
    first_lines: list[Line] = []
    if kind in ("auto", "columns"):
        first_lines, lines = _look_ahead(lines)
    layout = layout_of([text for _, text in first_lines], kind, known_tags, source)
    readers: dict[str, Callable[[], Items]] = {
        "raw": lambda: raw_items(lines, source),
        "tokens": lambda: token_items(lines),
        "columns": lambda: column_items(lines, word_column, source, layout),
        "conllu": lambda: conllu_items(lines, source),
        "jsonl": lambda: jsonl_items(lines, source),
    }
    return _without_giants(readers[layout.kind]()), layout.kind


class _Collector:
    """Collects the lines of a sentence."""

    def __init__(self) -> None:
        self.words: list[str] = []
        self.lines: list[str] = []
        self.rows: list[int] = []

    @property
    def is_long(self) -> bool:
        """Whether the sentence must be cut before the next token."""
        return len(self.rows) == LONGEST_SENTENCE

    def add_line(self, line: str) -> None:
        """Add a line without a token."""
        self.lines.append(line)

    def add(self, line: str, word: str) -> None:
        """Add a token."""
        self.rows.append(len(self.lines))
        self.lines.append(line)
        self.words.append(word)

    def take(self) -> Iterator[Item]:
        """Return the sentence, if there are lines, and begin the next."""
        if self.is_long:
            log.warning("a sentence of %d tokens or more was cut; is --input right?", LONGEST_SENTENCE)
        if self.lines:
            yield Item(from_words(self.words), tuple(self.lines), tuple(self.rows))
        self.words, self.lines, self.rows = [], [], []


def _field(fields: list[str], column: int, source: str, number: int) -> str:
    """The word of a line of columns."""
    if not -len(fields) <= column < len(fields):
        expected = f"the word in column {column} (counted from 0; set the column with --word-column)"
        raise DataError.at(source, number, f"{len(fields)} columns", expected)
    if not fields[column].strip():
        raise DataError.at(source, number, f"nothing in column {column}", "a word (set its column with --word-column)")
    return fields[column]


def in_chunks(items: Items, sentences: int) -> Iterator[list[Item]]:
    """Items in lists of at most `sentences`, to be tagged together; a PAUSE ends a list early."""
    chunk: list[Item] = []
    tokens = 0
    for item in items:
        if item is not PAUSE:
            chunk.append(item)
            tokens += len(item.sentence.tokens)
        if chunk and (item is PAUSE or len(chunk) >= sentences or tokens >= 50 * sentences):
            yield chunk
            chunk, tokens = [], 0
    if chunk:
        yield chunk


def _look_ahead(lines: Lines) -> tuple[list[Line], Lines]:
    """The first lines up to a blank one after content, or a PAUSE; and the whole stream."""
    taken: list[Line | Pause] = []
    for line in lines:
        taken.append(line)
        without_pauses = [line for line in taken if line is not PAUSE]
        content = any(text.strip() and not text.startswith("# ") for _, text in without_pauses)
        blank = line is not PAUSE and not line[1].strip() and content
        if blank or (line is PAUSE and without_pauses) or len(taken) >= LINES_LOOKED_AT:
            break
    return [line for line in taken if line is not PAUSE], chain(taken, lines)


def _without_giants(items: Items) -> Items:
    """The items, with overlong sentences cut."""
    for item in items:
        if item is PAUSE or item.lines or len(item.sentence.tokens) <= LONGEST_SENTENCE:
            yield item
            continue
        log.warning("a sentence of %d tokens or more was cut; is --input right?", LONGEST_SENTENCE)
        words = item.words
        for start in range(0, len(words), LONGEST_SENTENCE):
            yield Item(from_words(words[start : start + LONGEST_SENTENCE]))
