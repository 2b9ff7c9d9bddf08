"""Masks: exact counts, nested rounds, ties that go to the earlier weight, and the published densities."""

import re
from itertools import combinations, pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sparse_sharing.errors import ArtifactError
from sparse_sharing.masks.mask import (
    Mask,
    chance_overlap,
    chance_overlap_by_tensor,
    intersection_size,
    kept_after,
    overlap,
    pack,
    permuted,
    prune_smallest,
    union_size,
    unpack,
)

BITS = st.lists(st.booleans(), max_size=40)
MAGNITUDES = st.lists(st.sampled_from([0.0, 0.5, 1.0, 1.5, 2.0]), min_size=1, max_size=30)
ROUNDS = 20


def mask_of(bits, weights="weights"):
    """A mask over one tensor."""
    return Mask(torch.tensor(bits, dtype=torch.bool), {"matrix": (len(bits),)}, weights)


def dense(size):
    """The mask that keeps all of one tensor."""
    return Mask.dense({"matrix": (size,)}, "weights")


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


def test_a_mask_may_keep_whole_tensors():
    mask = Mask.of_tensors({"a": (2, 2), "b": (3,), "c": (1,)}, "weights", lambda name: name != "b")
    assert mask.keep.tolist() == [True] * 4 + [False] * 3 + [True]


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


@settings(deadline=None)
@given(BITS)
def test_packing_is_undone_by_unpacking(bits):
    mask = mask_of(bits)
    packed = pack(mask)
    assert packed.nbytes == (len(bits) + 7) // 8
    restored = unpack(packed, mask.shapes, mask.weights)
    assert restored.keep.tolist() == bits
    assert (restored.shapes, restored.weights) == (mask.shapes, mask.weights)


def test_the_first_weight_stands_in_the_highest_bit():
    assert pack(mask_of([True] + [False] * 8)).tolist() == [128, 0]


@pytest.mark.parametrize("bits", [np.zeros(1, np.uint8), np.zeros(2, np.int64)])
def test_bytes_that_do_not_fit_the_shapes_are_refused(bits):
    with pytest.raises(ArtifactError, match="a mask of 9 weights takes 2 bytes"):
        unpack(bits, {"matrix": (3, 3)}, "weights")


@pytest.mark.parametrize(
    "keep",
    [torch.ones(6), torch.ones(6, dtype=torch.uint8), torch.ones(5, dtype=torch.bool), torch.ones(2, 3).bool()],
    ids=["float", "integer", "too short", "not flat"],
)
def test_a_mask_is_a_bool_vector_of_the_right_size(keep):
    with pytest.raises(ValueError, match="a bool vector of 6 weights"):
        Mask(keep, {"matrix": (2, 3)}, "weights")


def test_a_mask_is_cut_into_its_tensors_in_order():
    mask = Mask(torch.tensor([True, False, True, True, False]), {"matrix": (2, 2), "vector": (1,)}, "weights")
    assert mask.tensors()["matrix"].tolist() == [[True, False], [True, True]]
    assert mask.tensors()["vector"].tolist() == [False]
    assert mask.tensor_densities() == {"matrix": 0.75, "vector": 0.0}
    assert (mask.kept, mask.density, mask.is_dense) == (3, 0.6, False)


def test_only_the_mask_that_keeps_everything_is_dense():
    assert dense(4).is_dense
    assert dense(4).density == 1
    assert not mask_of([True, True, False]).is_dense


def test_overlap_is_what_all_keep_over_what_any_keeps():
    masks = [mask_of([1, 1, 1, 0, 0]), mask_of([0, 1, 1, 1, 0]), mask_of([0, 0, 1, 1, 0])]
    assert (intersection_size(masks), union_size(masks)) == (1, 4)
    assert overlap(masks) == 1 / 4
    assert overlap(masks[:2]) == 2 / 4


@settings(deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1))
def test_overlap_is_symmetric_and_one_only_for_equal_masks(pairs):
    one, other = (mask_of(list(bits)) for bits in zip(*pairs, strict=True))
    assert overlap([one, other]) == overlap([other, one])
    assert (overlap([one, other]) == 1) == (torch.equal(one.keep, other.keep) and one.kept > 0)


def test_the_overlap_of_masks_that_keep_nothing_is_zero():
    assert overlap([mask_of([0, 0]), mask_of([0, 0])]) == 0


def test_two_independent_halves_overlap_by_a_third():
    assert chance_overlap([0.5, 0.5]) == pytest.approx(1 / 3)


@pytest.mark.parametrize(
    ("densities", "expected"), [([1.0, 1.0], 1.0), ([1.0, 0.3], 0.3), ([0.0, 0.0], 0.0), ([0.5] * 3, 1 / 7)]
)
def test_chance_overlap_at_its_limits(densities, expected):
    assert chance_overlap(densities) == pytest.approx(expected)


@settings(max_examples=20, deadline=None)
@given(st.lists(st.floats(0.1, 0.9), min_size=2, max_size=3), st.integers(0, 1000))
def test_random_masks_overlap_by_chance(densities, seed):
    random = np.random.default_rng(seed)
    masks = [mask_of(random.random(100_000) < density) for density in densities]
    assert overlap(masks) == pytest.approx(chance_overlap(densities), abs=0.02)


