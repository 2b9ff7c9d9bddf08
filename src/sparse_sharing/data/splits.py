"""Cutting a development set from training sentences, and counting sentences that two splits share."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from hashlib import blake2b
from itertools import combinations
from typing import TypeVar

from sparse_sharing.errors import DataError

T = TypeVar("T")

DIGEST_BYTES = 16


def cut_development(sentences: Sequence[T], fraction: float, seed: int) -> tuple[list[T], list[T]]:
    """Split sentences at random into (train, dev), each in its old order and with at least one sentence.

    The cut depends on the number of sentences, the fraction and the seed alone, on every platform. With one seed, a
    larger fraction takes the same dev sentences and more.

    Raises:
        DataError: there are fewer than two sentences.
        ValueError: the fraction is not between 0 and 1.
    """
    if not 0 < fraction < 1:
        raise ValueError(f"fraction {fraction} is not between 0 and 1")
    total = len(sentences)
    if total < 2:
        raise DataError(
            f"found {total} training sentences; expected at least two, to cut a development set from them: "
            "name a development file, or give more training sentences"
        )
    size = min(max(round(total * fraction), 1), total - 1)
    # Ranks by digest stay the same in every version of Python, which random.sample does not promise.
    ranked = sorted(range(total), key=lambda index: _digest(f"{seed} {index}"))
    chosen = set(ranked[:size])
    train = [sentence for index, sentence in enumerate(sentences) if index not in chosen]
    return train, [sentences[index] for index in sorted(chosen)]


def duplicate_counts(splits: Mapping[str, Iterable[tuple[str, ...]]]) -> dict[tuple[str, str], int]:
    """For each pair of splits, in order: how many sentences of the second occur word for word in the first.

    Sentences are tuples of words; one that stands twice in the second split counts twice. Each split is iterated
    once, and only a digest of each different sentence is kept.
    """
    digests = {name: Counter(map(_sentence_digest, sentences)) for name, sentences in splits.items()}
    return {
        (first, second): sum(count for digest, count in digests[second].items() if digest in digests[first])
        for first, second in combinations(digests, 2)
    }


def _sentence_digest(words: tuple[str, ...]) -> bytes:
    # With their lengths, different tuples never become the same text.
    return _digest("".join(f"{len(word)}:{word}" for word in words))


def _digest(text: str) -> bytes:
    return blake2b(text.encode(), digest_size=DIGEST_BYTES).digest()
