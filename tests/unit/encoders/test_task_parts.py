"""Tensors of single tasks: copies of norms and biases (BitFit), and low-rank updates of matrices (LoRA)."""

import pytest
import tiny
import tiny_transformers
import torch
from tiny import TASKS, bits, encoded, initialised, optimization_of, sentences, vocabulary_of

from sparse_sharing.encoders.base import counted_parameters, trained_parameters
from sparse_sharing.network.network import Network
from sparse_sharing.training.initial import first_of_tasks
from sparse_sharing.training.trainer import Trainer

FAMILIES = list(tiny_transformers.FAMILIES)
TEXT = encoded(sentences(12, seed=1))
SETTINGS = {"weight_decay": 0.1, "head_learning_rate": 0.02, "embedding_learning_rate": 0.005}
ADAPTED = {
    "bitfit": lambda section: section.adapted(None),
    "lora": lambda section: section.adapted((2, 6.0)),
    "private": lambda section: section.model_copy(update={"norms": "private", "biases": "private"}),
}


@pytest.fixture(scope="module")
def sections(tmp_path_factory):
    """The section of each family, with the folder of its first weights."""
    return tiny_transformers.sections(tmp_path_factory, dropout=0.0)


def network_of(section, tasks=TASKS):
    """A network with its first weights."""
    return initialised(section, vocabulary_of(tasks))


@torch.no_grad()
def states_of(network, task):
    """The states of some sentences as a task computes them."""
    network.encoder.eval()
    network.activate(task)
    batch = network.encoder.batch(TEXT, range(6), task)
    return network.encoder.states(network.gather(batch), batch, network.readouts[task])


def train(network, steps=6):
    """Train in place, the tasks in turn."""
    settings = optimization_of("adam", **SETTINGS)
    trainer = Trainer(network, settings)
    for step in range(steps):
        task = TASKS[step % len(TASKS)]
        trainer.step(task, network.encoder.batch(TEXT, range(step, step + 4), task), settings.learning_rate)
    return network


def own_names(network, task):
    return [name for name, info in network.parameters.infos.items() if info.task == task]


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("way", ADAPTED)
def test_before_any_step_every_task_has_exactly_the_pretrained_states(way, family, sections):
    plain, adapted = network_of(sections[family]), network_of(ADAPTED[way](sections[family]))
    expected = states_of(plain, "pos")
    for task in TASKS:
        assert own_names(adapted, task)
        assert torch.equal(states_of(adapted, task), expected)


@pytest.mark.parametrize("family", ["bert", "deberta-v2", "modernbert"])
@pytest.mark.parametrize("way", ["bitfit", "lora"])
def test_a_step_changes_the_tensors_of_its_task_and_nothing_else(way, family, sections):
    network = train(network_of(ADAPTED[way](sections[family])), len(TASKS))
    trainer = Trainer(network, settings := optimization_of("adam", **SETTINGS))
    for task in TASKS:
        before, state = network.copy_values(), {name: value.clone() for name, value in trainer.state().items()}
        trainer.step(task, network.encoder.batch(TEXT, range(4), task), settings.learning_rate)
        own = {*own_names(network, task), *(name for name in before if name.startswith(f"heads.{task}."))}
        for name, value in network.values().items():
            assert (bits(value) == bits(before[name])) == (name not in own), name
        others = torch.ones_like(network.theta, dtype=torch.bool)
        for name, part in network.parts(others).items():
            part.fill_(name not in own)
        assert bits(trainer.memory["encoder"][:, others]) == bits(state["memory.encoder"][:, others])
        assert set(trainer.memory) == {"encoder", *(f"heads.{name}" for name in TASKS)}


def test_frozen_weights_are_the_pretrained_ones_after_a_training(sections):
    for way in ("bitfit", "lora"):
        network = network_of(ADAPTED[way](sections["bert"]))
        before = network.copy_values()
        train(network)
        for name, info in network.parameters.infos.items():
            if info.task is None:
                assert info.frozen
                assert bits(network.values()[name]) == bits(before[name])


def test_private_copies_in_a_network_with_masks_keep_tasks_apart(sections):
    network = network_of(ADAPTED["private"](sections["bert"]))
    network.keep_base()
    network.set_masks({task: tiny.random_mask(network, 0.5, seed) for seed, task in enumerate(TASKS)})
    trainer = Trainer(network, settings := optimization_of("adam", **SETTINGS))
    for task in TASKS:
        theta = network.theta.clone()
        trainer.step(task, network.encoder.batch(TEXT, range(4), task), settings.learning_rate)
        changed = {name: not torch.equal(*pair) for name, pair in _pairs(network, theta).items()}
        for name, info in network.parameters.infos.items():
            if info.role in ("norm", "bias"):
                assert changed[name] == (info.task == task), name
        outside = ~network.takes_part(task)
        assert bits(network.theta[outside]) == bits(theta[outside])


def _pairs(network, theta):
    before = network.parts(theta)
    return {name: (value, before[name]) for name, value in network.parts(network.theta).items()}


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("way", ADAPTED)
def test_a_network_of_one_task_has_the_same_states_without_tensors_of_tasks(way, family, sections):
    network = train(network_of(ADAPTED[way](sections[family])))
    pretrained = states_of(network_of(sections[family]), "pos")
    for task in ("ner", "pos"):
        section, values = network.encoder.for_task(task, network.values())
        assert (section.lora, {section.norms, section.biases} & {"private"}) == (None, set())
        single = Network(section, vocabulary_of([task]))
        single.load(values)
        expected = states_of(network, task)
        assert not torch.allclose(expected, pretrained, atol=1e-4)
        if way == "lora":
            torch.testing.assert_close(states_of(single, task), expected, rtol=1e-4, atol=1e-5)
        else:
            assert torch.equal(states_of(single, task), expected)


def test_parameters_are_counted_as_stored_and_as_trained(sections):
    plain = network_of(sections["bert"])
    covered = plain.prunable_shapes
    matrices = len(plain.prunable_values())
    small = sum(info.size for info in plain.parameters.infos.values() if info.role in ("norm", "bias"))
    updates = sum(2 * (rows + columns) for rows, columns in covered.values())
    expected = {
        "bitfit": (matrices + 4 * small, 3 * small),
        "lora": (matrices + small + 3 * updates, 3 * updates),
        "private": (matrices + 4 * small, matrices + 3 * small),
    }
    for way, counts in expected.items():
        encoder = network_of(ADAPTED[way](sections["bert"])).encoder
        found = tuple(count(encoder, matrices, covered) for count in (counted_parameters, trained_parameters))
        assert found == counts, way
    assert trained_parameters(plain.encoder, matrices, covered) == matrices + small


def test_a_new_task_starts_from_the_weights_of_all_tasks(sections):
    network = train(network_of(ADAPTED["private"](sections["bert"])))
    values = {
        name: value for name, value in network.copy_values().items() if not name.startswith(("tasks.ner", "heads"))
    }
    found = first_of_tasks(network, 1, values)
    assert set(found) == {*own_names(network, "ner"), *(name for name in network.values() if name.startswith("heads"))}
    for name in own_names(network, "ner"):
        assert torch.equal(found[name], values[network.parameters.infos[name].copy_of])


def test_initial_updates_depend_on_the_name_of_the_task_only(sections):
    section = ADAPTED["lora"](sections["bert"])
    joint, single = network_of(section).copy_values(), network_of(section, ["pos"]).copy_values()
    for name, value in single.items():
        assert torch.equal(value, joint[name]), name
