"""The cosine of the gradients of two tasks: what it is over, and that measuring it leaves no trace in the training."""

import pytest
import tiny
import torch

from sparse_sharing.masks.mask import Mask
from sparse_sharing.training.conflict import Conflict, cosine
from sparse_sharing.training.loop import Progress, train_epochs
from sparse_sharing.training.trainer import Trainer

OPTIMIZATION = tiny.optimization_of("adam", epochs=2)


def measured(network, masks=None, tasks=None, sentences=5):
    """What measures the conflict of the tiny tasks."""
    dense = Mask.dense(network.prunable_shapes, "weights")
    masks = masks or dict.fromkeys(tiny.TASKS, dense)
    network.set_masks(masks)
    return Conflict(network, tasks or tiny.task_data(), masks, sentences, 2, seed=1)


def value_of(rows, tasks, layer="all", part="shared"):
    """The cosine of one row."""
    (row,) = (row for row in rows if (row["tasks"], row["layer"], row["part"]) == (tasks, layer, part))
    return float(row["cosine"])


def test_the_cosine_of_vectors_that_are_known():
    first, second = torch.tensor([3.0, 4.0]), torch.tensor([-4.0, 3.0])
    assert cosine(first, first) == pytest.approx(1.0)
    assert cosine(first, -2 * first) == pytest.approx(-1.0)
    assert cosine(first, second) == pytest.approx(0.0)
    assert cosine(first, torch.zeros(2)) is None


def test_it_is_that_of_the_gradients_of_the_losses():
    network, data, gradients = tiny.network_of(), tiny.task_data(), {}
    conflict = measured(network, tasks=data, sentences=100)
    rows = conflict.measure()
    for task in ("ner", "pos"):
        network.encoder.train()
        network.activate(task)
        parts = []
        assert sum(batch.mask.shape[1] for batch in conflict.batches[task]) == data[task].train.sentences
        for batch in conflict.batches[task]:
            loss = network.loss(task, network.gather(batch), batch)
            found = torch.autograd.grad(loss, list(network.encoder.parameters()))
            parts.append(network.prunable_part(torch.cat([part.reshape(-1) for part in found])))
        gradients[task] = torch.stack(parts).double().mean(0)
    expected = torch.nn.functional.cosine_similarity(gradients["ner"], gradients["pos"], dim=0)
    assert value_of(rows, "ner&pos") == pytest.approx(float(expected), abs=1e-5)


def test_a_task_agrees_with_itself():
    network = tiny.network_of(tiny.vocabulary_of(("pos",)))
    dense = Mask.dense(network.prunable_shapes, "weights")
    conflict = Conflict(network, {"pos": tiny.task_data()["pos"]}, {"pos": dense}, 5, 2, seed=1)
    first, second = conflict._gradient("pos"), conflict._gradient("pos")
    assert cosine(first, second) == pytest.approx(1.0)


def test_weights_are_shared_or_private_and_layers_add_up():
    network = tiny.network_of()
    masks = {task: tiny.random_mask(network, 0.5, seed) for seed, task in enumerate(tiny.TASKS)}
    rows = measured(network, masks).measure()
    chunk, ner = masks["chunk"].keep, masks["ner"].keep
    counts = {(row["layer"], row["part"]): int(row["weights"]) for row in rows if row["tasks"] == "chunk&ner"}
    assert counts["all", "shared"] == int((chunk & ner).sum())
    assert counts["all", "private"] == int((chunk ^ ner).sum())
    for part in ("shared", "private"):
        assert (
            sum(count for (layer, own), count in counts.items() if own == part and layer != "all")
            == (counts["all", part])
        )


def test_without_masks_nothing_is_private():
    assert {row["part"] for row in measured(tiny.network_of()).measure()} == {"shared"}


def test_asked_twice_it_says_the_same_even_with_dropout():
    conflict = measured(tiny.network_of(dropout=0.5))
    assert conflict.measure() == conflict.measure()


@pytest.mark.parametrize("masked", [False, True])
def test_a_training_that_is_measured_has_the_same_bits(masked):
    ends = []
    for measuring in (False, True):
        network = tiny.network_of(dropout=0.3, word_dropout=0.1)
        if masked:
            tiny.mask_network(network)
        data = tiny.task_data()
        masks = {task: tiny.random_mask(network, 0.5, seed) for seed, task in enumerate(tiny.TASKS)}
        conflict = Conflict(network, data, masks, 4, 2, seed=1)
        trainer = Trainer(network, OPTIMIZATION)
        for epoch in train_epochs(network, trainer, data, OPTIMIZATION, ("train",), Progress(), 1):
            if measuring:
                assert conflict.measure(), epoch
        ends.append(tiny.all_bits(network.values()) | tiny.all_bits(trainer.state()))
    assert ends[0] == ends[1]
