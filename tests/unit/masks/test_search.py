"""Successive halving: which combinations are tried, which go on, and what is on the Pareto front."""

import numpy as np
import pytest

from sparse_sharing.config.select import Search
from sparse_sharing.masks.search import Standing, best_of, combinations, front


def draw(rounds, limit, seed=1):
    """The combinations as tuples."""
    return [tuple(found.values()) for found in combinations(rounds, limit, np.random.default_rng(seed))]


def test_all_combinations_are_tried_where_the_budget_allows_it():
    assert draw({"ner": [1, 2], "pos": [1, 3]}, 4) == [(1, 1), (1, 3), (2, 1), (2, 3)]


def test_of_more_combinations_those_of_equal_rounds_are_tried_first_and_each_once():
    found = draw({"chunk": range(1, 6), "ner": range(1, 6), "pos": range(1, 6)}, 20)
    assert found[:5] == [(number,) * 3 for number in range(1, 6)]
    assert len(set(found)) == len(found) == 20


def test_tasks_whose_prunings_ended_at_different_rounds_share_those_that_both_have():
    found = draw({"ner": [1, 2, 3, 4], "pos": [1, 2]}, 5)
    assert found[:2] == [(1, 1), (2, 2)]
    assert all(first in (1, 2, 3, 4) and second in (1, 2) for first, second in found)


def test_a_budget_below_the_number_of_rounds_tries_some_of_them():
    found = draw({"ner": range(1, 21), "pos": range(1, 21)}, 6)
    assert len(found) == 6
    assert all(first == second for first, second in found)
    assert found == sorted(found)


def test_only_the_seed_decides_what_is_drawn():
    rounds = {task: range(1, 9) for task in ("a", "b", "c", "d")}
    assert draw(rounds, 30, 1) == draw(rounds, 30, 1)
    assert draw(rounds, 30, 1) != draw(rounds, 30, 2)


def test_the_better_half_is_trained_on_and_of_equal_scores_what_stores_less():
    standings = [Standing(0, 80.0, 500), Standing(1, 90.0, 900), Standing(2, 80.0, 300), Standing(3, 70.0, 100)]
    assert [own.number for own in best_of(standings, 2)] == [1, 2]


@pytest.mark.parametrize(
    ("count", "rungs", "epochs"),
    [
        (16, [(16, 1), (8, 2), (4, 4), (2, 8)], 16 + 8 + 4 * 2 + 2 * 4),
        (5, [(5, 1), (3, 2), (2, 4)], 5 + 3 + 2 * 2),
        (2, [(2, 1)], 2),
        (1, [(1, 1)], 1),
    ],
)
def test_each_rung_has_half_of_the_combinations_and_twice_the_epochs(count, rungs, epochs):
    assert Search().rungs(count) == rungs
    assert Search().trained_epochs(count) == epochs
    assert Search(epochs=3).trained_epochs(count) == 3 * epochs


def test_on_the_front_is_what_no_other_beats_in_size_or_score():
    points = [(100, 70.0), (200, 80.0), (200, 75.0), (300, 80.0), (400, 90.0), (100, 70.0)]
    standings = [Standing(number, score, size) for number, (size, score) in enumerate(points)]
    assert front(standings) == [True, True, False, False, True, True]
