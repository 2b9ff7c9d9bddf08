"""Checks the data of a configuration before training."""

import contextlib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain, combinations, product
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from sparse_sharing.config import Config
from sparse_sharing.config.corpora import corpus_spec
from sparse_sharing.config.schema import DEMO, SPLITS, Corpus, Dataset, Task
from sparse_sharing.errors import DataError
from sparse_sharing.inspection import doubts
from sparse_sharing.inspection.findings import Findings
from sparse_sharing.inspection.labels import likely_typos
from sparse_sharing.pipeline import layout
from sparse_sharing.storage.artifacts import write_text
from sparse_sharing.text.collected import document_numbers
from sparse_sharing.text.demo import corpora as demo
from sparse_sharing.text.dev_spans import no_dev_spans, tasks_without_dev_spans
from sparse_sharing.text.flaws import MOST_SHOWN, Flaws, Kind
from sparse_sharing.text.readers.lines import quote
from sparse_sharing.text.readers.reading import read_split, refuse_shared_documents
from sparse_sharing.text.readers.recognise import span_form
from sparse_sharing.text.schemes import misformed
from sparse_sharing.text.sentences import ReadReport, Sentence
from sparse_sharing.text.splits import SPLIT_NUMBERS, assign_splits, cut_development, occurring, sentence_digest
from sparse_sharing.text.vectors import coverage, read_vectors


@dataclass(eq=False)
class CheckedCorpus:
    """A corpus whose files could be read.

    Attributes:
        corpus: its section of the configuration.
        place: its name in messages, after its dataset.
        sentences: by split, each with the tags of `corpus.tasks` in the scheme of the file, repaired if possible.
        documents: by split that has a file, int32 [sentences], the document of each sentence, or None.
        widths: by split that has a file, the number of columns; 0 if the format has no columns.
    """

    corpus: Corpus
    place: str
    sentences: dict[str, list[Sentence]] = field(default_factory=dict)
    documents: dict[str, np.ndarray | None] = field(default_factory=dict)
    widths: dict[str, int] = field(default_factory=dict)

    def words(self, split: str) -> Iterator[tuple[str, ...]]:
        """The words of each sentence of a split."""
        return (sentence.words for sentence in self.sentences[split])

    def tokens(self, split: str) -> int:
        """Number of tokens of a split."""
        return sum(len(sentence.words) for sentence in self.sentences[split])


@contextlib.contextmanager
def demo_files(config: Config) -> Iterator[Path]:
    """A temporary folder with the demo files, if the configuration names any."""
    wanted = any(
        path.startswith(DEMO)
        for dataset in config.data.datasets
        for corpus in dataset.corpora
        for split in SPLITS
        for path in corpus.files(split)
    )
    with TemporaryDirectory() as folder:
        size = config.data.demo
        for corpus in demo.CORPORA if wanted else ():
            counts = {split: getattr(size, split) for split in SPLITS}
            for name, text in demo.generate(corpus, counts, size.seed).items():
                write_text(Path(folder) / corpus / name, text)
        yield Path(folder)


def check_data(config: Config, generated: Path, findings: Findings) -> dict[str, list[CheckedCorpus]]:
    """Read all files that a configuration names, and collect what is wrong.

    Args:
        config: the configuration.
        generated: folder of the demo files.
        findings: problems are added to it.

    Returns:
        The corpora of each dataset that could be read.
    """
    checked = {dataset.name: _check_dataset(config, dataset, generated, findings) for dataset in config.data.datasets}
    if config.data.vectors is not None:
        path = Path(layout.source_path(config, config.data.vectors))
        _check_vectors(config, path, [corpus for corpora in checked.values() for corpus in corpora], findings)
    return checked


def _check_dataset(config: Config, dataset: Dataset, generated: Path, findings: Findings) -> list[CheckedCorpus]:
    corpora = []
    for corpus in dataset.corpora:
        checked = CheckedCorpus(corpus, f"{dataset.name} {corpus.name}")
        documents = {}
        for split in SPLITS:
            if not corpus.files(split):
                continue
            paths = [
                generated / path.removeprefix(DEMO) if path.startswith(DEMO) else Path(layout.source_path(config, path))
                for path in corpus.files(split)
            ]
            if (report := _read(config, split, paths, checked, findings)) is not None:
                documents[split] = report.document_files
        with _as_finding(checked.place, findings):
            refuse_shared_documents(documents)
        if "train" in checked.sentences:
            _cut(checked, findings)
        if all(split in checked.sentences for split in corpus.splits):
            _check_splits(checked, findings)
            _check_same_tags(checked, findings)
            corpora.append(checked)
    for task in dataset.tasks:
        _check_task(config, dataset, task.name, corpora, findings)
    _check_leaks(corpora, findings)
    return corpora


