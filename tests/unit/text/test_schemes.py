"""Tag schemes: every sequence has a reading, every reading one canonical form, and conversion loses nothing."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from seqeval.metrics.sequence_labeling import get_entities

from sparse_sharing.text.schemes import Span, convert, misformed, read_spans, repair, violation, write_tags

SPAN_SCHEMES = ("iob1", "iob2", "bioes")
SCHEME = st.sampled_from(SPAN_SCHEMES)
TYPES = st.sampled_from(("PER", "LOC", "NP-SBJ", "O", "_", "-"))


@st.composite
def spans_in_sentence(draw):
    """Spans, some of them adjacent and of one type, and the length of their sentence."""
    position, spans = 0, []
    for gap, size, type_ in draw(st.lists(st.tuples(st.integers(0, 2), st.integers(1, 4), TYPES), max_size=8)):
        spans.append(Span(type_, position + gap, position + gap + size))
        position = spans[-1].end
    return spans, position + draw(st.integers(0, 2))


def tags_of(letters):
    """Any sequence over an alphabet, valid or not, with and without types."""
    tag = st.builds(lambda letter, type_: f"{letter}-{type_}", st.sampled_from(letters), TYPES)
    return st.lists(st.one_of(st.just("O"), tag, st.sampled_from(letters)), max_size=12)


ANY_TAGS = st.one_of(tags_of("BI"), tags_of("BIES"))


def test_each_scheme_writes_the_same_spans_in_its_own_way():
    spans = [Span("PER", 0, 2), Span("PER", 2, 3), Span("LOC", 3, 6), Span("LOC", 7, 8)]
    written = {scheme: " ".join(write_tags(spans, 9, scheme)) for scheme in SPAN_SCHEMES}
    assert written == {
        "iob1": "I-PER I-PER B-PER I-LOC I-LOC I-LOC O I-LOC O",
        "iob2": "B-PER I-PER B-PER B-LOC I-LOC I-LOC O B-LOC O",
        "bioes": "B-PER E-PER S-PER B-LOC I-LOC E-LOC O S-LOC O",
    }


def test_the_type_is_all_that_follows_the_first_hyphen():
    assert read_spans(["B-NP-SBJ", "I-NP-SBJ"], "iob2") == [Span("NP-SBJ", 0, 2)]


@given(spans_in_sentence(), SCHEME)
def test_spans_survive_writing_and_reading(sentence, scheme):
    spans, length = sentence
    tags = write_tags(reversed(spans), length, scheme)
    assert read_spans(tags, scheme) == spans
    assert violation(tags, scheme) is None


@given(spans_in_sentence(), SCHEME, SCHEME)
def test_conversion_is_exact_both_ways(sentence, source, target):
    tags = write_tags(*sentence, source)
    converted = convert(tags, source, target)
    assert converted == write_tags(*sentence, target)
    assert convert(converted, target, source) == tags


@settings(deadline=None)
@given(ANY_TAGS)
def test_reading_equals_seqeval_on_any_sequence(tags):
    expected = [Span(type_, start, last + 1) for type_, start, last in get_entities(tags)]
    assert [read_spans(tags, scheme) for scheme in SPAN_SCHEMES] == [expected] * 3


@given(st.lists(st.text(max_size=4), max_size=8), SCHEME)
def test_any_strings_can_be_read_and_repaired(strings, scheme):
    repaired, _ = repair(strings, scheme)
    assert read_spans(repaired, scheme) == read_spans(strings, scheme)


@given(ANY_TAGS, SCHEME)
def test_repair_is_valid_idempotent_and_keeps_the_spans(tags, scheme):
    repaired, changed = repair(tags, scheme)
    assert violation(repaired, scheme) is None
    assert repair(repaired, scheme) == (repaired, 0)
    assert read_spans(repaired, scheme) == read_spans(tags, scheme)
    assert changed == sum(old != new for old, new in zip(tags, repaired, strict=True))


@given(ANY_TAGS, SCHEME)
def test_tags_before_a_violation_need_no_repair(tags, scheme):
    problem = violation(tags, scheme)
    repaired, changed = repair(tags, scheme)
    assert (problem is None) == (changed == 0)
    if problem is not None:
        assert problem.tag == tags[problem.position] != repaired[problem.position]
        assert tags[: problem.position] == repaired[: problem.position]


@pytest.mark.parametrize(
    ("scheme", "tags"),
    [
        ("iob1", "I-PER I-PER B-PER O I-LOC I-PER"),
        ("iob2", "B-PER I-PER B-PER O B-LOC B-PER"),
        ("bioes", "B-PER E-PER S-PER O B-LOC I-LOC E-LOC"),
        ("none", "NN I-PER E-LOC ,"),
        ("iob2", ""),
    ],
)
def test_valid_sequences(scheme, tags):
    assert violation(tags.split(), scheme) is None
    assert repair(tags.split(), scheme) == (tags.split(), 0)


@pytest.mark.parametrize(
    ("scheme", "tags", "position", "expected"),
    [
        ("iob2", "O I-PER I-PER", 1, "B-PER between O and I-PER"),
        ("iob2", "B-PER I-LOC", 1, "B-LOC between B-PER and the end of the sentence"),
        ("iob2", "S-PER", 0, "B-PER between the start of the sentence and the end of the sentence"),
        ("iob2", "O I-\x80 I-\u202e", 1, r"B-\x80 between O and I-\u202e"),
        ("iob1", "B-PER I-PER", 0, "I-PER between the start"),
        ("iob1", "I-LOC B-PER", 1, "I-PER between I-LOC"),
        ("bioes", "B-PER O", 0, "S-PER between"),
        ("bioes", "O I-PER E-PER", 1, "B-PER between O and E-PER"),
        ("bioes", "B-PER I-PER", 1, "E-PER between B-PER and the end of the sentence"),
        ("bioes", "B-PER E-LOC", 0, "S-PER between"),
        ("iob2", "O NNP", 1, "O, or a letter, a hyphen and a type"),
        ("iob2", "B", 0, "O, or a letter, a hyphen and a type"),
        ("bioes", "L-PER", 0, "O, or a letter, a hyphen and a type"),
    ],
)
def test_the_first_violation_is_named_with_its_remedy(scheme, tags, position, expected):
    problem = violation(tags.split(), scheme)
    assert (problem.position, problem.tag) == (position, tags.split()[position])
    assert problem.expected.startswith(expected)
    assert scheme.upper() in problem.expected


def test_misformed_passes_over_tags_that_repair_can_mend():
    assert misformed(["I-PER", "S-LOC", "O"], "iob2") is None
    assert misformed(["I-PER", "NNP"], "iob2").position == 1
    assert misformed(["NNP"], "none") is None


def test_a_column_without_spans_has_none_to_read_write_or_convert():
    assert convert(["NN", "VB"], "none", "none") == ["NN", "VB"]
    for refused in (
        lambda: read_spans(["NN"], "none"),
        lambda: write_tags([], 1, "none"),
        lambda: convert(["NN"], "none", "iob2"),
        lambda: convert(["O"], "iob2", "none"),
    ):
        with pytest.raises(ValueError, match="has no spans"):
            refused()


@pytest.mark.parametrize(
    "spans",
    [
        [Span("PER", 0, 2), Span("LOC", 1, 3)],
        [Span("PER", 2, 4)],
        [Span("PER", -1, 1)],
        [Span("PER", 1, 1)],
        [Span("", 0, 1)],
    ],
    ids=["overlap", "beyond the end", "before the start", "empty", "no type"],
)
def test_spans_that_do_not_fit_are_refused(spans):
    with pytest.raises(ValueError, match="does not fit a sentence of 3 tokens"):
        write_tags(spans, 3, "iob2")


@pytest.mark.parametrize(
    ("scheme", "tags"),
    [
        ("bilou", "B-A I-A L-A O U-B U-B"),
        ("bmes", "B-A M-A E-A O S-B S-B"),
        ("bmewo", "B-A M-A E-A O W-B W-B"),
    ],
)
def test_schemes_with_other_letters_are_bioes(scheme, tags):
    bioes = ["B-A", "I-A", "E-A", "O", "S-B", "S-B"]
    assert convert(tags.split(), scheme, "bioes") == bioes
    assert convert(bioes, "bioes", scheme) == tags.split()
    assert violation(tags.split(), scheme) is None
    assert violation(bioes, scheme) is not None
    assert misformed(tags.split(), "bioes") is not None
