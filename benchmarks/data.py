"""Text for the benchmarks: generated with the statistics of CoNLL-2003, or the real corpus if there is one."""

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from sparse_sharing.config.corpora import CorpusSpec, TaskColumn
from sparse_sharing.pipeline.specs import PrepareSpec, PrepareTaskSpec
from sparse_sharing.storage.artifacts import save_json, save_tensors
from sparse_sharing.text.corpus import Files
from sparse_sharing.text.encoded import EncodedText
from sparse_sharing.text.vocabulary import TaskTags, Vocabulary

LENGTHS = (1, 2, 3, 4, 5, 6, 7, 7, 8, 9, 10, 11, 13, 16, 19, 22, 26, 29, 32, 37, 46, 56, 113)
SHARES = (*(step / 20 for step in range(20)), 0.99, 0.999, 1.0)
"""Of the sentences of the CoNLL-2003 training set a share SHARES[i] has at most LENGTHS[i] tokens."""

SENTENCES = {"train": 14_041, "dev": 3_250, "test": 3_453}
WORDS, CHARACTERS = 21_008, 84
SPAN_TYPES = {"chunk": 11, "ner": 4}
PARTS_OF_SPEECH = 45
TASKS = ("chunk", "ner", "pos")

REAL_TASKS = (
    TaskColumn(name="chunk", column=2, scheme="iob2", model_scheme="iob2"),
    TaskColumn(name="ner", column=3, scheme="iob2", model_scheme="bioes"),
    TaskColumn(name="pos", column=1, scheme="none", model_scheme="none"),
)


def corpus_of(tasks: Sequence[TaskColumn], sentences: int | None = None) -> CorpusSpec:
    """The corpus of the measured dataset, with some tasks; `sentences`: the size of the training text; None: all."""
    return CorpusSpec(name="news", word_column=0, repair=False, tasks=list(tasks), train_sentences=sentences)


def spec_of(dimension: int = 100, sentences: int | None = None, vectors: bool = False) -> PrepareSpec:
    """The spec of the text of the measured dataset: one corpus, with or without pretrained vectors."""
    return PrepareSpec(
        dataset="news",
        corpora=[corpus_of([], sentences)],
        lowercase=True,
        minimum_word_count=1,
        minimum_character_count=2,
        maximum_characters=50,
        word_dimension=dimension,
        vectors=vectors,
    )


def task_specs(sentences: int | None = None) -> dict[str, PrepareTaskSpec]:
    """The specs of the tags of the measured dataset: three tasks on the same sentences."""
    return {task.name: PrepareTaskSpec(dataset="news", corpus=corpus_of([task], sentences)) for task in REAL_TASKS}


def prepare_dataset(
    files: Files, folder: Path, spec: PrepareSpec, sentences: int | None = None, vectors: Path | None = None
) -> None:
    """Encode the text of a dataset and the tags of its tasks with the stages `prepare` and `prepare_task`."""
    from sparse_sharing.stages import prepare, prepare_task

    prepare.run(spec, files, vectors, folder)
    for task, task_spec in task_specs(sentences).items():
        prepare_task.run(task_spec, files, folder / "tags" / task)


def generated_vocabulary(word_count: int = WORDS, tasks: tuple[str, ...] = TASKS) -> Vocabulary:
    """`word_count` numbered words; tags as in CoNLL-2003; any other task is another tagging task."""
    tags = {
        "chunk": TaskTags(_span_tags("BI", SPAN_TYPES["chunk"]), "iob2", "iob2"),
        "ner": TaskTags(_span_tags("BIES", SPAN_TYPES["ner"]), "iob2", "bioes"),
    }
    parts = TaskTags(tuple(f"T{tag:02d}" for tag in range(PARTS_OF_SPEECH)), "none", "none")
    return Vocabulary(
        words=tuple(f"w{word}" for word in range(word_count)),
        characters=tuple(chr(33 + character) for character in range(CHARACTERS)),
        tasks={task: tags.get(task, parts) for task in tasks},
        lowercase=True,
        maximum_characters=50,
    )


