"""Random text from the words of a vocabulary, on which models can be compared without any corpus."""

import numpy as np

from sparse_sharing.text.encoded import EncodedText, encode_text
from sparse_sharing.text.vocabulary import Vocabulary

SENTENCES, LONGEST = 400, 40
"""Number of sentences of the random text."""

UNKNOWN_EVERY = 10
"""One in this many random words consists of random characters; the vocabulary lacks most of these words."""


def random_text(vocabulary: Vocabulary, seed: int = 0) -> EncodedText:
    """Random sequences of words of a vocabulary, and of words made of its characters."""
    return encode_text(((sentence, {}) for sentence in random_sentences(vocabulary, seed)), vocabulary, (), {}, 0)


def random_sentences(vocabulary: Vocabulary, seed: int = 0) -> list[list[str]]:
    """The sentences of `random_text`."""
    random = np.random.default_rng(seed)
    characters = list(vocabulary.characters) or ["a"]
    words = list(vocabulary.words)

    def word() -> str:
        if words and random.integers(UNKNOWN_EVERY):
            return words[random.integers(len(words))]
        return "".join(characters[random.integers(len(characters))] for _ in range(random.integers(1, 10)))

    return [[word() for _ in range(random.integers(1, LONGEST + 1))] for _ in range(SENTENCES)]
