"""Stage `prepare`: column files -> vocabulary, vectors, and encoded train, dev and test text in separate files."""

import logging
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from pathlib import Path

import numpy as np

from sparse_sharing.config.corpora import SPLITS, CorpusSpec
from sparse_sharing.errors import ConfigError, DataError
from sparse_sharing.pipeline.specs import PrepareSpec
from sparse_sharing.storage.artifacts import save_json, save_tensors
from sparse_sharing.text.collected import CollectedText, collect_text, document_numbers
from sparse_sharing.text.dev_spans import no_dev_spans, tasks_without_dev_spans
from sparse_sharing.text.flaws import Flaws
from sparse_sharing.text.readers.reading import in_model_schemes, read_split, refuse_shared_documents
from sparse_sharing.text.sentences import ReadReport
from sparse_sharing.text.sources import file_names, split_digest, stamps
from sparse_sharing.text.splits import assign_splits, development, occurring, sample
from sparse_sharing.text.spool import Spool
from sparse_sharing.text.vectors import coverage, read_vectors
from sparse_sharing.text.vocabulary import MISSING_TAG, TaskTags, Vocabulary, frequent

log = logging.getLogger(__name__)

Files = Mapping[str, Mapping[str, Path | Sequence[Path]]]
"""For each split the file or the files of each corpus."""


@dataclass
class Corpus:
    """The text of a corpus by split, and what reading it showed."""

    spec: CorpusSpec
    texts: dict[str, CollectedText] = field(default_factory=dict)
    summary: dict[str, dict] = field(default_factory=dict)


@dataclass(frozen=True)
class PretrainedVectors:
    """Word vectors under the keys of the vocabulary."""

    by_key: Mapping[str, np.ndarray]
    found: frozenset[str]
    dimension: int


def run(
    spec: PrepareSpec, files: Files, vectors: Path | None, output: Path, documents: Mapping[str, Path] | None = None
) -> None:
    """Encode a dataset into the folder `output`; `documents` gives the lists of documents by CORPUS.SPLIT.

    Raises:
        ConfigError: Files are missing for a corpus, or the vectors do not fit the model.
        DataError: A file cannot be read, is malformed, or has no training sentence.
    """
    with Spool(output) as spool:
        corpora = [read_corpus(corpus, files, documents or {}, spool) for corpus in spec.corpora]
        write(spec, corpora, vectors, output)


def write(spec: PrepareSpec, corpora: list[Corpus], vectors: Path | None, output: Path) -> None:
    """Encode corpora that have been read."""
    counts = [{split: corpus.texts[split].word_counts() for split in SPLITS} for corpus in corpora]
    words = {split: sum((own[split] for own in counts), Counter()) for split in SPLITS}
    pretrained = load_vectors(spec, vectors, sum(words.values(), Counter()))
    tags = {task: known for corpus in corpora for task, known in corpus.texts["train"].tags.items()}
    vocabulary = build_vocabulary(spec, words["train"], tags, pretrained)
    save_json(output / "vocabulary.json", "vocabulary", spec, vocabulary.to_json())
    rows, has_vector = vector_rows(vocabulary, pretrained)
    save_tensors(output / "vectors.safetensors", "vectors", spec, {"vectors": rows, "has_vector": has_vector})
    splits = {}
    for split in SPLITS:
        texts = {
            corpus.spec.name: replace(
                corpus.texts[split].encode(vocabulary, pretrained.by_key, pretrained.dimension),
                leaked=leaked(corpora, corpus, split),
            )
            for corpus in corpora
        }
        unseen = {corpus: text.unseen_tags for corpus, text in texts.items()}
        splits[split] = summarise_split(corpora, split, unseen, words[split], pretrained, vocabulary)
        tensors = {name: array for corpus, text in texts.items() for name, array in text.to_tensors(corpus).items()}
        save_tensors(output / f"{split}.safetensors", "text", spec, tensors, {"corpora": unseen})
    summary = {
        "words": len(vocabulary.words),
        "characters": len(vocabulary.characters),
        "tags": {task: len(tags.tags) for task, tags in vocabulary.tasks.items()},
        "vectors": {"dimension": pretrained.dimension, "words_found": int(has_vector.sum())},
        "splits": splits,
        "leaks": leaks(corpora),
    }
    save_json(output / "summary.json", "summary", spec, summary)
    report(summary)


def report(summary: Mapping) -> None:
    """Tell the log what was read, and warn of what may spoil a score."""
    for split, values in summary["splits"].items():
        for corpus, read in values["corpora"].items():
            log.info("%s %s: %d sentences, %d tokens", corpus, split, read["sentences"], read["tokens"])
            for task, repairs in read.get("repairs", {}).items():
                if repairs:
                    log.warning("%s %s: %d tags of task '%s' were repaired", corpus, split, repairs, task)
            for task, tags in read["tags_not_in_training"].items():
                log.warning("%s %s: task '%s' has tags that training lacks: %s", corpus, split, task, ", ".join(tags))
        log.info("%s: %.2f %% of the tokens are unknown words", split, 100 * values["unknown_words"])
    for leak in summary["leaks"]:
        if leak["sentences"]:
            text = "%(corpus)s %(split)s: %(sentences)d sentences also occur in %(in_corpus)s %(in_split)s"
            log.warning(text, leak)


