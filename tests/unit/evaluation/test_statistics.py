"""Intervals of differences: against plain loops and scipy, and what may and may not widen them."""

import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from sparse_sharing.evaluation import statistics
from sparse_sharing.evaluation.statistics import HELPED, HIGHER, HURT, LEVEL, LOWER, NO_DIFFERENCE, THESE_EQUAL

VARIANCES = st.floats(0.001, 9)


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


def test_two_tasks_of_one_text_see_the_same_draws():
    counts = span_counts(1, 50)
    together = np.concatenate([counts, counts])
    scores = statistics.resampled_scores(together, statistics.generator("a"), 20)
    apart = [statistics.resampled_scores(counts, statistics.generator("a"), 20)[:, 0] for _ in range(2)]
    assert np.array_equal(scores[:, 0], apart[0])
    assert np.array_equal(apart[0], apart[1])


def test_the_sentences_of_a_document_are_counted_together():
    counts = np.arange(12).reshape(1, 6, 2)
    summed = statistics.by_document(counts, np.array([7, 7, 9, 9, 9, 7]))
    assert summed.tolist() == [[[0 + 2 + 10, 1 + 3 + 11], [4 + 6 + 8, 5 + 7 + 9]]]


def test_the_deviations_of_an_accuracy_have_the_textbook_variance():
    counts = accuracy_counts(0.8, sentences=40)
    deviations = statistics.text_deviations(counts, statistics.generator("a"), 20_000)
    expected = np.var(10 * counts[0, :, 0], ddof=1) / 40
    assert np.mean(deviations**2) == pytest.approx(expected, rel=0.05)
    assert deviations.mean() == pytest.approx(0, abs=1e-9)


def test_variance_between_trainings_is_not_counted_twice():
    """Deviations of a system are a common part plus one of each training's own; the means over seeds differ by both."""
    random = np.random.default_rng(0)
    common = random.normal(0, [2.0, 1.0], (200_000, 2))
    ours = common[:, :1] + random.normal(0, 3.0, (200_000, 4))
    theirs = common[:, 1:] + random.normal(0, 1.5, (200_000, 4))
    found = statistics.text_variance(ours, theirs)
    assert found.of_models == pytest.approx(4 + 1 + 9 / 4 + 2.25 / 4, rel=0.02)
    assert found.of_systems == pytest.approx(4 + 1, rel=0.03)


def test_trainings_of_one_system_leave_hardly_any_variance_of_systems():
    deviations = np.random.default_rng(0).normal(size=(10_000, 6))
    found = statistics.text_variance(deviations[:, :3], deviations[:, 3:])
    assert found.of_models == pytest.approx(2 / 3, rel=0.05)
    assert found.of_systems < 0.02


def test_one_training_has_no_part_to_take_off():
    deviations = np.random.default_rng(0).normal(size=(1_000, 2))
    found = statistics.text_variance(deviations[:, :1], deviations[:, 1:])
    assert found.of_models == found.of_systems == pytest.approx(np.mean((deviations[:, 0] - deviations[:, 1]) ** 2))


def test_the_pooled_variance_weighs_by_degrees_of_freedom():
    assert statistics.pooled_variance([1.0, 4.0, 99.0], [3, 5, 1]) == ((1 * 2 + 4 * 4) / 6, 6)
    assert statistics.pooled_variance([0.0], [1]) == (0.0, 0)


def half_width(variances, seeds=5, pooled=None, text=0.0, units=10_000, comparisons=1):
    """The half width of a difference of two systems; without `pooled` these two are all there are."""
    first, second = (np.asarray(value) for value in variances)
    pooled = pooled or ((first + second) / 2, 2 * (seeds - 1))
    return statistics.half_width_of_systems((first, second), seeds, pooled, np.asarray(text), units, comparisons)


@given(VARIANCES, VARIANCES)
def test_without_variance_over_texts_it_is_the_wider_of_two_tests_of_scipy(first, second):
    scores = [np.sqrt(value) * stats.zscore([1.0, 2.0, 4.0, 5.0, 9.0], ddof=1) for value in (first, second)]
    widest = max(
        np.diff(stats.ttest_ind(*scores, equal_var=equal).confidence_interval(1 - LEVEL / 6))[0] / 2
        for equal in (True, False)
    )
    found, _ = half_width((first, second), comparisons=6)
    assert found == pytest.approx(widest)


def test_without_variance_over_seeds_it_is_the_normal_interval_over_texts():
    found, error = half_width((0.0, 0.0), text=0.25, comparisons=4)
    assert error == 0.5
    assert found == pytest.approx(0.5 * stats.norm.isf(LEVEL / 8), rel=1e-3)


def test_equal_models_have_an_interval_without_width():
    assert half_width((0.0, 0.0)) == (0.0, 0.0)


@given(VARIANCES, VARIANCES, st.floats(0, 2), st.sampled_from([3, 5, 10]))
def test_a_noisier_rest_fewer_texts_and_a_larger_family_widen_an_interval(first, second, text, seeds):
    plain = half_width((first, second), seeds, text=text, units=50)[0]
    assert half_width((first, second), seeds, text=text, units=50, comparisons=2)[0] > plain
    assert half_width((first, second), seeds, text=text, units=5)[0] >= plain
    # Of the two half-widths only the pooled one grows with the rest; the other may stay the wider.
    for more, widens in ((5, plain), (1000, plain + 1)):
        noisier = ((first + second) / 2 + more, 2 * (seeds - 1))
        assert half_width((first, second), seeds, noisier, text=text, units=50)[0] >= widens


def test_with_trained_models_only_texts_count():
    half, error = statistics.half_width_of_models(np.array(4.0), 30, 3)
    assert error == 2
    assert half == pytest.approx(2 * stats.t.isf(LEVEL / 6, 29))


def test_a_detectable_difference_is_found_in_four_of_five_runs():
    half, error = statistics.half_width_of_models(np.array(1.0), 10_000, 1)
    power = stats.norm.sf((half - statistics.detectable(half, error)) / error)
    assert power == pytest.approx(0.8, abs=1e-4)


def test_the_size_of_conll_2003_takes_seconds_and_the_same_draws_each_time():
    counts = span_counts(2, 3453)
    start = time.process_time()
    first = statistics.text_deviations(counts, statistics.generator("x"))
    assert time.process_time() - start < 10
    assert np.array_equal(first, statistics.text_deviations(counts, statistics.generator("x")))


@pytest.mark.parametrize(
    ("lower", "upper", "seeds", "expected"),
    [
        (0.1, 1.0, 3, HELPED),
        (-1.0, -0.1, 3, HURT),
        (-0.1, 1.0, 3, NO_DIFFERENCE),
        (0.0, 1.0, 3, NO_DIFFERENCE),
        (0.1, 1.0, 2, HIGHER),
        (-1.0, -0.1, 1, LOWER),
        (-1.0, 0.0, 1, THESE_EQUAL),
    ],
)
def test_a_verdict_is_about_systems_from_three_seeds_on_and_needs_an_interval_without_zero(
    lower, upper, seeds, expected
):
    assert statistics.verdict(lower, upper, seeds) == expected
