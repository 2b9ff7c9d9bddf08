"""Encoded text: the sentences of one corpus and split as arrays, each distinct word stored once."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np

from sparse_sharing.text.vocabulary import MISSING_TAG, NO_TAG, UNKNOWN_WORD, Vocabulary


@dataclass(frozen=True)
class EncodedText:
    """Sentences of one corpus; a surface is a distinct word as written.

    Attributes:
        tokens: int32 [N], the surface of each token.
        offsets: int64 [S + 1], the index in `tokens` at which each sentence begins; the last entry is N.
        surface_words: int32 [U], the word id of each surface; ids beyond the vocabulary are rows of `extra`.
        surface_characters: int32 [U, C], the character ids of each surface, padded with 0.
        extra: float32 [E, D], vectors of words that are not in the training vocabulary.
        spelling: uint8, the surfaces in UTF-8, concatenated; `spelling_ends` int64 [U] has the end of each.
        tags: for each task int32 [N]; numbers from the size of the task's tags on are in `unseen_tags`, and tokens
            without a tag have NO_TAG.
        unseen_tags: for each task the tags that do not occur in training.
        documents: int32 [S], the document of each sentence, counted from 0; None if the text has fewer than two.
        leaked: bool [S], whether a sentence also occurs, word for word, in a split that a model learns or chooses
            from: for dev in train, for test in train or dev, of any corpus of the dataset; None for train.
    """

    tokens: np.ndarray
    offsets: np.ndarray
    surface_words: np.ndarray
    surface_characters: np.ndarray
    extra: np.ndarray
    spelling: np.ndarray
    spelling_ends: np.ndarray
    tags: Mapping[str, np.ndarray]
    unseen_tags: Mapping[str, tuple[str, ...]]
    documents: np.ndarray | None = None
    leaked: np.ndarray | None = None

    @property
    def sentences(self) -> int:
        """Number of sentences."""
        return len(self.offsets) - 1

    @property
    def lengths(self) -> np.ndarray:
        """int64 [S], tokens of each sentence."""
        return np.diff(self.offsets)

    @cached_property
    def word_counts(self) -> np.ndarray:
        """int64 [U], how many tokens of the text have the word of each surface."""
        by_word = np.bincount(self.surface_words, np.bincount(self.tokens, minlength=len(self.surface_words)))
        return by_word.astype(np.int64)[self.surface_words]

    def spelled(self, surfaces: Iterable[int]) -> list[str]:
        """Some surfaces as written."""
        ends = self.spelling_ends
        return [
            self.spelling[ends[surface - 1] if surface else 0 : ends[surface]].tobytes().decode("utf-8")
            for surface in surfaces
        ]

    def words(self) -> list[list[str]]:
        """The sentences as written."""
        surfaces = self.surfaces()
        flat = [surfaces[token] for token in self.tokens.tolist()]
        return self.by_sentence(flat)

    def surfaces(self) -> list[str]:
        """The distinct words as written, in the order of their numbers."""
        # Cuts one copy of all spellings: cutting them one by one, as `spelled` does for a few, takes twice as long.
        blob, start, surfaces = self.spelling.tobytes(), 0, []
        for end in self.spelling_ends.tolist():
            surfaces.append(blob[start:end].decode("utf-8"))
            start = end
        return surfaces

    def by_sentence(self, flat: Sequence) -> list[list]:
        """Cut a sequence over all tokens into sentences."""
        ends = self.offsets.tolist()
        return [list(flat[start:end]) for start, end in pairwise(ends)]

    def gold_tags(self, task: str, vocabulary: Vocabulary) -> list[list[str]]:
        """The annotated tags of a task, in the model's scheme; MISSING_TAG for a token without one."""
        # NO_TAG is -1, the index of the last name.
        names = (*vocabulary.tasks[task].tags, *self.unseen_tags[task], MISSING_TAG)
        return self.by_sentence([names[tag] for tag in self.tags[task].tolist()])

    def labelled(self, task: str) -> np.ndarray | None:
        """The sentences with a tag of the task on some token, int64 [n]; None if every token has one."""
        if not (self.tags[task] == NO_TAG).any():
            return None
        tagged_before = np.concatenate([[0], np.cumsum(self.tags[task] != NO_TAG)])
        return np.flatnonzero(tagged_before[self.offsets[1:]] > tagged_before[self.offsets[:-1]])

    def to_tensors(self, corpus: str) -> dict[str, np.ndarray]:
        """The arrays, under names with the corpus as prefix."""
        plain = ("tokens", "offsets", "surface_words", "surface_characters", "extra", "spelling", "spelling_ends")
        optional = [name for name in ("documents", "leaked") if getattr(self, name) is not None]
        named = {f"{corpus}/{name}": getattr(self, name) for name in (*plain, *optional)}
        return named | {f"{corpus}/tags/{task}": tags for task, tags in self.tags.items()}

    @classmethod
    def from_tensors(
        cls, corpus: str, tensors: Mapping[str, np.ndarray], unseen_tags: Mapping[str, Sequence[str]]
    ) -> "EncodedText":
        """The inverse of `to_tensors`."""
        arrays = {
            name.removeprefix(f"{corpus}/"): array for name, array in tensors.items() if name.startswith(f"{corpus}/")
        }
        tags = {name.removeprefix("tags/"): arrays.pop(name) for name in list(arrays) if name.startswith("tags/")}
        return cls(**arrays, tags=tags, unseen_tags={task: tuple(names) for task, names in unseen_tags.items()})


