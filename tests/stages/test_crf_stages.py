"""The stages with conditional random fields: the same files and checks, valid sequences, exact resume."""

import copy
import shutil

import pytest
from interruption import Interrupted, Interruption

from sparse_sharing.evaluation.scoring import predict_tags
from sparse_sharing.pipeline import layout
from sparse_sharing.storage.artifacts import load_json, load_tensors
from sparse_sharing.text.schemes import violation
from sparse_sharing.training.inputs import load_text
from sparse_sharing.training.trained import open_model

TASKS = ("chunk", "ner", "pos")
PARTS = {"weight", "bias", "transitions", "start", "end"}


@pytest.fixture(scope="module")
def fields(finished, tmp_path_factory):
    """A finished pipeline whose span tasks have CRFs, and of which only the sparse system was trained."""
    folder = tmp_path_factory.mktemp("fields")
    for split in ("train", "dev", "test"):
        shutil.copy2(finished.folder / f"{split}.txt", folder)
    values = copy.deepcopy(finished.values)
    values["model"]["head"] = {"chunk": "crf", "ner": "crf"}
    values["train"]["systems"] = [system for system in values["train"]["systems"] if system["name"] == "sparse"]
    values["tables"] = {"baseline": "sparse"}
    return type(finished)(folder, values).run()


def test_a_model_holds_the_fields_of_its_tasks_by_name(fields):
    model = load_tensors(fields.model_folder() / "model.safetensors", "model")
    heads = {name for name in model.tensors if name.startswith("heads.")}
    assert heads == {f"heads.{task}.{part}" for task in ("chunk", "ner") for part in PARTS} | {
        "heads.pos.weight",
        "heads.pos.bias",
    }
    assert all(model.tensors[f"heads.ner.{part}"].any() for part in PARTS)


def test_the_test_text_is_tagged_with_valid_sequences(fields):
    folder = fields.model_folder()
    opened, texts = open_model(folder, "cpu"), load_text(fields.data / "test.safetensors")
    network, words = opened.network, opened.vocabulary
    for task in ("chunk", "ner"):
        sentences = predict_tags(network, task, texts[task])
        assert all(violation(tags, words.tasks[task].model_scheme) is None for tags in sentences)
    metrics = load_json(fields.path(layout.EVALUATION, system="sparse", model="shared") / "metrics.json", "metrics")
    assert set(metrics.details["tasks"]) == set(TASKS)
    assert metrics.details["tasks"]["chunk"]["test"]["f1"] > 50


def test_an_interrupted_training_resumes_to_the_same_bytes(fields, tmp_path, monkeypatch):
    with monkeypatch.context() as patch, pytest.raises(Interrupted):
        Interruption(patch, after=1)
        fields.train("sparse", output=tmp_path)
    fields.train("sparse", output=tmp_path)
    first = fields.model_folder() / "model.safetensors"
    assert (tmp_path / "model.safetensors").read_bytes() == first.read_bytes()
