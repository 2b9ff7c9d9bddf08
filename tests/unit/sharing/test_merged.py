"""Merging changes: small numbers computed by hand, and what must hold for any numbers."""

import numpy as np
import pytest

from sparse_sharing.sharing import merged as merging

FIRST = np.array([4.0, -1.0, 2.0, 0.5, 0.0])
SECOND = np.array([-2.0, -3.0, 1.0, 0.0, 8.0])
THIRD = np.array([1.0, 5.0, -4.0, 0.25, 0.0])
CHANGES = {"ner": FIRST, "pos": SECOND, "chunk": THIRD}


def random_of(task):
    """A generator for each task."""
    return np.random.default_rng(sum(task.encode()))


def many(count=200):
    """Changes of three tasks that no hand computes."""
    random = np.random.default_rng(1)
    return {task: random.normal(size=count) for task in ("chunk", "ner", "pos")}


def test_task_arithmetic_is_the_sum():
    assert merging.arithmetic(CHANGES).tolist() == [3.0, 1.0, -1.0, 0.75, 8.0]


def test_ties_trims_elects_a_sign_and_takes_the_mean_of_those_that_agree():
    # Of five changes two stay: 4 and 2; -3 and 8; 5 and -4. Sums: 4, 2, -2, 0, 8.
    assert merging.ties(CHANGES, 0.4).tolist() == [4.0, 5.0, -4.0, 0.0, 8.0]
    # All stay. Sums: 3, 1, -1, 0.75, 8; agreeing: 4 and 1; 5; -4; 0.5 and 0.25; 8.
    assert merging.ties(CHANGES, 1.0).tolist() == [2.5, 5.0, -4.0, 0.375, 8.0]


def test_changes_that_cancel_exactly_elect_no_sign():
    assert merging.ties({"a": np.array([1.0, 2.0]), "b": np.array([-1.0, 2.0])}, 1.0).tolist() == [0.0, 2.0]


@pytest.mark.parametrize(("density", "kept"), [(1.0, 5), (0.6, 3), (0.2, 1), (0.01, 1)])
def test_trimming_keeps_the_share_of_the_largest_changes(density, kept):
    change = merging.trimmed(np.array([5.0, -4.0, 3.0, -2.0, 1.0]), density)
    assert change.tolist() == [5.0, -4.0, 3.0, -2.0, 1.0][:kept] + [0.0] * (5 - kept)


def test_dare_drops_a_share_and_scales_up_what_stays():
    change = np.ones(10_000)
    found = merging.dropped({"ner": change}, 0.75, random_of)["ner"]
    assert set(found) == {0.0, 4.0}
    assert 0.23 < np.mean(found == 4.0) < 0.27


def test_a_higher_rate_drops_what_a_lower_one_drops():
    low, high = (merging.dropped(many(), rate, random_of)["ner"] for rate in (0.3, 0.8))
    assert not np.any((low == 0) & (high != 0))


def test_dare_at_rate_0_is_task_arithmetic():
    kept = merging.dropped(many(), 0.0, random_of)
    assert merging.arithmetic(kept).tobytes() == merging.arithmetic(many()).tobytes()


def test_a_tall_mask_keeps_what_is_near_to_the_own_change():
    merged = merging.arithmetic(CHANGES)
    # Differences of the first task: 1, 2, 3, 0.25, 8.
    assert merging.tall_keep(FIRST, merged, 1.0).tolist() == [True, False, False, True, False]
    assert merging.tall_keep(FIRST, merged, 0.5).tolist() == [True, True, True, True, False]


def test_a_tall_mask_with_threshold_0_or_of_a_single_task_keeps_everything():
    merged = merging.arithmetic(many())
    assert all(merging.tall_keep(change, merged, 0.0).all() for change in many().values())
    alone = many()["ner"]
    assert merging.tall_keep(alone, merging.arithmetic({"ner": alone}), 5.0).all()


@pytest.mark.parametrize(
    "merge",
    [
        merging.arithmetic,
        lambda changes: merging.ties(changes, 0.3),
        lambda changes: merging.arithmetic(merging.dropped(changes, 0.5, random_of)),
    ],
    ids=["arithmetic", "ties", "dare"],
)
def test_the_order_of_the_tasks_has_no_meaning(merge):
    backwards = dict(reversed(many().items()))
    assert merge(many()).tobytes() == merge(backwards).tobytes()


def test_the_change_of_a_single_task_gives_back_its_weights_bit_for_bit():
    random = np.random.default_rng(2)
    start = random.normal(size=1000).astype(np.float32)
    # Among them weights that are so much smaller than their start that adding up loses them.
    finished = (random.normal(size=1000) * 10.0 ** random.integers(-30, 1, 1000)).astype(np.float32)
    finished[::7] = start[::7]
    finished[1::7] = -0.0
    changes = {"ner": finished.astype(np.float64) - start}
    for merged in (merging.arithmetic(changes), merging.ties(changes, 1.0)):
        assert merging.added(start, merged, changes, {"ner": finished}).tobytes() == finished.tobytes()


def test_no_change_leaves_the_start():
    start = np.array([0.1, -2.0], np.float32)
    changes = {"a": np.array([1.0, 2.0]), "b": np.array([-1.0, -2.0])}
    finished = {task: (start + change).astype(np.float32) for task, change in changes.items()}
    assert merging.added(start, merging.arithmetic(changes), changes, finished).tolist() == start.tolist()
