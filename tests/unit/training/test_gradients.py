"""A step that runs out of GPU memory is taken in parts: it is the same step, and the try leaves no trace."""

import logging

import numpy as np
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
    sentences,
    vocabulary_of,
)

from sparse_sharing.errors import ResourceError
from sparse_sharing.network.network import Network
from sparse_sharing.text.batches import make_batch
from sparse_sharing.training import gradients
from sparse_sharing.training.replicas import make_trainer
from sparse_sharing.training.trainer import Trainer

TEXT = encoded(sentences(24, seed=4))
OUT_OF_MEMORY = "CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 80 GiB, of which"
NETWORKS = {
    "dense": lambda: network_of(layers=2, dropout=0.4),
    "masked": lambda: mask_network(network_of(layers=2, dropout=0.4)),
    "soft": lambda: network_of(layers=2, dropout=0.4, stacks=TASKS),
    "crf": lambda: network_of(dropout=0.4, head="crf"),
}


@pytest.fixture
def memory(monkeypatch):
    """A function that makes losses of more than a number of sentences fail as on a full GPU, after the forward pass."""

    def limit(most, error=torch.OutOfMemoryError):
        loss, tried = Network.loss, []

        def fail(network, task, vectors, batch):
            found = loss(network, task, vectors, batch)
            tried.append(batch.mask.shape[1])
            if batch.mask.shape[1] > most:
                raise error(OUT_OF_MEMORY)
            return found

        monkeypatch.setattr(Network, "loss", fail)
        return tried

    return limit


def walk(network, optimizer="adam", steps=6, replicate=(), **changes):
    """Train some steps of eight sentences; returns the losses, the weights and the memory of the optimizer."""
    trainer = make_trainer(network, optimization_of(optimizer, **changes), replicate)
    torch.manual_seed(3)
    batches = [batch_of(TEXT, TASKS[n % 3], *range(4 * n % 16, 4 * n % 16 + 8)) for n in range(steps)]
    losses = [trainer.step(TASKS[n % 3], batch, 0.01, 0.7).item() for n, batch in enumerate(batches)]
    return losses, network.copy_values(), {name: value.clone() for name, value in trainer.state().items()}


@pytest.mark.parametrize("most", [1, 3, 7])
@pytest.mark.parametrize("kind", NETWORKS)
def test_steps_in_parts_are_the_steps_of_whole_batches_dropout_included(memory, kind, most):
    whole = walk(NETWORKS[kind]())
    state = torch.get_rng_state()
    tried = memory(most)
    parts = walk(NETWORKS[kind]())
    assert torch.equal(torch.get_rng_state(), state)
    assert max(tried) > most >= min(tried)
    torch.testing.assert_close(parts, whole, rtol=2e-3, atol=2e-5)


@pytest.mark.parametrize(
    ("kind", "switch"), [("masked", "leaky_momentum"), ("masked", "clip_by_value"), ("crf", "crf_loss_per_sentence")]
)
def test_trainers_that_replicate_the_original_do_so_in_parts(memory, kind, switch):
    whole = walk(NETWORKS[kind](), replicate=[switch], gradient_clip=0.1)
    # three sentences of eight: the last part is smaller
    memory(3)
    torch.testing.assert_close(
        walk(NETWORKS[kind](), replicate=[switch], gradient_clip=0.1), whole, rtol=2e-3, atol=2e-5
    )


def test_the_loss_of_a_field_by_sentence_is_that_by_token_times_the_tokens_of_a_sentence():
    batch = batch_of(TEXT, "ner", *range(8))
    losses = []
    for replicate in ([], ["crf_loss_per_sentence"]):
        network = network_of(dropout=0.0, head="crf")
        losses.append(make_trainer(network, optimization_of("sgd"), replicate).differentiate("ner", batch, 1.0).loss)
    torch.testing.assert_close(losses[1], losses[0] * batch.mask.sum() / 8)


def test_gradients_of_parts_add_up_to_those_of_the_batch_to_the_last_digits():
    network = network_of(layers=2, dropout=0.5)
    batch = batch_of(TEXT, "ner", *range(12))
    whole, split = gradients.Differentiator(network), gradients.Differentiator(network)
    split.batch_limit.positions = 5 * batch.mask.shape[0]
    found = []
    for differentiate in (whole, split):
        torch.manual_seed(9)
        found.append(differentiate("ner", batch, 1.0))
    one, other = found
    torch.testing.assert_close(other.encoder, one.encoder, rtol=1e-4, atol=1e-7)
    torch.testing.assert_close((other.loss, other.rows, other.head), (one.loss, one.rows, one.head))


def test_a_step_that_ran_out_for_good_leaves_no_trace(memory):
    network = NETWORKS["masked"]()
    trainer = Trainer(network, optimization_of("adam"))
    batch = batch_of(TEXT, "ner", 1, 2, 3, 4)
    trainer.step("ner", batch, 0.01)
    before = all_bits(network.values()), all_bits(trainer.state()), bits(torch.get_rng_state())
    memory(0)
    with pytest.raises(ResourceError, match=r"training task ner: one sentence of \d+ tokens does not fit") as refused:
        trainer.step("ner", batch, 0.01)
    assert "Tried to allocate 2.00 GiB" in str(refused.value)
    assert "another GPU" in str(refused.value)
    assert (all_bits(network.values()), all_bits(trainer.state()), bits(torch.get_rng_state())) == before
    assert all(parameter.grad is None for parameter in network.encoder.parameters())


def test_what_did_not_fit_once_is_not_tried_again_and_is_logged_once(memory, caplog):
    network = network_of()
    trainer = Trainer(network, optimization_of("sgd"))
    long = batch_of(TEXT, "pos", *TEXT.lengths.argsort()[-8:])
    short = batch_of(TEXT, "ner", *TEXT.lengths.argsort()[:3])
    tried = memory(4)
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            trainer.step("pos", long, 0.01)
        trainer.step("ner", short, 0.01)
    assert tried == [8, *[4, 4] * 3, 3]
    assert len(caplog.records) == 1
    assert "training task pos: 8 sentences of up to" in caplog.text
    assert "Tried to allocate 2.00 GiB" in caplog.text


def test_libraries_that_run_out_beside_torch_count_as_well(memory):
    whole = walk(network_of(), steps=1)
    memory(4, lambda text: RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"))
    torch.testing.assert_close(walk(network_of(), steps=1), whole, rtol=2e-3, atol=2e-5)


def test_other_errors_pass(memory):
    memory(4, ZeroDivisionError)
    with pytest.raises(ZeroDivisionError):
        walk(network_of(), steps=1)


def test_a_batch_of_very_long_sentences_runs_in_parts_on_the_cpu_from_the_start(memory, monkeypatch):
    monkeypatch.setattr(gradients, "CPU_POSITIONS", 3 * int(TEXT.lengths.max()))
    tried = memory(8)
    trainer = Trainer(network_of(), optimization_of("sgd"))
    trainer.step("pos", batch_of(TEXT, "pos", *TEXT.lengths.argsort()[-8:]), 0.01)
    assert tried == [3, 3, 2]


def test_parts_know_the_unknown_word_that_word_dropout_has_put_in():
    text = encoded(sentences(8, seed=2), vocabulary_of())
    batch = make_batch(text, np.arange(8), "ner", 0.5, np.random.default_rng(1))
    network = network_of()
    whole, split = gradients.Differentiator(network), gradients.Differentiator(network)
    split.batch_limit.positions = 1
    one, other = (differentiate("ner", batch, 1.0) for differentiate in (whole, split))
    torch.testing.assert_close(other.rows, one.rows, rtol=1e-4, atol=1e-7)
