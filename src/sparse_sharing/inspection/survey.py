"""Surveys the columns or layers of files whose meaning is not known yet."""

import re
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

from sparse_sharing.config.corpora import COLUMN, LAYERS, MISC
from sparse_sharing.config.formats import Scheme
from sparse_sharing.errors import DataError
from sparse_sharing.text.readers.columns import Form, read_blocks
from sparse_sharing.text.readers.conll2012 import read_documents
from sparse_sharing.text.readers.conllu import Layer, Row, read_rows
from sparse_sharing.text.readers.jsonl import read_records
from sparse_sharing.text.readers.offsets import read_offsets
from sparse_sharing.text.readers.recognise import MOST_VALUES, Recognised, SpanForm, recognise, span_form
from sparse_sharing.text.schemes import OUTSIDE, misformed, repair
from sparse_sharing.text.sentences import ReadReport
from sparse_sharing.text.tags import UNSPECIFIED, loosely
from sparse_sharing.text.transitions import is_valid

FEW_VALUES = 30
"""A column with at most this many values can hold tags, however short the file is."""

TOKENS_PER_VALUE = 5
"""In a column of tags each value must occur at least this often on average."""

MOST_MISSING = 0.5
"""A column in which a larger share of the tokens has no value is not a task."""

_integer = re.compile(r"[+-]?\d+([.-]\d+)?").fullmatch

Cells = list[tuple[str, ...]]
"""The cells of a sentence, column by column."""

Values = list[tuple[Path, int, Sequence[str]]]
"""One column of a split: for each sentence its file, its first line and its values."""


@dataclass
class ColumnSurvey:
    """The content of one column or layer, over all files of a corpus.

    Attributes:
        index: the number of the column.
        layer: its name in the configuration, if the format names its layers.
        fixed: its scheme, if the format defines it.
        values: how often each value occurs; tokens without a value are counted in `missing`.
        by_split: the same by split.
        rewritten: for each span scheme, how many tags repair would change.
        first_rewritten: for each span scheme, file and line of the first sentence with such a tag.
    """

    index: int
    layer: str | None = None
    fixed: Scheme | None = None
    values: Counter[str] = field(default_factory=Counter)
    missing: int = 0
    by_split: dict[str, Counter[str]] = field(default_factory=dict)
    rewritten: Counter[str] = field(default_factory=Counter)
    first_rewritten: dict[str, str] = field(default_factory=dict)

    @property
    def tokens(self) -> int:
        """Number of tokens with a value."""
        return self.values.total()

    @property
    def form(self) -> SpanForm | None:
        """How the values are written as span tags, if only the values show it; None if they are not span tags."""
        return span_form(self.values) if self.fixed is None and len(self.values) <= MOST_VALUES else None

    @property
    def spans(self) -> bool:
        """Whether the values have the form of span tags."""
        if self.fixed is not None:
            return self.fixed != "none"
        return span_form(self.values) is not None

    @property
    def loose(self) -> bool:
        """Whether the values are span tags in another spelling than B-PER."""
        return self.form is not None and (self.form.loose or self.outside_is_empty)

    @property
    def outside_is_empty(self) -> bool:
        """Whether tokens outside of spans have no value, rather than O."""
        return self.missing > 0 and OUTSIDE not in self.values and self.form is not None

    @property
    def scheme(self) -> Scheme:
        """The tag scheme: that of its letters, else the one that the fewest tags break; none for other values."""
        if (form := self.form) is None:
            return self.fixed or "none"
        return form.scheme or ("iob1" if self.rewritten["iob1"] < self.rewritten["iob2"] else "iob2")

    @property
    def numeric(self) -> bool:
        """Whether nine in ten of its values are numbers."""
        return sum(count for value, count in self.values.items() if _integer(value)) > 0.9 * self.tokens

    @property
    def is_task(self) -> bool:
        """Whether it can be a tagging task."""
        few = len(self.values) <= max(FEW_VALUES, min(MOST_VALUES, self.tokens / TOKENS_PER_VALUE))
        numbers = self.numeric and not self.loose
        several = len(self.values) > 1 or self.outside_is_empty
        return several and few and not numbers and not self.often_missing

    @property
    def often_missing(self) -> bool:
        """Whether too many tokens have no value."""
        return self.missing > MOST_MISSING * (self.tokens + self.missing) and not self.outside_is_empty

    @property
    def types(self) -> Counter[str]:
        """The tags, or the types of the spans."""
        if not self.spans:
            return self.values
        types: Counter[str] = Counter()
        for value, count in self.values.items():
            tag = loosely(value) if self.loose else value
            if tag != "O":
                types[tag[2:] if not misformed([tag], self.scheme) else tag] += count
        return types