@contextlib.contextmanager
def _as_finding(place: str, findings: Findings) -> Iterator[None]:
    """Turn a DataError into a finding."""
    try:
        yield
    except DataError as error:
        findings.error(place, str(error))


def _read(
    config: Config, split: str, paths: list[Path], checked: CheckedCorpus, findings: Findings
) -> ReadReport | None:
    """Read a split as `prepare` does, and collect all flaws of its tags."""
    corpus = checked.corpus
    spec = corpus_spec(corpus)
    columns = {task.name: task for task in spec.tasks}
    spec = spec.model_copy(update={"tasks": [columns[task.name] for task in corpus.tasks]})
    listed = getattr(corpus.documents, split) if corpus.documents else None
    documents = Path(layout.source_path(config, listed)) if listed else None
    limit = corpus.train_sentences if split == "train" and corpus.train_sentences_seed is None else None
    flaws = Flaws()
    report = ReadReport(flaws=flaws)
    with _as_finding(f"{checked.place} {split}", findings):
        checked.sentences[split] = list(read_split(spec, paths, documents, report, limit))
        checked.documents[split] = document_numbers(report.documents)
    if split not in checked.sentences:
        return None
    name = ", ".join(map(str, paths))
    checked.widths[split] = report.width
    for task in corpus.tasks:
        _tell_flaws(checked, name, task, flaws, findings)
        if repairs := report.repairs.get(task.name):
            place = f"{checked.place} {task.name}"
            findings.warning(place, f"{name}: {repairs:,} tags were repaired to fit scheme {task.scheme}")
        if skipped := report.missing.get(task.name):
            findings.note(f"{checked.place} {task.name}", f"{name}: {skipped:,} tokens have no tag and are skipped")
    if report.comments and corpus.format == "columns":
        findings.note(f"{checked.place} {split}", f"{name}: {report.comments:,} lines are comments")
    if report.documents_repeated:
        count = report.documents_repeated
        what = "1 copy of a document is" if count == 1 else f"{count:,} copies of documents are"
        findings.note(f"{checked.place} {split}", f"{name}: {what} skipped: other files have the same text")
    return report


def _tell_flaws(checked: CheckedCorpus, name: str, task: Task, flaws: Flaws, findings: Findings) -> None:
    """Add one error for each kind of flaw: the count, the first places, and what to do."""
    order = "set repair: true to rewrite them as conlleval reads them"
    kinds: dict[Kind, tuple[str, str]] = {
        "missing": ("tokens have no value", "set missing: skip to exclude them from loss and score"),
        "foreign": ("tags are not span tags", "repair cannot change them"),
        "order": (f"tags break scheme {task.scheme}", order),
    }
    for kind, (what, remedy) in kinds.items():
        if not (count := flaws.counts[task.name, kind]):
            continue
        first_flaws = flaws.first[task.name, kind]
        if kind == "foreign":
            # Tags of no scheme, beside tags of another scheme.
            form = span_form(flaws.foreign[task.name] + Counter({"O": 1, "B-X": 1}))
            remedy = f"they look like {form}" if form else remedy
        if kind == "missing" and task.scheme != "none":
            remedy = "correct the file, or set spelling: loose to read them as outside of spans"
        more = f"\n  and {count - len(first_flaws):,} more" if count > len(first_flaws) else ""
        places = "".join(f"\n  {flaw}" for flaw in first_flaws)
        findings.error(f"{checked.place} {task.name}", f"{name}: {count:,} {what}; {remedy}{places}{more}")


def _cut(checked: CheckedCorpus, findings: Findings) -> None:
    """Cut dev, or dev and test, from train as `prepare` will."""
    corpus, train = checked.corpus, checked.sentences["train"]
    with _as_finding(f"{checked.place} train", findings):
        if corpus.split:
            parts = assign_splits(len(train), corpus.split, corpus.split_seed, checked.documents["train"])
            for split, number in SPLIT_NUMBERS.items():
                checked.sentences[split] = [train[index] for index in np.flatnonzero(parts == number)]
        elif corpus.cuts_dev:
            cut = cut_development(train, corpus.dev_fraction, corpus.split_seed)
            checked.sentences["train"], checked.sentences["dev"] = cut
            tasks = ", ".join(task.name for task in corpus.tasks)
            findings.note(
                checked.place, f"no dev file for {tasks}: {len(cut[1]):,} sentences are cut from train for it"
            )