def test_a_mask_fits_the_network_and_the_weights_it_was_cut_from():
    mask = mask_of([True, False], weights="origin")
    assert mask.require_fit({"matrix": (2,)}, "origin", "masks") is None


@pytest.mark.parametrize("shapes", [{"matrix": (1, 2)}, {"other": (2,)}, {"matrix": (2,), "other": (1,)}, {}], ids=str)
def test_a_mask_of_another_network_is_refused(shapes):
    with pytest.raises(ArtifactError, match=re.escape("masks.safetensors: the mask is for tensors {'matrix': (2,)}")):
        mask_of([True, False]).require_fit(shapes, "weights", "masks.safetensors")


def test_a_mask_of_tensors_in_another_order_is_refused():
    mask = Mask.dense({"first": (2,), "second": (2,)}, "weights")
    with pytest.raises(ArtifactError, match="the mask is for tensors"):
        mask.require_fit({"second": (2,), "first": (2,)}, "weights", "masks")


def test_a_mask_cut_from_other_weights_is_refused_with_both_digests():
    with pytest.raises(ArtifactError, match="starting weights one, but the training starts from other; prune from"):
        mask_of([True], weights="one").require_fit({"matrix": (1,)}, "other", "masks")


SHAPES = {"first": (3, 4), "second": (20,)}


def masks_of(seed, densities):
    """Masks over two tensors, the second half as dense as the first."""
    random = np.random.default_rng(seed)
    limits = np.array([1.0] * 12 + [0.5] * 20)
    return {
        f"task{number}": Mask(torch.from_numpy(random.random(32) < density * limits), SHAPES, "weights")
        for number, density in enumerate(densities)
    }


@given(st.integers(0, 100), st.lists(st.sampled_from([0.2, 0.5, 0.9]), min_size=2, max_size=4))
def test_a_common_permutation_keeps_the_densities_of_tensors_and_what_any_set_of_masks_has_in_common(seed, densities):
    before = masks_of(seed, densities)
    after = permuted(before, np.random.default_rng(seed))
    for name, mask in before.items():
        assert after[name].tensor_densities() == mask.tensor_densities()
        assert (after[name].shapes, after[name].weights) == (mask.shapes, mask.weights)
    for size in range(2, len(densities) + 1):
        for names in combinations(before, size):
            one, other = [before[name] for name in names], [after[name] for name in names]
            for mine, theirs in zip(*([mask.tensors() for mask in masks] for masks in (one, other)), strict=True):
                assert {k: int(v.sum()) for k, v in mine.items()} == {k: int(v.sum()) for k, v in theirs.items()}
            assert intersection_size(one) == intersection_size(other)
            assert union_size(one) == union_size(other)
    shared = [torch.stack([mask.tensors()["first"] for mask in masks.values()]) for masks in (before, after)]
    assert sorted(map(tuple, shared[0].flatten(1).T.tolist())) == sorted(map(tuple, shared[1].flatten(1).T.tolist()))


def test_a_common_permutation_changes_which_weights_are_kept():
    before = masks_of(1, [0.5, 0.5])
    after = permuted(before, np.random.default_rng(1))
    assert not any(torch.equal(after[name].keep, mask.keep) for name, mask in before.items())


def test_independent_masks_of_other_densities_in_each_tensor_overlap_by_chance_of_the_tensors():
    one = Mask(torch.tensor([1, 1, 1, 0] + [0] * 4).bool(), {"dense": (4,), "empty": (4,)}, "weights")
    other = Mask(torch.tensor([1, 1, 0, 0] + [0] * 4).bool(), {"dense": (4,), "empty": (4,)}, "weights")
    # of the four weights of the first tensor 3/4 * 1/2 are expected in both and 1 - 1/4 * 1/2 in any
    assert chance_overlap_by_tensor([one, other]) == pytest.approx((3 / 8) / (7 / 8))
    assert chance_overlap([one.density, other.density]) < chance_overlap_by_tensor([one, other])


@given(st.integers(0, 100))
def test_in_one_tensor_chance_by_tensor_is_chance(seed):
    masks = [mask_of((np.random.default_rng(seed + n).random(40) < 0.4).tolist()) for n in range(3)]
    expected = chance_overlap([mask.density for mask in masks])
    assert chance_overlap_by_tensor(masks) == pytest.approx(expected)


def test_masks_permuted_one_by_one_overlap_by_chance_of_the_tensors():
    sizes = {"first": (5000,), "second": (20000,)}
    limits = np.array([0.8] * 5000 + [0.2] * 20000)
    random = np.random.default_rng(1)
    masks = [Mask(torch.from_numpy(random.random(25000) < limits), sizes, "weights") for _ in range(2)]
    alone = [permuted({"one": mask}, random)["one"] for mask in masks]
    assert overlap(alone) == pytest.approx(chance_overlap_by_tensor(masks), abs=0.01)
    assert overlap(alone) > chance_overlap([mask.density for mask in masks]) + 0.05


def test_masks_that_keep_nothing_overlap_by_no_chance():
    assert chance_overlap_by_tensor([mask_of([0, 0]), mask_of([0, 0])]) == 0
