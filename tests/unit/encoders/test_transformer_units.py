"""Attention heads and inner units of feed-forward networks: removed as a whole, and left out of smaller networks."""

import pytest
import tiny_transformers
import torch
from tiny import encoded, initialised, sentences, vocabulary_of

from sparse_sharing.masks.mask import Mask
from sparse_sharing.network.compact import compact_network
from sparse_sharing.network.network import Network

WITH_UNITS = ["bert", "roberta", "xlm-roberta", "electra"]
TEXT = encoded(sentences(8, seed=1))
GROUPS = {"layer.0.heads": (2,), "layer.0.inner": (24,), "layer.1.heads": (2,), "layer.1.inner": (24,)}


@pytest.fixture(scope="module")
def networks(tmp_path_factory):
    """A network of each family with units, and biases that are not 0."""
    found = {}
    for family, section in tiny_transformers.sections(tmp_path_factory).items():
        network = found[family] = initialised(section, vocabulary_of(["pos"]))
        torch.manual_seed(1)
        network.theta.add_(0.1 * torch.randn_like(network.theta))
        network.encoder.eval()
    return found


def some_units(network):
    """A mask that keeps one head and every third inner unit of each layer."""
    keep = torch.cat([torch.arange(size) % (size if size == 2 else 3) == 1 for (size,) in GROUPS.values()])
    return Mask(keep, network.units.shapes, "")


@torch.no_grad()
def states_of(network):
    network.activate("pos")
    batch = network.encoder.batch(TEXT, range(8), "pos")
    return network.encoder.states(network.gather(batch), batch, 1)


@pytest.mark.parametrize("family", WITH_UNITS)
def test_heads_and_inner_units_are_declared_for_layers_like_those_of_bert(family, networks):
    assert dict(networks[family].units.shapes) == GROUPS
    assert not networks["modernbert"].units.shapes


@pytest.mark.parametrize("family", WITH_UNITS)
def test_a_mask_over_units_removes_all_of_a_unit_and_nothing_else(family, networks):
    network = networks[family]
    expanded = network.units.expand(some_units(network))
    kept = {name: keep.float().mean().item() for name, keep in expanded.tensors().items()}
    for name, share in kept.items():
        half = ".attention." in name and not name.endswith("output.dense.bias")
        assert share == pytest.approx(0.5 if half else 1 / 3), name
    assert network.units.collapse(expanded).keep.equal(some_units(network).keep)


@pytest.mark.parametrize("family", WITH_UNITS)
def test_a_network_without_the_removed_units_has_the_states_of_the_masked_one(family, networks):
    network, mask = networks[family], some_units(networks[family])
    whole = states_of(network)
    network.set_masks({"pos": network.units.expand(mask)})
    try:
        masked, small = states_of(network), compact_network(network, "pos", mask)
    finally:
        network.set_masks({})
    assert not torch.allclose(masked, whole, atol=1e-2)
    torch.testing.assert_close(states_of(small), masked, rtol=1e-4, atol=1e-5)
    assert small.theta.numel() < 0.7 * network.theta.numel()
    again = Network(network.model, vocabulary_of(["pos"]), units={name: n for name, (n,) in small.units.shapes.items()})
    again.load(small.values())
    again.encoder.eval()
    assert torch.equal(states_of(again), states_of(small))


def test_private_biases_and_units_exclude_each_other(networks):
    section = networks["bert"].model.model_copy(update={"biases": "private"})
    assert not Network(section, vocabulary_of(["pos"])).units.shapes