def read_corpus(spec: CorpusSpec, files: Files, documents: Mapping[str, Path], spool: Spool) -> Corpus:
    """Read all splits of a corpus; a missing dev split is cut from the training sentences.

    Raises:
        ConfigError: A file is missing.
        DataError: A file cannot be read, or the dev text has no span of a task that is judged by spans.
    """
    corpus = Corpus(spec)
    document_files: dict[str, dict[str, Path]] = {}
    for split in SPLITS:
        path = files.get(split, {}).get(spec.name)
        if not path:
            if (split == "dev" and spec.dev_fraction is not None) or (split != "train" and spec.split):
                continue
            raise ConfigError(f"corpus '{spec.name}': no {split} file was given (--{split} {spec.name}=FILE)")
        listed = documents.get(f"{spec.name}.{split}")
        if (listed is not None) != (split in (spec.documents or ())):
            raise ConfigError(
                f"corpus '{spec.name}': the spec and the option --documents {spec.name}.{split}=FILE disagree on "
                "whether there is a list of documents"
            )
        report = ReadReport(flaws=Flaws())
        drawn = split == "train" and spec.train_sentences_seed is not None
        limit = spec.train_sentences if split == "train" and not drawn else None
        before = stamps(path)
        sentences = in_model_schemes(read_split(spec, path, listed, report, limit), spec.tasks)
        text = collect_text(sentences, [task.name for task in spec.tasks], spool)
        report.flaws.raise_first()
        corpus.texts[split] = replace(text, documents=document_numbers(report.documents))
        if drawn:
            chosen = sample(len(corpus.texts[split].lengths), spec.train_sentences, spec.train_sentences_seed)
            _, corpus.texts[split] = corpus.texts[split].cut(chosen, spool)
        digest = split_digest(path)
        if stamps(path) != before:
            raise DataError(
                f"{file_names(path)}: was changed while it was read; wait until it is complete, and run this again"
            )
        corpus.summary[split] = {
            "file": file_names(path),
            "sha256": digest,
            "document_starts": report.document_starts,
            "comments": report.comments,
            "repairs": report.repairs,
            "missing_tags": report.missing,
        }
        document_files[split] = report.document_files
        if spec.format in ("conll2012", "spans"):
            corpus.summary[split]["documents_skipped"] = report.documents_skipped
            corpus.summary[split]["documents_repeated"] = report.documents_repeated
    refuse_shared_documents(document_files)
    if spec.split:
        _split(corpus, spool)
    elif "dev" not in corpus.texts:
        chosen = development(len(corpus.texts["train"].lengths), spec.dev_fraction, spec.split_seed)
        corpus.texts["train"], corpus.texts["dev"] = corpus.texts["train"].cut(chosen, spool)
        share = f"{spec.dev_fraction:g} of the training sentences, cut with seed {spec.split_seed}"
        corpus.summary["dev"] = {"cut": share}
    if missing := tasks_without_dev_spans(spec, corpus.texts["dev"].tags):
        dev = files.get("dev", {}).get(spec.name)
        named = ", ".join(map(str, [dev] if isinstance(dev, Path) else dev)) if dev else None
        raise DataError(no_dev_spans(spec, missing[0].name, named))
    return corpus


def _split(corpus: Corpus, spool: Spool) -> None:
    """Cut the training text into train, dev and test."""
    whole, spec = corpus.texts["train"], corpus.spec
    parts = assign_splits(len(whole.lengths), spec.split, spec.split_seed, whole.documents)
    rest, corpus.texts["test"] = whole.cut(parts == SPLITS.index("test"), spool)
    corpus.texts["train"], corpus.texts["dev"] = rest.cut(parts[parts < 2] == SPLITS.index("dev"), spool)
    for split in SPLITS[1:]:
        corpus.summary[split] = {"cut": f"split {spec.split} of the training file, drawn with seed {spec.split_seed}"}


