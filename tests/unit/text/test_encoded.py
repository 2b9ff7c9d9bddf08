"""Encoded text: what was written can be read back, and what training does not know is still told apart."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny import TASKS, encoded, sentences, vocabulary_of

from sparse_sharing.text.encoded import EncodedText, spell_all
from sparse_sharing.text.vocabulary import UNKNOWN_CHARACTER, UNKNOWN_WORD

UNICODE = st.lists(st.lists(st.text(min_size=1, max_size=8), min_size=1, max_size=6), max_size=6)
PLAIN = vocabulary_of(())


def of_words(sentences, **values):
    """Sentences without tags as encoded text."""
    return encoded([(words, {}) for words in sentences], PLAIN, **values)


@settings(deadline=None)
@given(UNICODE)
def test_words_are_read_back_as_they_were_written(sentences):
    text = of_words(sentences)
    assert text.words() == sentences
    assert text.sentences == len(sentences)
    assert text.lengths.tolist() == [len(words) for words in sentences]


def test_words_of_any_script_are_read_back():
    words = [["Łódź", "東京", "naïve"], ["🙂", "e\u0301", "é", "\u200b", "İ"]]
    assert of_words(words).words() == words


@settings(deadline=None)
@given(UNICODE)
def test_arrays_are_read_back_by_the_name_of_the_corpus(sentences):
    text = of_words(sentences)
    other = {"other/tokens": np.zeros(3, np.int32)}
    restored = EncodedText.from_tensors("own", text.to_tensors("own") | other, text.unseen_tags)
    assert restored.words() == sentences
    assert {name: array.tolist() for name, array in restored.to_tensors("own").items()} == {
        name: array.tolist() for name, array in text.to_tensors("own").items()
    }


def test_tags_and_unseen_tags_are_read_back():
    pairs = [*sentences(3), (["Bob"], {"chunk": ["B-NEW"], "ner": ["O"], "pos": ["N"]})]
    text = encoded(pairs)
    unseen = {task: list(tags) for task, tags in text.unseen_tags.items()}
    restored = EncodedText.from_tensors("own", text.to_tensors("own"), unseen)
    assert restored.unseen_tags == text.unseen_tags == {"chunk": ("B-NEW",), "ner": (), "pos": ()}
    for task in TASKS:
        assert restored.gold_tags(task, vocabulary_of()) == [tags[task] for _, tags in pairs]


def test_each_distinct_word_is_stored_once():
    text = of_words([["the", "cat", "the"], ["The", "cat"]])
    assert text.tokens.tolist() == [0, 1, 0, 2, 1]
    assert len(text.surface_words) == len(text.surface_characters) == len(text.spelling_ends) == 3


def test_letter_case_counts_for_characters_but_not_for_words():
    text = of_words([["The", "the"]])
    assert text.surface_words[0] == text.surface_words[1] == PLAIN.word_ids["the"]
    assert text.surface_characters[0].tolist() != text.surface_characters[1].tolist()


def test_unseen_tags_get_the_numbers_behind_the_known():
    vocabulary = vocabulary_of(("pos",))
    known = len(vocabulary.tasks["pos"].tags)
    text = encoded([(["a", "b", "c", "d"], {"pos": ["X", "N", "Y", "X"]})], vocabulary)
    assert text.tags["pos"].tolist() == [known, vocabulary.tasks["pos"].tags.index("N"), known + 1, known]
    assert text.unseen_tags == {"pos": ("X", "Y")}
    assert text.gold_tags("pos", vocabulary) == [["X", "N", "Y", "X"]]


def test_an_unknown_word_with_a_vector_gets_a_row_behind_the_vocabulary():
    vectors = {"zebra": np.array([1, 2], np.float32), "gnu": np.array([3, 4], np.float32), "cat": np.ones(2)}
    text = of_words([["cat", "gnu", "yak", "Zebra", "GNU", "zebra"]], vectors=vectors, dimension=2)
    count = PLAIN.word_count
    assert text.surface_words.tolist() == [PLAIN.word_ids["cat"], count, UNKNOWN_WORD, count + 1, count, count + 1]
    assert text.extra.tolist() == [[3, 4], [1, 2]]


@pytest.mark.parametrize("dimension", [0, 5])
def test_without_such_words_the_extra_vectors_are_none_of_the_dimension(dimension):
    text = of_words([["cat", "yak"]], dimension=dimension)
    assert text.extra.shape == (0, dimension)
    assert text.extra.dtype == np.float32


def test_a_split_without_sentences_is_a_text():
    text = of_words([])
    assert text.sentences == 0
    assert text.words() == []


def test_a_sequence_over_all_tokens_is_cut_into_sentences():
    text = of_words([["the", "cat"], ["Bob"], ["has", "seen", "town"]])
    assert text.by_sentence("abcdef") == [["a", "b"], ["c"], ["d", "e", "f"]]


def test_spellings_are_padded_with_zero():
    rows = spell_all(["cat", "a", "§"], PLAIN)
    cat = [PLAIN.character_ids[character] for character in "cat"]
    assert rows.tolist() == [cat, [PLAIN.character_ids["a"], 0, 0], [UNKNOWN_CHARACTER, 0, 0]]
    assert rows.dtype == np.int32


def test_the_count_of_a_surface_is_that_of_its_word_in_any_case():
    text = encoded([(["The", "cat", "the"], {}), (["cat", "Zzz", "the"], {})], vocabulary_of(()))
    counts = dict(zip(text.surfaces(), text.word_counts.tolist(), strict=True))
    assert counts == {"The": 3, "the": 3, "cat": 2, "Zzz": 1}
