"""What masks have in common, beside what chance gives them, and how dense they are in each layer."""

from dataclasses import astuple

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from masks_by_hand import mask_of
from tiny import network_of, random_mask

from sparse_sharing.masks.analysis import (
    chance_overlap,
    chance_overlap_by_tensor,
    compare_by_layer,
    intersection_size,
    layer_densities,
    overlap,
    shared_by,
    union_size,
)
from sparse_sharing.masks.mask import Mask

NETWORK = network_of()
POS, NER = random_mask(NETWORK, 0.5, 1), random_mask(NETWORK, 0.3, 2)


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


def test_masks_that_keep_nothing_overlap_by_no_chance():
    assert chance_overlap_by_tensor([mask_of([0, 0]), mask_of([0, 0])]) == 0


def test_overlaps_are_given_for_all_weights_and_for_each_layer():
    rows = {layer: astuple(found) for layer, found in compare_by_layer([POS, NER]).items()}
    assert rows["all"][0] == overlap([POS, NER])
    assert set(rows) == {"all", "characters", "lstm 1"}
    assert all(value == pytest.approx(chance, abs=0.2) for value, chance, _ in rows.values())
    assert rows["all"][2] == chance_overlap_by_tensor([POS, NER])
    assert {found.overlap for found in compare_by_layer([POS, POS]).values()} == {1.0}


def test_the_density_of_a_layer_is_that_of_its_part_of_the_mask():
    densities = layer_densities(POS.keep.numpy(), POS.shapes)
    assert densities == pytest.approx({layer: part.density for layer, part in POS.by_layer().items()})
    assert list(densities) == ["characters", "lstm 1"]


def test_weights_are_counted_by_how_many_masks_keep_them():
    counts = shared_by([POS, NER])
    assert sum(counts) == POS.keep.numel()
    assert counts[1] + 2 * counts[2] == POS.kept + NER.kept
