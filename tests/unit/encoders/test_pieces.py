import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_transformers import ROBERTA_SPECIAL, SPECIAL, TEXT, TOKENIZERS, description
from tokenizers import Tokenizer
from transformers import PreTrainedTokenizerFast

from sparse_sharing.encoders.pieces import WordTokenizer

KINDS = list(TOKENIZERS)
SPECIAL_IDS = {"word pieces": {0, 2, 3, 4}, "byte pairs": {0, 1, 2, 3, 4}, "unigram": {0, 1, 2, 4}}


@pytest.fixture(scope="module")
def tokenizers():
    return {kind: make() for kind, make in TOKENIZERS.items()}


@pytest.fixture(scope="module")
def words_of(tokenizers):
    return {kind: WordTokenizer(description(tokenizer)) for kind, tokenizer in tokenizers.items()}


@pytest.mark.parametrize("kind", KINDS)
def test_a_word_has_the_pieces_it_has_in_running_text(kind, tokenizers, words_of):
    for sentence in TEXT:
        words = sentence.split()
        pieces = words_of[kind].pieces(words)
        assert pieces.ids.tolist() == tokenizers[kind].encode(f" {sentence}", add_special_tokens=False).ids


@pytest.mark.parametrize("kind", KINDS)
def test_pieces_are_those_of_the_library_for_text_divided_into_words(kind, tokenizers, words_of):
    fast = PreTrainedTokenizerFast(tokenizer_object=Tokenizer.from_str(description(tokenizers[kind])))
    fast.backend_tokenizer.pre_tokenizer = _with_prefix_space(fast.backend_tokenizer.pre_tokenizer)
    words = ["The", "unbelievable", "well-known", "harbour", "12,000"]
    encoded = fast(words, is_split_into_words=True, add_special_tokens=False)
    pieces = words_of[kind].pieces(words)
    for number in range(len(words)):
        theirs = [piece for piece, word in zip(encoded["input_ids"], encoded.word_ids(), strict=True) if word == number]
        assert pieces.of(number).tolist() == theirs


def _with_prefix_space(pre_tokenizer):
    if type(pre_tokenizer).__name__ == "ByteLevel":
        pre_tokenizer.add_prefix_space = True
    return pre_tokenizer


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("token", [*SPECIAL, *ROBERTA_SPECIAL, "x[SEP]", "</s></s>"])
def test_a_special_token_in_a_text_is_text(kind, token, words_of):
    assert not SPECIAL_IDS[kind] & set(words_of[kind].pieces([token]).ids.tolist())


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("word", ["\u200b", "\ufeff", "\u00ad", " ", "\x07", ""])
def test_a_word_that_the_tokenizer_drops_has_a_piece(kind, word, words_of):
    pieces = words_of[kind].pieces(["sea", word, "sea"])
    assert len(pieces.of(1)) >= 1
    assert pieces.of(0).tolist() == pieces.of(2).tolist()


def test_what_surrounds_a_text_is_read_from_the_tokenizer(words_of):
    assert words_of["word pieces"].frame.before == (2,)
    assert words_of["word pieces"].frame.behind == (3,)
    assert words_of["byte pairs"].frame.before == (0,)
    assert words_of["byte pairs"].frame.behind == (2,)


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=60, deadline=None)
@given(words=st.lists(st.text(max_size=12), min_size=1, max_size=8))
def test_pieces_of_a_word_depend_on_no_other_word(kind, words, words_of):
    together = words_of[kind].pieces(words)
    for number, word in enumerate(words):
        alone = words_of[kind].pieces([word]).ids.tolist()
        assert together.of(number).tolist() == alone
        assert alone
        assert all(0 <= piece < words_of[kind].size for piece in alone)
        assert not SPECIAL_IDS[kind] - {3} & set(alone)


def test_a_file_that_is_no_tokenizer_is_refused():
    with pytest.raises(ValueError, match="tokenizer cannot be read"):
        WordTokenizer('{"model": {}}')
