"""What holds for every encoder: a step of a task changes nothing outside its mask, and dense masks are no masks."""

import re

import pytest
import tiny
import tiny_transformers
import torch
from tiny import TASKS, bits, encoded, initialised, optimization_of, sentences, vocabulary_of

from sparse_sharing.masks.mask import Mask
from sparse_sharing.training.trainer import Trainer

FAMILIES = ["bilstm", *tiny_transformers.FAMILIES]
TEXT = encoded(sentences(12, seed=1))
SETTINGS = {"weight_decay": 0.1, "head_learning_rate": 0.02, "embedding_learning_rate": 0.005}


@pytest.fixture(scope="module")
def sections(tmp_path_factory):
    """The section of each family, with the folder of its first weights."""
    return {"bilstm": tiny.MODEL, **tiny_transformers.sections(tmp_path_factory, dropout=0.0)}


def network_of(section, tasks=TASKS):
    """A network with its first weights."""
    return initialised(section, vocabulary_of(tasks))


def batches(network, tasks=TASKS, steps=6):
    """(task, batch) pairs, the tasks in turn."""
    for step in range(steps):
        task = tasks[step % len(tasks)]
        yield task, network.encoder.batch(TEXT, range(4 * (step % 3), 4 * (step % 3) + 4), task)


def train(network, tasks=TASKS, steps=6, own=None):
    """Train in place on the steps of some tasks, or of one of them."""
    settings = optimization_of("adam", **SETTINGS)
    trainer = Trainer(network, settings)
    torch.manual_seed(1)
    for task, batch in batches(network, tasks, steps):
        if own in (None, task):
            trainer.step(task, batch, settings.learning_rate)
    return network


@pytest.mark.parametrize("meaning", ["zero", "delta"])
@pytest.mark.parametrize("family", FAMILIES)
def test_a_step_changes_what_takes_part_and_nothing_else(family, meaning, sections):
    network = network_of(sections[family])
    if meaning == "delta":
        network.keep_base()
    network.set_masks({task: tiny.random_mask(network, 0.5, seed) for seed, task in enumerate(TASKS)})
    settings = optimization_of("adam", **SETTINGS)
    trainer = Trainer(network, settings)
    (table,) = network.rows
    for task, batch in batches(network):
        before, state = network.copy_values(), {name: value.clone() for name, value in trainer.state().items()}
        theta = network.theta.clone()
        trainer.step(task, batch, settings.learning_rate)
        outside = ~network.keeps[task]
        assert bits(network.theta[outside]) == bits(theta[outside])
        assert bits(trainer.memory["encoder"][:, outside]) == bits(state["memory.encoder"][:, outside])
        assert (network.theta != theta)[network.keeps[task]].float().mean() > 0.5
        others = torch.ones(len(before[table]), dtype=torch.bool)
        others[batch.rows[table]] = False
        assert bits(network.rows[table][others]) == bits(before[table][others])
        assert bits(trainer.memory[table][:, others]) == bits(state[f"memory.{table}"][:, others])
        assert not torch.equal(network.rows[table], before[table])
        for other in set(TASKS) - {task}:
            names = [name for name in before if name.startswith(f"heads.{other}.")]
            assert all(bits(network.values()[name]) == bits(before[name]) for name in names)
            assert bits(trainer.memory[f"heads.{other}"]) == bits(state[f"memory.heads.{other}"])


@pytest.mark.parametrize("meaning", ["zero", "delta"])
@pytest.mark.parametrize("family", FAMILIES)
def test_hard_sharing_is_sparse_sharing_with_masks_of_ones(family, meaning, sections):
    hard, sparse = network_of(sections[family]), network_of(sections[family])
    if meaning == "delta":
        sparse.keep_base()
    sparse.set_masks(dict.fromkeys(TASKS, Mask.dense(sparse.prunable_shapes, "")), simplify=False)
    values = train(sparse).values()
    for name, value in train(hard).values().items():
        assert bits(value) == bits(values[name]), name


@pytest.mark.parametrize("family", FAMILIES)
def test_a_task_in_a_joint_network_without_the_others_is_trained_like_a_single_one(family, sections):
    joint, alone = network_of(sections[family]), network_of(sections[family], ["pos"])
    values = train(joint, own="pos").values()
    for name, value in train(alone, TASKS, own="pos").values().items():
        assert bits(value) == bits(values[name]), name


