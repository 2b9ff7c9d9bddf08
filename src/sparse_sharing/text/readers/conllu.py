"""Reader of CoNLL-U files (Universal Dependencies) and CoNLL-U Plus: columns by name, and tags in MISC."""

import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from sparse_sharing.config.formats import COLUMN, MISC
from sparse_sharing.errors import DataError
from sparse_sharing.text.readers.columns import whole_word
from sparse_sharing.text.readers.lines import check_length, quote, read_lines
from sparse_sharing.text.schemes import OUTSIDE, Scheme, Span, read_spans, write_tags
from sparse_sharing.text.sentences import ReadReport, Sentence
from sparse_sharing.text.tags import PLAIN, UNSPECIFIED, Rules, read_tags

COLUMNS = ("ID", "FORM", "LEMMA", "UPOS", "XPOS", "FEATS", "HEAD", "DEPREL", "DEPS", "MISC")
"""The columns of a file that does not name them; CoNLL-U Plus names them on its first line."""

_names_of_columns = re.compile(r"#\s*global\.columns\s*=\s*(.+)").match
_new_document = re.compile(r"#\s*newdoc\b").match
_word_id = re.compile(r"[1-9][0-9]*").fullmatch
_other_id = re.compile(r"[1-9][0-9]*-[1-9][0-9]*|[0-9]+\.[1-9][0-9]*").fullmatch

RANGE = "first-last"
"""The cell in which the first word of a multiword token has the number of its last word, then the form of the token."""

Row = tuple[int, dict[str, str]]
"""A word: the number of its line, and its cells by column name."""


@dataclass(frozen=True)
class Layer:
    """The tags of a task: `upos`, `xpos`, `misc:KEY` or `column:NAME`, and how they are read."""

    task: str
    name: str
    scheme: Scheme
    rules: Rules = PLAIN

    @property
    def value(self) -> str:
        """The name of a value of this layer, for messages."""
        return self.name


def read_conllu(
    path: Path,
    layers: Sequence[Layer],
    *,
    surface: bool = False,
    repair: bool = False,
    report: ReadReport | None = None,
    limit: int | None = None,
) -> Iterator[Sentence]:
    """Stream the sentences of a CoNLL-U or CoNLL-U Plus file, UTF-8, plain or gzip.

    The tokens are the syntactic words: ranges of multiword tokens (`1-2`) and empty nodes (`1.1`) are skipped, and so
    are comments, except that `# newdoc` begins a document. With `surface`, a multiword token is one token instead of
    its words: its tag is theirs joined by +, and spans over any of its words cover it. A space inside a word becomes a
    no-break space. A word whose MISC lacks the key is outside every span. `repair`, `report` and `limit` are those of
    `read_sentences`.

    Raises:
        DataError: At the first bad sentence: a missing, unreadable, damaged or empty file; a line with the wrong number
            of columns, or with another number than the next one; a layer that the file does not have; a tag that is
            missing or breaks its scheme.
    """
    report = ReadReport() if report is None else report
    report.repairs.update({layer.task: 0 for layer in layers if layer.task not in report.repairs})
    read = 0
    for rows in read_rows(path, report):
        words = tuple(whole_word(cells["FORM"]) for _, cells in rows)
        tags = tuple(_layer(path, rows, layer, repair, report) for layer in layers)
        if surface and any(RANGE in cells for _, cells in rows):
            places = _surface_places(rows)
            words = _surface_words(rows, words)
            tags = tuple(
                _joined(layer_tags, layer.scheme, places) for layer_tags, layer in zip(tags, layers, strict=True)
            )
        read += 1
        report.add_sentence(len(words))
        yield Sentence(words, tags, rows[0][0])
        if read == limit:
            return
    if not read:
        raise DataError(f"{path}: found no sentence; expected CoNLL-U, a word with ten columns on each line")


def _layer(path: Path, rows: list[Row], layer: Layer, repair: bool, report: ReadReport) -> tuple[str, ...]:
    values = [_value(path, number, cells, layer) for number, cells in rows]
    places = [(number, "\t".join(cells[name] for name in cells if name != RANGE)) for number, cells in rows]
    return read_tags(path, places, layer, values, repair, report)


