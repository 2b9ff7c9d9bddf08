"""How a step of one task changes the loss of another: a value computed by hand, and no trace in the training."""

import math

import numpy as np
import pytest
import tiny
import torch
from toys import BagSection

from sparse_sharing.masks.mask import Mask
from sparse_sharing.network.network import Network
from sparse_sharing.text.batches import WORDS
from sparse_sharing.text.vocabulary import TaskTags, Vocabulary
from sparse_sharing.training.affinity import Affinity
from sparse_sharing.training.loop import Progress, TaskData, train_epochs
from sparse_sharing.training.trainer import Trainer

OPTIMIZATION = tiny.optimization_of("adam", epochs=2)
RATE = 0.5


def measured(network, tasks=None, sentences=5):
    """What measures the affinity of the tiny tasks."""
    return Affinity(network, tasks or tiny.task_data(), sentences, 2, seed=1)


def by_pair(rows):
    """The affinity by task and partner."""
    return {(row["task"], row["partner"]): float(row["affinity"]) for row in rows}


@pytest.fixture
def toy():
    """One word, a state of one number, two tasks of two tags: tanh(w · x), scores (a·s, 0)."""
    tags = TaskTags(("A", "B"), "none", "none")
    vocabulary = Vocabulary(("w",), ("w",), {"first": tags, "second": tags}, lowercase=True, maximum_characters=2)
    network = Network(BagSection(encoder="bag", states=1), vocabulary)
    pairs = [(["w"], {"first": ["A"], "second": ["B"]})]
    text = tiny.encoded(pairs, vocabulary)
    network.rows[WORDS][1] = torch.tensor([0.5, 0.0, 0.0, 0.0])
    network.parts(network.theta)["layer.weight"][0] = torch.tensor([0.8, 0.0, 0.0, 0.0])
    with torch.no_grad():
        for task, scale in (("first", 1.5), ("second", -2.0)):
            network.values()[f"heads.{task}.weight"][0] = scale
    network.set_masks({})
    return network, dict.fromkeys(("first", "second"), TaskData(text, text))


def test_the_value_of_a_toy_network_computed_by_hand(toy):
    network, data = toy
    x, w, scale, sign = 0.5, 0.8, {"first": 1.5, "second": -2.0}, {"first": 1, "second": -1}

    def loss(task, x, w, bias):
        """log(1 + exp(-margin)), where the margin is that of the annotated tag."""
        return math.log1p(math.exp(-sign[task] * scale[task] * math.tanh(w * x + bias)))

    def stepped(task):
        """One step of a task on the word's vector, the weight and the bias of the layer."""
        state = math.tanh(w * x)
        share = 1 / (1 + math.exp(sign[task] * scale[task] * state))
        slope = -sign[task] * scale[task] * share * (1 - state**2)
        return x - RATE * slope * w, w - RATE * slope * x, -RATE * slope

    expected = {
        (task, partner): 1 - loss(task, *stepped(partner)) / loss(task, x, w, 0.0)
        for task in scale
        for partner in scale
    }
    found = by_pair(measured(network, data).measure(RATE))
    assert found == pytest.approx(expected, abs=1e-6)
    # the number itself, so that no change of both sides goes unseen
    assert found["first", "second"] == pytest.approx(0.362495, abs=1e-6)
    assert float(measured(network, data).measure(RATE)[0]["loss"]) == pytest.approx(loss("first", x, w, 0.0), abs=1e-6)


def test_a_small_step_is_the_product_of_the_gradients():
    network, data = tiny.network_of(), tiny.task_data()
    affinity = measured(network, data)
    rate, directions = 1e-2, {task: affinity._direction(task) for task in tiny.TASKS}
    found = affinity.measure(rate)
    for row in found:
        pair = [directions[row[name]] for name in ("task", "partner")]
        product = float(pair[0].encoder @ pair[1].encoder) + _product_of_rows(network, *pair)
        assert float(row["affinity"]) == pytest.approx(rate * product / float(row["loss"]), rel=0.1, abs=1e-5)


def _product_of_rows(network, *directions):
    tables = []
    for direction in directions:
        table = torch.zeros_like(network.rows[WORDS])
        for rows, gradient in direction.rows[WORDS]:
            table.index_add_(0, rows, gradient)
        tables.append(table)
    return float((tables[0] * tables[1]).sum())


def test_tasks_of_one_text_have_the_same_sentences():
    first, second, _ = measured(tiny.network_of()).batches.values()
    assert len(first) == len(second) == 3
    assert all(torch.equal(one.words, other.words) for one, other in zip(first, second, strict=True))


def test_masks_that_share_no_weight_leave_what_no_mask_covers():
    network = tiny.network_of()
    dense = Mask.dense(network.prunable_shapes, "weights")
    half = torch.from_numpy(np.random.default_rng(1).random(dense.keep.numel()) < 0.5)
    keeps = {"chunk": half, "ner": ~half, "pos": torch.ones_like(half)}
    network.set_masks({task: Mask(keep, dense.shapes, "weights") for task, keep in keeps.items()})
    affinity = measured(network)
    changed = network.prunable_part(affinity._direction("ner").encoder) != 0
    assert changed.any()
    assert not (changed & half).any()


def test_asked_twice_it_says_the_same_even_with_dropout():
    affinity = measured(tiny.network_of(dropout=0.5))
    assert affinity.measure(RATE) == affinity.measure(RATE)


@pytest.mark.parametrize("masked", [False, True])
def test_a_training_that_is_measured_has_the_same_bits(masked):
    ends = []
    for measuring in (False, True):
        network = tiny.network_of(dropout=0.3, word_dropout=0.1)
        if masked:
            tiny.mask_network(network)
        data, trainer = tiny.task_data(), Trainer(network, OPTIMIZATION)
        affinity = measured(network, data)
        for epoch in train_epochs(network, trainer, data, OPTIMIZATION, ("train",), Progress(), 1):
            if measuring:
                before = tiny.all_bits(network.values())
                assert affinity.measure(epoch.learning_rate)
                assert tiny.all_bits(network.values()) == before
        ends.append(tiny.all_bits(network.values()) | tiny.all_bits(trainer.state()))
    assert ends[0] == ends[1]
