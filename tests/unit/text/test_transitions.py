"""Allowed transitions are those of valid sentences, and sentences made of allowed transitions are valid."""

from itertools import pairwise, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sparse_sharing.text.schemes import RULES, violation
from sparse_sharing.text.transitions import allowed_transitions, is_valid

SCHEMES = ("iob1", "iob2", "bioes")
TAGS = {
    "iob1": ("B-A", "B-B", "I-A", "I-B", "O"),
    "iob2": ("B-A", "B-B", "I-A", "I-B", "O"),
    "bioes": ("B-A", "B-B", "E-A", "E-B", "I-A", "I-B", "O", "S-A", "S-B"),
}
LONGEST = 5


def is_allowed(tags, names, allowed):
    """Whether a sentence has only allowed transitions."""
    numbers = [names.index(tag) for tag in tags]
    inner = all(allowed.pairs[before][after] for before, after in pairwise(numbers))
    return inner and allowed.starts[numbers[0]] and allowed.ends[numbers[-1]]


@pytest.mark.parametrize("scheme", SCHEMES)
@given(data=st.data())
def test_a_sentence_is_valid_just_if_all_its_transitions_are_allowed(scheme, data):
    names = TAGS[scheme]
    allowed = allowed_transitions(names, scheme)
    tags = data.draw(st.lists(st.sampled_from(names), min_size=1, max_size=7))
    assert is_allowed(tags, names, allowed) == (violation(tags, scheme) is None)


@pytest.mark.parametrize("scheme", RULES)
@given(tags=st.lists(st.from_regex(r"[BIESLUMWO]-?[AB]?|O|", fullmatch=True), max_size=7))
def test_neighbours_decide_whether_any_strings_follow_a_scheme(scheme, tags):
    assert is_valid(tags, scheme) == (violation(tags, scheme) is None)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_every_allowed_transition_occurs_in_a_valid_sentence(scheme):
    # one type beside O, so that all sentences can be listed
    names = tuple(tag for tag in TAGS[scheme] if "-B" not in tag)
    allowed = allowed_transitions(names, scheme)
    valid = [
        tags for n in range(1, LONGEST + 1) for tags in product(names, repeat=n) if violation(tags, scheme) is None
    ]
    pairs = {pair for tags in valid for pair in pairwise(tags)}
    assert allowed.starts == tuple(any(tags[0] == name for tags in valid) for name in names)
    assert allowed.ends == tuple(any(tags[-1] == name for tags in valid) for name in names)
    assert allowed.pairs == tuple(tuple((a, b) in pairs for b in names) for a in names)


def test_a_name_in_bioes_neither_ends_within_a_span_nor_begins_there():
    names = TAGS["bioes"]
    allowed = allowed_transitions(names, "bioes")
    assert {name for name, may in zip(names, allowed.starts, strict=True) if may} == {"B-A", "B-B", "O", "S-A", "S-B"}
    assert {name for name, may in zip(names, allowed.ends, strict=True) if may} == {"E-A", "E-B", "O", "S-A", "S-B"}


def test_types_with_hyphens_are_compared_as_a_whole():
    allowed = allowed_transitions(("B-A-X", "I-A-X", "I-A-Y"), "iob2")
    assert allowed.pairs[0] == (True, True, False)


def test_without_a_scheme_everything_is_allowed():
    allowed = allowed_transitions(("B-A", "N"), "none")
    assert allowed == ((True, True), ((True, True), (True, True)), (True, True))
