"""Word vectors for words that training lacks are a mapping of keys to vectors."""

import numpy as np

from sparse_sharing.tagging.vectors import UnseenVectors

VECTORS = UnseenVectors({"cat": 0, "Gnu": 1}, np.array([[1, 2], [3, 4]], np.float32))


def test_they_have_keys_and_values_as_any_mapping():
    assert list(VECTORS) == ["cat", "Gnu"]
    assert [vector.tolist() for vector in VECTORS.values()] == [[1, 2], [3, 4]]


def test_a_word_without_a_vector_takes_that_of_its_lower_case_form():
    assert "Cat" in VECTORS and "gnu" not in VECTORS
    assert VECTORS["Cat"].tolist() == [1, 2]


def test_without_vectors_there_are_none():
    assert (len(UnseenVectors.none()), UnseenVectors.none().dimension) == (0, 0)