@dataclass
class CorpusSurvey:
    """The content of the files of one corpus."""

    form: Recognised
    width: int
    columns: list[ColumnSurvey]
    sentences: dict[str, list[tuple[str, ...]]] = field(default_factory=dict)
    """By split, the words of each sentence."""
    ragged: dict[Path, tuple[int, int, int, str]] = field(default_factory=dict)
    """Files with lines that have another number of columns: how many, the first, its number of columns, and its
    text."""
    word_column: int = 0
    comments: int = 0
    """Number of comment lines."""
    documents: int = 0
    """Number of document marks."""


def survey(files: Mapping[str, Sequence[Path]]) -> CorpusSurvey:
    """Survey the files of a corpus; lines with another number of columns than most are counted and skipped.

    Args:
        files: by split.

    Raises:
        DataError: A file cannot be read, is not UTF-8 text, has no sentence, or has an unknown format.
    """
    forms = {path: recognise(path) for paths in files.values() for path in paths}
    kinds = {form.format for form in forms.values()}
    if len(kinds) > 1:
        listed = ", ".join(f"{path} ({form.format})" for path, form in forms.items())
        raise DataError(f"the files of one corpus have different formats: {listed}; name them as different corpora")
    form = next(iter(forms.values()))
    if form.format == "columns":
        needed = any(file_form.separator == "tab" for file_form in forms.values())
        tabs = needed and all(file_form.tabs for file_form in forms.values())
        comments = any(file_form.comments for file_form in forms.values())
        return _survey_columns(files, Recognised("columns", "tab" if tabs else None, comments))
    return _survey_layers(files, form)


def _survey_columns(files: Mapping[str, Sequence[Path]], form: Recognised) -> CorpusSurvey:
    # With word_column 1 every leading line with # is a comment: the survey does not yet know the column of the words.
    shape, report, widths = Form(form.separator, form.comments), ReadReport(), Counter[int]()
    blocks = {path: list(read_blocks(path, shape, report)) for paths in files.values() for path in paths}
    for path, sentences in blocks.items():
        if not sentences:
            raise DataError(f"{path}: found no sentence; expected one token on each line, with its tags in columns")
        widths += Counter(len(row) for _, rows in sentences for row in rows)
    width = widths.most_common(1)[0][0]
    corpus = CorpusSurvey(form, width, [ColumnSurvey(index) for index in range(width)])
    corpus.comments, corpus.documents = report.comments, report.document_starts
    cells = {
        split: [(path, *sentence) for path in paths for sentence in _whole(path, blocks.pop(path), corpus)]
        for split, paths in files.items()
    }
    for split, sentences in cells.items():
        if not sentences:
            raise DataError(_why_nothing(corpus, files[split]))
    for column in corpus.columns:
        _count(
            column,
            {
                split: [(path, line, by[column.index]) for path, line, by in sentences]
                for split, sentences in cells.items()
            },
        )
    word_columns = [column for column in corpus.columns if not column.numeric]
    corpus.word_column = max(
        word_columns or corpus.columns, key=lambda column: (len(column.values), -column.index)
    ).index
    for split, sentences in cells.items():
        corpus.sentences[split] = [by[corpus.word_column] for _, _, by in sentences]
    return corpus


def _survey_layers(files: Mapping[str, Sequence[Path]], form: Recognised) -> CorpusSurvey:
    """Survey the layers of a format that names them."""
    corpus = CorpusSurvey(form, 0, [])
    layers: dict[str, dict[str, Values]] = {}
    for split, paths in files.items():
        sentences: list[tuple[str, ...]] = []
        for path in paths:
            report = ReadReport()
            for line, sentence, tags in _layered(path, form, report):
                sentences.append(sentence)
                for layer, column in tags.items():
                    layers.setdefault(layer, {}).setdefault(split, []).append((path, line, column))
            corpus.documents += report.document_starts
            corpus.comments += report.comments
        corpus.sentences[split] = sentences
    for index, (layer, values) in enumerate(layers.items()):
        column = ColumnSurvey(index, layer, LAYERS.get(form.format, {}).get(layer))
        _count(column, values)
        corpus.columns += [column] if column.values else []
    corpus.word_column = -1
    return corpus


def _layered(
    path: Path, form: Recognised, report: ReadReport
) -> Iterator[tuple[int, tuple[str, ...], dict[str, list[str]]]]:
    """The first line, the words and the values of each layer of each sentence."""
    if form.format == "conllu":
        for rows in read_rows(path, report):
            yield rows[0][0], tuple(cells["FORM"] for _, cells in rows), _layers_of(rows)
    elif form.format == "jsonl":
        key_of_words = words_key(form)
        for number, record in read_records(path):
            tokens = record.get(key_of_words)
            if isinstance(tokens, list) and tokens:
                tags = {key: value for key, value in record.items() if _fits(value, tokens) and key != key_of_words}
                yield number, tuple(map(str, tokens)), {key: list(map(str, value)) for key, value in tags.items()}
    elif form.format == "conll2012":
        names = _layers_of_documents(path)
        for sentence in read_documents([path], names, report=report):
            yield sentence.line, sentence.words, dict(zip(names, map(list, sentence.tags), strict=True))
    else:
        for sentence in read_offsets(path, [Layer("spans", "spans", "iob2")], report=report):
            yield sentence.line, sentence.words, {"spans": list(sentence.tags[0])}


