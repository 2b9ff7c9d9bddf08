"""Reader of column files: one token in a line, its word and tags in columns, a blank line between sentences."""

import codecs
import gzip
import os
import re
import sys
import zlib
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from sparse_sharing.data.schemes import Scheme, misformed, violation
from sparse_sharing.data.schemes import repair as repair_tags
from sparse_sharing.errors import DataError

LONGEST_LINE = 1_000_000
"""Bytes. A longer line is no text, but would be held in memory whole."""

LONGEST_SENTENCE = 100_000
"""Tokens. More without a blank line is no sentence, but would be held in memory whole."""

MOST_EXPANSION = 100
SAFE_EXPANSION = 100_000_000
"""Bytes. A compressed text that grows beyond this may have at most MOST_EXPANSION times its size on disk."""

DOCUMENT_START = "-DOCSTART-"
GZIP_MAGIC = b"\x1f\x8b"

_UNPACK = "an honest text; if it is one, unpack the file"

# Words may contain other white space (U+00A0, U+3000, U+0085), which str.split() would tear apart.
split_fields = re.compile(r"[^ \t]+").findall


@dataclass(frozen=True)
class Column:
    """Where a task's tags stand: a column counted from 0, or from the end (-1 is the last), and their scheme."""

    task: str
    index: int
    scheme: Scheme


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence with one tuple of tags per task, in the order of the columns asked for."""

    words: tuple[str, ...]
    tags: tuple[tuple[str, ...], ...]
    line: int
    """The number of its first token's line, counted from 1."""


@dataclass
class ReadReport:
    """What has been read so far."""

    sentences: int = 0
    tokens: int = 0
    document_starts: int = 0
    repairs: dict[str, int] = field(default_factory=dict)
    """Per task, how many tags were changed to make its sequences valid."""
    documents_skipped: int = 0
    """Documents that were left out for their domain, or because the list of documents does not name them."""
    documents: array = field(default_factory=lambda: array("i"), compare=False)
    """For each sentence the number of its document, which increases along the file."""
    _document: int = field(default=-1, compare=False)

    def start_document(self) -> None:
        """Take note that the following sentences are another document."""
        self.document_starts += 1
        self._document += 1

    def add_sentence(self, tokens: int) -> None:
        """Take note of a sentence; text before the first mark of a document is a document of its own."""
        self._document = max(self._document, 0)
        self.documents.append(self._document)
        self.sentences += 1
        self.tokens += tokens


def read_sentences(
    path: Path,
    columns: Sequence[Column],
    *,
    word_column: int = 0,
    repair: bool = False,
    report: ReadReport | None = None,
    limit: int | None = None,
) -> Iterator[Sentence]:
    """Stream the sentences of a column file: UTF-8, plain or gzip, columns separated by spaces or tabs.

    Lines that begin with `-DOCSTART-` are skipped and counted. With `repair`, tags that violate their scheme are
    changed to the valid tags that conlleval would read alike. With `limit`, reading stops after so many sentences, and
    what follows is not checked. `report` is filled as sentences are taken.

    Raises:
        DataError: at the sentence where it shows: a missing, unreadable, damaged or empty file, text that is not
            UTF-8, a missing column, lines with different numbers of columns, tags that violate their scheme.
    """
    report = ReadReport() if report is None else report
    report.repairs.update({column.task: 0 for column in columns if column.task not in report.repairs})
    if limit == 0:
        return
    read = width = first = 0
    for start, rows in _blocks(path, report):
        if not width:
            width, first = len(rows[0]), start
            _check_columns(path, start, rows[0], columns, word_column)
        for line, row in enumerate(rows, start):
            if len(row) != width:
                expected = f"{width} columns, separated by spaces or tabs, as in line {first}"
                raise DataError.at(path, line, f"{len(row)} columns in {quote(' '.join(row))}", expected)
        # Few different strings make up a corpus: each is kept in memory once.
        by_column = [tuple(map(sys.intern, values)) for values in zip(*rows, strict=True)]
        places = [(line, " ".join(row)) for line, row in enumerate(rows, start)]
        tags = tuple(
            valid_tags(path, places, column.task, column.scheme, by_column[column.index], repair, report)
            for column in columns
        )
        read += 1
        report.add_sentence(len(rows))
        yield Sentence(by_column[word_column], tags, start)
        if read == limit:
            return
    if not read:
        raise DataError(f"{path}: found no sentence; expected one token in each line, with its tags in columns")