def generated_text(vocabulary: Vocabulary, sentences: int, seed: int = 1) -> EncodedText:
    """Sentences of random words: lengths from the quantiles above, words from Zipf's law, tags at random.

    A word of rank r occurs with a probability proportional to 1 / (r + 2.7); frequent words are short; an eighth of the
    words, the most frequent, have a second spelling, as if with a capital.
    """
    random = np.random.default_rng(seed)
    lengths = np.interp(random.random(sentences), SHARES, LENGTHS).round().astype(np.int64)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    word_count = vocabulary.word_count - 1
    weights = np.cumsum(1 / (np.arange(word_count) + 2.7))
    ranks = np.searchsorted(weights, random.random(offsets[-1]) * weights[-1]).astype(np.int32)
    doubled = np.arange(word_count, word_count + word_count // 8, dtype=np.int32)
    ranks = np.where((ranks < word_count // 8) & (random.random(len(ranks)) < 0.25), ranks + word_count, ranks)
    surface_words = np.concatenate([np.arange(word_count), doubled - word_count]).astype(np.int32) + 1
    characters = _spellings(len(surface_words), word_count, random)
    spelled = [f"w{surface}".encode() for surface in range(len(surface_words))]
    return EncodedText(
        tokens=ranks.astype(np.int32),
        offsets=offsets,
        surface_words=surface_words,
        surface_characters=characters,
        extra=np.zeros((0, 0), np.float32),
        spelling=np.frombuffer(b"".join(spelled), np.uint8),
        spelling_ends=np.cumsum([len(word) for word in spelled]),
        tags={
            task: random.integers(len(tags.tags), size=offsets[-1], dtype=np.int32)
            for task, tags in vocabulary.tasks.items()
        },
        unseen_tags=dict.fromkeys(vocabulary.tasks, ()),
    )


def prepare_generated(folder: Path) -> Path:
    """Write a generated dataset as the stage `prepare` would; returns the folder."""
    spec, vocabulary = spec_of(), generated_vocabulary()
    if not (folder / "vocabulary.json").exists():
        for seed, (split, sentences) in enumerate(SENTENCES.items(), start=1):
            save_text(folder / f"{split}.safetensors", generated_text(vocabulary, sentences, seed), vocabulary)
        nothing = {"vectors": np.zeros((vocabulary.word_count, 0), np.float32)}
        nothing["has_vector"] = np.zeros(vocabulary.word_count, bool)
        save_tensors(folder / "vectors.safetensors", "vectors", spec, nothing)
        save_json(folder / "vocabulary.json", "words", spec, vocabulary.words_to_json())
    return folder


def save_text(path: Path, text: EncodedText, vocabulary: Vocabulary) -> None:
    """Write one corpus as a split of the measured dataset, and the tags of its tasks."""
    words = replace(text, tags={}, unseen_tags={})
    save_tensors(path, "text", spec_of(), words.to_tensors("news"), {"corpora": {"news": "generated"}})
    about = {"corpus": "news", "split": path.stem, "sentences": "generated", "unseen": []}
    specs = task_specs()
    for task, tags in text.tags.items():
        details = {"task": task, **about, **vocabulary.tasks[task].to_json()}
        spec = specs.get(task, specs["pos"])
        save_tensors(path.parent / "tags" / task / path.name, "tags", spec, {"tags": tags}, details)


def real_corpus() -> Path | None:
    """The folder with train.txt, dev.txt and test.txt of CoNLL-2003 below SPARSE_SHARING_DATA, if there is one."""
    folder = Path(os.environ.get("SPARSE_SHARING_DATA", "../shared/data")) / "conll03"
    return folder if (folder / "train.txt").exists() else None


def prepare_real(source: Path, folder: Path, sentences: int | None = None, vectors: Path | None = None) -> Path:
    """Encode the real corpus, or its first training sentences, with word vectors if given; returns the folder."""
    if not (folder / "vocabulary.json").exists():
        files = {split: {"news": source / f"{split}.txt"} for split in SENTENCES}
        spec = spec_of(sentences=sentences, vectors=vectors is not None)
        prepare_dataset(files, folder, spec, sentences, vectors)
    return folder


def _span_tags(prefixes: str, types: int) -> tuple[str, ...]:
    return ("O", *(f"{prefix}-T{kind:02d}" for kind in range(types) for prefix in prefixes))


def _spellings(surfaces: int, word_count: int, random: np.random.Generator) -> np.ndarray:
    """Character ids int32 [surfaces, 20], padded: 1 + log2 of the rank, give or take three characters, at most 20."""
    ranks = np.arange(surfaces) % word_count
    lengths = np.clip(np.log2(ranks + 2).round() * 0.5 + random.integers(0, 4, surfaces), 1, 20).astype(int)
    rows = random.integers(2, CHARACTERS + 2, (surfaces, 20), dtype=np.int32)
    return np.where(np.arange(20) < lengths[:, None], rows, 0).astype(np.int32)
