"""Texts of several corpora as one text."""

import numpy as np
import pytest

from sparse_sharing.text.checks import check_text
from sparse_sharing.text.encoded import encode_text
from sparse_sharing.text.joined import as_details, joined_text, sentences_of
from sparse_sharing.text.vocabulary import Vocabulary

VOCABULARY = Vocabulary(("a", "dog"), tuple("adgo"), {}, True, 5)
VECTORS = {word: np.full(2, number, np.float32) for number, word in enumerate(["the", "cat", "barks"], 1)}


def text(*sentences):
    """An encoded text without tags."""
    return encode_text([(sentence.split(), {}) for sentence in sentences], VOCABULARY, [], VECTORS, 2)


def row(joined, word):
    """The vector of a word that training does not know."""
    surface = joined.surfaces().index(word)
    return joined.extra[joined.surface_words[surface] - VOCABULARY.word_count].tolist()


def test_sentences_follow_each_other_and_a_word_of_both_is_one_surface():
    joined = joined_text([text("the dog", "a dog"), text("a cat barks", "dog the")])
    check_text(joined, VOCABULARY)
    assert joined.words() == [["the", "dog"], ["a", "dog"], ["a", "cat", "barks"], ["dog", "the"]]
    assert joined.surfaces() == ["the", "dog", "a", "cat", "barks"]


def test_words_with_vectors_of_their_own_keep_them_in_every_text():
    joined = joined_text([text("the dog"), text("barks dog unheard", "cat the")])
    assert {word: row(joined, word) for word in VECTORS} == {word: own.tolist() for word, own in VECTORS.items()}
    assert joined.surface_words[joined.surfaces().index("unheard")] == text("unheard").surface_words[0]
    plain = joined_text([text("a dog"), text("dog")])
    assert plain.surface_words.tolist() == text("a dog").surface_words.tolist()


def test_one_text_is_not_touched():
    only = text("the dog")
    assert joined_text([only]) is only


def test_a_sentence_of_a_text_without_documents_is_a_document_where_another_text_has_some():
    divided, plain = text("a", "a", "dog"), text("a dog", "dog a")
    object.__setattr__(divided, "documents", np.array([0, 0, 1], np.int32))
    assert joined_text([divided, plain]).documents.tolist() == [0, 0, 1, 2, 3]
    assert joined_text([plain, divided]).documents.tolist() == [0, 1, 2, 2, 3]
    assert joined_text([plain, plain]).documents is None


@pytest.mark.parametrize("sentences", [{"news": "1"}, {"news": "1", "web": "2"}])
def test_what_a_file_of_tags_says_of_its_corpora_is_read_back(sentences):
    assert list(sentences_of(as_details(sentences)).items()) == list(sentences.items())