def load_vectors(spec: PrepareSpec, path: Path | None, words: Iterable[str]) -> PretrainedVectors:
    """The vectors of the words that occur, under the keys in which the vocabulary looks words up.

    Raises:
        ConfigError: The vectors are wider than the model's word embedding.
    """
    if (path is not None) != spec.vectors:
        raise ConfigError("the spec and the option --vectors disagree on whether there are word vectors")
    if path is None:
        return PretrainedVectors({}, frozenset(), 0)
    keys = {word.lower() if spec.lowercase else word for word in words}
    read = read_vectors(path, keys | {key.lower() for key in keys})
    dimension = read.values.shape[1]
    if dimension > spec.word_dimension:
        raise ConfigError(
            f"data.vectors: {path} has {dimension} dimensions, but model.word_dimension is {spec.word_dimension}; "
            f"set model.word_dimension to at least {dimension}"
        )
    rows = dict(zip(read.words, read.values, strict=True))
    by_key = {key: rows.get(key, rows.get(key.lower())) for key in keys}
    return PretrainedVectors({k: v for k, v in by_key.items() if v is not None}, frozenset(rows), dimension)


def build_vocabulary(
    spec: PrepareSpec, words: Counter[str], tags: Mapping[str, Iterable[str]], vectors: PretrainedVectors
) -> Vocabulary:
    """The vocabulary of the training text: its words, its characters, the tags of each task in the model's scheme."""
    keys: Counter[str] = Counter()
    characters: Counter[str] = Counter()
    for word, count in words.items():
        keys[word.lower() if spec.lowercase else word] += count
        for character in word[: spec.maximum_characters]:
            characters[character] += count
    tasks = {
        task.name: TaskTags(
            tuple(sorted({*tags[task.name]} - {MISSING_TAG})),
            task.scheme,
            task.model_scheme,
            task.metric,
            task.choose_on_dev is not False,
        )
        for corpus in spec.corpora
        for task in corpus.tasks
    }
    return Vocabulary(
        words=frequent(keys, spec.minimum_word_count, always=vectors.by_key),
        characters=frequent(characters, spec.minimum_character_count),
        tasks=tasks,
        lowercase=spec.lowercase,
        maximum_characters=spec.maximum_characters,
    )


def vector_rows(vocabulary: Vocabulary, vectors: PretrainedVectors) -> tuple[np.ndarray, np.ndarray]:
    """The vector of each word id, float32 [V, D], zero where there is none, and bool [V], where there is one."""
    rows = np.zeros((vocabulary.word_count, vectors.dimension), dtype=np.float32)
    has_vector = np.zeros(vocabulary.word_count, dtype=bool)
    for word, index in vocabulary.word_ids.items():
        if word in vectors.by_key:
            rows[index], has_vector[index] = vectors.by_key[word], True
    return rows, has_vector


def summarise_split(
    corpora: Iterable[Corpus],
    split: str,
    unseen_tags: Mapping[str, Mapping[str, tuple[str, ...]]],
    words: Counter[str],
    vectors: PretrainedVectors,
    vocabulary: Vocabulary,
) -> dict:
    """What a person should know about a split before believing a score on it."""
    known, keyed = vocabulary.word_ids, vectors.by_key
    unknown = sum(
        count for word, count in words.items() if (key := vocabulary.key(word)) not in known and key not in keyed
    )
    summary = {
        corpus.spec.name: {
            **corpus.summary[split],
            "sentences": len(corpus.texts[split].lengths),
            "tokens": len(corpus.texts[split].tokens),
            "documents": count_documents(corpus.texts[split]),
            "leaked": int(flags.sum()) if (flags := leaked(corpora, corpus, split)) is not None else 0,
            "spans": {
                task.name: dict(sorted(corpus.texts[split].type_counts(task.name, task.model_scheme).items()))
                for task in corpus.spec.tasks
                if task.scheme != "none"
            },
            "tags_not_in_training": {t: list(tags) for t, tags in unseen_tags[corpus.spec.name].items() if tags},
        }
        for corpus in corpora
    }
    return {
        "corpora": summary,
        "unknown_words": unknown / max(1, words.total()),
        "vector_coverage": coverage(words.items(), vectors.found, vocabulary.lowercase),
    }


def leaked(corpora: Sequence[Corpus], corpus: Corpus, split: str) -> np.ndarray | None:
    """The sentences of a split that are also in an earlier split of any corpus, as bool [S]; none for train."""
    earlier = SPLITS[: SPLITS.index(split)]
    known = [other.texts[name].digests for other in corpora for name in earlier]
    return occurring(corpus.texts[split].digests, known) if earlier else None


def leaks(corpora: Sequence[Corpus]) -> list[dict]:
    """For each dev and test split of a corpus, and each earlier split of any: how many of its sentences are there."""
    return [
        {
            "corpus": corpus.spec.name,
            "split": split,
            "in_corpus": other.spec.name,
            "in_split": earlier,
            "sentences": int(occurring(corpus.texts[split].digests, [other.texts[earlier].digests]).sum()),
        }
        for corpus, other in product(corpora, corpora)
        for split in SPLITS
        for earlier in SPLITS[: SPLITS.index(split)]
    ]


def count_documents(text: CollectedText) -> int | None:
    """How many documents a text has; none where it is not divided into documents."""
    return None if text.documents is None else int(text.documents[-1]) + 1
