"""Cuts a development set from training sentences, and counts sentences that two splits share."""

from collections.abc import Iterable, Mapping, Sequence
from hashlib import blake2b
from itertools import combinations
from typing import TypeVar

import numpy as np

from sparse_sharing.errors import DataError

T = TypeVar("T")

RANK_BYTES = 16
SENTENCE_BYTES = 8
SPLIT_NUMBERS = {"train": 0, "dev": 1, "test": 2}


def cut_development(sentences: Sequence[T], fraction: float, seed: int) -> tuple[list[T], list[T]]:
    """Split sentences at random into (train, dev), each in its old order; `development` chooses dev."""
    chosen = development(len(sentences), fraction, seed).tolist()
    parts: tuple[list[T], list[T]] = ([], [])
    for sentence, is_dev in zip(sentences, chosen, strict=True):
        parts[is_dev].append(sentence)
    return parts


def development(total: int, fraction: float, seed: int) -> np.ndarray:
    """Which of `total` training sentences become dev: bool [total], at least one of each kind.

    The cut depends only on the number of sentences, the fraction and the seed, on every platform. With the same seed, a
    larger fraction takes the same dev sentences and more.

    Raises:
        DataError: there are fewer than two sentences.
        ValueError: the fraction is not between 0 and 1.
    """
    if not 0 < fraction < 1:
        raise ValueError(f"fraction {fraction} is not between 0 and 1")
    if total < 2:
        raise DataError(
            f"found {total} training sentences; expected at least two, to cut a development set from them; "
            "name a development file, or use more training sentences"
        )
    size = min(max(round(total * fraction), 1), total - 1)
    return _first(_ranked(total, str(seed)), size)


def sample(total: int, size: int, seed: int) -> np.ndarray:
    """Which of `total` sentences are in a random sample: bool [total], `size` of them, or all if there are fewer.

    It depends only on the numbers and the seed, on every platform. With the same seed, a larger sample has the same
    sentences and more.
    """
    return _first(_ranked(total, f"sample {seed}"), size)


def _first(ranked: np.ndarray, size: int) -> np.ndarray:
    """The first `size` of ranked numbers: bool [total], True for those."""
    chosen = np.zeros(len(ranked), dtype=bool)
    chosen[ranked[:size]] = True
    return chosen


def _ranked(total: int, label: str) -> np.ndarray:
    """The numbers below `total` in a random order, int64 [total], the same on every platform."""
    # Ranks by digest are the same in every version of Python, which random.sample does not guarantee.
    digests = bytearray()
    for index in range(total):
        digests += _digest(f"{label} {index}", RANK_BYTES)
    high, low = np.frombuffer(digests, ">u8").reshape(total, 2).T
    return np.lexsort((low, high))


def assign_splits(total: int, shares: str, seed: int, documents: np.ndarray | None = None) -> np.ndarray:
    """Which of `total` sentences become train (0), dev (1) and test (2): int8 [total], at least one of each.

    Units are documents if there are any, else sentences, ranked by digest as in `development`: dev and test get units
    until they have their share of the units.

    Args:
        total: number of sentences.
        shares: percent of train, dev and test, such as 80/10/10.
        seed: the seed of the ranking.
        documents: int32 [total], the document of each sentence, counted from 0.

    Raises:
        DataError: There are fewer than three units.
    """
    units = np.arange(total) if documents is None else documents
    count = total if documents is None else int(documents.max()) + 1
    if count < 3:
        what = "sentences" if documents is None else "documents"
        raise DataError(f"found {count} {what}; expected at least three, to split them {shares}")
    _, dev, test = (int(share) / 100 for share in shares.split("/"))
    tested = min(max(1, round(count * test)), count - 2)
    developed = min(max(1, round(count * dev)), count - tested - 1)
    order = _ranked(count, str(seed))
    parts = np.zeros(count, np.int8)
    parts[order[:tested]] = SPLIT_NUMBERS["test"]
    parts[order[tested : tested + developed]] = SPLIT_NUMBERS["dev"]
    return parts[units]


def duplicate_counts(splits: Mapping[str, Iterable[tuple[str, ...]]]) -> dict[tuple[str, str], int]:
    """For each pair of splits, in order: how many sentences of the second occur word for word in the first.

    Sentences are tuples of words; one that occurs twice in the second split counts twice. Each split is iterated
    once, and only a digest of each sentence is kept.
    """
    return shared_sentences(
        {name: np.fromiter(map(sentence_digest, sentences), np.uint64) for name, sentences in splits.items()}
    )


def shared_sentences(digests: Mapping[str, np.ndarray]) -> dict[tuple[str, str], int]:
    """The result of `duplicate_counts`, from the digests of the sentences of each split: uint64 [S]."""
    distinct = {name: np.unique(split_digests) for name, split_digests in digests.items()}

    def shared(first: np.ndarray, second: np.ndarray) -> int:
        if not len(first):
            return 0
        places = np.searchsorted(first, second).clip(max=len(first) - 1)
        return int((first[places] == second).sum())

    return {(first, second): shared(distinct[first], digests[second]) for first, second in combinations(digests, 2)}


def occurring(digests: np.ndarray, known_digests: Sequence[np.ndarray]) -> np.ndarray:
    """Whether each sentence is in any of some splits, bool [S]; all are given as digests, uint64 [S]."""
    return np.isin(digests, np.unique(np.concatenate([np.zeros(0, np.uint64), *known_digests])))


def sentence_digest(words: Iterable[str]) -> int:
    """A digest of a sentence, 64 bits; among millions of sentences, a collision is very unlikely."""
    # The lengths make the text of different tuples different.
    text = "".join(f"{len(word)}:{word}" for word in words)
    return int.from_bytes(_digest(text, SENTENCE_BYTES))


def _digest(text: str, size: int) -> bytes:
    return blake2b(text.encode(), digest_size=size).digest()
