"""Validates a vocabulary and a text that were read: a digest shows only that they are unchanged since they were
written.

Each function raises ValueError if something is wrong.
"""

from typing import get_args

import numpy as np

from sparse_sharing.text.encoded import EncodedText
from sparse_sharing.text.schemes import Scheme
from sparse_sharing.text.vocabulary import NO_TAG, TaskTags, Vocabulary


def check_vocabulary(vocabulary: Vocabulary) -> None:
    """Check that words, characters and tags are distinct strings, and that schemes are known."""
    _require_names(vocabulary.words, "words")
    _require_names(vocabulary.characters, "characters")
    if not (isinstance(vocabulary.lowercase, bool) and type(vocabulary.maximum_characters) is int):
        raise ValueError("lowercase must be true or false, and maximum_characters a whole number")
    if vocabulary.maximum_characters < 1:
        raise ValueError("maximum_characters must be at least 1")
    for task, tags in vocabulary.tasks.items():
        check_tags(task, tags)


def check_tags(task: str, tags: TaskTags) -> None:
    """Check that the tags of a task are distinct strings, and that its schemes are known."""
    _require_names(tags.tags, f"tags of task {task}")
    if not tags.tags:
        raise ValueError(f"task {task} has no tag")
    for scheme in (tags.scheme, tags.model_scheme):
        if scheme not in get_args(Scheme):
            raise ValueError(f"task {task} has the unknown scheme {scheme!r}")


def _require_names(names: tuple, what: str) -> None:
    if not all(isinstance(name, str) for name in names) or len(set(names)) < len(names):
        raise ValueError(f"the {what} must be distinct strings")


def check_text(text: EncodedText, vocabulary: Vocabulary | None = None) -> None:
    """Check that every index of a text is in range: of tokens, surfaces, letters, and of the vocabulary, if given."""
    surfaces = len(text.surface_words)
    shapes = {"surface_characters": 2, "extra": 2}
    for name in ("tokens", "offsets", "surface_words", "surface_characters", "extra", "spelling", "spelling_ends"):
        array = getattr(text, name)
        if array.ndim != shapes.get(name, 1) or np.issubdtype(array.dtype, np.floating) != (name == "extra"):
            raise ValueError(f"{name} has the wrong type or shape: {array.dtype} {array.shape}")
    if len(text.offsets) == 0 or text.offsets[0] != 0 or text.offsets[-1] != len(text.tokens):
        raise ValueError(f"the sentences do not cover the {len(text.tokens)} tokens")
    if (np.diff(text.offsets) < 1).any():
        raise ValueError("the sentences' offsets do not increase")
    _require_below(text.tokens, surfaces, "surfaces of tokens")
    if not len(text.surface_characters) == len(text.spelling_ends) == surfaces:
        raise ValueError(f"{surfaces} surfaces have {len(text.spelling_ends)} spellings")
    _check_spelling(text)
    if not np.isfinite(text.extra).all():
        raise ValueError("a word vector is not finite")
    if text.documents is not None:
        _check_documents(text.documents, text.sentences)
    if text.leaked is not None and (text.leaked.dtype != bool or text.leaked.shape != (text.sentences,)):
        raise ValueError(f"{text.sentences} sentences have leaked {text.leaked.dtype} {text.leaked.shape}")
    if text.tags.keys() != text.unseen_tags.keys():
        raise ValueError(f"there are tags of {list(text.tags)} for the tasks {list(text.unseen_tags)}")
    for task, tags in text.tags.items():
        if tags.shape != text.tokens.shape:
            raise ValueError(f"{len(text.tokens)} tokens have {tags.shape} tags of task {task}")
    if vocabulary is not None:
        _check_numbers(text, vocabulary)


def _check_documents(documents: np.ndarray, sentences: int) -> None:
    if documents.shape != (sentences,) or not np.issubdtype(documents.dtype, np.integer):
        raise ValueError(f"{sentences} sentences have documents {documents.dtype} {documents.shape}")
    if len(documents) and (documents[0] != 0 or not np.isin(np.diff(documents), (0, 1)).all()):
        raise ValueError("the documents are not numbered from 0 in order")


def _check_spelling(text: EncodedText) -> None:
    ends = text.spelling_ends
    if (ends[-1] if len(ends) else 0) != len(text.spelling) or (np.diff(ends, prepend=0) < 0).any():
        raise ValueError("the surfaces' ends do not increase up to the end of their spelling")
    text.spelling.tobytes().decode("utf-8")
    starts = ends[ends < len(text.spelling)]
    if (text.spelling[starts] & 0xC0 == 0x80).any():
        raise ValueError("a surface ends inside a letter")


def _check_numbers(text: EncodedText, vocabulary: Vocabulary) -> None:
    _require_below(text.surface_words, vocabulary.word_count + len(text.extra), "words")
    _require_below(text.surface_characters, vocabulary.character_count, "characters")
    for task, tags in text.tags.items():
        if task not in vocabulary.tasks:
            raise ValueError(f"the vocabulary has no task {task}")
        tag_count = len(vocabulary.tasks[task].tags) + len(text.unseen_tags[task])
        _require_below(tags, tag_count, f"tags of task {task}", first=NO_TAG)


def _require_below(numbers: np.ndarray, end: int, what: str, first: int = 0) -> None:
    if len(numbers) and (numbers.min() < first or numbers.max() >= end):
        raise ValueError(f"{what} have numbers from {numbers.min()} to {numbers.max()}, but there are {end}")
