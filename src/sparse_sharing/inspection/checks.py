"""Checks the data of a configuration before anything is trained on it."""

import contextlib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from sparse_sharing.artifacts import write_text
from sparse_sharing.config import Config, layout
from sparse_sharing.config.corpora import corpus_spec
from sparse_sharing.config.schema import DEMO, SPLITS, Corpus, Dataset, Task
from sparse_sharing.data import demo
from sparse_sharing.data.columns import ReadReport, Sentence, quote
from sparse_sharing.data.dev_spans import no_dev_spans, tasks_without_dev_spans
from sparse_sharing.data.reading import read_split
from sparse_sharing.data.schemes import misformed, repair, violation
from sparse_sharing.data.splits import cut_development, duplicate_counts
from sparse_sharing.data.vectors import coverage, read_vectors
from sparse_sharing.errors import DataError
from sparse_sharing.inspection.findings import Findings
from sparse_sharing.inspection.labels import likely_typos

SHOWN = 3
"""Places that are named of each kind of problem; the rest is counted."""


@dataclass
class CheckedCorpus:
    """A corpus whose files could be read.

    Attributes:
        corpus: its section of the configuration.
        place: what it is called in messages, after its dataset.
        sentences: by split, each with the tags of `corpus.tasks` as they stand in the file.
    """

    corpus: Corpus
    place: str
    sentences: dict[str, list[Sentence]] = field(default_factory=dict)

    def words(self, split: str) -> Iterator[tuple[str, ...]]:
        """The words of each sentence of a split."""
        return (sentence.words for sentence in self.sentences[split])

    def tokens(self, split: str) -> int:
        """Number of tokens of a split."""
        return sum(map(len, self.words(split)))


@contextlib.contextmanager
def demo_files(config: Config) -> Iterator[Path]:
    """A folder with the demo files where the configuration names any, made for the time of the checks."""
    wanted = any(
        path.startswith(DEMO)
        for dataset in config.data.datasets
        for corpus in dataset.corpora
        for path in filter(None, (corpus.train, corpus.dev, corpus.test))
    )
    with TemporaryDirectory() as folder:
        size = config.data.demo
        for corpus in demo.CORPORA if wanted else ():
            counts = {split: getattr(size, split) for split in SPLITS}
            for name, text in demo.generate(corpus, counts, size.seed).items():
                write_text(Path(folder) / corpus / name, text)
        yield Path(folder)


def check_data(config: Config, generated: Path, findings: Findings) -> dict[str, list[CheckedCorpus]]:
    """Read everything that a configuration names, and take down what is wrong.

    Args:
        config: the configuration.
        generated: folder of the demo files.
        findings: gets what is found.

    Returns:
        The corpora of each dataset, as far as they could be read.
    """
    checked = {dataset.name: _check_dataset(config, dataset, generated, findings) for dataset in config.data.datasets}
    if config.data.vectors is not None:
        _check_vectors(config, [corpus for corpora in checked.values() for corpus in corpora], findings)
    return checked


def _check_dataset(config: Config, dataset: Dataset, generated: Path, findings: Findings) -> list[CheckedCorpus]:
    checked = []
    for corpus in dataset.corpora:
        found = CheckedCorpus(corpus, f"{dataset.name} {corpus.name}")
        for split in SPLITS:
            if (path := getattr(corpus, split)) is None:
                continue
            real = generated / path.removeprefix(DEMO) if path.startswith(DEMO) else None
            _read(config, split, real or Path(layout.source_path(config, path)), found, findings)
        if corpus.dev is None and "train" in found.sentences:
            _cut(found, findings)
        if all(split in found.sentences for split in SPLITS):
            _check_splits(found, findings)
            _check_dev_spans(config, found, findings)
            for index, task in enumerate(corpus.tasks):
                _check_labels(found, index, task, findings)
            checked.append(found)
    return checked


def _read(config: Config, split: str, path: Path, found: CheckedCorpus, findings: Findings) -> None:
    """Read a split with its tags as they stand there, then look at the tags."""
    corpus = found.corpus
    spec = corpus_spec(corpus)
    columns = {task.name: task.model_copy(update={"scheme": "none"}) for task in spec.tasks}
    spec = spec.model_copy(update={"tasks": [columns[task.name] for task in corpus.tasks]})
    listed = getattr(corpus.documents, split) if corpus.documents else None
    documents = Path(layout.source_path(config, listed)) if listed else None
    limit = corpus.train_sentences if split == "train" and corpus.train_sentences_seed is None else None
    try:
        sentences = list(read_split(spec, path, documents, ReadReport(), limit))
    except DataError as error:
        findings.error(f"{found.place} {split}", str(error))
        return
    found.sentences[split] = sentences
    for index, task in enumerate(corpus.tasks):
        if task.scheme != "none":
            _check_scheme(found, path, sentences, index, findings)


