"""Masks that keep changes: where a mask removes a weight, the task has its value from before the training."""

import numpy as np
import pytest
import torch
from tiny import TASKS, bits, encoded, mask_network, network_of, optimization_of, random_mask, sentences

from sparse_sharing.masks.mask import Mask
from sparse_sharing.network.network import Network
from sparse_sharing.network.storage import load_model, save_model, values_of_task
from sparse_sharing.pipeline.spec import Spec
from sparse_sharing.training.trainer import Trainer

TEXT = encoded(sentences(12))


def trained(network, tasks=TASKS, steps=6):
    """Train a network in place."""
    settings = optimization_of("adam")
    trainer = Trainer(network, settings)
    torch.manual_seed(1)
    for step in range(steps):
        task = tasks[step % len(tasks)]
        trainer.step(task, network.encoder.batch(TEXT, range(4), task), settings.learning_rate)
    return network


def delta_network():
    """A network with a mask for each task that keeps changes."""
    network = network_of()
    network.keep_base()
    return mask_network(network)


def test_a_task_reads_its_changes_and_else_the_base():
    network = trained(delta_network())
    assert not torch.equal(network.theta, network.base)
    for task in TASKS:
        network.activate(task)
        keep = network.keeps[task]
        assert torch.equal(network.work[keep], network.theta[keep])
        assert torch.equal(network.work[~keep], network.base[~keep])


def test_before_any_training_every_task_tags_as_the_whole_network():
    dense, network = network_of(), delta_network()
    for task in TASKS:
        assert np.array_equal(dense.predict(task, TEXT), network.predict(task, TEXT))


def test_masks_of_ones_that_keep_changes_equal_masks_of_ones_that_keep_weights():
    zero, delta = network_of(), network_of()
    delta.keep_base()
    for network in (zero, delta):
        ones = Mask.dense(network.prunable_shapes, "weights")
        network.set_masks(dict.fromkeys(TASKS, ones), simplify=False)
        trained(network)
    for name, value in zero.values().items():
        assert bits(value) == bits(delta.values()[name])


def test_a_step_changes_nothing_outside_the_mask():
    network = delta_network()
    settings = optimization_of("adam", weight_decay=0.1)
    trainer = Trainer(network, settings)
    for task in TASKS:
        theta, memory = network.theta.clone(), trainer.memory["encoder"].clone()
        trainer.step(task, network.encoder.batch(TEXT, range(4), task), settings.learning_rate)
        outside = ~network.keeps[task]
        assert bits(network.theta[outside]) == bits(theta[outside])
        assert bits(trainer.memory["encoder"][:, outside]) == bits(memory[:, outside])
        assert not torch.equal(network.theta[~outside], theta[~outside])


def stored(network, masks, path):
    """Save a network's values, masks and base, and read them again."""
    values = {name: value.numpy() for name, value in network.values().items()}
    base = {name: value.numpy() for name, value in network.parts(network.base).items()}
    save_model(path, Spec(), values, masks, "", {"tasks": list(TASKS)}, base=base)
    return load_model(path)


def masks_of(network):
    """The masks of `mask_network`."""
    return {task: random_mask(network, 0.5, seed) for seed, task in enumerate(TASKS)}


def test_a_stored_model_gives_the_same_network(tmp_path):
    network = trained(delta_network())
    masks = masks_of(network)
    read = stored(network, masks, tmp_path / "model.safetensors")
    again = Network(network.model, network.vocabulary)
    again.load({name: torch.from_numpy(value) for name, value in read.values.items()})
    again.load_base({name: torch.from_numpy(value) for name, value in read.base.items()})
    again.set_masks(read.masks)
    for task in TASKS:
        assert np.array_equal(network.predict(task, TEXT), again.predict(task, TEXT))


def test_the_values_of_one_task_need_no_mask_and_no_base(tmp_path):
    network = trained(delta_network())
    masks = masks_of(network)
    read = stored(network, masks, tmp_path / "model.safetensors")
    single = Network(network.model, network.vocabulary)
    values = values_of_task(read.values, "pos", read.masks["pos"], read.base)
    heads = {name: value.numpy() for name, value in network.values().items() if name.startswith("heads")}
    single.load({name: torch.from_numpy(value) for name, value in (heads | values).items()})
    assert np.array_equal(network.predict("pos", TEXT), single.predict("pos", TEXT))


def test_a_base_that_does_not_fit_is_refused():
    network = network_of()
    with pytest.raises(ValueError, match="expected shape"):
        network.load_base({"recurrent.0.left_to_right.weight_ih_l0": torch.zeros(1)})
