"""The order of an epoch: every batch once, tasks mixed by what they have left, or in turn."""

from itertools import groupby

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sparse_sharing.text.batches import shuffled_batches
from sparse_sharing.training.sampling import passes, proportional, round_robin, steps_in_epoch

SIZES = st.dictionaries(st.sampled_from(["chunk", "ner", "pos"]), st.integers(0, 12))


def batches_of(**sizes):
    """Batches named by their numbers."""
    return {task: list(range(size)) for task, size in sizes.items()}


def own(order, task):
    """The batches of one task in an order."""
    return [batch for other, batch in order if other == task]


@given(SIZES, st.integers(0, 100))
def test_proportional_gives_each_batch_of_each_task_exactly_once_and_in_order(sizes, seed):
    batches = batches_of(**sizes)
    order = proportional(batches, np.random.default_rng(seed))
    assert len(order) == sum(sizes.values())
    assert all(own(order, task) == batches[task] for task in batches)


@given(SIZES)
def test_round_robin_gives_each_batch_of_each_task_exactly_once_and_in_order(sizes):
    batches = batches_of(**sizes)
    order = round_robin(batches)
    assert len(order) == sum(sizes.values())
    assert all(own(order, task) == batches[task] for task in batches)


def test_round_robin_passes_over_tasks_that_are_used_up():
    order = round_robin({"chunk": "ab", "ner": "c", "pos": "def"})
    assert order == [("chunk", "a"), ("ner", "c"), ("pos", "d"), ("chunk", "b"), ("pos", "e"), ("pos", "f")]


@pytest.mark.parametrize("seed", range(5))
def test_proportional_interleaves_tasks(seed):
    order = proportional(batches_of(chunk=100, pos=100), np.random.default_rng(seed))
    runs = [len(list(run)) for _, run in groupby(task for task, _ in order)]
    assert 70 < len(runs) < 130
    assert 30 < len(own(order[:100], "pos")) < 70


@pytest.mark.parametrize("place", [0, 39, 79])
def test_every_place_of_an_epoch_belongs_to_a_task_in_proportion_to_its_size(place):
    batches = batches_of(chunk=20, pos=60)
    drawn = [proportional(batches, np.random.default_rng(seed))[place][0] for seed in range(1000)]
    assert drawn.count("pos") / 1000 == pytest.approx(0.75, abs=0.05)


def test_seeds_give_orders_of_their_own():
    batches = batches_of(chunk=20, pos=20)
    first, again, other = (proportional(batches, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert first == again
    assert first != other


def counted(count, weight):
    """The batches of an epoch, when each pass gives `count` batches named by the pass and their number."""
    number = iter(range(1000))
    return passes(weight, lambda: [(turn, batch) for turn in [next(number)] for batch in range(count)])


@given(st.integers(1, 30), st.floats(0.01, 5))
def test_a_weight_gives_its_number_of_passes_rounded_to_batches_and_at_least_one_batch(count, weight):
    batches = counted(count, weight)
    assert len(batches) == pytest.approx(max(1, weight * count), abs=0.5001)
    assert len(set(batches)) == len(batches)


@given(st.integers(0, 300), st.integers(1, 40), st.floats(0.01, 4), st.integers(1, 5))
def test_the_steps_of_an_epoch_are_counted_as_they_are_made(sentences, size, weight, buckets):
    random = np.random.default_rng(1)
    lengths = random.integers(1, 9, sentences)
    made = passes(weight, lambda: shuffled_batches(lengths, size, buckets, random))
    assert steps_in_epoch(sentences, size, weight) == len(made)


def test_weight_one_is_one_pass_and_draws_no_more_random_numbers():
    assert counted(4, 1.0) == [(0, batch) for batch in range(4)]


def test_a_part_of_a_pass_is_the_beginning_of_a_newly_shuffled_pass():
    assert counted(4, 2.5) == [(0, 0), (0, 1), (0, 2), (0, 3), (1, 0), (1, 1), (1, 2), (1, 3), (2, 0), (2, 1)]