def _check_scheme(found: CheckedCorpus, path: Path, sentences: list[Sentence], index: int, findings: Findings) -> None:
    """Count the tags that break the scheme, all of them, and name the first."""
    task = found.corpus.tasks[index]
    wrong, strange, places = 0, 0, []
    for sentence in sentences:
        tags = sentence.tags[index]
        problem = violation(tags, task.scheme)
        if problem is None:
            continue
        strange += sum(misformed([tag], task.scheme) is not None for tag in tags)
        wrong += repair(tags, task.scheme)[1]
        if len(places) < SHOWN:
            place = f"{path}:{sentence.line + problem.position}"
            places.append(f"{place}: found {quote(problem.found)}, expected {problem.expected}")
    if not wrong:
        return
    mended = found.corpus.repair and not strange
    say = findings.warning if mended else findings.error
    what = "are repaired" if mended else "break"
    cure = "" if mended else "; set repair: true to have them rewritten as conlleval reads them"
    cure = f"; {strange:,} of them are no span tags, which no repair can mend" if strange else cure
    listed = "".join(f"\n  {place}" for place in places)
    say(f"{found.place} {task.name}", f"{path}: {wrong:,} tags {what} scheme {task.scheme}{cure}{listed}")


def _cut(found: CheckedCorpus, findings: Findings) -> None:
    """Cut dev as `prepare` will."""
    corpus = found.corpus
    try:
        cut = cut_development(found.sentences["train"], corpus.dev_fraction, corpus.split_seed)
    except DataError as error:
        findings.error(f"{found.place} train", str(error))
        return
    found.sentences["train"], found.sentences["dev"] = cut
    tasks = ", ".join(task.name for task in corpus.tasks)
    findings.note(found.place, f"no dev file for {tasks}: {len(cut[1]):,} sentences are cut from train for it")


def _check_splits(found: CheckedCorpus, findings: Findings) -> None:
    """Sizes, and sentences that stand in two splits."""
    sizes = (f"{split} {len(found.sentences[split]):,}" for split in SPLITS)
    findings.note(found.place, f"{', '.join(sizes)} sentences, {sum(map(found.tokens, SPLITS)):,} tokens")
    counts = duplicate_counts({split: found.words(split) for split in SPLITS})
    for (first, second), count in counts.items():
        if count:
            share = 100 * count / len(found.sentences[second])
            findings.warning(
                found.place, f"{count:,} {second} sentences ({share:.1f} %) stand word for word in {first}"
            )


def _check_dev_spans(config: Config, found: CheckedCorpus, findings: Findings) -> None:
    """Whether the dev text can choose anything."""
    spec, sentences = corpus_spec(found.corpus), found.sentences["dev"]
    tags = {
        task.name: {tag for sentence in sentences for tag in sentence.tags[index]}
        for index, task in enumerate(found.corpus.tasks)
    }
    path = None if found.corpus.dev is None else Path(layout.source_path(config, found.corpus.dev))
    for task in tasks_without_dev_spans(spec, tags):
        findings.error(f"{found.place} {task.name}", no_dev_spans(spec, task.name, path))


def _check_labels(found: CheckedCorpus, index: int, task: Task, findings: Findings) -> None:
    """Labels that training lacks, that look like slips, or that are all there is."""
    by_split = {split: _labels(found.sentences[split], index, task) for split in SPLITS}
    place = f"{found.place} {task.name}"
    for split in ("dev", "test"):
        if unseen := sorted(set(by_split[split]) - set(by_split["train"])):
            count = sum(by_split[split][label] for label in unseen)
            findings.warning(place, f"only in {split}, not in train: {_listed(unseen)} ({count:,} times)")
    everywhere = sum(by_split.values(), Counter())
    for label, meant in likely_typos(everywhere).items():
        findings.warning(place, f"{quote(label)} ({everywhere[label]} times) looks like a slip of {quote(meant)}")
    if len(by_split["train"]) < (2 if task.scheme == "none" else 1):
        only = quote(next(iter(by_split["train"]), "O"))
        findings.warning(place, f"every training token has the tag {only}: there is nothing to learn; check the column")


def _labels(sentences: list[Sentence], index: int, task: Task) -> Counter[str]:
    """How often each tag, or each type of span, occurs on a token."""
    tags = Counter(tag for sentence in sentences for tag in sentence.tags[index])
    if task.scheme == "none":
        return tags
    types: Counter[str] = Counter()
    for tag, count in tags.items():
        if tag != "O":
            types[tag[2:] if misformed([tag], task.scheme) is None else tag] += count
    return types


def _check_vectors(config: Config, corpora: list[CheckedCorpus], findings: Findings) -> None:
    """Whether the vectors can be read, fit the model, and know the words."""
    path = Path(layout.source_path(config, config.data.vectors))
    words: Mapping[str, Counter[str]] = {
        split: Counter(word for corpus in corpora for sentence in corpus.words(split) for word in sentence)
        for split in SPLITS
    }
    wanted = {form for counts in words.values() for word in counts for form in (word, word.lower())}
    try:
        vectors = read_vectors(path, wanted)
    except DataError as error:
        findings.error("vectors", str(error))
        return
    width = vectors.values.shape[1]
    if width > config.model.word_dimension:
        findings.error("vectors", f"{path} has {width} dimensions, but model.word_dimension is less: set it to {width}")
    found = frozenset(vectors.words)
    for split, counts in words.items():
        missing = coverage(counts.items(), found, config.data.lowercase)["missing"]
        say = findings.warning if missing > 0.2 else findings.note
        say("vectors", f"{split}: {100 * (1 - missing):.1f} % of the tokens have a vector")


def _listed(labels: list[str]) -> str:
    more = f" and {len(labels) - SHOWN} more" if len(labels) > SHOWN else ""
    return ", ".join(map(quote, labels[:SHOWN])) + more
