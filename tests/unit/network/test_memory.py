"""Tagging on a GPU whose memory is full goes on in smaller batches, with the same tags."""

import logging

import numpy as np
import pytest
import torch
from tiny import encoded, network_of, sentences

from sparse_sharing.encoders.bilstm import BiLstmEncoder
from sparse_sharing.errors import ResourceError
from sparse_sharing.network.memory import BatchLimit

TEXT = encoded(sentences(30, seed=6))


@pytest.fixture
def memory(monkeypatch):
    """A function that makes the encoder fail as on a full GPU from a number of positions on; returns the sizes."""

    def limit(most):
        forward, tried = BiLstmEncoder.states, []

        def fail(encoder, vectors, batch, readout=None):
            tried.append(batch.mask.numel())
            if batch.mask.numel() > most:
                raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB. GPU 0 has")
            return forward(encoder, vectors, batch, readout)

        monkeypatch.setattr(BiLstmEncoder, "states", fail)
        return tried

    return limit


def test_smaller_batches_give_the_same_tags_and_probabilities(memory, caplog):
    tags = network_of().predict("ner", TEXT, 16)
    shares = network_of().confidences("ner", TEXT, tags, 16)
    tried = memory(40)
    network = network_of()
    with caplog.at_level(logging.WARNING):
        assert np.array_equal(network.predict("ner", TEXT, 16), tags)
        failures = sum(size > 40 for size in tried)
        np.testing.assert_allclose(network.confidences("ner", TEXT, tags, 16), shares, rtol=1e-5)
    assert failures == sum(size > 40 for size in tried) == len(caplog.records) > 0
    assert "tagging with task ner: 16 sentences of up to" in caplog.text


def test_a_single_sentence_that_does_not_fit_is_refused(memory):
    memory(3)
    with pytest.raises(ResourceError, match="tagging with task ner: one sentence of"):
        network_of().predict("ner", TEXT)


def test_an_error_of_memory_on_the_cpu_says_what_was_tagged(monkeypatch):
    def fail(*arguments):
        raise MemoryError

    monkeypatch.setattr(BiLstmEncoder, "states", fail)
    with pytest.raises(MemoryError) as failed:
        network_of().predict("ner", TEXT, 16)
    assert failed.value.__notes__[0].startswith("tagging with task ner, 16 sentences of up to")


def test_room_is_never_less_than_a_sentence():
    limit = BatchLimit()
    assert limit.sentences(7, 1_000_000) == 7
    for count, left in ((7, 3), (3, 1)):
        limit.shrink(count, 10, "x", "y")
        assert limit.sentences(7, 10) == left
    assert limit.sentences(7, 5) == 2
    assert limit.sentences(7, 1_000) == 1
    with pytest.raises(ResourceError, match="x: one sentence of 10 tokens"):
        limit.shrink(1, 10, "x", "y")
