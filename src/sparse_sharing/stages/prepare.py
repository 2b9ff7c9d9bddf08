"""Stage `prepare`: column files -> vocabulary, vectors, and encoded train, dev and test text in separate files."""

import hashlib
import logging
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from sparse_sharing.artifacts import file_digest, save_json, save_tensors
from sparse_sharing.config.corpora import SPLITS, CorpusSpec
from sparse_sharing.config.specs import PrepareSpec
from sparse_sharing.data.columns import ReadReport, Sentence
from sparse_sharing.data.reading import files_of_split, read_split
from sparse_sharing.data.schemes import convert
from sparse_sharing.data.splits import cut_development, duplicate_counts
from sparse_sharing.data.text import EncodedText, encode_text
from sparse_sharing.data.vectors import coverage, read_vectors
from sparse_sharing.data.vocabulary import UNKNOWN_WORD, TaskTags, Vocabulary, frequent
from sparse_sharing.errors import ConfigError

log = logging.getLogger(__name__)

Files = Mapping[str, Mapping[str, Path]]
"""For each split the file of each corpus."""


@dataclass
class Corpus:
    """The sentences of a corpus by split, and what reading them showed."""

    spec: CorpusSpec
    sentences: dict[str, list[Sentence]] = field(default_factory=dict)
    summary: dict[str, dict] = field(default_factory=dict)

    @property
    def tasks(self) -> list[str]:
        """Names of the tasks annotated here."""
        return [task.name for task in self.spec.tasks]


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
    corpora = [read_corpus(corpus, files, documents or {}) for corpus in spec.corpora]
    words = {split: Counter(w for c in corpora for s in c.sentences[split] for w in s.words) for split in SPLITS}
    pretrained = load_vectors(spec, vectors, sum(words.values(), Counter()))
    vocabulary = build_vocabulary(spec, corpora, words["train"], pretrained)
    save_json(output / "vocabulary.json", "vocabulary", spec, vocabulary.to_json())
    rows, has_vector = vector_rows(vocabulary, pretrained)
    save_tensors(output / "vectors.safetensors", "vectors", spec, {"vectors": rows, "has_vector": has_vector})
    splits = {}
    for split in SPLITS:
        texts = {corpus.spec.name: encode(corpus, split, vocabulary, pretrained) for corpus in corpora}
        splits[split] = summarise_split(corpora, split, texts, words[split], pretrained, spec.lowercase)
        tensors = {name: array for corpus, text in texts.items() for name, array in text.to_tensors(corpus).items()}
        unseen = {corpus: text.unseen_tags for corpus, text in texts.items()}
        save_tensors(output / f"{split}.safetensors", "text", spec, tensors, {"corpora": unseen})
    summary = {
        "words": len(vocabulary.words),
        "characters": len(vocabulary.characters),
        "tags": {task: len(tags.tags) for task, tags in vocabulary.tasks.items()},
        "vectors": {"dimension": pretrained.dimension, "words_found": int(has_vector.sum())},
        "splits": splits,
        "duplicates": {corpus.spec.name: duplicates(corpus) for corpus in corpora},
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
    for corpus, pairs in summary["duplicates"].items():
        for pair, count in pairs.items():
            if count:
                log.warning("%s: %d sentences stand word for word in another split (%s)", corpus, count, pair)


def read_corpus(spec: CorpusSpec, files: Files, documents: Mapping[str, Path]) -> Corpus:
    """Read all splits of a corpus; a missing dev split is cut from the training sentences."""
    corpus = Corpus(spec)
    for split in SPLITS:
        path = files.get(split, {}).get(spec.name)
        if path is None:
            if split == "dev" and spec.dev_fraction is not None:
                continue
            raise ConfigError(f"corpus '{spec.name}': no {split} file was given (--{split} {spec.name}=FILE)")
        listed = documents.get(f"{spec.name}.{split}")
        if (listed is not None) != (split in (spec.documents or ())):
            raise ConfigError(
                f"corpus '{spec.name}': the spec and the option --documents {spec.name}.{split}=FILE disagree on "
                "whether there is a list of documents"
            )
        report = ReadReport()
        limit = spec.train_sentences if split == "train" else None
        corpus.sentences[split] = list(read_split(spec, path, listed, report, limit))
        corpus.summary[split] = {
            "file": path.name,
            "sha256": split_digest(path),
            "document_starts": report.document_starts,
            "repairs": report.repairs,
        }
        if spec.format == "conll2012":
            corpus.summary[split]["documents_skipped"] = report.documents_skipped
    if "dev" not in corpus.sentences:
        cut = cut_development(corpus.sentences["train"], spec.dev_fraction, spec.split_seed)
        corpus.sentences["train"], corpus.sentences["dev"] = cut
        share = f"{spec.dev_fraction:g} of the training sentences, cut with seed {spec.split_seed}"
        corpus.summary["dev"] = {"cut": share}
    return corpus


def split_digest(path: Path) -> str:
    """SHA-256 of a file; of a folder, that over the names and digests of the files that are read in it."""
    if not path.is_dir():
        return file_digest(path)
    lines = (f"{file_digest(file)} {file.relative_to(path).as_posix()}\n" for file in files_of_split(path))
    return hashlib.sha256("".join(lines).encode()).hexdigest()


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
    spec: PrepareSpec, corpora: Iterable[Corpus], words: Counter[str], vectors: PretrainedVectors
) -> Vocabulary:
    """The vocabulary of the training text: its words, its characters, the tags of each task."""
    keys: Counter[str] = Counter()
    characters: Counter[str] = Counter()
    for word, count in words.items():
        keys[word.lower() if spec.lowercase else word] += count
        for character in word[: spec.maximum_characters]:
            characters[character] += count
    tasks = {}
    for corpus in corpora:
        for index, task in enumerate(corpus.spec.tasks):
            sequences = {sentence.tags[index] for sentence in corpus.sentences["train"]}
            tags = {tag for tags in sequences for tag in convert(tags, task.scheme, task.model_scheme)}
            tasks[task.name] = TaskTags(tuple(sorted(tags)), task.scheme, task.model_scheme, task.metric)
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


