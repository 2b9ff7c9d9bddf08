"""Reader of CoNLL-U files (Universal Dependencies): UPOS, XPOS, and tags that stand in MISC."""

import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from sparse_sharing.data.columns import ReadReport, Sentence, check_length, quote, read_lines, valid_tags
from sparse_sharing.data.schemes import OUTSIDE, Scheme
from sparse_sharing.errors import DataError

COLUMNS = 10
FORM, MISC = 1, 9
TAG_COLUMNS = {"upos": 3, "xpos": 4}
UNSPECIFIED = "_"
NO_BREAK_SPACE = "\u00a0"

_new_document = re.compile(r"#\s*newdoc\b").match
_word_id = re.compile(r"[1-9][0-9]*").fullmatch
_other_id = re.compile(r"[1-9][0-9]*-[1-9][0-9]*|[0-9]+\.[1-9][0-9]*").fullmatch


@dataclass(frozen=True)
class Layer:
    """The tags of a task: `upos`, `xpos` or `misc:KEY`, and their scheme."""

    task: str
    name: str
    scheme: Scheme


def read_conllu(
    path: Path,
    layers: Sequence[Layer],
    *,
    repair: bool = False,
    report: ReadReport | None = None,
    limit: int | None = None,
) -> Iterator[Sentence]:
    """Stream the sentences of a CoNLL-U file, UTF-8, plain or gzip.

    The tokens are the syntactic words: ranges of multiword tokens (`1-2`) and empty nodes (`1.1`) are left out, and so
    are comments, except that `# newdoc` begins a document. A space inside a word becomes a no-break space. A word whose
    MISC lacks the key is outside every span. `repair`, `report` and `limit` are those of `read_sentences`.

    Raises:
        DataError: at the sentence where it shows: a missing, unreadable, damaged or empty file; a line that has not
            ten columns, or whose number is not the next one; a tag that is missing or breaks its scheme.
    """
    report = ReadReport() if report is None else report
    report.repairs.update({layer.task: 0 for layer in layers if layer.task not in report.repairs})
    read = 0
    for rows in _blocks(path, report):
        words = tuple(sys.intern(fields[FORM].replace(" ", NO_BREAK_SPACE)) for _, fields in rows)
        tags = tuple(_layer(path, rows, layer, repair, report) for layer in layers)
        read += 1
        report.add_sentence(len(rows))
        yield Sentence(words, tags, rows[0][0])
        if read == limit:
            return
    if not read:
        raise DataError(f"{path}: found no sentence; expected CoNLL-U, a word with ten columns in each line")


def _layer(
    path: Path, rows: list[tuple[int, list[str]]], layer: Layer, repair: bool, report: ReadReport
) -> tuple[str, ...]:
    tags = tuple(sys.intern(_tag(path, number, fields, layer)) for number, fields in rows)
    places = [(number, "\t".join(fields)) for number, fields in rows]
    return valid_tags(path, places, layer.task, layer.scheme, tags, repair, report)


def _tag(path: Path, number: int, fields: list[str], layer: Layer) -> str:
    if layer.name in TAG_COLUMNS:
        tag = fields[TAG_COLUMNS[layer.name]]
    else:
        key = layer.name.partition(":")[2] + "="
        entries = (entry.removeprefix(key) for entry in fields[MISC].split("|") if entry.startswith(key))
        tag = next(entries, UNSPECIFIED if layer.scheme == "none" else OUTSIDE)
    if tag == UNSPECIFIED or not tag:
        expected = f"one for task {layer.task}; is this layer annotated in the file?"
        raise DataError.at(path, number, f"no {layer.name} in {quote(chr(9).join(fields))}", expected)
    return tag


def _blocks(path: Path, report: ReadReport) -> Iterator[list[tuple[int, list[str]]]]:
    """The words of each sentence: the number of the line, and its fields. Marks of documents are noted in `report`."""
    rows: list[tuple[int, list[str]]] = []
    for number, line in read_lines(path):
        if _new_document(line):
            if rows:
                yield rows
                rows = []
            report.start_document()
        elif line.startswith("#"):
            continue
        elif line.strip():
            fields = line.split("\t")
            if _is_word(path, number, line, fields, len(rows) + 1):
                rows.append((number, fields))
                check_length(path, rows[0][0], rows)
        elif rows:
            yield rows
            rows = []
    if rows:
        yield rows


def _is_word(path: Path, number: int, line: str, fields: list[str], expected_id: int) -> bool:
    """Whether a line is a syntactic word, the next one of its sentence."""
    if len(fields) != COLUMNS:
        raise DataError.at(path, number, f"{len(fields)} columns in {quote(line)}", f"{COLUMNS}, separated by tabs")
    if _other_id(fields[0]):
        return False
    if not _word_id(fields[0]) or int(fields[0]) != expected_id:
        expected = f"{expected_id}, or a range as 1-2, or an empty node as 1.1"
        raise DataError.at(path, number, f"the number {quote(fields[0])}", expected)
    if not fields[FORM]:
        raise DataError.at(path, number, f"no word in {quote(line)}", "a word in the second column")
    return True
