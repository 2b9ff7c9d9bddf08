"""Hierarchical and soft sharing against networks written down by themselves, and the rule of what takes part."""

import pytest
import torch
from reference import CrossStitch, Hierarchical
from tiny import (
    TASKS,
    all_bits,
    batch_of,
    bits,
    encoded,
    network_of,
    optimization_of,
    random_mask,
    sentence_of,
    sentences,
    vocabulary_of,
)

from sparse_sharing.config.encoders.bilstm import BiLstm
from sparse_sharing.encoders.base import TextSizes, build_encoder
from sparse_sharing.masks.mask import Mask
from sparse_sharing.text.encoded import EncodedText
from sparse_sharing.training.trainer import Trainer

TASK_LAYERS = {"chunk": 2, "ner": 3, "pos": 1}
TEXT = [sentence_of(*range(8)), sentence_of(2, 5)]
"""Two sentences that have every word."""
OPTIMIZERS = pytest.mark.parametrize("optimizer", ["sgd", "adam"])


def layer_mask(network, layer):
    """The mask that keeps everything up to a layer."""
    return Mask.of_tensors(network.prunable_shapes, "weights", lambda name: network.encoder.layers[name] <= layer)


def hierarchical(layers=3, task_layers=TASK_LAYERS, **changes):
    """A network with a layer for each task."""
    network = network_of(layers=layers, **changes)
    network.set_masks({task: layer_mask(network, layer) for task, layer in task_layers.items()})
    return network


def soft(layers=2, **changes):
    """A network with a stack for each task, whose units are no longer what they were at first."""
    network = network_of(layers=layers, stacks=list(TASKS), **changes)
    for name, value in network.values().items():
        if name.endswith("stitch"):
            value.add_(torch.randn(value.shape, generator=torch.Generator().manual_seed(5)) / 4)
    return network


def train(network, steps, optimizer="sgd", **changes):
    """Train on (task, sentences) pairs, with a step size at which weights move visibly."""
    settings = optimization_of(optimizer, **changes)
    trainer = Trainer(network, settings)
    for task, found in steps:
        trainer.step(task, batch_of(encoded(found), task), settings.learning_rate)
    return trainer


def scores(network, task, pairs):
    """The scores of each sentence's tokens, by the network."""
    network.encoder.eval()
    network.activate(task)
    text: EncodedText = encoded(pairs)
    batch = batch_of(text, task)
    logits = network.logits(task, network.gather(batch), batch).detach()
    return [logits[:length, column] for column, length in enumerate(text.lengths.tolist())]


REFERENCES = pytest.mark.parametrize(
    ("make", "reference"),
    [
        (hierarchical, lambda network: Hierarchical(network, TASK_LAYERS)),
        (lambda: soft(1), CrossStitch),
        (lambda: soft(3), CrossStitch),
    ],
    ids=["hierarchical", "soft, one layer", "soft, three layers"],
)


@REFERENCES
@pytest.mark.parametrize("task", TASKS)
def test_scores_are_those_of_the_network_written_down_by_itself(make, reference, task):
    network, pairs = make(), sentences(6, seed=3)
    other = reference(network)
    for own, (words, _) in zip(scores(network, task, pairs), pairs, strict=True):
        torch.testing.assert_close(own, other.scores(task, words).detach(), rtol=0, atol=1e-6)


@REFERENCES
def test_steps_lead_where_those_of_the_network_written_down_by_itself_lead(make, reference):
    network = make()
    other, before = reference(network), network.copy_values()
    steps = [(task, TEXT) for task in (*TASKS, *TASKS, "pos", "pos", "ner")]
    train(network, steps, learning_rate=0.1, momentum=0.9)
    other.train_on(steps, lr=0.1, momentum=0.9)
    now = network.values()
    for name, value in other.encoder_values().items():
        assert not torch.equal(now[name], before[name]), name
        torch.testing.assert_close(now[name], value.detach(), rtol=0, atol=1e-5)
    torch.testing.assert_close(now["words.weight"], other.words.weight.detach(), rtol=0, atol=1e-5)
    torch.testing.assert_close(now["heads.ner.weight"], other.heads["ner"].weight.detach(), rtol=0, atol=1e-5)


@OPTIMIZERS
def test_the_layers_above_a_task_and_their_memory_stay_bit_for_bit(optimizer):
    network = hierarchical()
    trainer = train(network, [(task, TEXT) for task in TASKS], optimizer)
    for task, layer in TASK_LAYERS.items():
        outside = torch.cat(
            [torch.full((p.numel(),), network.encoder.layers[n] > layer) for n, p in network.encoder.named_parameters()]
        )
        before = bits(network.theta[outside]), bits(trainer.memory["encoder"][:, outside])
        inside = network.theta[~outside].clone()
        trainer.step(task, batch_of(encoded(TEXT), task), 0.01)
        assert (bits(network.theta[outside]), bits(trainer.memory["encoder"][:, outside])) == before
        assert not torch.equal(network.theta[~outside], inside)
        assert outside.any() == (layer < 3)


