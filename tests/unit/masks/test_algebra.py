"""New masks out of others, by set operations, by chance and by one permutation for all."""

from itertools import combinations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tiny import network_of, random_mask

from sparse_sharing.errors import ArtifactError, ConfigError
from sparse_sharing.masks.algebra import combine, permuted, random_like, shuffle_layers
from sparse_sharing.masks.analysis import (
    chance_overlap,
    chance_overlap_by_tensor,
    intersection_size,
    overlap,
    union_size,
)
from sparse_sharing.masks.files import MaskFile
from sparse_sharing.masks.mask import Mask

NETWORK = network_of()
POS, NER = random_mask(NETWORK, 0.5, 1), random_mask(NETWORK, 0.3, 2)
SHAPES = {"first": (3, 4), "second": (20,)}


def file_of(**masks):
    return MaskFile("a file", masks, "digest")


def test_operations_are_those_of_sets():
    first, second = file_of(pos=POS), file_of(pos=NER)
    found = {name: combine(name, first, second)["pos"].keep for name in ("and", "or", "xor", "minus")}
    both, one, other = found["and"], POS.keep, NER.keep
    assert both.sum() == (one.int() * other.int()).sum()
    assert torch.equal(found["or"], one.logical_not().logical_and(other.logical_not()).logical_not())
    assert torch.equal(found["xor"], found["or"] & ~both)
    assert torch.equal(found["minus"], one & ~both)


def test_files_are_combined_task_by_task_or_with_the_one_mask_of_a_side():
    pair = file_of(pos=POS, ner=NER)
    assert combine("and", pair, file_of(ner=NER, pos=POS))["pos"].kept == POS.kept
    for masks in (combine("or", pair, file_of(x=NER)), combine("or", file_of(x=NER), pair)):
        assert set(masks) == {"pos", "ner"}
        assert masks["ner"].kept == NER.kept
    with pytest.raises(ConfigError, match="expected the same tasks"):
        combine("and", pair, file_of(pos=POS, chunk=NER))


def test_masks_of_other_weights_are_not_combined():
    other = Mask(NER.keep, NER.shapes, "other weights")
    with pytest.raises(ArtifactError, match="was belongs to starting weights"):
        combine("and", file_of(pos=POS), file_of(pos=other))


@given(st.integers(0, 50))
def test_random_masks_keep_as_many_in_all_and_shuffled_ones_in_each_tensor(seed):
    masks = {"pos": POS, "ner": NER}

    def random(name):
        return np.random.default_rng([seed, len(name), *name.encode()])

    anywhere, within = random_like(masks, random), shuffle_layers(masks, random)
    for name, mask in masks.items():
        assert anywhere[name].kept == mask.kept
        assert within[name].tensor_densities() == mask.tensor_densities()
        assert not torch.equal(within[name].keep, mask.keep)
    assert torch.equal(shuffle_layers(masks, random)["pos"].keep, within["pos"].keep)


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


def test_masks_permuted_one_by_one_overlap_by_chance_of_the_tensors():
    sizes = {"first": (5000,), "second": (20000,)}
    limits = np.array([0.8] * 5000 + [0.2] * 20000)
    random = np.random.default_rng(1)
    masks = [Mask(torch.from_numpy(random.random(25000) < limits), sizes, "weights") for _ in range(2)]
    alone = [permuted({"one": mask}, random)["one"] for mask in masks]
    assert overlap(alone) == pytest.approx(chance_overlap_by_tensor(masks), abs=0.01)
    assert overlap(alone) > chance_overlap([mask.density for mask in masks]) + 0.05
