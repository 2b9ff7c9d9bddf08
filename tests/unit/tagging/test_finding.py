"""The model that a path means: its own folder, the best of a run, or a list of those nearby."""

import logging

import numpy as np
import pytest

from sparse_sharing.errors import ArtifactError
from sparse_sharing.pipeline.specs import ExportSpec
from sparse_sharing.storage.artifacts import save_tensors
from sparse_sharing.tagging.finding import find_model

SCORES = {
    "joint/seed1/train/single/ner": {"ner": {"f1": 99.0, "accuracy": 10.0}},
    "joint/seed1/train/hard/shared": {"ner": {"f1": 80.0}, "pos": {"accuracy": 90.0}},
    "joint/seed2/train/hard/shared": {"ner": {"f1": 82.0}, "pos": {"accuracy": 90.0}},
    "joint/seed1/train/sparse/shared": {"ner": {"f1": 84.0}, "pos": {"accuracy": 87.0}},
}


@pytest.fixture
def run(tmp_path, monkeypatch):
    """The folder of a run with four models, below the working folder."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "results" / "mine"
    for place, dev in SCORES.items():
        details = {"tasks": list(dev), "dev": dev}
        spec = ExportSpec(model="m" * 16, task="ner")
        save_tensors(folder / place / "model.safetensors", "model", spec, {"x": np.zeros(1)}, details)
    return folder


@pytest.mark.parametrize("place", ["", "joint", "..", "../.."])
def test_a_run_means_its_model_of_most_tasks_with_the_best_mean_on_dev(run, place, caplog):
    with caplog.at_level(logging.INFO):
        assert find_model((run / place).resolve()) == run / "joint/seed2/train/hard/shared"
    assert "joint/seed2/train/hard/shared, the best of 4 models (mean on dev 86.00)" in caplog.text


@pytest.mark.parametrize("place", SCORES)
def test_the_folder_of_a_model_means_itself_in_silence(run, place, caplog):
    with caplog.at_level(logging.INFO):
        assert find_model(run / place) == run / place
    assert not caplog.text


def test_the_folder_of_a_system_means_its_only_model(run):
    assert find_model(run / "joint/seed1/train/sparse") == run / "joint/seed1/train/sparse/shared"


@pytest.mark.parametrize("place", ["joint/seed1/train/sprse/shared", "joint/seed1/train/sprse", "join/seed1"])
def test_a_wrong_path_lists_the_models_nearby(run, place):
    with pytest.raises(ArtifactError) as refused:
        find_model(run / place)
    assert f"{run / place}: has no model (neither model.safetensors nor network.onnx)" in str(refused.value)
    assert f"\n  {run / 'joint/seed1/train/sparse/shared'}" in str(refused.value)


def test_where_there_is_none_that_is_said(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ArtifactError, match="expected the folder of a trained or exported model, or of a run"):
        find_model(tmp_path / "nowhere")


def test_a_file_that_is_no_model_is_named(run):
    (run / "joint/seed1/train/sparse/shared/model.safetensors").write_bytes(b"nothing")
    with pytest.raises(ArtifactError, match=r"sparse/shared/model\.safetensors: is damaged or was not written by"):
        find_model(run)
