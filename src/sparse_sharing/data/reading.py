"""Reading one split of a corpus in any format, with derived tags beside those that are annotated."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from sparse_sharing.config.corpora import CorpusSpec, TaskColumn
from sparse_sharing.config.layout import text_files
from sparse_sharing.data.columns import Column, ReadReport, Sentence, read_sentences
from sparse_sharing.data.conll2012 import DocumentFilter, read_document_list, read_documents
from sparse_sharing.data.conllu import Layer, read_conllu
from sparse_sharing.data.schemes import convert
from sparse_sharing.errors import DataError


def read_split(
    spec: CorpusSpec, path: Path, documents: Path | None, report: ReadReport, limit: int | None = None
) -> Iterator[Sentence]:
    """Stream the sentences of a file, or a folder of CoNLL-2012 files, with the tags of each task of `spec.tasks`.

    Raises:
        DataError: the text cannot be read, or is malformed; the readers of each format say when.
    """
    annotated = [task for task in spec.tasks if task.derive is None]
    for sentence in _annotated(spec, path, annotated, documents, report, limit):
        tags = dict(zip((task.name for task in annotated), sentence.tags, strict=True))
        positions = tuple(map(str, range(len(sentence.words)))) if len(annotated) < len(spec.tasks) else ()
        yield Sentence(sentence.words, tuple(tags.get(task.name, positions) for task in spec.tasks), sentence.line)


def in_model_schemes(
    sentences: Iterable[Sentence], tasks: Sequence[TaskColumn]
) -> Iterator[tuple[tuple[str, ...], dict[str, list[str]]]]:
    """The words of each sentence, and its tags by task, in the schemes that the model is trained on."""
    for sentence in sentences:
        yield (
            sentence.words,
            {
                task.name: convert(tags, task.scheme, task.model_scheme)
                for task, tags in zip(tasks, sentence.tags, strict=True)
            },
        )


def files_of_split(path: Path) -> list[Path]:
    """The files of a split: the file itself, or the CoNLL-2012 files below a folder.

    Raises:
        DataError: there is no such folder or file, or the folder holds no such file.
    """
    files = [Path(file) for file in text_files(str(path))]
    if files == [path] and path.is_dir():
        raise DataError(
            f"{path}: holds no file whose name ends in gold_conll; expected the CoNLL-2012 files of a split"
        )
    return files


def _annotated(
    spec: CorpusSpec,
    path: Path,
    tasks: list[TaskColumn],
    documents: Path | None,
    report: ReadReport,
    limit: int | None,
) -> Iterator[Sentence]:
    if spec.format == "conll2012":
        listed = read_document_list(documents) if documents else None
        chosen = DocumentFilter(spec.skip_domains or (), listed)
        layers = [task.layer for task in tasks]
        return read_documents(files_of_split(path), layers, documents=chosen, report=report, limit=limit)
    if spec.format == "conllu":
        layers = [Layer(task.name, task.layer, task.scheme) for task in tasks]
        return read_conllu(path, layers, repair=spec.repair, report=report, limit=limit)
    columns = [Column(task.name, task.column, task.scheme) for task in tasks]
    return read_sentences(path, columns, word_column=spec.word_column, repair=spec.repair, report=report, limit=limit)
