"""A GPU trains, tags and remembers what the CPU does, but for the order in which numbers are added."""

import pytest
import torch
from tiny import (
    MODEL,
    TASKS,
    all_bits,
    batch_of,
    encoded,
    mask_network,
    network_of,
    optimization_of,
    sentences,
    task_data,
    vocabulary_of,
)

from sparse_sharing.config.schema import Optimization
from sparse_sharing.errors import ConfigError
from sparse_sharing.network.network import Network
from sparse_sharing.pipeline.specs import Spec
from sparse_sharing.training.checkpoint import Checkpoint
from sparse_sharing.training.loop import Progress, train_epochs
from sparse_sharing.training.trainer import Trainer

NO_GPU = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")
DEVICES = pytest.mark.parametrize("device", ["cpu", pytest.param("cuda", marks=NO_GPU)])
"""On the CPU these tests compare it with itself: that shows that the tests are right where there is no GPU."""

STEPS = 9


def masked_network(device, **changes):
    """A network with masks on a device, with the weights that it has on the CPU."""
    network = Network(MODEL.model_copy(update=changes), vocabulary_of(), device)
    network.load(network_of(**changes).values())
    return mask_network(network)


def train(network, optimizer, **changes):
    """Some steps of the tasks in turn; returns the losses and the trainer."""
    settings: Optimization = optimization_of(optimizer, **changes)
    trainer, text = Trainer(network, settings), encoded(sentences(4 * STEPS, seed=1))
    losses = []
    for number in range(STEPS):
        task = TASKS[number % len(TASKS)]
        batch = batch_of(text, task, *range(4 * number, 4 * number + 4)).to(network.device)
        losses.append(trainer.step(task, batch, settings.learning_rate))
    return torch.stack(losses).cpu(), trainer


@DEVICES
@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
@pytest.mark.parametrize("changes", [{}, {"layers": 2}, {"head": "crf"}], ids=["linear", "two layers", "crf"])
def test_steps_lead_to_the_weights_that_they_lead_to_on_the_cpu(device, optimizer, changes):
    here, there = masked_network("cpu", **changes), masked_network(device, **changes)
    expected, _ = train(here, optimizer, gradient_clip=0.5)
    losses, _ = train(there, optimizer, gradient_clip=0.5)
    torch.testing.assert_close(losses, expected, rtol=1e-3, atol=1e-4)
    for name, value in here.values().items():
        torch.testing.assert_close(there.values()[name].cpu(), value, rtol=1e-2, atol=1e-3, msg=name)


@DEVICES
@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_what_takes_no_part_stays_bit_for_bit(device, optimizer):
    network = masked_network(device)
    settings = optimization_of(optimizer)
    trainer, text = Trainer(network, settings), encoded(sentences(8, seed=1))
    for task in TASKS * 2:
        outside = ~network.keeps[task]
        before = network.theta[outside].clone(), trainer.memory["encoder"][:, outside].clone()
        trainer.step(task, batch_of(text, task).to(network.device), settings.learning_rate)
        assert outside.any()
        assert torch.equal(network.theta[outside], before[0])
        assert torch.equal(trainer.memory["encoder"][:, outside], before[1])


@DEVICES
@pytest.mark.parametrize("head", ["linear", "crf"])
def test_tags_are_those_of_the_cpu(device, head):
    text = encoded(sentences(40, seed=3))
    here = masked_network("cpu", head=head)
    train(here, "adam")
    there = masked_network(device, head=head)
    there.load(here.values())
    for task in TASKS:
        assert (there.predict(task, text) == here.predict(task, text)).mean() > 0.99


@DEVICES
def test_a_training_resumes_from_a_checkpoint_on_another_device(device, tmp_path):
    settings = optimization_of("adam", epochs=2)
    network = masked_network(device)
    trainer, progress = Trainer(network, settings), Progress()
    checkpoint = Checkpoint(tmp_path / "epoch.safetensors", Spec(), "test")
    for _ in train_epochs(network, trainer, task_data(), settings, ("test",), progress, 1):
        checkpoint.save(network, trainer, progress)

    elsewhere = masked_network("cpu")
    other = Trainer(elsewhere, settings)
    assert checkpoint.restore(elsewhere, other).rows() == progress.rows()
    assert all_bits(elsewhere.values()) == all_bits({name: value.cpu() for name, value in network.values().items()})
    assert all_bits(other.state()) == all_bits({name: value.cpu() for name, value in trainer.state().items()})


@NO_GPU
@pytest.mark.parametrize("head", ["linear", "crf"])
def test_steps_in_bfloat16_lead_near_those_in_float32(head):
    whole, mixed = masked_network("cuda", head=head), masked_network("cuda", head=head)
    expected, _ = train(whole, "adam")
    losses, _ = train(mixed, "adam", precision="bfloat16")
    torch.testing.assert_close(losses, expected, rtol=0.05, atol=0.05)
    assert not torch.equal(losses, expected)
    assert all(value.dtype == torch.float32 for value in mixed.values().values())


def test_bfloat16_is_refused_on_the_cpu_with_what_to_do():
    with pytest.raises(ConfigError, match=r"needs a GPU.*leave precision out"):
        Trainer(masked_network("cpu"), optimization_of("adam", precision="bfloat16"))


@pytest.mark.parametrize("training", [True, False])
def test_mixed_precision_is_used_only_by_the_encoder_in_training(training, monkeypatch):
    asked = []
    within = torch.autocast

    def autocast(kind, dtype, enabled):
        asked.append((kind, dtype, enabled))
        return within(kind, dtype, enabled=False)

    monkeypatch.setattr(torch, "autocast", autocast)
    network, text = masked_network("cpu"), encoded(sentences(4, seed=1))
    network.mixed = True
    network.encoder.train(training)
    batch = batch_of(text, "pos")
    network.loss("pos", network.gather(batch), batch)
    assert asked == [("cpu", torch.bfloat16, training)]


@NO_GPU
@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
@pytest.mark.parametrize("head", ["linear", "crf"])
def test_no_step_waits_for_the_gpu(optimizer, head):
    network, text = masked_network("cuda", head=head), encoded(sentences(8, seed=1))
    settings = optimization_of(optimizer, gradient_clip=0.5)
    trainer = Trainer(network, settings)
    trainer.step("pos", batch_of(text, "pos").to(network.device), settings.learning_rate)
    torch.cuda.set_sync_debug_mode("error")
    try:
        losses = [trainer.step(task, batch_of(text, task).to(network.device), settings.learning_rate) for task in TASKS]
    finally:
        torch.cuda.set_sync_debug_mode("default")
    assert bool(torch.stack(losses).isfinite().all())
