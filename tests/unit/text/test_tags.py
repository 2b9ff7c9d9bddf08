"""How values become tags: spellings, new names, missing values, and flaws that are gathered."""

from pathlib import Path

import pytest

from sparse_sharing.errors import DataError
from sparse_sharing.text.flaws import MOST_SHOWN, Flaws
from sparse_sharing.text.readers.columns import Column
from sparse_sharing.text.sentences import ReadReport
from sparse_sharing.text.tags import Rules, loosely, read_tags
from sparse_sharing.text.vocabulary import MISSING_TAG


def read(values, scheme="iob2", repair=False, report=None, **rules):
    """The tags of a sentence with these values, written with spaces between them; - is no value."""
    values = [None if value == "-" else value for value in values.split()]
    report = report or ReadReport(repairs={"ner": 0})
    places = [(number, f"w{number}") for number in range(1, len(values) + 1)]
    return " ".join(read_tags(Path("text"), places, Column("ner", 1, scheme, Rules(**rules)), values, repair, report))


@pytest.mark.parametrize(
    ("written", "tag"),
    [
        ("B-PER", "B-PER"),
        ("b-per", "B-per"),
        ("I_LOC", "I-LOC"),
        ("PER-B", "B-PER"),
        ("LOC_i", "I-LOC"),
        ("B", "B-SPAN"),
        ("0", "O"),
        ("o", "O"),
        ("-", "O"),
        ("_", "O"),
        ("PERSON", "PERSON"),
    ],
)
def test_span_tags_are_read_in_other_spellings(written, tag):
    assert loosely(written) == tag


def test_other_spellings_are_read_only_where_they_are_asked_for():
    assert read("b-PER i-PER 0", spelling="loose") == "B-PER I-PER O"
    with pytest.raises(DataError, match="found the tag 'b-PER' of task ner"):
        read("b-PER i-PER 0")


def test_types_of_spans_and_single_tags_can_be_renamed():
    assert read("B-GPE I-GPE B-LOC O", labels={"GPE": "LOC"}) == "B-LOC I-LOC B-LOC O"
    assert read("B-GPE I-GPE B-LOC O", labels={"GPE": "O"}) == "O O B-LOC O"
    assert read("NNP NN", scheme="none", labels={"NNP": "NN"}) == "NN NN"


def test_spans_that_get_one_type_stay_apart():
    assert read("I-GPE I-LOC I-LOC", scheme="iob1", labels={"GPE": "LOC"}) == "I-LOC B-LOC I-LOC"


def test_a_value_that_is_missing_is_an_error_or_left_out_and_counted():
    with pytest.raises(DataError, match="line 2: found no value in column 1"):
        read("NN - NN", scheme="none")
    report = ReadReport()
    assert read("NN - -", "none", report=report, missing="skip").split(" ") == ["NN", MISSING_TAG, MISSING_TAG]
    assert report.missing == {"ner": 2}


def test_in_a_loose_spelling_a_token_without_a_value_is_outside_of_spans():
    assert read("B-PER - -", spelling="loose") == "B-PER O O"
    with pytest.raises(DataError, match="line 2: found no value"):
        read("B-PER - -")


def test_flaws_are_counted_all_and_the_first_kept_where_they_are_gathered():
    report = ReadReport(flaws=Flaws())
    for _ in range(4):
        read("O I-PER", report=report)
        read("PER B-PER", report=report)
        read("- -", scheme="none", report=report)
    assert report.flaws.counts == {("ner", "order"): 4, ("ner", "foreign"): 4, ("ner", "missing"): 8}
    assert len(report.flaws.first["ner", "missing"]) == MOST_SHOWN
    with pytest.raises(
        DataError, match=r"(?s)line 2: found the tag 'I-PER'.*text:1: found 'PER', expected O.*and 3 more"
    ):
        report.flaws.raise_first()


def test_tags_around_a_foreign_tag_are_not_counted_as_errors():
    report = ReadReport(flaws=Flaws())
    read("B-PER L-PER", scheme="bioes", report=report)
    assert report.flaws.counts == {("ner", "foreign"): 1}