def encode(corpus: Corpus, split: str, vocabulary: Vocabulary, vectors: PretrainedVectors) -> EncodedText:
    """Encode one split of a corpus, its tags converted to the model's schemes."""

    def sentences() -> Iterable[tuple[tuple[str, ...], dict[str, list[str]]]]:
        for sentence in corpus.sentences[split]:
            yield (
                sentence.words,
                {
                    task.name: convert(tags, task.scheme, task.model_scheme)
                    for task, tags in zip(corpus.spec.tasks, sentence.tags, strict=True)
                },
            )

    return encode_text(sentences(), vocabulary, corpus.tasks, vectors.by_key, vectors.dimension)


def summarise_split(
    corpora: Iterable[Corpus],
    split: str,
    texts: Mapping[str, EncodedText],
    words: Counter[str],
    vectors: PretrainedVectors,
    lowercase: bool,
) -> dict:
    """What a person should know about a split before believing a score on it."""
    unknown = sum(int((text.surface_words[text.tokens] == UNKNOWN_WORD).sum()) for text in texts.values())
    summary = {
        corpus.spec.name: {
            **corpus.summary[split],
            "sentences": texts[corpus.spec.name].sentences,
            "tokens": len(texts[corpus.spec.name].tokens),
            "tags_not_in_training": {t: list(tags) for t, tags in texts[corpus.spec.name].unseen_tags.items() if tags},
        }
        for corpus in corpora
    }
    return {
        "corpora": summary,
        "unknown_words": unknown / max(1, words.total()),
        "vector_coverage": coverage(words.items(), vectors.found, lowercase),
    }


def duplicates(corpus: Corpus) -> dict[str, int]:
    """For each pair of splits, how many sentences of the second stand in the first word for word."""
    words = {split: (sentence.words for sentence in corpus.sentences[split]) for split in SPLITS}
    return {f"{second} in {first}": count for (first, second), count in duplicate_counts(words).items()}
