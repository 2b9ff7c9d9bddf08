"""Stage `prepare`: labelled files -> vocabulary, vectors, and encoded train, dev and test text in separate files.

The stage `prepare_task` encodes the tags of each task in separate files, so that a new task changes nothing here.
"""

import logging
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np

from sparse_sharing.config.corpora import SPLITS
from sparse_sharing.errors import ConfigError
from sparse_sharing.pipeline.specs import PrepareSpec
from sparse_sharing.storage.artifacts import Tensor, save_json, save_tensors
from sparse_sharing.text.collected import CollectedText
from sparse_sharing.text.corpus import Corpus, Files, read_corpus
from sparse_sharing.text.splits import occurring
from sparse_sharing.text.spool import Spool
from sparse_sharing.text.vectors import coverage, read_vectors
from sparse_sharing.text.vocabulary import TaskTags, Vocabulary, frequent

log = logging.getLogger(__name__)

OF_TASKS = ("repairs", "missing_tags")
"""The counts of reading that concern tags, which are not read here."""


@dataclass(frozen=True)
class PretrainedVectors:
    """Word vectors under the keys of the vocabulary."""

    by_key: Mapping[str, np.ndarray]
    in_file: frozenset[str]
    dimension: int


def run(
    spec: PrepareSpec, files: Files, vectors: Path | None, output: Path, documents: Mapping[str, Path] | None = None
) -> None:
    """Encode a dataset into the folder `output`; `documents` gives the lists of documents by CORPUS.SPLIT.

    Raises:
        ConfigError: Files of a corpus are missing, or the vectors do not fit the model.
        DataError: A file cannot be read, is malformed, or has no training sentence.
    """
    with Spool(output) as spool:
        corpora = [read_corpus(corpus, files, documents or {}, spool) for corpus in spec.corpora]
        write(spec, corpora, vectors, output)


def write(spec: PrepareSpec, corpora: list[Corpus], vectors: Path | None, output: Path) -> None:
    """Encode corpora that have been read."""
    word_counts = {split: Counter[str]() for split in SPLITS}
    for corpus in corpora:
        for split, text in corpus.texts.items():
            word_counts[split] += text.word_counts()
    pretrained = load_vectors(spec, vectors, sum(word_counts.values(), Counter()))
    vocabulary = build_vocabulary(spec, word_counts["train"], pretrained)
    save_json(output / "vocabulary.json", "words", spec, vocabulary.words_to_json())
    rows, has_vector = vector_rows(vocabulary, pretrained)
    save_tensors(output / "vectors.safetensors", "vectors", spec, {"vectors": rows, "has_vector": has_vector})
    splits = {}
    for split in SPLITS:
        present = [corpus for corpus in corpora if split in corpus.texts]
        tensors: dict[str, Tensor] = {}
        for corpus in present:
            text, repeated = corpus.texts[split], leaked(corpora, corpus, split)
            tensors |= text.to_tensors(corpus.spec.name, vocabulary, pretrained.by_key, pretrained.dimension, repeated)
        splits[split] = summarise_split(corpora, split, word_counts[split], pretrained, vocabulary)
        sentences = {corpus.spec.name: corpus.texts[split].digest() for corpus in present}
        save_tensors(output / f"{split}.safetensors", "text", spec, tensors, {"corpora": sentences})
    summary = {
        "words": len(vocabulary.words),
        "characters": len(vocabulary.characters),
        "vectors": {"dimension": pretrained.dimension, "words_found": int(has_vector.sum())},
        "splits": splits,
        "leaks": leaks(corpora),
    }
    save_json(output / "summary.json", "summary", spec, summary)
    report(summary)


def report(summary: Mapping) -> None:
    """Log what was read, with warnings of what may make scores wrong."""
    for split, values in summary["splits"].items():
        for corpus, read in values["corpora"].items():
            log.info("%s %s: %d sentences, %d tokens", corpus, split, read["sentences"], read["tokens"])
        log.info("%s: %.2f %% of the tokens are unknown words", split, 100 * values["unknown_words"])
    for leak in summary["leaks"]:
        if leak["sentences"]:
            text = "%(corpus)s %(split)s: %(sentences)d sentences also occur in %(in_corpus)s %(in_split)s"
            log.warning(text, leak)


