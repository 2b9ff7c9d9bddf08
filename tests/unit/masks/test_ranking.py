"""Ranking: exact counts, nested rounds, ties that go to the earlier weight, and the published densities."""

from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from masks_by_hand import dense, mask_of

from sparse_sharing.masks.mask import Mask
from sparse_sharing.masks.ranking import kept_after, prune_smallest

MAGNITUDES = st.lists(st.sampled_from([0.0, 0.5, 1.0, 1.5, 2.0]), min_size=1, max_size=30)
ROUNDS = 20


def rounds_of(size, final):
    """The masks of all rounds, each ranking other weights."""
    random = torch.Generator().manual_seed(1)
    masks = [dense(size)]
    for number in range(1, ROUNDS + 1):
        kept = kept_after(number, ROUNDS, final, size)
        masks.append(prune_smallest(torch.rand(size, generator=random), masks[-1], kept))
    return masks


@pytest.mark.parametrize("final", [0.03, 0.1, 0.5])
@pytest.mark.parametrize("size", [7, 1000, 4801])
def test_the_density_of_a_round_is_within_one_weight_of_its_share(final, size):
    for number, mask in enumerate(rounds_of(size, final)):
        assert abs(mask.kept - size * final ** (number / ROUNDS)) < 1


def test_the_densities_of_the_paper_are_those_of_rounds_of_twenty():
    prunable = 530_700
    percent = [100 * kept_after(number, ROUNDS, 0.1, prunable) / prunable for number in (5, 6, 7)]
    assert [round(value, 2) for value in percent] == [56.23, 50.12, 44.67]


def test_masks_are_nested_over_the_rounds():
    masks = rounds_of(1000, 0.1)
    for earlier, later in pairwise(masks):
        assert later.kept < earlier.kept
        assert not (later.keep & ~earlier.keep).any()


@settings(deadline=None)
@given(MAGNITUDES, st.data())
def test_the_largest_are_kept_and_of_equals_the_earlier(magnitudes, data):
    bits = data.draw(st.lists(st.booleans(), min_size=len(magnitudes), max_size=len(magnitudes)))
    kept = data.draw(st.integers(0, sum(bits)))
    pruned = prune_smallest(torch.tensor(magnitudes), mask_of(bits), kept)
    places = [place for place, bit in enumerate(bits) if bit]
    best = sorted(places, key=lambda place: (-magnitudes[place], place))[:kept]
    assert pruned.keep.nonzero().flatten().tolist() == sorted(best)


def test_of_equal_magnitudes_the_earlier_are_kept_to_the_exact_count():
    pruned = prune_smallest(torch.tensor([1.0, 2.0, 1.0, 1.0, 0.5]), dense(5), 3)
    assert pruned.keep.tolist() == [True, True, True, False, False]


def test_weights_are_ranked_over_all_tensors_together():
    shapes = {"first": (2, 2), "second": (4,)}
    pruned = prune_smallest(torch.tensor([0.1, 0.2, 0.3, 0.4, 5, 6, 7, 8]), Mask.dense(shapes, "weights"), 4)
    assert pruned.tensor_densities() == {"first": 0.0, "second": 1.0}


def test_a_tensor_that_is_already_empty_stays_so():
    shapes = {"first": (4,), "second": (4,)}
    mask = Mask(torch.tensor([False] * 4 + [True] * 4), shapes, "weights")
    pruned = prune_smallest(torch.tensor([9.0, 9, 9, 9, 1, 2, 3, 4]), mask, 2)
    assert pruned.tensors()["first"].tolist() == [False] * 4
    assert pruned.tensors()["second"].tolist() == [False, False, True, True]


def test_an_empty_mask_can_be_pruned_to_an_empty_mask():
    assert prune_smallest(torch.ones(3), mask_of([False] * 3), 0).kept == 0


def test_pruning_never_revives_a_weight():
    pruned = prune_smallest(torch.tensor([9.0, 0.1, 8.0, 0.2]), mask_of([False, True, False, True]), 2)
    assert pruned.keep.tolist() == [False, True, False, True]


def test_pruning_leaves_the_old_mask_as_it_was_and_keeps_its_origin():
    mask = mask_of([True] * 4, weights="origin")
    pruned = prune_smallest(torch.tensor([1.0, 2, 3, 4]), mask, 1)
    assert (mask.kept, pruned.kept) == (4, 1)
    assert (pruned.shapes, pruned.weights) == (mask.shapes, "origin")


@pytest.mark.parametrize("flaw", [float("nan"), float("inf")])
def test_a_weight_that_is_not_finite_cannot_be_ranked(flaw):
    with pytest.raises(ValueError, match="not finite"):
        prune_smallest(torch.tensor([1.0, flaw, 2.0]), dense(3), 1)


def test_a_removed_weight_is_not_looked_at():
    assert prune_smallest(torch.tensor([1.0, float("nan"), 2.0]), mask_of([True, False, True]), 1).kept == 1


@pytest.mark.parametrize("kept", [-1, 3])
def test_no_more_weights_can_be_kept_than_there_are(kept):
    with pytest.raises(ValueError, match=f"cannot keep {kept} of 2"):
        prune_smallest(torch.ones(3), mask_of([True, True, False]), kept)