def _check_splits(checked: CheckedCorpus, findings: Findings) -> None:
    """Add the sizes of the splits, and doubts about their sentences."""
    splits = checked.corpus.splits
    sizes = (f"{split} {len(checked.sentences[split]):,}" for split in splits)
    findings.note(checked.place, f"{', '.join(sizes)} sentences, {sum(map(checked.tokens, splits)):,} tokens")
    if len(set(checked.widths.values())) > 1:
        widths = ", ".join(f"{split} {width}" for split, width in checked.widths.items())
        findings.warning(
            checked.place, f"the files have different numbers of columns ({widths}): are they the same columns?"
        )
    train = list(checked.words("train"))
    doubtful = []
    for split in splits:
        words = list(checked.words(split))
        doubtful += doubts.sentence_breaks(split, words)
        doubtful += doubts.headings(split, words)
        doubtful += doubts.document_marks(split, words)
        doubtful += doubts.hidden_characters(split, words)
        if checked.corpus.format == "columns" and not checked.corpus.comments:
            doubtful += doubts.comment_lines(split, words)
        if split != "train":
            doubtful += doubts.unseen_words(split, train, words)
    annotated = [index for index, task in enumerate(checked.corpus.tasks) if task.derive is None]
    doubtful += doubts.words(train, [Counter(_tags(checked.sentences["train"], index)) for index in annotated])
    for text in doubtful:
        findings.warning(checked.place, text)


def _check_same_tags(checked: CheckedCorpus, findings: Findings) -> None:
    """Warn of two tasks with the same tags."""
    tasks = [(index, task) for index, task in enumerate(checked.corpus.tasks) if task.derive is None]
    for (first, one), (second, other) in combinations(tasks, 2):
        if all(sentence.tags[first] == sentence.tags[second] for sentence in checked.sentences["train"]):
            text = (
                f"tasks '{one.name}' and '{other.name}' have the same tag on every training token: is one column "
                "read twice?"
            )
            findings.warning(checked.place, text)


def _check_leaks(corpora: list[CheckedCorpus], findings: Findings) -> None:
    """Warn of sentences that occur in two splits, of the same or of different corpora of a dataset."""
    digests = {
        (checked, split): np.fromiter(map(sentence_digest, checked.words(split)), np.uint64)
        for checked in corpora
        for split in checked.corpus.splits
    }
    for (checked, split), (other, earlier) in product(digests, digests):
        if SPLITS.index(earlier) >= SPLITS.index(split):
            continue
        split_digests = digests[checked, split]
        if count := int(occurring(split_digests, [digests[other, earlier]]).sum()):
            where = earlier if other is checked else f"{earlier} of {other.corpus.name}"
            share = 100 * count / len(split_digests)
            findings.warning(
                checked.place, f"{count:,} {split} sentences ({share:.1f} %) occur word for word in {where}"
            )


def _check_task(config: Config, dataset: Dataset, task: str, corpora: list[CheckedCorpus], findings: Findings) -> None:
    """Check the dev text and the labels of a task, in all corpora that have it."""
    corpus_names = [corpus.name for corpus, _ in dataset.sources(task)]
    sources = [
        _Source(checked, index, entry)
        for checked in corpora
        for index, entry in enumerate(checked.corpus.tasks)
        if entry.name == task
    ]
    if len(sources) == len(corpus_names):
        _check_dev_spans(config, sources, findings)
        names = sources[0].checked.place if len(corpus_names) == 1 else f"{dataset.name} {' + '.join(corpus_names)}"
        _check_labels(sources, f"{names} {task}", findings)


@dataclass(frozen=True)
class _Source:
    """A corpus that has a task, with the index of the task among its tasks and its entry for the task."""

    checked: CheckedCorpus
    index: int
    task: Task

    def labels(self, split: str) -> Counter[str]:
        """How often each label occurs in a split, under the names that the configuration gives to labels."""
        return _labels(self.checked.sentences.get(split, []), self.index, self.task)