def load_vectors(spec: PrepareSpec, path: Path | None, words: Iterable[str]) -> PretrainedVectors:
    """The vectors of the words that occur, under the keys by which the vocabulary looks words up.

    Raises:
        ConfigError: The vectors are wider than the model's word embedding.
    """
    if (path is not None) != spec.vectors:
        raise ConfigError(
            "the spec and the option --vectors do not agree: expected both or neither to have word vectors"
        )
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
    spec: PrepareSpec,
    word_counts: Counter[str],
    vectors: PretrainedVectors,
    tasks: Mapping[str, TaskTags] | None = None,
) -> Vocabulary:
    """The vocabulary of the training text: its words and characters, and the tags of tasks if they are given."""
    keys: Counter[str] = Counter()
    characters: Counter[str] = Counter()
    for word, count in word_counts.items():
        keys[word.lower() if spec.lowercase else word] += count
        for character in word[: spec.maximum_characters]:
            characters[character] += count
    return Vocabulary(
        words=frequent(keys, spec.minimum_word_count, always=vectors.by_key),
        characters=frequent(characters, spec.minimum_character_count),
        tasks=tasks or {},
        lowercase=spec.lowercase,
        maximum_characters=spec.maximum_characters,
    )


def vector_rows(vocabulary: Vocabulary, vectors: PretrainedVectors) -> tuple[np.ndarray, np.ndarray]:
    """The vector of each word id, float32 [V, D], zero if it has none, and whether it has one, bool [V]."""
    rows = np.zeros((vocabulary.word_count, vectors.dimension), dtype=np.float32)
    has_vector = np.zeros(vocabulary.word_count, dtype=bool)
    for word, index in vocabulary.word_ids.items():
        if word in vectors.by_key:
            rows[index], has_vector[index] = vectors.by_key[word], True
    return rows, has_vector


def summarise_split(
    corpora: Sequence[Corpus],
    split: str,
    word_counts: Counter[str],
    vectors: PretrainedVectors,
    vocabulary: Vocabulary,
) -> dict:
    """The summary of a split: facts that matter for the scores on it."""
    word_ids, keyed = vocabulary.word_ids, vectors.by_key
    unknown = sum(
        count
        for word, count in word_counts.items()
        if (key := vocabulary.key(word)) not in word_ids and key not in keyed
    )
    summary = {
        corpus.spec.name: {
            **{key: value for key, value in corpus.summary[split].items() if key not in OF_TASKS},
            "sentences": len(corpus.texts[split].lengths),
            "tokens": len(corpus.texts[split].tokens),
            "documents": count_documents(corpus.texts[split]),
            "leaked": int(flags.sum()) if (flags := leaked(corpora, corpus, split)) is not None else 0,
        }
        for corpus in corpora
        if split in corpus.texts
    }
    return {
        "corpora": summary,
        "unknown_words": unknown / max(1, word_counts.total()),
        "vector_coverage": coverage(word_counts.items(), vectors.in_file, vocabulary.lowercase),
    }


def leaked(corpora: Sequence[Corpus], corpus: Corpus, split: str) -> np.ndarray | None:
    """Whether each sentence of a split is also in an earlier split of any corpus, bool [S]; None for train."""
    earlier = SPLITS[: SPLITS.index(split)]
    earlier_digests = [other.digests[name] for other in corpora for name in earlier]
    return occurring(corpus.digests[split], earlier_digests) if earlier else None


def leaks(corpora: Sequence[Corpus]) -> list[dict]:
    """For each dev and test split of a corpus, how many of its sentences are in each earlier split of any corpus."""
    return [
        {
            "corpus": corpus.spec.name,
            "split": split,
            "in_corpus": other.spec.name,
            "in_split": earlier,
            "sentences": int(occurring(corpus.digests[split], [other.digests[earlier]]).sum()),
        }
        for corpus, other in product(corpora, corpora)
        for split in SPLITS
        for earlier in SPLITS[: SPLITS.index(split)]
        if split in corpus.texts and earlier in other.texts
    ]


def count_documents(text: CollectedText) -> int | None:
    """The number of documents of a text; None if it is not divided into documents."""
    return None if text.documents is None else int(text.documents[-1]) + 1
