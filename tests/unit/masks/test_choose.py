"""The rules that pick a round of a pruning."""

import pytest

from sparse_sharing.config.schema import Choice
from sparse_sharing.errors import ConfigError
from sparse_sharing.masks.choose import Round, choose_round

DENSITIES = (1.0, 0.5, 0.25, 0.125)


def rounds(*scores):
    """Rounds with these dev scores, each half as dense as the one before."""
    return [Round(n, d, int(800 * d), s, 1, 1) for n, (d, s) in enumerate(zip(DENSITIES, scores, strict=True))]


def picked(rows, **choice):
    """The number of the round that a choice picks."""
    return choose_round(Choice(name="mine", **choice), "pos", rows).round


def refusal(rows, **choice):
    """The message with which a choice is refused."""
    with pytest.raises(ConfigError) as caught:
        picked(rows, **choice)
    return str(caught.value)


def test_best_dev_picks_the_best_subnetwork():
    assert picked(rows=rounds(99, 80, 82, 81), rule="best_dev") == 2


def test_of_equally_good_rounds_the_less_dense_is_picked():
    assert picked(rows=rounds(99, 82, 82, 81), rule="best_dev") == 2
    assert picked(rows=rounds(82, 82, 82, 82), rule="best_dev") == 3


@pytest.mark.parametrize(("target", "expected"), [(0.5, 1), (0.45, 1), (0.3, 2), (0.01, 3), (0.9, 1)])
def test_target_density_picks_the_nearest_round(target, expected):
    assert picked(rows=rounds(9, 9, 9, 9), rule="target_density", target_density=target, tolerance=1) == expected


def test_of_equally_near_rounds_the_less_dense_is_picked():
    assert picked(rows=rounds(9, 9, 9, 9), rule="target_density", target_density=0.375, tolerance=0.2) == 2


def test_a_target_that_no_round_is_near_is_refused_with_the_nearest():
    message = refusal(rows=rounds(9, 9, 9, 9), rule="target_density", target_density=0.4, tolerance=0.09)
    assert "choice 'mine', task 'pos'" in message
    assert "nearest to target_density 0.4 is 1 with density 0.5000, further than tolerance 0.09" in message
    assert picked(rows=rounds(9, 9, 9, 9), rule="target_density", target_density=0.4, tolerance=0.11) == 1


def test_listed_rounds_are_picked_for_all_tasks_or_for_each():
    assert picked(rows=rounds(9, 9, 9, 9), rule="rounds", rounds=3) == 3
    assert picked(rows=rounds(9, 9, 9, 9), rule="rounds", rounds={"ner": 3, "pos": 2}) == 2
    assert picked(rounds(9, 9, 9, 9), rule="target_density", target_density={"ner": 0.5, "pos": 0.25}) == 2


def test_a_round_that_was_not_pruned_is_refused_with_those_that_were():
    assert "no round 4, only 1 to 3" in refusal(rounds(9, 9, 9, 9), rule="rounds", rounds=4)


@pytest.mark.parametrize(
    "choice",
    [
        {"rule": "best_dev"},
        {"rule": "target_density", "target_density": 1.0, "tolerance": 1},
        {"rule": "rounds", "rounds": 0},
    ],
)
def test_the_whole_network_is_chosen_only_where_that_is_allowed(choice):
    rows = rounds(99, 80, 80, 80)
    assert picked(rows, allow_dense=True, **choice) == 0
    if choice["rule"] == "rounds":
        assert "no round 0, only 1 to 3; round 0 is the whole network: set allow_dense" in refusal(rows, **choice)
    else:
        assert picked(rows, **choice) > 0