@pytest.mark.parametrize("family", FAMILIES)
def test_training_lowers_the_loss(family, sections):
    network = network_of(sections[family], ["pos"])
    settings = optimization_of("adam")
    trainer = Trainer(network, settings)
    batch = network.encoder.batch(TEXT, range(12), "pos")
    losses = [trainer.step("pos", batch, settings.learning_rate).item() for _ in range(12)]
    assert losses[-1] < 0.7 * losses[0]


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("frozen", ["embeddings", "norms", "biases"])
def test_what_is_frozen_stays_as_pretrained_and_the_rest_is_trained(frozen, masked, sections):
    roles = {"embeddings": ("embedding", "rows"), "norms": ("norm",), "biases": ("bias",)}[frozen]
    network = network_of(sections["deberta-v2"].model_copy(update={frozen: "frozen"}))
    if masked:
        network.set_masks({task: tiny.random_mask(network, 0.5, seed) for seed, task in enumerate(TASKS)})
    before = network.copy_values()
    train(network)
    infos = network.parameters.infos
    assert {info.role for info in infos.values()} >= set(roles)
    for name, info in infos.items():
        assert torch.equal(network.values()[name], before[name]) == (info.role in roles), name


def sizes_that_run(network):
    """A list to which every computed loss adds its number of sentences."""
    sizes, loss = [], network.loss

    def record(task, rows, batch):
        sizes.append(batch.mask.shape[1])
        return loss(task, rows, batch)

    network.loss = record
    return sizes


@pytest.mark.parametrize("family", ["bilstm", "bert", "deberta-v2", "modernbert"])
def test_an_accumulated_step_is_the_step_of_a_batch_that_is_as_many_times_as_large(family, sections):
    section = sections[family] if family != "bilstm" else sections[family].model_copy(update={"dropout": 0.0})
    found = []
    for changes in ({"batch_size": 12}, {"batch_size": 4, "accumulation": 3}):
        network = network_of(section)
        settings = optimization_of("adam", **SETTINGS, **changes)
        assert settings.step_size == 12
        trainer, sizes = Trainer(network, settings), sizes_that_run(network)
        for task in TASKS:
            trainer.step(task, network.encoder.batch(TEXT, range(12), task), 1e-3)
        found.append(network.copy_values())
        assert set(sizes) == {settings.batch_size}
    for name, value in found[0].items():
        torch.testing.assert_close(found[1][name], value, rtol=1e-3, atol=1e-5, msg=name)


@pytest.mark.parametrize("family", [family for family in FAMILIES if family != "bilstm"])
def test_activation_checkpointing_changes_no_gradient(family, sections):
    section = sections[family].model_copy(update={"dropout": 0.2, "norms": "private", "biases": "private"})
    found, counts = [], []
    for changes in ({}, {"activation_checkpointing": True}):
        network = network_of(section)
        trainer = Trainer(network, optimization_of("adam", **SETTINGS, **changes))
        torch.manual_seed(1)
        runs = []
        inside = next(
            part
            for name, part in network.encoder.body.named_modules()
            if re.search(r"layers?\.0\..*\w+$", name) and isinstance(part, torch.nn.Linear)
        )
        inside.register_forward_hook(lambda *_, runs=runs: runs.append(1))
        gradients = [trainer.differentiate(task, network.encoder.batch(TEXT, range(6), task), 1.0) for task in TASKS]
        found.append([value for own in gradients for value in own._tensors()])
        counts.append(len(runs))
    assert counts[1] == 2 * counts[0] > 0
    assert all(torch.equal(one, other) for one, other in zip(*found, strict=True))


@pytest.mark.parametrize("family", ["bilstm", "bert", "modernbert"])
def test_lower_layers_are_trained_with_lower_rates(family, sections):
    changes = []
    for decay in (None, 0.5):
        network = network_of(sections[family])
        network.set_masks({task: tiny.random_mask(network, 0.5, seed) for seed, task in enumerate(TASKS)})
        before = network.copy_values()
        trainer = Trainer(network, optimization_of("sgd", momentum=0.0, gradient_clip=None, layer_decay=decay))
        torch.manual_seed(1)
        trainer.step("pos", network.encoder.batch(TEXT, range(6), "pos"), 0.5)
        changes.append({name: value - before[name] for name, value in network.copy_values().items()})
    layers, infos = network.encoder.layers, network.parameters.infos
    shares = {name: 0.5 ** (max(layers.values()) - layers[name]) if name in infos else 1.0 for name in changes[0]}
    assert len(set(shares.values())) > 1
    for name, share in shares.items():
        torch.testing.assert_close(changes[1][name], share * changes[0][name], rtol=1e-3, atol=2e-6, msg=name)


def test_weight_decay_is_as_small_as_the_rate_of_the_layer(sections):
    network = network_of(sections["bert"], ["pos"])
    before = network.copy_values()
    trainer = Trainer(network, optimization_of("adam", weight_decay=0.1, layer_decay=0.5))
    trainer.gradient.zero_()
    trainer._update_encoder("pos", 0.01)
    for name, info in network.parameters.infos.items():
        if info.prunable:
            expected = before[name] * (1 - 0.01 * 0.1 * 0.5 ** (2 - info.layer))
            torch.testing.assert_close(network.values()[name], expected, rtol=1e-6, atol=0)