def _check_dev_spans(config: Config, sources: list[_Source], findings: Findings) -> None:
    """Check that the dev text of a task has spans, so that its scores can choose epochs and masks."""
    with_dev = [source for source in sources if "dev" in source.checked.sentences]
    for source in with_dev:
        checked = source.checked
        tags = {
            task.name: set(_tags(checked.sentences["dev"], index)) for index, task in enumerate(checked.corpus.tasks)
        }
        if source.task.name not in [task.name for task in tasks_without_dev_spans(corpus_spec(checked.corpus), tags)]:
            return
    checked, task = with_dev[0].checked, with_dev[0].task.name
    files = [layout.source_path(config, name) for name in checked.corpus.files("dev")]
    findings.error(f"{checked.place} {task}", no_dev_spans(corpus_spec(checked.corpus), task, ", ".join(files) or None))


def _check_labels(sources: list[_Source], place: str, findings: Findings) -> None:
    """Warn of labels that are not in train, that look like typos, that only one corpus has, or that are on every
    token.
    """
    task = sources[0].task
    by_split = {split: sum((source.labels(split) for source in sources), Counter()) for split in SPLITS}
    for text in _own_labels(sources):
        findings.warning(place, text)
    for split in ("dev", "test"):
        if unseen := sorted(set(by_split[split]) - set(by_split["train"])):
            count = sum(by_split[split][label] for label in unseen)
            findings.warning(place, f"only in {split}, not in train: {_listed(unseen)} ({count:,} times)")
        for text in doubts.unseen_tags(split, by_split["train"], by_split[split]):
            findings.warning(place, text)
    everywhere = sum(by_split.values(), Counter())
    for label, meant in likely_typos(everywhere).items():
        findings.warning(place, f"{quote(label)} ({everywhere[label]} times) looks like a typo of {quote(meant)}")
    if task.derive is None and task.scheme == "none":
        for text in doubts.different_tags(everywhere):
            findings.warning(place, text)
        if form := doubts.plain_tags(everywhere):
            text = f"the tags look like span tags, but they are read as plain tags and scored by accuracy; set {form}"
            findings.warning(place, text)
    if len(by_split["train"]) < (2 if task.scheme == "none" else 1):
        only = quote(next(iter(by_split["train"]), "O"))
        findings.warning(
            place, f"every training token has the tag {only}, so there is nothing to learn; check the column"
        )


def _own_labels(sources: list[_Source]) -> Iterator[str]:
    """Labels of one task that only some of its corpora use in training: they may be two names of one thing."""
    labels = {source.checked.corpus.name: source.labels("train") for source in sources}
    every = set().union(*labels.values())
    for name, corpus_labels in labels.items():
        if lacking := sorted(every - set(corpus_labels)):
            yield (
                f"corpus '{name}' never has {_listed(lacking)}; if it uses other names for them, rename those "
                "with labels"
            )


def _labels(sentences: list[Sentence], index: int, task: Task) -> Counter[str]:
    """How often each tag, or each type of span, occurs on a token."""
    tags = Counter(_tags(sentences, index))
    del tags[""]
    if task.scheme == "none":
        return tags
    types: Counter[str] = Counter()
    for tag, count in tags.items():
        if tag != "O":
            types[tag[2:] if misformed([tag], task.scheme) is None else tag] += count
    return types


def _tags(sentences: list[Sentence], index: int) -> Iterator[str]:
    return chain.from_iterable(sentence.tags[index] for sentence in sentences)


def _check_vectors(config: Config, path: Path, corpora: list[CheckedCorpus], findings: Findings) -> None:
    """Check that the vectors can be read, fit the model, and cover the words."""
    word_counts: Mapping[str, Counter[str]] = {
        split: Counter(word for corpus in corpora for sentence in corpus.words(split) for word in sentence)
        for split in SPLITS
    }
    wanted = {form for counts in word_counts.values() for word in counts for form in (word, word.lower())}
    try:
        vectors = read_vectors(path, wanted)
    except DataError as error:
        findings.error("vectors", str(error))
        return
    width = vectors.values.shape[1]
    if width > config.model.vector_width:
        findings.error(
            "vectors", f"{path} has {width} dimensions, but model.word_dimension is smaller; set it to {width}"
        )
    with_vector = frozenset(vectors.words)
    for split, counts in word_counts.items():
        missing = coverage(counts.items(), with_vector, config.data.lowercase)["missing"]
        say = findings.warning if missing > 0.2 else findings.note
        say("vectors", f"{split}: {100 * (1 - missing):.1f} % of the tokens have a vector")


def _listed(labels: list[str]) -> str:
    more = f" and {len(labels) - MOST_SHOWN} more" if len(labels) > MOST_SHOWN else ""
    return ", ".join(map(quote, labels[:MOST_SHOWN])) + more
