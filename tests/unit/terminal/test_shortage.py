"""Where memory does not suffice: what was being done, the bytes asked for, held and allowed, and what to do."""

import errno
import resource

import numpy as np
import pytest
import torch

from sparse_sharing.terminal import shortage
from sparse_sharing.terminal.shortage import asked_bytes, explain


def failure(allocate):
    """The error of an allocation that no machine can serve."""
    with pytest.raises((MemoryError, RuntimeError)) as failed:
        allocate()
    return failed.value


@pytest.mark.parametrize(
    ("allocate", "size"),
    [(lambda: torch.empty(10**15), 4 * 10**15), (lambda: np.empty(10**15), 8 * 10**15)],
    ids=["torch", "numpy"],
)
def test_the_errors_of_both_allocators_are_understood(allocate, size):
    error = failure(allocate)
    error.add_note("epoch 3, step 4/9, task ner, a batch of 10 sentences of up to 40 tokens")
    assert asked_bytes(error) == pytest.approx(size, rel=0.01)
    message = explain(error)
    assert message.startswith(
        "epoch 3, step 4/9, task ner, a batch of 10 sentences of up to 40 tokens: the memory does"
    )
    assert f"out of memory: {asked_bytes(error) / 1e6:,.0f} MB more were requested; the process has used" in message
    assert "mem_mb" in message


@pytest.mark.parametrize("error", [MemoryError(), MemoryError("std::bad_alloc"), OSError(errno.ENOMEM, "no memory")])
def test_an_error_without_a_size_is_understood(error):
    assert explain(error).startswith("out of memory: the process has used")


def test_running_out_of_gpu_memory_at_the_end_of_a_step_is_reported_as_well():
    assert "21 MB more were requested" in explain(
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB.")
    )


@pytest.mark.parametrize("error", [RuntimeError("shapes differ"), OSError(errno.ENOSPC, "full"), KeyError("memory")])
def test_other_errors_are_none_of_its_business(error):
    assert explain(error) is None


def test_limits_are_named(monkeypatch):
    monkeypatch.setattr(resource, "getrlimit", lambda kind: (3 * 10**9, -1))
    monkeypatch.setattr(shortage, "_group_limit", lambda: 2 * 10**9)
    monkeypatch.setattr(shortage, "_free", lambda: None)
    assert "(limits: 3,000 MB of address space, 2,000 MB for this job)" in shortage.situation()


def test_the_free_memory_of_this_machine_is_known():
    assert shortage.allowances()["free on the machine"] > 10**6
