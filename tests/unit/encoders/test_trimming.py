"""A tokenizer with fewer pieces splits the words that it was trimmed for as before."""

import json

import numpy as np
import pytest
import tiny_transformers
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny import initialised, vocabulary_of
from tiny_transformers import FAMILIES, TEXT, TOKENIZERS, description
from tokenizers import Tokenizer

from sparse_sharing.encoders.pieces import WordTokenizer
from sparse_sharing.encoders.trimming import trimmed
from sparse_sharing.errors import ConfigError
from sparse_sharing.network.network import Network
from sparse_sharing.text.encoded import encode_text

WORDS = sorted({word for line in TEXT for word in line.split(" ")})
FEW = WORDS[::3]


@pytest.fixture(scope="module", params=list(TOKENIZERS))
def whole(request):
    """A tokenizer as JSON."""
    return description(TOKENIZERS[request.param]())


def small_of(whole, words=FEW):
    tokenizer = WordTokenizer(whole)
    return trimmed(whole, tokenizer.needed(words))


def names_of(text, words):
    """The names of the pieces of each word."""
    tokenizer, names = WordTokenizer(text), Tokenizer.from_str(text)
    pieces = tokenizer.pieces(words)
    return [[names.id_to_token(int(number)) for number in pieces.of(place)] for place in range(len(words))]


def test_the_words_have_the_same_pieces_and_the_vocabulary_is_smaller(whole):
    small, ids = small_of(whole)
    sizes = [WordTokenizer(text).size for text in (whole, small)]
    assert sizes[1] == len(ids) < sizes[0]
    assert names_of(small, FEW) == names_of(whole, FEW)


def test_a_piece_has_the_row_that_it_had(whole):
    small, ids = small_of(whole)
    before, after = (WordTokenizer(text) for text in (whole, small))
    assert np.array_equal(ids[after.pieces(FEW).ids], before.pieces(FEW).ids)
    assert ids[list(after.frame.before)].tolist() == list(before.frame.before)
    assert ids[list(after.frame.behind)].tolist() == list(before.frame.behind)
    added = {token["content"]: token["id"] for token in json.loads(small)["added_tokens"]}
    assert {name: int(ids[number]) for name, number in added.items()} == {
        token["content"]: token["id"] for token in json.loads(whole)["added_tokens"]
    }


@settings(max_examples=60, deadline=None)
@given(words=st.lists(st.text(alphabet="".join(WORDS), min_size=1, max_size=12), min_size=1, max_size=4))
def test_other_words_are_spelled_with_smaller_pieces_and_never_lost(whole, words):
    small, _ = small_of(whole)
    for before, after in zip(names_of(whole, words), names_of(small, words), strict=True):
        unknown = [{"[UNK]", "<unk>"} & set(names) for names in (before, after)]
        assert bool(unknown[1]) <= bool(unknown[0])
        assert unknown[1] or "".join(after).replace("##", "") == "".join(before).replace("##", "")


def test_a_trimmed_tokenizer_can_be_trimmed_again_without_a_change(whole):
    small, _ = small_of(whole)
    again, ids = small_of(small)
    assert json.loads(again) == json.loads(small)
    assert ids.tolist() == list(range(len(ids)))


@pytest.mark.parametrize("family", FAMILIES)
def test_states_of_the_words_are_bit_identical(family, tmp_path):
    section = tiny_transformers.section(tiny_transformers.save(tmp_path / family, family))
    vocabulary = vocabulary_of(["pos"])
    network = initialised(section, vocabulary)
    smaller, values = network.encoder.trimmed(section, network.copy_values(), FEW)
    small = Network(smaller, vocabulary)
    small.load(values)
    (table,) = network.rows
    assert len(small.rows[table]) < len(network.rows[table])
    text = encode_text([(FEW, {}), (FEW[::-1], {})], vocabulary, (), {}, 0)
    found = []
    for own in (network, small):
        own.encoder.eval()
        batch = own.encoder.batch(text, range(2))
        with torch.no_grad():
            found.append(own.encoder.states(own.gather(batch), batch, 1))
    assert torch.equal(*found)


def test_an_encoder_without_pieces_refuses():
    from tiny import network_of

    network = network_of()
    with pytest.raises(ConfigError, match="--trim: encoder 'bilstm' has no vocabulary of pieces"):
        network.encoder.trimmed(network.model, {}, [])
