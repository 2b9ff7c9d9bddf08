"""A task of several corpora: its sentences are those of all its corpora, concatenated."""

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any

import numpy as np

from sparse_sharing.storage.artifacts import Streamed
from sparse_sharing.text.encoded import EncodedText


def sentences_of(details: Mapping[str, Any]) -> dict[str, str]:
    """The corpora of a file of tags, in order, each with the digest of its sentences."""
    return dict(details["corpora"]) if "corpora" in details else {details["corpus"]: details["sentences"]}


def as_details(sentences: Mapping[str, str]) -> dict[str, Any]:
    """The inverse of `sentences_of`."""
    if len(sentences) != 1:
        return {"corpora": dict(sentences)}
    (corpus, digest), *_ = sentences.items()
    return {"corpus": corpus, "sentences": digest}


def joined_tags(parts: Sequence[Streamed]) -> Streamed:
    """The tags of several texts, concatenated: int32 [N]."""
    length = sum(part.shape[0] for part in parts)
    return Streamed(np.dtype(np.int32), (length,), lambda: chain.from_iterable(part.pieces() for part in parts))


def joined_text(texts: Sequence[EncodedText]) -> EncodedText:
    """Several texts without tags joined to one: a word that several of them have is one surface.

    If only some are divided into documents, each sentence of the others is a document of its own.
    """
    if len(texts) == 1:
        return texts[0]
    numbers: dict[str, int] = {}
    renumbered = [
        np.array([numbers.setdefault(word, len(numbers)) for word in text.surfaces()], np.int32) for text in texts
    ]
    first = np.unique(np.concatenate(renumbered), return_index=True)[1]
    spellings = [word.encode("utf-8") for word in numbers]
    leaked = [text.leaked for text in texts if text.leaked is not None]
    return EncodedText(
        tokens=np.concatenate([new_numbers[text.tokens] for new_numbers, text in zip(renumbered, texts, strict=True)]),
        offsets=np.concatenate([[0], np.cumsum(np.concatenate([text.lengths for text in texts]))]).astype(np.int64),
        surface_words=_word_ids(texts)[first],
        surface_characters=_characters(texts)[first],
        extra=np.concatenate([text.extra for text in texts]),
        spelling=np.frombuffer(b"".join(spellings), np.uint8),
        spelling_ends=np.cumsum([len(word) for word in spellings], dtype=np.int64),
        tags={},
        unseen_tags={},
        documents=_documents(texts),
        leaked=np.concatenate(leaked) if leaked else None,
    )


def _word_ids(texts: Sequence[EncodedText]) -> np.ndarray:
    """The word ids of all surfaces, int32, for the concatenated `extra` of all texts."""
    parts, before = [], 0
    for text in texts:
        # Each row of `extra` has a surface, so the highest ids are those of `extra`.
        first_extra = int(text.surface_words.max(initial=0)) + 1 - len(text.extra)
        is_extra = (text.surface_words >= first_extra) if len(text.extra) else False
        parts.append(text.surface_words + np.where(is_extra, before, 0).astype(np.int32))
        before += len(text.extra)
    return np.concatenate(parts)


def _characters(texts: Sequence[EncodedText]) -> np.ndarray:
    """The character ids of all surfaces, int32 [U, longest], padded with 0."""
    longest = max(text.surface_characters.shape[1] for text in texts)
    rows = [
        np.pad(characters, ((0, 0), (0, longest - characters.shape[1])))
        for characters in (text.surface_characters for text in texts)
    ]
    return np.concatenate(rows)


def _documents(texts: Sequence[EncodedText]) -> np.ndarray | None:
    """The document of each sentence, int32 [S], numbered across texts; None if no text has documents."""
    if all(text.documents is None for text in texts):
        return None
    parts, count = [], 0
    for text in texts:
        documents = np.arange(text.sentences, dtype=np.int32) if text.documents is None else text.documents
        parts.append(documents + np.int32(count))
        count += int(documents[-1]) + 1 if len(documents) else 0
    return np.concatenate(parts)
