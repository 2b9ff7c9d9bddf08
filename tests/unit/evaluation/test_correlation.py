"""The rank correlation: known values, an interval that covers, and groups that are drawn as one."""

import numpy as np
import pytest
from scipy.stats import spearmanr

from sparse_sharing.evaluation.correlation import rank_correlation


def grouped(values, size=1):
    """Values in groups of one size."""
    return np.asarray(values, float).reshape(-1, size)


def correlation(first, second, size=1, comparisons=1, resamples=300):
    """The rank correlation of values in groups of one size."""
    random = np.random.default_rng(1)
    return rank_correlation(grouped(first, size), grouped(second, size), comparisons, random, resamples)


def test_it_is_spearmans_with_ties():
    random = np.random.default_rng(1)
    first, second = random.integers(5, size=(2, 30))
    found, lower, upper = correlation(first, second)
    assert found == pytest.approx(spearmanr(first, second).statistic)
    assert lower < found < upper


def test_equal_order_is_1_and_the_reverse_is_minus_1():
    values = np.arange(15)
    assert correlation(values, values**3) == (1, 1, 1)
    assert correlation(values, -values) == (-1, -1, -1)


def test_values_that_are_all_equal_have_none():
    assert np.isnan(correlation(np.ones(15), np.arange(15))).all()


def test_more_comparisons_and_groups_in_place_of_single_values_make_the_interval_wider():
    random = np.random.default_rng(2)
    first = np.repeat(random.normal(size=15), 2)
    second = first + np.repeat(random.normal(size=15), 2)
    width = {}
    for size, comparisons in ((1, 1), (2, 1), (2, 10)):
        _, lower, upper = correlation(first, second, size, comparisons, 1000)
        width[size, comparisons] = upper - lower
    assert width[1, 1] < width[2, 1] < width[2, 10]
