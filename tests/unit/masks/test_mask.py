"""Masks: what they cover, what they keep, and which networks they fit."""

import re

import pytest
import torch
from masks_by_hand import dense, mask_of

from sparse_sharing.errors import ArtifactError
from sparse_sharing.masks.mask import Mask


def test_a_mask_may_keep_whole_tensors():
    mask = Mask.of_tensors({"a": (2, 2), "b": (3,), "c": (1,)}, "weights", lambda name: name != "b")
    assert mask.keep.tolist() == [True] * 4 + [False] * 3 + [True]


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