def encode_text(
    sentences: Iterable[tuple[Sequence[str], Mapping[str, Sequence[str]]]],
    vocabulary: Vocabulary,
    tasks: Sequence[str],
    vectors: Mapping[str, np.ndarray],
    dimension: int,
) -> EncodedText:
    """Encode sentences, each a (words, tags of each task) pair with tags in the model's scheme.

    A word that is not in the vocabulary gets an extra row if `vectors` (key -> float32 [dimension]) has it.
    """
    surfaces: dict[str, int] = {}
    tag_ids = {task: {tag: i for i, tag in enumerate(vocabulary.tasks[task].tags)} for task in tasks}
    tokens, lengths, tags = [], [], {task: [] for task in tasks}
    for words, tagging in sentences:
        lengths.append(len(words))
        tokens.extend(surfaces.setdefault(word, len(surfaces)) for word in words)
        for task in tasks:
            ids = tag_ids[task]
            tags[task].extend(ids.setdefault(tag, len(ids)) if tag else NO_TAG for tag in tagging[task])
    return EncodedText(
        tokens=np.array(tokens, dtype=np.int32),
        offsets=np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)]).astype(np.int64),
        **surface_tensors(surfaces, vocabulary, vectors, dimension),
        tags={task: np.array(values, dtype=np.int32) for task, values in tags.items()},
        unseen_tags={task: tuple(tag_ids[task])[len(vocabulary.tasks[task].tags) :] for task in tasks},
    )


def surface_tensors(
    surfaces: Collection[str], vocabulary: Vocabulary, vectors: Mapping[str, np.ndarray], dimension: int
) -> dict[str, np.ndarray]:
    """The arrays of an `EncodedText` that depend only on its surfaces, by name."""
    extra: dict[str, int] = {}

    def word_id(word: str) -> int:
        key = vocabulary.key(word)
        if (number := vocabulary.word_ids.get(key)) is not None:
            return number
        return vocabulary.word_count + extra.setdefault(key, len(extra)) if key in vectors else UNKNOWN_WORD

    surface_words = np.array([word_id(surface) for surface in surfaces], dtype=np.int32)
    encoded = [surface.encode("utf-8") for surface in surfaces]
    return {
        "surface_words": surface_words,
        "surface_characters": spell_all(surfaces, vocabulary),
        "extra": np.stack([vectors[key] for key in extra]) if extra else np.zeros((0, dimension), np.float32),
        "spelling": np.frombuffer(b"".join(encoded), dtype=np.uint8),
        "spelling_ends": np.cumsum([len(word) for word in encoded], dtype=np.int64),
    }


def spell_all(words: Collection[str], vocabulary: Vocabulary) -> np.ndarray:
    """int32 [words, longest], the character ids of each word, padded with 0."""
    longest = max((min(len(word), vocabulary.maximum_characters) for word in words), default=1)
    rows = np.zeros((len(words), longest), dtype=np.int32)
    for row, word in zip(rows, words, strict=True):
        ids = vocabulary.spell(word)
        row[: len(ids)] = ids
    return rows