def read_lines(path: Path) -> Iterator[tuple[int, str]]:
    """Stream the numbered lines (from 1) of a UTF-8 text file, plain or gzip, without line ends and byte order mark.

    Lines end at a line feed only, since words may contain characters that str.splitlines() takes for line ends.

    Raises:
        DataError: the file is missing, unreadable or damaged; a line is no UTF-8 text or longer than LONGEST_LINE.
    """
    number = 0
    try:
        with Path(path).open("rb") as raw:
            stream: IO[bytes] = gzip.GzipFile(fileobj=raw) if raw.peek(2)[:2] == GZIP_MAGIC else raw
            allowed = max(SAFE_EXPANSION, MOST_EXPANSION * os.fstat(raw.fileno()).st_size)
            while line := stream.readline(LONGEST_LINE + len(b"\r\n")):
                number += 1
                allowed -= len(line)
                if allowed < 0 and stream is not raw:
                    raise DataError.at(path, number, f"a text {MOST_EXPANSION} times its compressed size", _UNPACK)
                yield number, decode_line(path, number, line)
    except FileNotFoundError as error:
        raise DataError(
            f"{path}: there is no such file; check the path in the configuration (a relative path starts from the "
            "working directory)"
        ) from error
    except IsADirectoryError as error:
        raise DataError(f"{path}: found a folder; expected a file, so name the file in it") from error
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DataError(
            f"{path}: the compressed data are damaged or cut short after line {number} ({error}); fetch the file again"
        ) from error
    except OSError as error:
        raise DataError(
            f"{path}: the file cannot be read ({error.strerror or error}); check the path and its permissions"
        ) from error


def quote(text: str, width: int = 80) -> str:
    """The text for a message: quoted, unprintable characters escaped, at most `width` characters."""
    shown = repr(text[:width])
    return shown if len(text) <= width and len(shown) <= width else shown[: width - 4] + "...'"


def decode_line(path: Path, number: int, line: bytes) -> str:
    """The text of a line without its end, and without the byte order mark that may begin a file.

    Raises:
        DataError: It is no UTF-8 text or longer than LONGEST_LINE.
    """
    content = line.removesuffix(b"\n").removesuffix(b"\r")
    if len(content) > LONGEST_LINE:
        raise DataError.at(path, number, f"more than {LONGEST_LINE:,} bytes", "a shorter line; is this a text file?")
    if b"\0" in content:
        raise DataError.at(path, number, "a NUL byte", "UTF-8 text; convert the file if it is UTF-16")
    if number == 1:
        content = content.removeprefix(codecs.BOM_UTF8)
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        found = f"byte 0x{content[error.start]:02x}, which is not UTF-8, at byte offset {error.start} of the line"
        expected = "UTF-8 text; convert the file (from Latin-1, perhaps: iconv -f latin1 -t utf-8)"
        raise DataError.at(path, number, f"{found} {quote(content.decode('latin-1'))}", expected) from error


def check_length(path: Path, start: int, rows: Sequence) -> None:
    """Refuse a sentence, begun in the line `start`, that is longer than LONGEST_SENTENCE (DataError)."""
    if len(rows) > LONGEST_SENTENCE:
        expected = "a blank line after each sentence"
        raise DataError.at(path, start, f"a sentence of more than {LONGEST_SENTENCE:,} tokens", expected)


def _blocks(path: Path, report: ReadReport) -> Iterator[tuple[int, list[list[str]]]]:
    """The sentences as the fields of their lines, each with the number of its first line."""
    start, rows = 0, []
    for number, line in read_lines(path):
        fields = split_fields(line)
        if fields and fields[0] != DOCUMENT_START:
            start = start if rows else number
            rows.append(fields)
            check_length(path, start, rows)
            continue
        if rows:
            yield start, rows
            rows = []
        if fields:
            report.start_document()
    if rows:
        yield start, rows


def _check_columns(path: Path, line: int, row: list[str], columns: Sequence[Column], word_column: int) -> None:
    needs = {"the words": word_column} | {f"task {column.task}": column.index for column in columns}
    for purpose, index in needs.items():
        needed = index + 1 if index >= 0 else -index
        if needed > len(row):
            expected = f"at least {needed}, because {purpose} should stand in column {index} (counted from 0)"
            raise DataError.at(path, line, f"{len(row)} columns in {quote(' '.join(row))}", expected)


def valid_tags(
    path: Path,
    places: Sequence[tuple[int, str]],
    task: str,
    scheme: Scheme,
    tags: tuple[str, ...],
    repair: bool,
    report: ReadReport,
) -> tuple[str, ...]:
    """The tags of a sentence as they are if they follow their scheme, or repaired; repairs are counted in `report`.

    `places` holds for each token the number and the text of its line.

    Raises:
        DataError: a tag breaks its scheme and may not, or cannot, be repaired.
    """
    problem = violation(tags, scheme)
    if problem is None:
        return tags
    foreign = misformed(tags, scheme)
    remedy = "correct the file, or give the column its true scheme"
    if foreign is None:
        remedy = "correct the file, give the column its true scheme, or set repair to true"
    if repair:
        problem = foreign
    if problem is not None:
        line, text = places[problem.position]
        found = f"the tag {quote(problem.found)} of task {task} in {quote(text)}"
        raise DataError.at(path, line, found, f"{problem.expected}; {remedy}")
    mended, changed = repair_tags(tags, scheme)
    report.repairs[task] += changed
    return tuple(map(sys.intern, mended))
