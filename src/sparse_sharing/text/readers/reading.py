"""Reads one split of a corpus in any format, with derived tags beside annotated ones."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from sparse_sharing.config.corpora import CorpusSpec, TaskColumn
from sparse_sharing.errors import ConfigError, DataError
from sparse_sharing.pipeline.layout import text_files
from sparse_sharing.text.readers.columns import Column, read_sentences
from sparse_sharing.text.readers.conll2012 import DocumentFilter, read_document_list, read_documents
from sparse_sharing.text.readers.conllu import Layer, read_conllu
from sparse_sharing.text.readers.jsonl import read_jsonl
from sparse_sharing.text.readers.offsets import read_offsets
from sparse_sharing.text.schemes import convert
from sparse_sharing.text.sentences import ReadReport, Sentence
from sparse_sharing.text.tags import Rules, renamed


def read_split(
    spec: CorpusSpec, paths: Path | Sequence[Path], documents: Path | None, report: ReadReport, limit: int | None = None
) -> Iterator[Sentence]:
    """Stream the sentences of files, or folders of CoNLL-2012 files, with the tags of each task of `spec.tasks`.

    Raises:
        DataError: The text cannot be read, or is malformed; see the reader of each format.
    """
    annotated = [task for task in spec.tasks if task.derive is None]
    sentences = _annotated(spec, files_of_split(paths), annotated, documents, report, limit)
    if len(annotated) == len(spec.tasks):
        yield from sentences
        return
    for sentence in sentences:
        tags = dict(zip((task.name for task in annotated), sentence.tags, strict=True))
        positions = tuple(map(str, range(len(sentence.words))))
        yield Sentence(sentence.words, tuple(tags.get(task.name, positions) for task in spec.tasks), sentence.line)


def in_model_schemes(
    sentences: Iterable[Sentence], tasks: Sequence[TaskColumn]
) -> Iterator[tuple[tuple[str, ...], dict[str, list[str]]]]:
    """The words of each sentence, and its tags by task, in the schemes of the model."""
    for sentence in sentences:
        yield (
            sentence.words,
            {
                task.name: convert(tags, task.scheme, task.model_scheme)
                for task, tags in zip(tasks, sentence.tags, strict=True)
            },
        )


def files_of_split(paths: Path | Sequence[Path]) -> list[Path]:
    """The files of a split: the files themselves, and the CoNLL-2012 files below folders.

    Raises:
        DataError: A folder has no such file.
    """
    all_files = []
    for path in [paths] if isinstance(paths, Path) else paths:
        files = [Path(file) for file in text_files(str(path))]
        if files == [path] and path.is_dir():
            raise DataError(
                f"{path}: has no file whose name ends in gold_conll; expected the CoNLL-2012 files of a split"
            )
        all_files += files
    return all_files


def refuse_shared_documents(files: dict[str, dict[str, Path]]) -> None:
    """Raise DataError if two splits have one document; `files` has the file of each document by split."""
    first_files: dict[str, tuple[str, Path]] = {}
    for split, by_document in files.items():
        for document, path in by_document.items():
            other, where = first_files.setdefault(document, (split, path))
            if other != split:
                raise DataError(
                    f"document {document} is in {other} ({where}) and in {split} ({path}); expected each document in "
                    "one split: correct the lists of documents, or the folders"
                )


def _annotated(
    spec: CorpusSpec,
    paths: Sequence[Path],
    tasks: list[TaskColumn],
    documents: Path | None,
    report: ReadReport,
    limit: int | None,
) -> Iterator[Sentence]:
    if spec.format == "conll2012":
        listed = read_document_list(documents) if documents else None
        chosen = DocumentFilter(spec.skip_domains or (), listed)
        layers = [_layer(task) for task in tasks]
        read = read_documents(paths, layers, documents=chosen, report=report, limit=limit)
        yield from _renamed(read, tasks)
        return
    for path in paths:
        remaining = None if limit is None else limit - report.sentences
        yield from _of_file(spec, path, tasks, report, remaining)


def _of_file(
    spec: CorpusSpec, path: Path, tasks: list[TaskColumn], report: ReadReport, limit: int | None
) -> Iterator[Sentence]:
    """The sentences of one file of any format except CoNLL-2012."""
    if limit == 0:
        return iter(())
    if spec.format == "columns" or spec.format is None:
        columns = [Column(task.name, _column(task), task.scheme, _rules(task)) for task in tasks]
        form = {"word_column": spec.word_column, "separator": spec.separator, "comments": bool(spec.comments)}
        return read_sentences(path, columns, **form, repair=spec.repair, report=report, limit=limit)
    layers = [Layer(task.name, _layer(task), task.scheme, _rules(task)) for task in tasks]
    if spec.format == "conllu":
        surface = spec.multiword == "surface"
        return read_conllu(path, layers, surface=surface, repair=spec.repair, report=report, limit=limit)
    if spec.format == "jsonl":
        return read_jsonl(
            path, layers, words_key=spec.words or "tokens", repair=spec.repair, report=report, limit=limit
        )
    return read_offsets(path, layers, report=report, limit=limit)


def _column(task: TaskColumn) -> int:
    if task.column is None:
        raise ConfigError(f"task '{task.name}': the spec has no column, which column files need")
    return task.column


def _layer(task: TaskColumn) -> str:
    if task.layer is None:
        raise ConfigError(f"task '{task.name}': the spec has no layer, which its format needs")
    return task.layer


def _rules(task: TaskColumn) -> Rules:
    return Rules(task.spelling, task.labels, task.missing)


def _renamed(sentences: Iterable[Sentence], tasks: list[TaskColumn]) -> Iterator[Sentence]:
    """The sentences with labels renamed as in the configuration."""
    for sentence in sentences:
        pairs = zip(sentence.tags, tasks, strict=True)
        tags = tuple(renamed(tags, task.scheme, task.labels) if task.labels else tags for tags, task in pairs)
        yield Sentence(sentence.words, tags, sentence.line)