@OPTIMIZERS
def test_a_sparse_mask_that_empties_the_top_layer_runs_no_layer_above_and_leaves_its_biases(optimizer):
    network = network_of(layers=2)
    keep = random_mask(network, 0.5, 1).keep & layer_mask(network, 1).keep
    network.set_masks({"pos": Mask(keep, network.prunable_shapes, "weights"), "ner": random_mask(network, 0.5, 2)})
    assert network.readouts == {"chunk": 2, "ner": 2, "pos": 1}
    before = network.copy_values()
    train(network, [("pos", TEXT), ("pos", TEXT)], optimizer)
    changed = {name for name, value in network.values().items() if not torch.equal(value, before[name])}
    assert not [name for name in changed if name.startswith("recurrent.1")]
    assert "recurrent.0.left_to_right.bias_ih_l0" in changed
    text = encoded(sentences(9, seed=4))
    predicted = network.predict("pos", text).tolist()
    for name, value in network.values().items():
        if name.startswith("recurrent.1"):
            value.add_(3.0)
    assert network.predict("pos", text).tolist() == predicted


def test_a_mask_without_any_layer_still_runs_the_first():
    network = network_of(layers=2)
    network.set_masks({"pos": layer_mask(network, 0)})
    assert network.readouts["pos"] == 1
    assert scores(network, "pos", TEXT)[0].shape == (15, 5)


@OPTIMIZERS
def test_a_task_at_the_last_layer_trains_as_in_hard_sharing(optimizer):
    hard, own = network_of(layers=3), hierarchical()
    steps = [("ner", TEXT)] * 3
    train(hard, steps, optimizer)
    train(own, steps, optimizer)
    assert all_bits(hard.values()) == all_bits(own.values())


@pytest.mark.parametrize("layers", [1, 2])
@OPTIMIZERS
def test_a_step_of_soft_sharing_changes_all_stacks_and_of_the_last_unit_its_own_row(optimizer, layers):
    network = soft(layers)
    trainer = train(network, [(task, TEXT) for task in TASKS], optimizer)
    last = f"recurrent.{layers - 1}.stitch"
    for number, task in enumerate(TASKS):
        before, state = network.copy_values(), trainer.memory["encoder"].clone()
        trainer.step(task, batch_of(encoded(TEXT), task), 0.01)
        now = network.values()
        rows = [bits(now[last][row]) == bits(before[last][row]) for row in range(3)]
        assert rows == [row != number for row in range(3)]
        assert not [n for n in now if n.startswith("recurrent") and torch.equal(now[n], before[n])]
        outside = ~network.takes_part(task)
        assert int(outside.sum()) == 6
        assert bits(trainer.memory["encoder"][:, outside]) == bits(state[:, outside])


def test_soft_sharing_reads_the_weights_themselves_and_no_copy_of_them():
    network = soft()
    network.set_masks(dict.fromkeys(TASKS, Mask.dense(network.prunable_shapes, "weights")))
    assert network.work is network.theta
    assert network.keeps == dict.fromkeys(TASKS)


def test_units_start_from_nine_tenths_of_the_own_states_and_the_rest_in_equal_parts():
    values = network_of(layers=2, stacks=list(TASKS)).values()
    for layer in (0, 1):
        expected = torch.full((3, 3), 0.05).fill_diagonal_(0.9)
        torch.testing.assert_close(values[f"recurrent.{layer}.stitch"], expected)
    pair = network_of(vocabulary_of(("ner", "pos")), stacks=["ner", "pos"]).values()["recurrent.0.stitch"]
    torch.testing.assert_close(pair, torch.tensor([[0.9, 0.1], [0.1, 0.9]]))


def test_a_single_stack_is_an_ordinary_network():
    alone = network_of(vocabulary_of(("pos",)), stacks=["pos"])
    plain = network_of(vocabulary_of(("pos",)))
    names = {name: name.replace(".stacks.0", "") for name in alone.values() if not name.endswith("stitch")}
    plain.load({names[name]: value for name, value in alone.values().items() if name in names})
    text = encoded(sentences(5))
    assert alone.predict("pos", text).tolist() == plain.predict("pos", text).tolist()


def test_stacks_start_from_weights_of_their_own():
    values = network_of(stacks=list(TASKS)).values()
    first, second = (values[f"recurrent.0.stacks.{stack}.left_to_right.weight_ih_l0"] for stack in (0, 1))
    assert not torch.equal(first, second)


def test_a_unit_is_no_part_of_what_masks_cover():
    encoder = build_encoder(BiLstm().with_stacks(list(TASKS)), TextSizes(characters=85))
    assert not [name for name in encoder.prunable_shapes() if "stitch" in name]
