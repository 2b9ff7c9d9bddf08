"""Cutting a development set is reproducible and loses no sentence; shared sentences are counted exactly."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sparse_sharing.errors import DataError
from sparse_sharing.text.readers.columns import Column, read_sentences
from sparse_sharing.text.splits import assign_splits, cut_development, duplicate_counts, sample

FRACTIONS = st.floats(0, 1, exclude_min=True, exclude_max=True)
TOTALS = st.integers(2, 200)
SPLIT = st.lists(st.lists(st.sampled_from(("a", "b", "ab", "")), max_size=3).map(tuple), max_size=12)


@given(TOTALS, FRACTIONS, st.integers(0))
def test_train_and_dev_are_a_partition_in_the_old_order(total, fraction, seed):
    train, dev = cut_development(range(total), fraction, seed)
    assert sorted(train + dev) == list(range(total))
    assert (train, dev) == (sorted(train), sorted(dev))
    assert train
    assert dev


@given(TOTALS, FRACTIONS)
def test_dev_has_the_fraction_asked_for(total, fraction):
    _, dev = cut_development(range(total), fraction, 1)
    assert len(dev) == min(max(round(total * fraction), 1), total - 1)


@given(TOTALS, FRACTIONS, FRACTIONS)
def test_a_larger_fraction_takes_the_same_sentences_and_more(total, one, other):
    _, small = cut_development(range(total), min(one, other), 1)
    _, large = cut_development(range(total), max(one, other), 1)
    assert set(small) <= set(large)


def test_the_cut_is_the_same_on_every_machine():
    assert cut_development(range(40), 0.1, 1)[1] == [7, 10, 17, 30]


def test_seeds_cut_differently():
    cuts = {tuple(cut_development(range(100), 0.1, seed)[1]) for seed in range(20)}
    assert len(cuts) == 20


def test_no_place_in_the_file_is_preferred():
    counts = [0] * 20
    for seed in range(1000):
        for index in cut_development(range(20), 0.25, seed)[1]:
            counts[index] += 1
    # Binomial with mean 250 and deviation 13.7: five deviations.
    assert all(abs(count - 250) < 69 for count in counts)


@pytest.mark.parametrize("sentences", [[], ["one"]])
def test_too_few_sentences_cannot_be_cut(sentences):
    with pytest.raises(DataError, match=f"found {len(sentences)} training sentences; expected at least two"):
        cut_development(sentences, 0.1, 1)


@pytest.mark.parametrize("fraction", [0, 1, -0.1, 1.5, float("nan")])
def test_a_fraction_is_between_0_and_1(fraction):
    with pytest.raises(ValueError, match="not between 0 and 1"):
        cut_development(range(10), fraction, 1)


@given(SPLIT, SPLIT, SPLIT)
def test_duplicates_equal_a_direct_count(train, dev, test):
    counts = duplicate_counts({"train": iter(train), "dev": iter(dev), "test": iter(test)})
    assert counts == {
        ("train", "dev"): sum(sentence in train for sentence in dev),
        ("train", "test"): sum(sentence in train for sentence in test),
        ("dev", "test"): sum(sentence in dev for sentence in test),
    }
    assert list(counts) == [("train", "dev"), ("train", "test"), ("dev", "test")]


@pytest.mark.parametrize(
    ("one", "other"),
    [(("a", "b"), ("ab",)), ((), ("",)), (("a b",), ("a", "b")), (("a", "b"), ("b", "a")), (("A",), ("a",))],
)
def test_different_sentences_are_never_counted_as_the_same(one, other):
    assert duplicate_counts({"train": [one], "dev": [other]}) == {("train", "dev"): 0}


def test_conll03_shares_sentences_between_its_splits(real_data):
    pos = [Column("pos", 1, "none")]
    splits = {
        split: [sentence.words for sentence in read_sentences(real_data(f"conll03/{split}.txt"), pos)]
        for split in ("train", "dev", "test")
    }
    train = set(splits["train"])
    counts = duplicate_counts(splits)
    assert counts["train", "test"] == sum(words in train for words in splits["test"]) > 0


@given(TOTALS, st.integers(1, 250), st.integers(0))
def test_a_sample_has_the_size_asked_for_and_a_larger_one_the_same_sentences_and_more(total, size, seed):
    one, more = sample(total, size, seed), sample(total, size + 1, seed)
    assert one.sum() == min(size, total)
    assert (more | ~one).all()


def test_a_sample_is_the_same_on_every_machine_and_another_for_another_seed():
    assert sample(40, 4, 1).nonzero()[0].tolist() == [1, 9, 19, 32]
    assert len({tuple(sample(100, 10, seed)) for seed in range(20)}) == 20


def test_a_sample_prefers_no_place_in_the_file():
    counts = sum(sample(20, 5, seed).astype(int) for seed in range(1000))
    # Binomial with mean 250 and deviation 13.7: five deviations.
    assert (abs(counts - 250) < 69).all()


def test_a_split_has_its_shares_and_depends_only_on_its_seed():
    parts = assign_splits(1000, "80/10/10", 1)
    assert np.bincount(parts).tolist() == [800, 100, 100]
    assert (assign_splits(1000, "80/10/10", 1) == parts).all()
    assert (assign_splits(1000, "80/10/10", 2) != parts).any()


@pytest.mark.parametrize("total", [3, 4, 5, 9])
@pytest.mark.parametrize("shares", ["80/10/10", "10/45/45", "98/1/1"])
def test_every_part_of_a_split_has_a_sentence(total, shares):
    assert set(assign_splits(total, shares, 1).tolist()) == {0, 1, 2}


def test_documents_are_never_cut():
    documents = np.repeat(np.arange(20), 7)
    parts = assign_splits(140, "60/20/20", 1, documents)
    assert {len(set(parts[documents == number])) for number in range(20)} == {1}
    assert np.bincount(parts).tolist() == [84, 28, 28]


def test_too_few_documents_cannot_be_split():
    with pytest.raises(DataError, match="found 2 documents; expected at least three"):
        assign_splits(10, "80/10/10", 1, np.repeat([0, 1], 5))
