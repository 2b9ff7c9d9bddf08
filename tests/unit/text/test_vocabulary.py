"""Vocabularies: numbers leave room for the unknown, spelling is cut, and JSON gives the same vocabulary back."""

import json
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny import vocabulary_of

from sparse_sharing.text.vocabulary import UNKNOWN_CHARACTER, TaskTags, Vocabulary, frequent

NAMES = st.lists(st.text(min_size=1, max_size=6), unique=True, max_size=6).map(tuple)
SCHEMES = st.sampled_from(["none", "iob1", "iob2", "bioes"])
TASKS = st.dictionaries(st.text(min_size=1, max_size=6), st.builds(TaskTags, NAMES, SCHEMES, SCHEMES), max_size=3)
VOCABULARIES = st.builds(Vocabulary, NAMES, NAMES, TASKS, st.booleans(), st.integers(1, 50))


@given(VOCABULARIES)
def test_a_vocabulary_survives_writing_and_reading_json(vocabulary):
    assert Vocabulary.from_json(json.loads(json.dumps(vocabulary.to_json()))) == vocabulary


@given(VOCABULARIES)
def test_word_ids_follow_the_unknown_word(vocabulary):
    assert sorted(vocabulary.word_ids.values()) == list(range(1, vocabulary.word_count))


@given(VOCABULARIES)
def test_character_ids_follow_padding_and_the_unknown_character(vocabulary):
    assert sorted(vocabulary.character_ids.values()) == list(range(2, vocabulary.character_count))


def test_a_word_is_spelled_up_to_the_maximum():
    vocabulary = vocabulary_of()
    ids = vocabulary.character_ids
    assert vocabulary.spell("seen") == [ids[character] for character in "seen"]
    assert vocabulary.spell("quickly") == vocabulary.spell("quickl")
    assert len(vocabulary.spell("quickly")) == 6


def test_a_character_that_training_does_not_know_is_unknown():
    assert vocabulary_of().spell("§ß") == [UNKNOWN_CHARACTER] * 2


@pytest.mark.parametrize(("lowercase", "key"), [(True, "bob"), (False, "Bob")])
def test_words_are_looked_up_in_lower_case_where_that_is_wanted(lowercase, key):
    assert Vocabulary((), (), {}, lowercase, 5).key("Bob") == key


@pytest.mark.parametrize(("scheme", "spans"), [("none", False), ("iob1", True), ("iob2", True), ("bioes", True)])
def test_a_task_with_a_tag_scheme_has_spans(scheme, spans):
    assert TaskTags(("O",), scheme, scheme).has_spans is spans


@given(st.lists(st.sampled_from("abcdef")), st.integers(1, 4), st.lists(st.sampled_from("abcxyz")))
def test_frequent_keys_and_those_wanted_always_are_kept_if_they_occur(seen, minimum, always):
    counts = Counter(seen)
    kept = frequent(counts, minimum, always)
    assert list(kept) == sorted(kept)
    assert set(kept) == {key for key in counts if counts[key] >= minimum or key in always}