def _layers_of_documents(path: Path) -> list[str]:
    """The layers of a CoNLL-2012 file that its first sentence has: without parse trees there are no chunks.

    If it has none, all are returned, so that the error of reading them gives the reason.
    """
    readable = []
    for name in LAYERS["conll2012"]:
        try:
            next(read_documents([path], [name], limit=1))
        except DataError:
            continue
        readable.append(name)
    return readable or list(LAYERS["conll2012"])


def words_key(form: Recognised) -> str:
    """The key of the tokens in JSON Lines: the usual one, or else the first list."""
    return next((key for key in ("tokens", "words") if key in form.keys), form.keys[0])


def _fits(value: object, tokens: list) -> bool:
    return isinstance(value, list) and len(value) == len(tokens)


def _layers_of(rows: list[Row]) -> dict[str, list[str]]:
    """The layers of a CoNLL-U sentence that can be tags: UPOS, XPOS, keys of MISC, and columns of CoNLL-U Plus."""
    first = rows[0][1]
    layers = {name.lower(): [cells[name] for _, cells in rows] for name in ("UPOS", "XPOS") if name in first}
    other = set(first) - {"ID", "FORM", "LEMMA", "UPOS", "XPOS", "FEATS", "HEAD", "DEPREL", "DEPS", "MISC"}
    layers |= {f"{COLUMN}{name}": [cells[name] for _, cells in rows] for name in sorted(other)}
    keys = {entry.partition("=")[0] for _, cells in rows for entry in cells.get("MISC", "").split("|") if "=" in entry}
    for key in sorted(keys):
        entries = [dict(entry.split("=", 1) for entry in cells["MISC"].split("|") if "=" in entry) for _, cells in rows]
        values = [entry.get(key, "O") for entry in entries]
        if any(value[:2] in ("B-", "I-", "S-", "U-", "b-", "B_") for value in values):
            layers[f"{MISC}{key}"] = values
    return layers


def _whole(path: Path, blocks: list[tuple[int, list[list[str]]]], corpus: CorpusSurvey) -> Iterator[tuple[int, Cells]]:
    """The first line and the cells of each sentence whose lines all have the usual number of columns."""
    for start, rows in blocks:
        if set(map(len, rows)) != {corpus.width}:
            odd = [(number, row) for number, row in enumerate(rows, start) if len(row) != corpus.width]
            number, row = odd[0]
            count, line, width, text = corpus.ragged.get(path, (0, number, len(row), " ".join(row)))
            corpus.ragged[path] = (count + len(odd), line, width, text)
        else:
            # A corpus has few distinct strings: keep each in memory once.
            yield start, [tuple(map(sys.intern, values)) for values in zip(*rows, strict=True)]


def _why_nothing(corpus: CorpusSurvey, paths: Sequence[Path]) -> str:
    """The message that no sentence of a split can be used."""
    path = next(path for path in paths if path in corpus.ragged)
    count, line, width, text = corpus.ragged[path]
    return (
        f"{path}: every sentence has a line without {corpus.width} columns ({count:,} lines; the first is line {line} "
        f"with {width}: {text[:60]!r}); is it a comment, or a cell that is empty or contains spaces?"
    )


def _count(column: ColumnSurvey, values: Mapping[str, Values]) -> None:
    """Count the values of all splits, and the tags that break each scheme."""
    for split, sentences in values.items():
        counts = Counter(chain.from_iterable(tags for _, _, tags in sentences))
        column.missing += counts.pop("", 0)
        if column.layer is not None:
            column.missing += counts.pop(UNSPECIFIED, 0)
        column.by_split[split] = counts
        column.values += counts
    if not column.spans:
        return
    sentences = [sentence for split_sentences in values.values() for sentence in split_sentences]
    scheme = column.scheme
    _count_rewritten(column, scheme, sentences)
    if column.rewritten["iob2"]:
        # IOB1 and IOB2 have the same letters: the scheme is the one that fewer tags break.
        _count_rewritten(column, "iob1", sentences)


def _count_rewritten(column: ColumnSurvey, scheme: Scheme, sentences: Values) -> None:
    """Count the tags that break a scheme."""
    loose = column.loose
    for path, line, values in sentences:
        tags = [loosely(value) for value in values] if loose else values
        if column.missing:
            tags = [OUTSIDE if tag in ("", UNSPECIFIED) else tag for tag in tags]
        if not is_valid(tags, scheme) and (changed := repair(tags, scheme)[1]):
            column.rewritten[scheme] += changed
            column.first_rewritten.setdefault(scheme, f"{path}, sentence at line {line}")