def _value(path: Path, number: int, cells: dict[str, str], layer: Layer) -> str | None:
    """The value of a layer for a word; None if it is unspecified."""
    column = "MISC" if layer.name.startswith(MISC) else layer.name.removeprefix(COLUMN).upper()
    if column not in cells:
        columns = ", ".join(quote(name)[1:-1] for name in cells if name != RANGE)
        actual = f"no column {column} for task {layer.task}, only {columns}"
        raise DataError.at(path, number, actual, "a layer that the file has")
    if column == "MISC" and layer.name.startswith(MISC):
        key = layer.name.removeprefix(MISC) + "="
        entries = (entry.removeprefix(key) for entry in cells[column].split("|") if entry.startswith(key))
        # If spans are annotated in MISC, words outside them need no entry.
        value = next(entries, UNSPECIFIED if layer.scheme == "none" else OUTSIDE)
    else:
        value = cells[column]
    return None if value in (UNSPECIFIED, "") else value


def read_rows(path: Path, report: ReadReport) -> Iterator[list[Row]]:
    """The words of each sentence. Document marks and comments are counted in `report`."""
    columns, multiword = COLUMNS, ""
    rows: list[Row] = []
    for number, line in read_lines(path):
        if line.startswith("#"):
            report.comments += 1
            if number == 1 and (names := _names_of_columns(line)):
                columns = _columns(path, names[1].split())
            if _new_document(line):
                if rows:
                    yield rows
                    rows = []
                report.start_document()
        elif line.strip():
            cells = line.split("\t")
            if _is_word(path, number, line, cells, columns, len(rows) + 1):
                word = dict(zip(columns, cells, strict=True))
                rows.append((number, word | {RANGE: multiword} if multiword else word))
                check_length(path, rows[0][0], rows)
                multiword = ""
            elif (last := cells[columns.index("ID")].partition("-")[2]) and int(last) > len(rows) + 1:
                multiword = f"{last} {cells[columns.index('FORM')]}"
        elif rows:
            yield rows
            rows = []
    if rows:
        yield rows


def _surface_places(rows: list[Row]) -> list[int]:
    """For each word of a sentence the index of its token, counted from 0, if multiword tokens are tokens."""
    places: list[int] = []
    last = 0
    for number, (_, cells) in enumerate(rows, start=1):
        places.append(places[-1] if number <= last else places[-1] + 1 if places else 0)
        if RANGE in cells and number > last:
            last = int(cells[RANGE].partition(" ")[0])
    return places


def _surface_words(rows: list[Row], words: tuple[str, ...]) -> tuple[str, ...]:
    """The tokens of a sentence as they are in the text."""
    places = _surface_places(rows)
    firsts = [index for index, place in enumerate(places) if index == 0 or place != places[index - 1]]
    forms = ((rows[index][1].get(RANGE, "").partition(" ")[2], words[index]) for index in firsts)
    return tuple(whole_word(form) if form else word for form, word in forms)


def _joined(tags: tuple[str, ...], scheme: Scheme, places: list[int]) -> tuple[str, ...]:
    """The tags of tokens from those of their words; of two spans in one token the first is used."""
    total = places[-1] + 1
    if scheme == "none":
        parts: list[list[str]] = [[] for _ in range(total)]
        for place, tag in zip(places, tags, strict=True):
            parts[place].append(tag)
        return tuple(sys.intern("+".join(token_parts) if all(token_parts) else "") for token_parts in parts)
    spans: list[Span] = []
    for span in read_spans(tags, scheme):
        start, end = places[span.start], places[span.end - 1] + 1
        if not spans or spans[-1].end <= start:
            spans.append(Span(span.type, start, end))
    return tuple(map(sys.intern, write_tags(spans, total, scheme)))


def _columns(path: Path, names: list[str]) -> tuple[str, ...]:
    """The columns that a CoNLL-U Plus file names."""
    columns = tuple(name.upper() for name in names)
    if missing := [name for name in ("ID", "FORM") if name not in columns]:
        raise DataError.at(path, 1, f"the columns {quote(', '.join(names))}", f"{missing[0]} among them")
    return columns


def _is_word(path: Path, number: int, line: str, cells: list[str], columns: Sequence[str], expected_id: int) -> bool:
    """Whether a line is a syntactic word, the next one of its sentence."""
    if len(cells) != len(columns):
        raise DataError.at(path, number, f"{len(cells)} columns in {quote(line)}", f"{len(columns)}, separated by tabs")
    identifier = cells[columns.index("ID")]
    if _other_id(identifier):
        return False
    if not _word_id(identifier) or int(identifier) != expected_id:
        expected = f"{expected_id}, or a range such as 1-2, or an empty node such as 1.1"
        raise DataError.at(path, number, f"the number {quote(identifier)}", expected)
    if not cells[columns.index("FORM")]:
        raise DataError.at(path, number, f"no word in {quote(line)}", "a word in the column FORM")
    return True
