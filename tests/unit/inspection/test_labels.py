"""Labels that look like slips of others."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sparse_sharing.inspection.labels import is_one_slip, likely_typos


@pytest.mark.parametrize(
    "slip", ["PERSO", "PERSOON", "PERSAN", "PRESON", "person", "EPRSON", "PERSNO", "xPERSON", "PERSONx"]
)
def test_a_letter_more_less_or_wrong_a_swap_and_letter_case_are_slips(slip):
    assert is_one_slip(slip, "PERSON")
    assert is_one_slip("PERSON", slip)


@pytest.mark.parametrize("other", ["PERSON", "PRSN", "PERIOD", "ORG", ""])
def test_equal_labels_and_those_further_apart_are_none(other):
    assert not is_one_slip(other, "PERSON")
    assert not is_one_slip("PERSON", other)


@given(st.text("ABC", min_size=1, max_size=6), st.data())
def test_taking_out_any_letter_is_a_slip(word, data):
    place = data.draw(st.integers(0, len(word) - 1))
    assert is_one_slip(word[:place] + word[place + 1 :], word)


def test_only_rare_labels_beside_frequent_ones_count_as_typos():
    counts = {"PER": 500, "LOC": 400, "PRE": 2, "ORG": 30, "OGR": 3, "NN": 900, "NP": 1, "NNP": 800, "NNPS": 2}
    assert likely_typos(counts) == {"PRE": "PER"}
