"""Plain text as tokens: nothing is lost or changed, and what Penn Treebank keeps whole stays whole."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sparse_sharing.tagging.tokenizer import split_sentences, tokenize

TEXT = st.text(st.sampled_from("aZé日9 \t\u00a0.,!?'’\"()[]-–…$%&@/:_`\u200d\x07"), max_size=40) | st.text(max_size=40)


@given(TEXT)
def test_the_tokens_are_the_text_without_its_spaces(text):
    assert "".join(tokenize(text)) == "".join(text.split())
    assert not any(character.isspace() for token in tokenize(text) for character in token)


@given(TEXT)
def test_the_sentences_are_the_tokens_cut_into_pieces(text):
    sentences = list(split_sentences(text))
    assert [token for sentence in sentences for token in sentence] == tokenize(text)
    assert all(sentences)


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("EU rejects German call.", "EU rejects German call ."),
        ("I don't, won't and can't; cannot.", "I do n't , wo n't and ca n't ; can not ."),
        ("It's John's; they've we'd I’m.", "It 's John 's ; they 've we 'd I ’m ."),
        ('"Yes," (he) said', '" Yes , " ( he ) said'),
        ("$1,000.50 or 5% at 12:30", "$ 1,000.50 or 5 % at 12:30"),
        ("a 20-year-old well-known O'Brien of AT&T", "a 20-year-old well-known O'Brien of AT&T"),
        ("Mr. Smith of the U.S. met J. Doe, e.g. here", "Mr. Smith of the U.S. met J. Doe , e.g. here"),
        ("See https://a.b/c?d=e. Or www.x.org, x.y@z.org!", "See https://a.b/c?d=e . Or www.x.org , x.y@z.org !"),
        ("well... no -- never", "well ... no -- never"),
        ("``quoted''", "`` quoted ''"),
    ],
)
def test_tokens_are_cut_as_in_the_penn_treebank(text, tokens):
    assert tokenize(text) == tokens.split(" ")


@pytest.mark.parametrize(
    ("line", "sentences"),
    [
        ("One. Two? Three! Four", ["One .", "Two ?", "Three !", "Four"]),
        ('He said "Go." Then left.', ['He said " Go . "', "Then left ."]),
        ('He left. "Go," she said.', ["He left .", '" Go , " she said .']),
        ("Yahoo! is big. No 1.5 cut. Mr. X. Smith", ["Yahoo ! is big .", "No 1.5 cut .", "Mr. X. Smith"]),
        ("Really?! Yes.", ["Really ? !", "Yes ."]),
        ("Wait... what. (So.) Then", ["Wait ... what .", "( So . )", "Then"]),
        ("  ", []),
    ],
)
def test_sentences_end_by_punctuation_where_no_lower_case_follows(line, sentences):
    assert [" ".join(sentence) for sentence in split_sentences(line)] == sentences
