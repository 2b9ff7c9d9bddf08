"""Reader of column files: one token per line, its word and tags in columns, a blank line between sentences."""

import re
import sys
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from sparse_sharing.errors import DataError
from sparse_sharing.text.readers.lines import LONGEST_LINE as LONGEST_LINE
from sparse_sharing.text.readers.lines import LONGEST_SENTENCE as LONGEST_SENTENCE
from sparse_sharing.text.readers.lines import check_length, quote, read_lines
from sparse_sharing.text.readers.lines import decode_line as decode_line
from sparse_sharing.text.schemes import Scheme
from sparse_sharing.text.sentences import ReadReport, Sentence
from sparse_sharing.text.tags import PLAIN, UNSPECIFIED, Rules, read_tags

DOCUMENT_START = "-DOCSTART-"
NO_BREAK_SPACE = "\u00a0"

COMMENT_FORM = re.compile(r"#\s*(?:[\w.:-]+\s*=|(?:id|sent_id|text|newdoc|newpar)\b|$)").match
"""A comment with any number of fields: `# key = value`, `# id ...`, or only `#`."""


def split_fields(line: str) -> list[str]:
    """The fields of a line, separated by any number of spaces and tabs."""
    # Words may contain other white space (U+00A0, U+3000, U+0085), at which str.split() with no argument would split.
    fields = line.replace("\t", " ").split(" ")
    return [field for field in fields if field] if "" in fields else fields


@dataclass(frozen=True)
class Column:
    """The column of a task's tags, counted from 0, or from the end (-1 is the last), and how they are read."""

    task: str
    index: int
    scheme: Scheme
    rules: Rules = PLAIN

    @property
    def value(self) -> str:
        """The name of a value in this column, for messages."""
        return f"value in column {self.index}"


@dataclass(frozen=True)
class Form:
    """How the lines of a column file are split.

    Attributes:
        separator: `tab` if only tabs separate columns; None: spaces and tabs.
        comments: whether lines before a sentence that begin with # may be comments.
        word_column: the column of the words.
    """

    separator: str | None = None
    comments: bool = False
    word_column: int = 0

    def fields(self, line: str) -> list[str]:
        """The cells of a line; empty if it is blank."""
        if self.separator is None:
            return split_fields(line)
        cells = [cell.strip(" ") for cell in line.split("\t")]
        return cells if any(cells) else []


Block = tuple[int, list[list[str]]]
"""The number of a sentence's first line, and the fields of each of its lines."""


def read_sentences(
    path: Path,
    columns: Sequence[Column],
    *,
    word_column: int = 0,
    separator: str | None = None,
    comments: bool = False,
    repair: bool = False,
    report: ReadReport | None = None,
    limit: int | None = None,
) -> Iterator[Sentence]:
    """Stream the sentences of a column file: UTF-8, plain or gzip, columns separated by spaces or tabs.

    Lines that begin with `-DOCSTART-` are skipped and counted. `separator` and `comments` are those of `Form`; in
    words that contain spaces they become no-break spaces. With `repair`, tags that violate their scheme are changed to
    the valid tags that conlleval reads as the same spans. With `limit`, reading stops after this many sentences, and
    the rest is not checked. `report` is filled as sentences are consumed.

    Raises:
        DataError: At the first bad sentence: a missing, unreadable, damaged or empty file, text that is not UTF-8, a
            missing column, lines with different numbers of columns, tags that violate their scheme.
    """
    report = ReadReport() if report is None else report
    report.repairs.update({column.task: 0 for column in columns if column.task not in report.repairs})
    if limit == 0:
        return
    form = Form(separator, comments, word_column)
    read = width = first = 0
    first_row: list[str] = []
    for start, rows in read_blocks(path, form, report):
        if not width:
            report.width = width = len(rows[0])
            first, first_row = start, rows[0]
            _check_columns(path, start, rows[0], columns, word_column)
        if set(map(len, rows)) != {width}:
            index, row = next((index, row) for index, row in enumerate(rows) if len(row) != width)
            raise _ragged(path, start + index, row, first, first_row, separator)
        # A corpus has few distinct strings: keep each in memory once.
        by_column = [tuple(map(sys.intern, values)) for values in zip(*rows, strict=True)]
        places = _Places(start, rows)
        if "" in by_column[word_column]:
            line, text = places[by_column[word_column].index("")]
            raise DataError.at(path, line, f"no word in {quote(text)}", f"one in column {word_column}")
        tags = tuple(
            read_tags(path, places, column, _values(by_column[column.index], column), repair, report)
            for column in columns
        )
        read += 1
        report.add_sentence(len(rows))
        words = by_column[word_column]
        yield Sentence(words if separator is None else tuple(map(whole_word, words)), tags, start)
        if read == limit:
            return
    if not read:
        raise DataError(f"{path}: found no sentence; expected one token on each line, with its tags in columns")


