"""The original's optimizer: what it moves that ours leaves alone, and that off is off bit for bit."""

import pytest
import torch
from tiny import (
    TASKS,
    all_bits,
    batch_of,
    bits,
    encoded,
    mask_network,
    network_of,
    optimization_of,
    sentence_of,
    sentences,
)

from sparse_sharing.training.replicas import LeakyTrainer, clip_values, make_trainer
from sparse_sharing.training.trainer import Trainer

OPTIMIZERS = pytest.mark.parametrize("optimizer", ["sgd", "adam"])


def steps_of(count, tasks=TASKS):
    """(task, batch) pairs, the tasks in turn."""
    text = encoded(sentences(4 * count, seed=1))
    turns = [tasks[number % len(tasks)] for number in range(count)]
    return [(task, batch_of(text, task, *range(4 * n, 4 * n + 4))) for n, task in enumerate(turns)]


def train(trainer, steps, rate):
    """Train on all steps; returns the losses."""
    return [trainer.step(task, batch, rate).item() for task, batch in steps]


@OPTIMIZERS
def test_without_switches_the_trainer_is_the_ordinary_one_bit_for_bit(optimizer):
    settings, networks = optimization_of(optimizer), [mask_network(network_of()) for _ in range(2)]
    trainers = [make_trainer(networks[0], settings), Trainer(networks[1], settings)]
    assert type(trainers[0]) is Trainer
    assert train(trainers[0], steps_of(6), 0.01) == train(trainers[1], steps_of(6), 0.01)
    assert all_bits(networks[0].values()) == all_bits(networks[1].values())


@OPTIMIZERS
def test_leaky_momentum_moves_what_takes_no_part(optimizer):
    network = mask_network(network_of())
    trainer = make_trainer(network, optimization_of(optimizer), ["leaky_momentum"])
    *before, (task, batch) = steps_of(4)
    train(trainer, before, 0.01)
    theta, values = network.theta.clone(), network.copy_values()
    trainer.step(task, batch, 0.01)
    assert task == "chunk"
    assert (network.theta != theta)[~network.keeps[task]].any()
    assert (network.values()["heads.ner.weight"] != values["heads.ner.weight"]).all()
    absent = torch.ones(len(network.rows["words.weight"]), dtype=torch.bool)
    absent[batch.word_rows] = False
    assert (network.rows["words.weight"] != values["words.weight"])[absent].any()


def test_without_momentum_nothing_leaks():
    settings, networks = optimization_of("sgd", momentum=0.0), [mask_network(network_of()) for _ in range(2)]
    train(make_trainer(networks[0], settings, ["leaky_momentum"]), steps_of(6), 0.05)
    train(make_trainer(networks[1], settings), steps_of(6), 0.05)
    for name, value in networks[0].values().items():
        torch.testing.assert_close(value, networks[1].values()[name], rtol=0, atol=1e-6)


def test_the_first_step_of_all_is_the_same_with_a_leak():
    networks = [mask_network(network_of()) for _ in range(2)]
    for network, switches in zip(networks, ([], ["leaky_momentum"]), strict=True):
        train(make_trainer(network, optimization_of("sgd", gradient_clip=0.1), switches), steps_of(1), 0.05)
    for name, value in networks[0].values().items():
        torch.testing.assert_close(value, networks[1].values()[name], rtol=0, atol=1e-6)


@OPTIMIZERS
def test_one_dense_task_that_sees_every_word_has_nothing_to_leak(optimizer):
    settings, networks = optimization_of(optimizer), [network_of() for _ in range(2)]
    steps = [("pos", batch_of(encoded([sentence_of(*range(8)), sentence_of(2, 5)]), "pos"))] * 5
    for network, switches in zip(networks, ([], ["leaky_momentum"]), strict=True):
        train(make_trainer(network, settings, switches), steps, 0.001)
    for name, value in networks[0].values().items():
        # PyTorch's Adam adds its epsilon at another place
        torch.testing.assert_close(value, networks[1].values()[name], rtol=0, atol=2e-4)


@OPTIMIZERS
def test_the_memory_of_a_leaky_optimizer_goes_into_another(optimizer):
    settings, steps = optimization_of(optimizer), steps_of(6)
    network, other = mask_network(network_of()), mask_network(network_of())
    trainer, resumed = (make_trainer(own, settings, ["leaky_momentum"]) for own in (network, other))
    train(trainer, steps[:3], 0.01)
    other.load(network.values())
    resumed.load_state({name: value.clone() for name, value in trainer.state().items()})
    assert train(trainer, steps[3:], 0.01) == train(resumed, steps[3:], 0.01)
    assert all_bits(network.values()) == all_bits(other.values())
    assert all_bits(trainer.state()) == all_bits(resumed.state())


@pytest.mark.parametrize("switches", [["clip_by_value"], ["clip_by_value", "leaky_momentum"]])
def test_clipping_by_value_bounds_each_number_of_a_step(switches):
    network = mask_network(network_of())
    trainer = make_trainer(network, optimization_of("sgd", gradient_clip=0.01, momentum=0.0), switches)
    before = network.copy_values()
    train(trainer, steps_of(1), 1.0)
    moves = torch.cat([(value - before[name]).abs().flatten() for name, value in network.values().items()])
    assert moves.max().item() == pytest.approx(0.01, rel=1e-3)
    assert moves.norm() > 0.02
    assert isinstance(trainer, LeakyTrainer) == ("leaky_momentum" in switches)


def test_numbers_within_the_bound_stay_and_no_bound_changes_nothing():
    values = torch.tensor([-3.0, -0.5, 0.0, 0.5, 3.0])
    for bound, expected in ((1.0, [-1.0, -0.5, 0.0, 0.5, 1.0]), (None, values.tolist())):
        own = values.clone()
        clip_values([own], bound)
        assert own.tolist() == expected


def test_a_leak_respects_the_mask_in_what_the_task_reads():
    network = mask_network(network_of())
    trainer = make_trainer(network, optimization_of("sgd"), ["leaky_momentum"])
    train(trainer, steps_of(1, ("ner",)), 0.05)
    start = mask_network(network_of())
    outside = ~network.keeps["ner"]
    assert bits(network.theta[outside]) == bits(start.theta[outside])
