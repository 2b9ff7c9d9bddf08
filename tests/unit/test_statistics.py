"""Paired tests: against scipy, against enumeration, on systems that are equal, and on systems that plainly are not."""

import time
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import bootstrap

from sparse_sharing import statistics
from sparse_sharing.statistics import HELPED, HURT, LEVEL, NO_DIFFERENCE

P_VALUES = st.lists(st.floats(0, 1), min_size=1, max_size=12).map(np.array)


def accuracy_counts(rate, sentences=300, seed=0, length=10):
    """Counts of a tagger that gets each token right with a probability; int [1, sentences, 2]."""
    correct = np.random.default_rng(seed).binomial(length, rate, size=sentences)
    return np.stack([correct, np.full(sentences, length)], axis=1)[None]


def span_counts(models, sentences, seed=0):
    """Counts of taggers that find most of some spans; int [models, sentences, 3]."""
    random = np.random.default_rng(seed)
    gold = np.broadcast_to(random.integers(0, 4, size=sentences), (models, sentences))
    predicted = gold + random.integers(0, 2, size=gold.shape)
    return np.stack([random.binomial(gold, 0.8), predicted, gold], axis=-1)


def differences_of(counts, resamples=statistics.RESAMPLES, seed="x"):
    """The resampled differences of the first model from the second."""
    scores = statistics.resampled_scores(counts, statistics.generator(seed), resamples)
    return scores[:, 0] - scores[:, 1]


def test_scores_come_from_summed_counts():
    assert statistics.score(np.array([[9, 12], [0, 0]])).tolist() == [75.0, 0.0]
    # 2 of 4 predicted and of 6 gold: precision 50, recall 33.3, F1 2 * 2 / 10
    assert statistics.score(np.array([2, 4, 6])) == 40.0


def test_a_resampled_test_set_has_the_score_of_its_sentences():
    counts = span_counts(2, 7)
    scores = statistics.resampled_scores(counts, statistics.generator("a"), 50)
    drawn = statistics.generator("a").integers(7, size=(50, 7))
    expected = [[statistics.score(model[sentences].sum(0)) for model in counts] for sentences in drawn]
    assert scores == pytest.approx(np.array(expected))


def test_the_chunks_of_the_work_change_nothing(monkeypatch):
    counts = span_counts(2, 7)
    whole = statistics.resampled_scores(counts, statistics.generator("a"), 100)
    monkeypatch.setattr(statistics, "DRAWS_AT_ONCE", 7 * 3)
    assert np.array_equal(statistics.resampled_scores(counts, statistics.generator("a"), 100), whole)


def test_the_interval_is_that_of_scipy():
    counts = span_counts(2, 200)

    def difference(chosen):
        first, second = statistics.score(counts[:, chosen].sum(1))
        return first - second

    found = statistics.bootstrap_interval(differences_of(counts))
    reference = bootstrap(
        (np.arange(200),),
        difference,
        vectorized=False,
        method="percentile",
        n_resamples=4000,
        rng=np.random.default_rng(0),
    ).confidence_interval
    assert found == pytest.approx(tuple(reference), abs=0.35)


def test_p_and_interval_are_those_of_all_resamples_of_a_small_test_set():
    counts = np.array([[[3, 4], [2, 4], [4, 4], [1, 4]], [[2, 4], [2, 4], [2, 4], [2, 4]]])
    sets = np.array(list(product(range(4), repeat=4)))
    scores = statistics.score(counts[:, sets].sum(2))
    every = scores[0] - scores[1]
    drawn = differences_of(counts, 40_000)
    assert statistics.bootstrap_p(drawn) == pytest.approx(2 * min(np.mean(every <= 0), np.mean(every >= 0)), abs=0.02)
    assert np.mean(drawn) == pytest.approx(np.mean(every), abs=0.2)


def test_p_falls_below_the_level_where_the_interval_leaves_zero_out():
    for shift in np.linspace(-3, 3, 25):
        differences = np.random.default_rng(1).normal(shift, 1, size=5000)
        low, high = statistics.bootstrap_interval(differences)
        if min(abs(low), abs(high)) > 0.01:
            assert (statistics.bootstrap_p(differences) < LEVEL) == (low > 0 or high < 0)


def test_equal_systems_differ_in_nothing():
    differences = differences_of(np.concatenate([span_counts(1, 50)] * 2))
    assert not differences.any()
    assert statistics.bootstrap_p(differences) == 1.0
    assert statistics.bootstrap_interval(differences) == (0.0, 0.0)
    assert statistics.verdict(1.0, np.zeros(3)) == NO_DIFFERENCE


def test_systems_of_one_quality_are_told_apart_about_as_often_as_the_level_says():
    found = []
    for seed in range(200):
        pair = np.concatenate([accuracy_counts(0.9, 100, 2 * seed), accuracy_counts(0.9, 100, 2 * seed + 1)])
        found.append(statistics.bootstrap_p(differences_of(pair, 400)) < LEVEL)
    # 200 draws at 0.05: a mean of 10, a deviation of 3
    assert 2 <= sum(found) <= 22