class _Places:
    """For each token of a sentence the number of its line and its text, which is joined only on demand."""

    def __init__(self, start: int, rows: list[list[str]]) -> None:
        self.start, self.rows = start, rows

    def __getitem__(self, index: int) -> tuple[int, str]:
        return self.start + index, " ".join(self.rows[index])


def read_blocks(path: Path, form: Form, report: ReadReport) -> Iterator[Block]:
    """The sentences as the fields of their lines; marks of documents and comments are counted in `report`.

    Raises:
        DataError: As in `read_lines`; or a sentence is too long.
    """
    start, rows = 0, []
    waiting: list[tuple[int, str]] = []
    width: int | None = None
    fields_of = split_fields if form.separator is None else form.fields
    for number, line in read_lines(path):
        if form.comments and not rows and line.startswith("#"):
            waiting.append((number, line))
            continue
        fields = fields_of(line)
        token = bool(fields) and fields[0] != DOCUMENT_START
        if waiting:
            width = len(fields) if token else width
            start, rows = _without_comments(waiting, form, width, report)
            waiting = []
        if token:
            start = start if rows else number
            rows.append(fields)
            if len(rows) > LONGEST_SENTENCE:
                check_length(path, start, rows)
            continue
        if rows:
            yield start, rows
            rows = []
        if fields:
            report.start_document()
    if waiting:
        start, rows = _without_comments(waiting, form, width, report)
    if rows:
        yield start, rows


def whole_word(word: str) -> str:
    """The word with no-break spaces instead of spaces, so that it stays one word in columns."""
    return sys.intern(word.replace(" ", NO_BREAK_SPACE))


def _without_comments(
    lines: list[tuple[int, str]], form: Form, width: int | None, report: ReadReport
) -> tuple[int, list[list[str]]]:
    """The lines after the comments among lines that begin with #: the number of the first line, and their fields.

    A line is a comment if it has the form of one, has another number of columns, or if the words are not in the first
    column, so that # cannot be a token.
    """
    rows: list[list[str]] = []
    start = 0
    for number, line in lines:
        fields = form.fields(line)
        if not rows and (COMMENT_FORM(line) or len(fields) != width or form.word_column != 0):
            report.comments += 1
            if re.match(r"#\s*newdoc\b", line):
                report.start_document()
            continue
        start = start or number
        rows.append(fields)
    return start, rows


def _values(values: tuple[str, ...], column: Column) -> Sequence[str | None]:
    """The values of a column; None for a cell that is empty or, if allowed, unspecified."""
    if "" not in values and not column.rules.missing:
        return values
    empty = ("", UNSPECIFIED) if column.rules.missing else ("",)
    return [None if value in empty else value for value in values]


def _ragged(
    path: Path, line: int, row: list[str], first: int, first_row: list[str], separator: str | None
) -> DataError:
    """The error for a line with another number of columns than the first line, with the likely reason."""
    text = " ".join(row)
    if all(unicodedata.category(letter) in ("Cf", "Zs", "Cc") for letter in text):
        codes = ", ".join(sorted({f"U+{ord(letter):04X}" for letter in text}))
        actual = f"a line with only invisible characters ({codes})"
        return DataError.at(path, line, actual, "a token, or an empty line; remove the characters")
    separators = "spaces or tabs" if separator is None else "tabs"
    expected = f"{len(first_row)} columns, separated by {separators}, as on line {first}"
    if row[0].startswith("#") or first_row[0].startswith("#"):
        expected += "; if the lines that begin with # are comments, set comments: true"
    elif separator is None:
        expected += "; if only tabs separate columns, and cells can be empty or contain spaces, set separator: tab"
    return DataError.at(path, line, f"{len(row)} columns in {quote(text)}", expected)


def _check_columns(path: Path, line: int, row: list[str], columns: Sequence[Column], word_column: int) -> None:
    needs = {"the words": word_column} | {f"task {column.task}": column.index for column in columns}
    for purpose, index in needs.items():
        needed = index + 1 if index >= 0 else -index
        if needed > len(row):
            expected = f"at least {needed}, because {purpose} should be in column {index} (counted from 0)"
            raise DataError.at(path, line, f"{len(row)} columns in {quote(' '.join(row))}", expected)
