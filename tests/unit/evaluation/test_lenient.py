"""The original's scorer for single tasks: which spans it reads where conlleval reads others."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sparse_sharing.evaluation.lenient import reread
from sparse_sharing.text.schemes import Span, read_spans, violation

SCHEMES = ("iob1", "iob2", "bioes")
TAGS = st.lists(st.sampled_from(["B-A", "B-B", "I-A", "I-B", "E-A", "E-B", "S-A", "S-B", "O"]), max_size=8)


def spans_of(tags, scheme):
    """The spans of a sentence, written as its tags with spaces between them."""
    return [tuple(span) for span in read_spans(reread([tags.split()], scheme)[0], scheme)]


@pytest.mark.parametrize(
    ("tags", "spans"),
    [
        ("O S-A B-B I-B E-B O", [("A", 1, 2), ("B", 2, 5)]),
        ("B-A O E-A O", [("A", 0, 3)]),
        ("B-A O O O S-B", [("A", 0, 4), ("B", 4, 5)]),
        ("B-A I-B E-B O", [("A", 0, 3)]),
        ("O B-A I-A", [("A", 1, 2)]),
        ("O B-A O O", [("A", 1, 2)]),
        ("O I-A E-A", []),
    ],
)
def test_in_bioes_what_does_not_end_a_span_leaves_it_open(tags, spans):
    assert spans_of(tags, "bioes") == spans


@pytest.mark.parametrize(
    ("tags", "spans"),
    [
        ("O B-A I-A O", [("A", 1, 3)]),
        ("O B-A I-A", [("A", 1, 2)]),
        ("O B-A I-B O", [("A", 1, 2)]),
        ("O I-A I-A O", []),
        ("B-A B-A O", [("A", 0, 1), ("A", 1, 2)]),
    ],
)
def test_in_iob2_a_span_at_the_end_of_the_sentence_is_cut_to_its_first_token(tags, spans):
    assert spans_of(tags, "iob2") == spans


def test_iob1_is_read_as_the_iob2_that_it_means():
    assert spans_of("I-A I-A B-A O", "iob1") == [("A", 0, 2), ("A", 2, 3)]


@given(st.sampled_from(SCHEMES), TAGS)
def test_what_is_read_is_written_as_valid_tags_of_the_scheme(scheme, tags):
    (found,) = reread([tags], scheme)
    assert len(found) == len(tags)
    assert violation(found, scheme) is None


@given(st.sampled_from(SCHEMES), TAGS)
def test_valid_tags_that_end_outside_are_read_unchanged(scheme, tags):
    tags = [*(tag for tag in tags if violation([tag], "iob2") is None or scheme != "iob2"), "O"]
    if violation(tags, scheme) is None:
        assert reread([tags], scheme) == [tags]


def test_a_span_is_a_type_and_a_position():
    assert read_spans(reread([["B-A", "O", "E-A", "O"]], "bioes")[0], "bioes") == [Span("A", 0, 3)]
