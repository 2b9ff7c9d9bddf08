"""Masks over units: what they stand for, how units are ranked, and that they can be read back from weights."""

import numpy as np
import pytest
import torch
from tiny import MODEL, network_of

from sparse_sharing.config.encoders.bilstm import BiLstm
from sparse_sharing.encoders.base import TextSizes, build_encoder
from sparse_sharing.masks.mask import Mask
from sparse_sharing.masks.ranking import prune_smallest
from sparse_sharing.masks.tensor_info import UnitAxis
from sparse_sharing.masks.units import Units, compact, places

LEFT, RIGHT = "recurrent.{}.left_to_right", "recurrent.{}.right_to_left"


def units_of(**changes):
    """The units of the tiny network."""
    return Units(build_encoder(BiLstm(**{**dict(MODEL), **changes}), TextSizes(9, 9)).tensors())


def without(units, group, number):
    """The mask over units that removes one of them."""
    mask = Mask.dense(units.shapes, "weights")
    mask.tensors()[group][number] = False
    return mask


def removed(units, group, number):
    """For each tensor the indices of what is removed with a unit."""
    tensors = units.expand(without(units, group, number)).tensors()
    return {name: np.argwhere(~keep.numpy()) for name, keep in tensors.items() if not keep.all()}


def test_units_are_filters_and_the_hidden_units_of_each_direction_and_layer():
    units = units_of(layers=2)
    layers = [name.format(layer) for layer in (0, 1) for name in (LEFT, RIGHT)]
    assert units.shapes == {"characters": (5,), **dict.fromkeys(layers, (4,))}


def test_a_filter_is_its_kernel_its_bias_and_the_columns_of_the_first_layer_that_read_it():
    gone = removed(units_of(), "characters", 3)
    matrices = [f"recurrent.0.{way}.weight_ih_l0" for way in ("left_to_right", "right_to_left")]
    assert set(gone) == {"characters.convolution.weight", "characters.convolution.bias", *matrices}
    assert set(gone["characters.convolution.weight"][:, 0]) == {3}
    for name in matrices:
        assert set(gone[name][:, 1]) == {MODEL.word_dimension + 3}


def test_a_hidden_unit_is_the_rows_of_its_gates_its_recurrent_column_and_what_reads_it_in_the_next_layer():
    gone = removed(units_of(layers=2), RIGHT.format(0), 1)
    own = {f"{RIGHT.format(0)}.{kind}_{of}_l0" for kind in ("weight", "bias") for of in ("ih", "hh")}
    above = {f"recurrent.1.{way}.weight_ih_l0" for way in ("left_to_right", "right_to_left")}
    assert set(gone) == own | above
    assert set(gone[f"{RIGHT.format(0)}.bias_ih_l0"][:, 0]) == {1, 5, 9, 13}
    rows, columns = gone[f"{RIGHT.format(0)}.weight_hh_l0"].T
    assert all(row % 4 == 1 or column == 1 for row, column in zip(rows, columns, strict=True))
    for name in above:
        assert set(gone[name][:, 1]) == {MODEL.hidden + 1}


def test_the_units_of_a_mask_are_read_back_from_its_weights():
    units = units_of(layers=2)
    random = torch.Generator().manual_seed(1)
    size = sum(size for (size,) in units.shapes.values())
    for _ in range(20):
        mask = Mask(torch.rand(size, generator=random) < 0.5, units.shapes, "weights")
        over_weights = units.expand(mask)
        if (found := units.collapse(over_weights)) is not None:
            assert units.expand(found).keep.equal(over_weights.keep)
        keep = over_weights.keep.clone()
        keep[int(keep.nonzero()[0])] = False
        assert units.collapse(Mask(keep, units.covered, "weights")) is None


def test_a_mask_over_weights_is_none_over_units():
    network = network_of()
    assert network.units.collapse(Mask.dense(network.prunable_shapes, "weights")) is None
    assert not network.units.is_over_units(Mask.dense(network.prunable_shapes, "weights"))


def test_cross_stitch_networks_have_no_units():
    network = network_of(stacks=["chunk", "ner", "pos"])
    assert not network.units.shapes


def test_a_unit_counts_by_the_root_mean_square_of_its_weights():
    network = network_of(layers=2)
    scores = network.units.scores(network.prunable_values().abs())
    values = network.values()
    own = [values[f"{LEFT.format(0)}.weight_{of}_l0"] for of in ("ih", "hh")]
    above = [values[f"recurrent.1.{way}.weight_ih_l0"] for way in ("left_to_right", "right_to_left")]
    rows = [matrix[[2, 6, 10, 14]] for matrix in own]
    weights = torch.cat([part.reshape(-1) for part in [*rows, own[1][:, 2], *(matrix[:, 2] for matrix in above)]])
    assert scores[5 + 2].item() == pytest.approx(weights.square().mean().sqrt().item(), rel=1e-5)


def test_with_signs_a_unit_counts_by_the_mean_of_its_weights():
    units = units_of()
    weights = -torch.ones(sum(int(np.prod(info.shape)) for info in units.infos if info.prunable))
    assert units.scores(weights, signed=True).tolist() == [-1.0] * 13
    assert units.scores(weights).tolist() == [1.0] * 13


def test_the_best_unit_of_each_group_is_ranked_before_all_others_of_those_that_are_left():
    network = network_of()
    values = network.prunable_values().abs()
    values[: 5 * 4 * 3] = 0  # the filters
    mask = Mask.dense(network.units.shapes, "weights")
    for kept in (9, 6, 3):
        mask = prune_smallest(network.units.rank(values, mask), mask, kept)
        assert [bool(keep.any()) for keep in mask.tensors().values()] == [True] * 3


def test_the_places_of_units_follow_their_declaration():
    axis = UnitAxis("heads", axis=1, count=2, start=3, blocks=2, size=2)
    assert places(axis).tolist() == [[[3, 4], [5, 6]], [[7, 8], [9, 10]]]


def test_a_compact_tensor_lacks_the_lines_of_removed_units_and_groups_not_named_stay():
    network = network_of()
    infos = [info for info in network.parameters.infos.values() if info.role != "rows"]
    values = {name: value.numpy() for name, value in network.values().items()}
    kept = {LEFT.format(0): np.array([True, False, True, False])}
    found = compact(values, infos, kept)
    matrix = values[f"{LEFT.format(0)}.weight_hh_l0"]
    rows = [0, 2, 4, 6, 8, 10, 12, 14]
    assert np.array_equal(found[f"{LEFT.format(0)}.weight_hh_l0"], matrix[rows][:, [0, 2]])
    assert np.array_equal(found["characters.convolution.weight"], values["characters.convolution.weight"])
