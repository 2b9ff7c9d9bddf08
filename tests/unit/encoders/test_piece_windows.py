"""Sentences as windows of pieces: every word reads its own pieces, whatever the length of its sentence."""

import subprocess
import sys

import numpy as np
import pytest
import tiny_transformers
from tiny import encoded

from sparse_sharing.encoders.piece_windows import WindowReader
from sparse_sharing.encoders.pieces import WordTokenizer

WORDS = ["the", "lively", "sailor", "unbelievable", "\u200b", "[SEP]", "outsiders", "12,000", "Museum", "harbours"]
CAPACITY = 12


@pytest.fixture(scope="module")
def tokenizer():
    return WordTokenizer(tiny_transformers.description(tiny_transformers.word_piece()), 0)


@pytest.fixture(scope="module")
def sentences():
    random = np.random.default_rng(0)
    return [[str(word) for word in random.choice(WORDS, length)] for length in (1, 30, 3, 17)]


@pytest.fixture(scope="module")
def text(sentences):
    return encoded(
        [
            (words, {"chunk": ["O"] * len(words), "ner": ["O"] * len(words), "pos": ["N"] * len(words)})
            for words in sentences
        ]
    )


@pytest.mark.parametrize("pooling", ["first", "last", "mean"])
@pytest.mark.parametrize("indices", [[0], [2, 0, 2], [3, 1, 0, 2]])
def test_a_word_reads_its_own_pieces(pooling, indices, tokenizer, sentences, text):
    found = WindowReader(tokenizer, CAPACITY, pooling).read(text, indices)
    words = [word for index in indices for word in sentences[index]]
    pieces = tokenizer.pieces(words)
    read = [found.ids.reshape(-1)[places].tolist() for places in np.split(found.places, found.offsets[1:-1])]
    part = {"first": slice(0, 1), "last": slice(-1, None), "mean": slice(None)}[pooling]
    assert read == [pieces.of(number)[part].tolist() for number in range(len(words))]
    assert found.attended.reshape(-1)[found.places].all()


def test_a_window_has_special_tokens_around_its_pieces_and_then_padding(tokenizer, text):
    found = WindowReader(tokenizer, CAPACITY, "first").read(text, [0, 1, 2, 3])
    assert len(found.ids) > text.sentences
    frame = tokenizer.frame
    for row, attended in zip(found.ids, found.attended, strict=True):
        length = attended.sum()
        assert attended[:length].all()
        assert length <= CAPACITY + frame.size
        assert tuple(row[:1]) == frame.before
        assert tuple(row[length - 1 : length]) == frame.behind
        assert set(row[length:]) <= {frame.padding}


def test_windows_are_made_without_torch():
    code = "import sys, sparse_sharing.encoders.piece_windows; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
