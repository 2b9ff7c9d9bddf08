"""Plain text as tokens: nothing is lost or changed, and what Penn Treebank keeps whole stays whole."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sparse_sharing.tagging import tokenizer
from sparse_sharing.tagging.tokenizer import unspaced

TEXT = st.text(st.sampled_from("aZé日9 \t\u00a0.,!?'’\"()[]-–…$%&@/:_`\u200d\x07"), max_size=40) | st.text(max_size=40)


SPACE = "\N{ZERO WIDTH SPACE}"


def tokenize(text):
    """The words of a text."""
    return list(tokenizer.tokenize(text).words)


def split_sentences(text):
    """The words of the sentences of a text."""
    return [list(sentence.words) for sentence in tokenizer.split_sentences(text)]


@given(TEXT)
def test_the_tokens_are_the_text_without_its_spaces(text):
    assert "".join(tokenize(text)) == "".join(text.replace(SPACE, " ").split())
    assert not any(character.isspace() or character == SPACE for token in tokenize(text) for character in token)


@given(TEXT)
def test_the_sentences_are_the_tokens_cut_into_pieces(text):
    line = text.replace("\n", " ")
    assert [token for sentence in split_sentences(line) for token in sentence] == tokenize(line)
    assert all(split_sentences(text))


@given(TEXT)
def test_every_token_and_sentence_has_its_characters_in_the_source(text):
    for sentence in [tokenizer.tokenize(text), *tokenizer.split_sentences(text)]:
        assert text[sentence.start_char :].startswith(sentence.text)
        assert all(text[start:end] == word for word, start, end in sentence.tokens)


@pytest.mark.parametrize(
    "word",
    [
        *("नमस्ते", "दिल्ली", "مُحَمَّدٌ", "Jose\u0301", "می\u200cخواهم", "co\u00adoperate", "க்ஷ"),
        *("👩\u200d👩\u200d👧", "❤\ufe0f", "👍🏽", "🇩🇪", "1\ufe0f\u20e3", "🏴\U000e0067\U000e0062\U000e007f"),
        *("#MeToo", "#über_alles", "@ann_b"),
    ],
)
def test_marks_joined_characters_hashtags_and_mentions_stay_whole(word):
    assert tokenize(f"see {word} here") == ["see", word, "here"]
    assert tokenize(f"({word}, {word})") == ["(", word, ",", word, ")"]


def test_a_number_sign_that_begins_no_hashtag_is_a_token_and_a_zero_width_space_parts_words():
    assert tokenize("C# #1 a@b.co @ home") == ["C", "#", "#", "1", "a@b.co", "@", "home"]
    assert tokenize(f"New{SPACE}York 🇩🇪🇫🇷") == ["New", "York", "🇩🇪", "🇫🇷"]


@pytest.mark.parametrize(
    "line", ["वह आया। वह गया।", "هل جاء؟ نعم۔", "他来了。她走了！", "Նա եկավ։ Նա գնաց։", "Ja!؟ Nein‼"]
)
def test_sentences_end_at_the_marks_of_other_scripts(line):
    assert len(split_sentences(line)) == 2


@pytest.mark.parametrize("text", ["张三在北京大学学习。", "he said เขาไปกรุงเทพ", "東京に行きました"])
def test_text_without_spaces_is_noticed(text):
    assert unspaced(text)


@pytest.mark.parametrize("text", ["", "a" * 50, "नमस्ते दिल्ली", "He met 北京 there", "Überwachungsmaßnahme"])
def test_text_with_spaces_is_not(text):
    assert unspaced(text) is None


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
    assert [" ".join(words) for words in split_sentences(line)] == sentences
