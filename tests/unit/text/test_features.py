"""Features of the spelling: the same rows in every process, for words seen in training or not."""

import subprocess
import sys

import pytest

from sparse_sharing.config.features import Features
from sparse_sharing.text.features import HASHES, FeatureKinds, FeatureRows, case_of, hashed, shape_of


def kinds_of(**values):
    """The features that a configuration chooses."""
    return FeatureKinds.from_json(Features(**values).model_dump())


ALL = kinds_of(prefix=[1, 2], suffix=3, shape=True, case=True, rows=50)

KNOWN = [2227393239, 1787003937]
"""Models in use depend on these numbers."""


@pytest.mark.parametrize(
    ("word", "shape"),
    [("Apple", "Xxxxx"), ("Internationally", "Xxxxx"), ("1996-08-22", "dddd-dd-dd"), ("U.N.", "X.X."), ("", "")],
)
def test_a_shape_has_a_character_for_each_of_the_word_and_at_most_four_of_a_kind_in_a_row(word, shape):
    assert shape_of(word) == shape


@pytest.mark.parametrize(
    ("word", "case"),
    [
        ("cat", "lower"),
        ("Cat", "title"),
        ("I", "title"),
        ("U.N.", "upper"),
        ("iPhone", "mixed"),
        ("McDonald", "mixed"),
        ("1996", "number"),
        ("--", "none"),
        ("", "none"),
    ],
)
def test_the_case_of_a_word(word, case):
    assert case_of(word) == case


def test_each_chosen_feature_is_read_once_and_prefixes_and_suffixes_in_lower_case():
    assert list(ALL.of("Running")) == [
        "prefix 1:r",
        "prefix 2:ru",
        "suffix 3:ing",
        "shape:Xxxxx",
        "case:title",
    ]
    assert list(kinds_of(suffix=[2, 3]).of("Running")) == ["suffix 2:ng", "suffix 3:ing"]


def test_a_word_has_rows_for_each_feature_and_words_with_the_same_features_the_same_rows():
    rows = FeatureRows(ALL).of(["Running", "Rubbing", "sea"])
    assert rows.shape == (3, ALL.count * HASHES)
    assert ((rows >= 0) & (rows < ALL.rows)).all()
    assert (rows[0] == rows[1]).all()
    assert (rows[0] != rows[2]).any()


def test_a_word_has_the_same_rows_when_it_is_read_again_and_after_the_cache_was_emptied(monkeypatch):
    monkeypatch.setattr("sparse_sharing.text.features.MOST_WORDS", 1)
    found = FeatureRows(ALL)
    first = found.of(["cat", "Bob"])
    assert (found.of(["Bob"]) == first[1:]).all()
    assert (found.of(["Bob", "cat"]) == first[::-1]).all()


def test_the_configuration_counts_the_same_features():
    assert Features(prefix=[1, 2], suffix=3, case=True).count == kinds_of(prefix=[1, 2], suffix=3, case=True).count == 4


def test_no_words_have_no_rows():
    assert FeatureRows(ALL).of([]).shape == (0, ALL.count * HASHES)


def test_hashes_are_the_same_in_every_process_and_version():
    known = [int(number) for number in hashed("suffix 3:ing")]
    program = "from sparse_sharing.text.features import hashed; print(*hashed('suffix 3:ing'))"
    again = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert list(map(int, again.split())) == known == KNOWN
