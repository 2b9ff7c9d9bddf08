"""Reader of CoNLL-2012 files (OntoNotes): parts of speech, chunks from parse bits, names from the bracket column."""

import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path

from sparse_sharing.errors import DataError
from sparse_sharing.text.chunks import Leaf, Phrase, chunk_spans
from sparse_sharing.text.readers.columns import split_fields
from sparse_sharing.text.readers.lines import check_length, quote, read_lines
from sparse_sharing.text.schemes import Span, write_tags
from sparse_sharing.text.sentences import ReadReport, Sentence

WORD, POS, PARSE, NAMES = 3, 4, 5, 10
"""Columns, counted from 0."""

BRACKETS = {"-LRB-": "(", "-RRB-": ")", "-LSB-": "[", "-RSB-": "]", "-LCB-": "{", "-RCB-": "}"}

_begin = re.compile(r"#begin document \((.+?)\)").match
_parse_bit = re.compile(r"((?:\([^()*\s]+)*)\*(\)*)").fullmatch
_name_bit = re.compile(r"\((?P<type>[^()*\s]+)(?:\*|\*?(?P<alone>\)))|\*(?P<end>\)?)").fullmatch
_escaped_mark = re.compile(r"[/\\][^\w\s]").fullmatch
_escaped_inside = re.compile(r"\\([/*])").sub


@dataclass
class DocumentFilter:
    """Which documents are read: not those of the domains to skip, and only listed ones if there is a list."""

    skip_domains: Sequence[str] = ()
    listed: set[str] | None = None
    found_documents: set[str] = field(default_factory=set)

    def takes(self, document: str) -> bool:
        """Whether a document is read; a document in the list is marked as found."""
        if self.listed is not None:
            if document not in self.listed:
                return False
            self.found_documents.add(document)
        return document.partition("/")[0] not in self.skip_domains

    @property
    def missing(self) -> list[str]:
        """The listed documents that have not been found."""
        return sorted((self.listed or set()) - self.found_documents)


@dataclass
class _Copies:
    """The parts of documents that have been read, to skip copies of them in other files."""

    parts: dict[str, tuple[Path, bytes]] = field(default_factory=dict)
    """For each part of a document its file, and a digest of its lines."""

    def begin(self, part: str) -> bool:
        """Begin a part of a document, named by its first line; returns whether it is a copy."""
        self._part, self._digest = part, blake2b(digest_size=16)
        return part in self.parts

    def add(self, line: str) -> None:
        """Add a line to the part."""
        self._digest.update(line.encode() + b"\n")

    def end(self, path: Path) -> None:
        """End the part, which is in the file `path`; raise DataError if another part with its name has other
        content.
        """
        other, digest = self.parts.setdefault(self._part, (path, self._digest.digest()))
        if digest != self._digest.digest():
            raise DataError(
                f"{path}: {self._part.removeprefix('#begin ')} is also in {other}, with other content; expected each "
                "document once: remove one of the files, or name the folder with the right ones"
            )


def read_document_list(path: Path) -> set[str]:
    """The document ids of a list, one per line, such as bc/cctv/00/cctv_0001.

    Paths are accepted: everything up to `annotations/`, and the suffix of the file (`.v4_gold_conll`), is dropped.

    Raises:
        DataError: the file cannot be read, or names no document.
    """
    ids = {_document_of(line.strip()) for _, line in read_lines(path) if line.strip()}
    if not ids:
        raise DataError(
            f"{path}: names no document; expected one document id on each line, such as bc/cctv/00/cctv_0001"
        )
    return ids


def read_documents(
    files: Sequence[Path],
    layers: Sequence[str],
    *,
    documents: DocumentFilter | None = None,
    report: ReadReport | None = None,
    limit: int | None = None,
) -> Iterator[Sentence]:
    """Stream the sentences of CoNLL-2012 files with the tags of some layers: pos, chunk or ner.

    Names and chunks are written in IOB2. Escaped words are unescaped (`unescape`). With `limit`, reading stops after
    this many sentences, and the rest is not checked. `report` is filled as sentences are consumed. A document in
    several files is read once.

    Raises:
        DataError: a file is missing, unreadable, damaged or cut short; a line has too few columns or an unknown form;
            brackets do not match; no sentence is found; a listed document is in none of the files; two files have one
            document with different content.
    """
    documents = documents or DocumentFilter()
    report = ReadReport() if report is None else report
    first, copies = report.sentences, _Copies()
    for path in files:
        for start, rows in _blocks(path, documents, copies, report):
            sentence = _read_sentence(path, start, rows, layers)
            report.add_sentence(len(rows))
            yield sentence
            if report.sentences - first == limit:
                return
    where = str(files[0]) if len(files) == 1 else f"{files[0].parent} and {len(files) - 1} other files"
    if missing := documents.missing:
        raise DataError(
            f"{where}: {len(missing)} documents of the list are missing, the first is {missing[0]}; "
            "correct the list, or the folder"
        )
    if report.sentences == first:
        skipped = f" ({report.documents_skipped} documents were skipped)" if report.documents_skipped else ""
        raise DataError(f"{where}: found no sentence{skipped}; expected documents in the format of CoNLL-2012")


def unescape(word: str) -> str:
    r"""The word without escapes: `-LRB-` is `(`, `/.` is `.`, `1\/2` is `1/2`."""
    if _escaped_mark(word):
        return word[1:]
    return BRACKETS.get(word) or _escaped_inside(r"\1", word)


