"""The measurement on a GPU, tried on the CPU: what it prints, and that jobs side by side are measured together."""

import json

import pytest
import torch

from sparse_sharing.config.encoders.bilstm import BiLstm

CPU = torch.device("cpu")
TINY = BiLstm(word_dimension=4, character_dimension=4, character_filters=4, hidden=4)


@pytest.fixture(autouse=True)
def importable(monkeypatch, repository):
    """The benchmarks are no part of the package: they are found beside it, by processes too."""
    monkeypatch.syspath_prepend(str(repository))
    monkeypatch.chdir(repository)


def printed(capsys):
    """The measurements that were printed, in order."""
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_every_way_of_sharing_and_both_references_are_measured_at_every_batch_size(capsys):
    from benchmarks import data, gpu

    vocabulary = data.generated_vocabulary(word_count=50)
    gpu.measure_steps(data.generated_text(vocabulary, 400), vocabulary, TINY, CPU, blocks=1, length=1)
    rows = printed(capsys)
    names = {"single float32", "hard float32", "sparse float32", "reference (a)", "reference (b)"}
    assert {(row["batch"], row["name"]) for row in rows} == {(size, name) for size in (10, 32, 128) for name in names}
    assert all(row["tokens_per_second"] > 0 for row in rows)


@pytest.mark.slow
def test_jobs_side_by_side_start_together_and_their_steps_are_added(tmp_path, capsys, monkeypatch):
    from benchmarks import data, gpu

    monkeypatch.setattr(data, "SENTENCES", {"train": 300, "dev": 40, "test": 40})
    monkeypatch.setattr(data, "WORDS", 500)
    gpu.measure_jobs(data.prepare_generated(tmp_path), CPU, 0.1, "plain", 10, [2])
    (row,) = printed(capsys)
    assert (row["label"], row["jobs"]) == ("plain", 2)
    assert 0 < row["slowest"] <= row["steps_per_second"] / 2
