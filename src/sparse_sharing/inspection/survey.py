"""What stands in the columns of files whose meaning is not known yet."""

import re
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sparse_sharing.config.schema import Scheme
from sparse_sharing.data.columns import DOCUMENT_START, read_lines
from sparse_sharing.data.schemes import misformed, repair
from sparse_sharing.errors import DataError

MOST_VALUES = 1000
"""A column with more different values holds text, not tags."""

FEW_VALUES = 30
"""A column with as few values may hold tags however short the file is."""

TOKENS_PER_VALUE = 5
"""In a column of tags each value occurs at least so often on average."""

SPAN_SHARE = 0.98
"""Share of the tokens whose tag must have the form of a span tag; the rest may be slips."""

_fields = re.compile(r"[^ \t]+").findall
_integer = re.compile(r"[+-]?\d+([.-]\d+)?").fullmatch

Rows = tuple[int, list[tuple[str, ...]]]
"""A sentence: the number of its first line, and the fields of each line."""


@dataclass
class ColumnSurvey:
    """What one column holds, over all files of a corpus."""

    index: int
    values: Counter[str] = field(default_factory=Counter)
    by_split: dict[str, Counter[str]] = field(default_factory=dict)
    rewritten: Counter[str] = field(default_factory=Counter)
    """For each span scheme, how many tags repair would change."""
    first_rewritten: dict[str, str] = field(default_factory=dict)
    """For each span scheme, file and line of the first sentence with such a tag."""

    @property
    def tokens(self) -> int:
        """Number of tokens."""
        return self.values.total()

    @property
    def spans(self) -> bool:
        """Whether the values have the form of span tags."""
        if len(self.values) > MOST_VALUES:
            return False
        shaped = {tag: count for tag, count in self.values.items() if not misformed([tag], "iob2")}
        begun = any(tag[0] in "BIS" for tag in shaped)
        return begun and sum(shaped.values()) >= SPAN_SHARE * self.tokens

    @property
    def scheme(self) -> Scheme:
        """The tag scheme: bioes where E- or S- tags occur, else what fewest tags break; none for other values."""
        if not self.spans:
            return "none"
        if any(tag[:2] in ("E-", "S-") for tag in self.values):
            return "bioes"
        return "iob1" if self.rewritten["iob1"] < self.rewritten["iob2"] else "iob2"

    @property
    def numeric(self) -> bool:
        """Whether it counts something: nine in ten of its values are numbers."""
        return sum(count for value, count in self.values.items() if _integer(value)) > 0.9 * self.tokens

    @property
    def is_task(self) -> bool:
        """Whether it can be a tagging task."""
        few = len(self.values) <= max(FEW_VALUES, min(MOST_VALUES, self.tokens / TOKENS_PER_VALUE))
        return len(self.values) > 1 and few and not self.numeric

    @property
    def types(self) -> Counter[str]:
        """The tags, or the types of the spans: what a person has written."""
        if not self.spans:
            return self.values
        types: Counter[str] = Counter()
        for tag, count in self.values.items():
            if tag != "O":
                types[tag[2:] if not misformed([tag], "iob2") else tag] += count
        return types


@dataclass
class CorpusSurvey:
    """What the files of one corpus hold."""

    width: int
    columns: list[ColumnSurvey]
    sentences: dict[str, list[tuple[str, ...]]] = field(default_factory=dict)
    """By split, the words of each sentence."""
    ragged: dict[Path, tuple[int, int, int]] = field(default_factory=dict)
    """Files with lines of another number of columns: how many, the first, and how many columns that has."""
    word_column: int = 0


def survey(files: Mapping[str, Path]) -> CorpusSurvey:
    """Look at the files of a corpus; lines with another number of columns than most are counted and left out.

    Args:
        files: by split.

    Raises:
        DataError: A file cannot be read, is no UTF-8 text or holds no sentence.
    """
    widths: Counter[int] = Counter()
    for path in files.values():
        own = Counter(len(row) for sentence in _sentences(path) for _, row in sentence)
        if not own:
            raise DataError(f"{path}: found no sentence; expected one token in each line, with its tags in columns")
        widths += own
    width = widths.most_common(1)[0][0]
    found = CorpusSurvey(width, [ColumnSurvey(index) for index in range(width)])
    rows_of = {split: list(_whole_sentences(path, found)) for split, path in files.items()}
    for split, path in files.items():
        for column in found.columns:
            _count(column, split, path, rows_of[split])
    words = [column for column in found.columns if not column.numeric]
    found.word_column = max(words or found.columns, key=lambda column: (len(column.values), -column.index)).index
    for split, sentences in rows_of.items():
        found.sentences[split] = [tuple(row[found.word_column] for row in rows) for _, rows in sentences]
    return found


def _sentences(path: Path) -> Iterator[list[tuple[int, list[str]]]]:
    """The sentences of a file as lines of (number, fields)."""
    rows: list[tuple[int, list[str]]] = []
    for number, line in read_lines(path):
        fields = _fields(line)
        if fields and fields[0] != DOCUMENT_START:
            rows.append((number, fields))
        elif rows:
            yield rows
            rows = []
    if rows:
        yield rows


def _whole_sentences(path: Path, found: CorpusSurvey) -> Iterator[Rows]:
    """The first line and the rows of each sentence whose lines all have the usual number of columns."""
    for sentence in _sentences(path):
        odd = [(number, len(row)) for number, row in sentence if len(row) != found.width]
        if odd:
            count, *first = found.ragged.get(path, (0, *odd[0]))
            found.ragged[path] = (count + len(odd), *first)
        else:
            # Few different strings make up a corpus: each is kept in memory once.
            yield sentence[0][0], [tuple(map(sys.intern, row)) for _, row in sentence]


def _count(column: ColumnSurvey, split: str, path: Path, sentences: list[Rows]) -> None:
    """Add the values of one split, and how well they keep to each scheme."""
    tags_of = [(line, [row[column.index] for row in rows]) for line, rows in sentences]
    own = Counter(tag for _, tags in tags_of for tag in tags)
    column.by_split[split] = own
    column.values += own
    if not column.spans:
        return
    for line, tags in tags_of:
        if set(tags) == {"O"}:
            continue
        for scheme in ("iob1", "iob2", "bioes"):
            if changed := repair(tags, scheme)[1]:
                column.rewritten[scheme] += changed
                column.first_rewritten.setdefault(scheme, f"{path}, sentence at line {line}")
