"""Compact networks: the scores of the masked network, from fewer numbers."""

import pytest
import torch
from tiny import TASKS, all_bits, batch_of, bits, encoded, network_of, optimization_of, random_mask, sentences

from sparse_sharing.masks.mask import Mask
from sparse_sharing.masks.ranking import prune_smallest
from sparse_sharing.network.compact import below_the_layers, compact_network
from sparse_sharing.tagging.encoding import Surfaces
from sparse_sharing.tagging.shared_runner import SharedRunner
from sparse_sharing.training.trainer import Trainer

TEXT = encoded(sentences(30, seed=3))


def unit_masks(network, share=0.5):
    """For each task a mask that keeps a share of the units, at least one of each group."""
    dense = Mask.dense(network.units.shapes, "weights")
    kept = round(share * dense.keep.numel())
    ranked = {
        task: torch.rand(len(network.prunable_values()), generator=torch.Generator().manual_seed(number))
        for number, task in enumerate(TASKS)
    }
    return {task: prune_smallest(network.units.rank(scores, dense), dense, kept) for task, scores in ranked.items()}


def masked(share=0.5, **changes):
    """A network with masks over units, and the masks; its biases are not zero, as after a training."""
    network = network_of(**changes)
    source = torch.Generator().manual_seed(5)
    for name, value in network.values().items():
        if "bias" in name:
            value.add_(torch.randn(value.shape, generator=source) / 4)
    masks = unit_masks(network, share)
    network.set_masks(masks)
    return network, masks


def scores_of(network, task):
    """The scores of all tags, float [L, B, T]."""
    network.encoder.eval()
    network.activate(task)
    batch = batch_of(TEXT, None)
    return network.logits(task, network.gather(batch), batch).detach()


@pytest.mark.parametrize("layers", [1, 2, 3])
@pytest.mark.parametrize("head", ["linear", "crf"])
@pytest.mark.parametrize("shares_filters", [True, False])
def test_a_compact_network_has_the_scores_of_the_masked_one_from_fewer_weights(layers, head, shares_filters):
    network, masks = masked(layers=layers, head=head, hidden=6)
    whole = below_the_layers(network) if shares_filters else ()
    for task in TASKS:
        small = compact_network(network, task, masks[task], whole)
        torch.testing.assert_close(scores_of(small, task), scores_of(network, task), rtol=0, atol=1e-6)
        assert small.theta.numel() < network.theta.numel() * 0.65
        assert small.heads[task].numel() < network.heads[task].numel()
        assert small.rows["words.weight"] is network.rows["words.weight"]


def test_masks_over_single_weights_or_without_a_unit_of_a_group_make_no_compact_network():
    network = network_of()
    mask = random_mask(network, 0.5)
    network.set_masks({"ner": mask})
    assert compact_network(network, "ner", mask) is None
    emptied = Mask.dense(network.units.shapes, "weights")
    emptied.tensors()["recurrent.0.left_to_right"][:] = False
    network.set_masks({"ner": emptied})
    assert compact_network(network, "ner", emptied) is None


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_a_step_changes_nothing_of_the_units_that_a_task_does_not_keep_their_biases_included(optimizer):
    network, masks = masked()
    trainer = Trainer(network, optimization_of(optimizer))
    for task in TASKS:
        keep = network.units.expand(masks[task]).tensors()
        before = network.copy_values()
        trainer.step(task, batch_of(TEXT, task, 0, 1, 2, 3), 0.05)
        after = network.values()
        for name, kept in keep.items():
            assert bits(after[name][~kept]) == bits(before[name][~kept])
        assert all_bits(after) != all_bits(before)
        assert not torch.equal(
            after["recurrent.0.left_to_right.bias_ih_l0"], before["recurrent.0.left_to_right.bias_ih_l0"]
        )


def test_a_mask_that_keeps_every_unit_is_dense_training():
    one, other = network_of(), network_of()
    other.set_masks(dict.fromkeys(TASKS, Mask.dense(other.units.shapes, "weights")))
    for network in (one, other):
        trainer = Trainer(network, optimization_of("adam"))
        for task in TASKS:
            trainer.step(task, batch_of(TEXT, task, 0, 1, 2, 3), 0.05)
    assert all_bits(one.values()) == all_bits(other.values())


def modules_of(steps):
    """The number of modules that a runner has below some steps."""
    return sum(1 + modules_of(step.above) for step in steps.values())


def test_what_tasks_share_runs_once():
    network, masks = masked(layers=2, hidden=6)
    surfaces = Surfaces(network.vocabulary, None)
    assert modules_of(SharedRunner(network, surfaces, masks).roots) == 1 + 2 * len(TASKS)
    same = dict.fromkeys(TASKS, masks["ner"])
    network.set_masks(same)
    assert modules_of(SharedRunner(network, surfaces, same).roots) == 3