def test_a_large_difference_is_found_in_its_direction():
    differences = differences_of(np.concatenate([accuracy_counts(0.95), accuracy_counts(0.90, seed=1)]))
    p = statistics.bootstrap_p(differences)
    assert p == pytest.approx(2 / 10_001)
    assert statistics.verdict(p, np.array([5.0])) == HELPED
    assert statistics.verdict(p, np.array([-5.0])) == HURT


def test_exchanged_systems_have_the_opposite_interval_and_the_same_p():
    counts = span_counts(2, 60)
    there, back = differences_of(counts), differences_of(counts[::-1])
    assert np.array_equal(there, -back)
    assert statistics.bootstrap_p(there) == statistics.bootstrap_p(back)


def test_the_order_of_sentences_matters_no_more_than_another_draw():
    counts = span_counts(2, 300)
    order = np.random.default_rng(5).permutation(300)
    first, second = differences_of(counts), differences_of(counts[:, order])
    assert statistics.bootstrap_interval(first) == pytest.approx(statistics.bootstrap_interval(second), abs=0.2)
    assert statistics.bootstrap_p(first) == pytest.approx(statistics.bootstrap_p(second), abs=0.03)


def test_the_size_of_conll_2003_takes_seconds_and_the_same_draws_each_time():
    counts = span_counts(2, 3453)
    start = time.process_time()
    first = differences_of(counts)
    assert time.process_time() - start < 10
    assert np.array_equal(first, differences_of(counts))


@settings(deadline=None, max_examples=25)
@given(st.lists(st.integers(-50, 50), min_size=2, max_size=7))
def test_flipping_signs_over_seeds_is_exact(values):
    differences = np.array(values) / 10
    means = np.array([np.mean(differences * signs) for signs in product((-1, 1), repeat=len(values))])
    tail = min(np.mean(means >= differences.mean() - 1e-12), np.mean(means <= differences.mean() + 1e-12))
    found = statistics.permutation_p(differences, statistics.generator("flips"))
    assert found == pytest.approx(min(1.0, 2 * tail))


@pytest.mark.parametrize(("seeds", "smallest"), [(1, 1.0), (2, 0.5), (3, 0.25), (5, 0.0625), (6, 0.03125)])
def test_few_seeds_cannot_show_anything(seeds, smallest):
    differences = np.linspace(1, 2, seeds)
    assert statistics.smallest_permutation_p(seeds) == smallest
    assert statistics.permutation_p(differences, statistics.generator("seeds")) == pytest.approx(smallest)


def test_many_seeds_are_sampled_and_never_give_zero():
    differences = np.linspace(1, 2, 20)
    found = statistics.permutation_p(differences, statistics.generator("many"))
    assert found == pytest.approx(statistics.smallest_permutation_p(20))
    assert found == statistics.permutation_p(differences, statistics.generator("many"))


def test_the_effect_size_is_in_deviations_of_the_difference():
    # mean 2, deviation 1
    assert statistics.effect_size(np.array([1.0, 2.0, 3.0])) == pytest.approx(2.0)
    assert np.isnan(statistics.effect_size(np.array([1.0])))
    assert np.isnan(statistics.effect_size(np.array([1.0, 1.0])))


def test_holm_by_hand():
    # sorted: 0.01 * 4, 0.02 * 3, 0.03 * 2 = 0.06, 0.04 * 1 lifted to 0.06
    assert statistics.holm(np.array([0.04, 0.01, 0.03, 0.02])) == pytest.approx([0.06, 0.04, 0.06, 0.06])
    assert statistics.holm(np.array([0.6, 0.5])) == pytest.approx([1.0, 1.0])
    assert statistics.holm(np.array([0.03])).tolist() == [0.03]
    assert statistics.holm(np.array([])).tolist() == []


@given(P_VALUES)
def test_holm_keeps_the_order_and_lies_between_no_correction_and_bonferroni(p_values):
    corrected = statistics.holm(p_values)
    assert (corrected >= p_values).all()
    assert (corrected <= np.minimum(1, p_values * len(p_values))).all()
    assert (np.diff(corrected[np.argsort(p_values, kind="stable")]) >= 0).all()


@pytest.mark.parametrize(
    ("p", "differences", "expected"),
    [
        pytest.param(0.01, [1.0], HELPED, id="one seed, by the sentences alone"),
        pytest.param(0.01, [-2.0, 1.0], HURT, id="few seeds need not agree"),
        pytest.param(0.05, [1.0], NO_DIFFERENCE, id="p at the level"),
        pytest.param(0.01, [1, 1, 1, 1, -1], HELPED, id="four of five seeds agree"),
        pytest.param(0.01, [3, 3, 3, -1, -1], NO_DIFFERENCE, id="three of five do not"),
        pytest.param(0.01, [-1, -1, -1, -1, -1], HURT, id="all seeds worse"),
    ],
)
def test_a_verdict_needs_a_small_p_and_from_five_seeds_on_their_agreement(p, differences, expected):
    assert statistics.verdict(p, np.array(differences, dtype=float)) == expected