def name_spans(bits: Sequence[str]) -> list[Span]:
    """The spans of a bracket column: `(DATE)` is one token, `(PERSON*`, `*` and `*)` begin, continue and end a span.

    Raises:
        ValueError: with the index of the token and what is wrong, as two arguments.
    """
    spans: list[Span] = []
    start, kind = 0, None
    for index, bit in enumerate(bits):
        match = _name_bit(bit)
        if not match:
            raise ValueError(index, "expected (TYPE*, *, *) or (TYPE)")
        opened, closed = match["type"], match["alone"] or match["end"]
        if opened and kind:
            raise ValueError(index, f"a name begins inside {kind}, but names cannot be nested")
        if closed and not (opened or kind):
            raise ValueError(index, "a name ends before it begins")
        if opened:
            start, kind = index, opened
        if closed and kind is not None:
            spans.append(Span(kind, start, index + 1))
            kind = None
    if kind:
        raise ValueError(start, f"{kind} does not end in its sentence")
    return spans


def parse_tree(bits: Sequence[str], tags: Sequence[str]) -> Phrase:
    """The tree of a sentence from its parse bits, such as `(NP*` and `*)`, under a node without label.

    Raises:
        ValueError: with the index of the token and what is wrong, as two arguments.
    """
    root = Phrase("", [])
    open_phrases = [root]
    for index, (bit, tag) in enumerate(zip(bits, tags, strict=True)):
        match = _parse_bit(bit)
        if not match:
            raise ValueError(index, "expected brackets around *, such as (NP* or *))")
        for label in match[1].split("(")[1:]:
            phrase = Phrase(label, [])
            open_phrases[-1].parts.append(phrase)
            open_phrases.append(phrase)
        if len(open_phrases) == 1:
            raise ValueError(index, "the token is in no phrase; is the text parsed?")
        open_phrases[-1].parts.append(Leaf(index, tag))
        if len(match[2]) >= len(open_phrases):
            raise ValueError(index, "more phrases end than have begun")
        del open_phrases[len(open_phrases) - len(match[2]) :]
    if len(open_phrases) > 1:
        raise ValueError(len(bits) - 1, f"{open_phrases[-1].label} does not end in its sentence")
    return root


def _read_sentence(path: Path, start: int, rows: list[list[str]], layers: Sequence[str]) -> Sentence:
    columns = [tuple(map(sys.intern, column)) for column in zip(*rows, strict=True)]
    tags = tuple(_layer(path, start, columns, layer) for layer in layers)
    return Sentence(tuple(sys.intern(unescape(word)) for word in columns[WORD]), tags, start)


def _layer(path: Path, start: int, columns: Sequence[tuple[str, ...]], layer: str) -> tuple[str, ...]:
    if layer == "pos":
        return columns[POS]
    column = NAMES if layer == "ner" else PARSE
    try:
        spans = name_spans(columns[NAMES]) if layer == "ner" else chunk_spans(parse_tree(columns[PARSE], columns[POS]))
    except ValueError as error:
        index, problem = error.args
        actual = f"{quote(columns[column][index])} in column {column} (counted from 0) at {quote(columns[WORD][index])}"
        raise DataError.at(path, start + index, actual, f"matching brackets: {problem}") from error
    return tuple(map(sys.intern, write_tags(spans, len(columns[WORD]), "iob2")))


def _blocks(
    path: Path, documents: DocumentFilter, copies: _Copies, report: ReadReport
) -> Iterator[tuple[int, list[list[str]]]]:
    """The sentences of the wanted documents: the number of the first line, and the fields of all lines."""
    number, start, inside, wanted, copy = 0, 0, False, False, False
    rows: list[list[str]] = []
    for number, line in read_lines(path):
        fields = split_fields(line)
        if fields and not line.startswith(("#begin document", "#end document")):
            if not inside:
                raise DataError.at(path, number, f"{quote(line)} outside a document", "a line '#begin document (ID)'")
            if wanted:
                copies.add(line)
            if wanted and not copy:
                start = start if rows else number
                rows.append(_checked(path, number, fields, rows))
                check_length(path, start, rows)
            continue
        if rows:
            yield start, rows
            rows = []
        if not fields:
            continue
        if inside and wanted:
            copies.end(path)
        inside = fields[0] == "#begin"
        if inside:
            document = _document(path, number, line)
            wanted = documents.takes(document)
            copy = wanted and copies.begin(line.strip())
            if copy:
                report.documents_repeated += 1
            elif wanted:
                report.start_document()
                report.document_files.setdefault(document, path)
            else:
                report.documents_skipped += 1
    if inside:
        raise DataError.at(path, number, "the end of the file", "'#end document'; the file is truncated, get it again")


def _document(path: Path, number: int, line: str) -> str:
    match = _begin(line)
    if not match:
        raise DataError.at(path, number, quote(line), "'#begin document (ID); part NUMBER'")
    return match[1]


def _checked(path: Path, number: int, fields: list[str], rows: list[list[str]]) -> list[str]:
    if len(fields) <= NAMES:
        expected = f"at least {NAMES + 1}, the last of them for names"
        raise DataError.at(path, number, f"{len(fields)} columns in {quote(' '.join(fields))}", expected)
    if rows and len(fields) != len(rows[0]):
        expected = f"{len(rows[0])}, as on the line before"
        raise DataError.at(path, number, f"{len(fields)} columns in {quote(' '.join(fields))}", expected)
    return fields


def _document_of(path: str) -> str:
    folder, slash, name = path.rpartition("annotations/")[2].rpartition("/")
    return f"{folder}{slash}{name.partition('.')[0]}"
