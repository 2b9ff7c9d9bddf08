"""The control `best_epoch: each`: one training, and each task evaluated with the weights of its own best dev epoch."""

import copy
import csv
import shutil

import pytest
from interruption import Interrupted, Interruption

from sparse_sharing.errors import ConfigError
from sparse_sharing.network.storage import load_model
from sparse_sharing.pipeline import layout
from sparse_sharing.storage.artifacts import load_json
from sparse_sharing.tagging import export

TASKS = ("chunk", "ner", "pos")
BIASES = 5 + 2 * 2 * 4 * 6
EPOCHS = 3


def model_of(pipeline, system):
    return load_model(pipeline.model_folder(system) / "model.safetensors")


@pytest.fixture(scope="module")
def each(finished, tmp_path_factory):
    """A pipeline with the sparse system, and with the same where each task has its own best epoch."""
    folder = tmp_path_factory.mktemp("each") / "copy"
    shutil.copytree(finished.folder, folder)
    values = copy.deepcopy(finished.values)
    sparse = next(system for system in values["train"]["systems"] if system["name"] == "sparse")
    values["train"] |= {"epochs": EPOCHS, "systems": [sparse, {**sparse, "name": "each", "best_epoch": "each"}]}
    values["tables"] = {"baseline": "sparse"}
    own = type(finished)(folder, values)
    for system in ("sparse", "each"):
        own.train(system)
        own.evaluate(system)
    return own


def test_each_task_is_scored_with_the_weights_of_its_own_best_epoch_on_dev(each):
    with (each.model_folder("each") / "history.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    metrics = load_json(each.path(layout.EVALUATION, system="each", model="shared") / "metrics.json", "metrics").details
    for task in TASKS:
        scores = [float(row[f"dev {task}"]) for row in rows]
        assert model_of(each, "each").details["own_epochs"][task] == scores.index(max(scores)) + 1
        found = metrics["tasks"][task]
        assert found["dev"][found["metric"]] == pytest.approx(max(scores), abs=1e-4)


def test_the_training_is_that_of_the_system_without_the_option(each):
    plain, control = model_of(each, "sparse"), model_of(each, "each")
    assert {name: value.tobytes() for name, value in plain.values.items()} == {
        name: value.tobytes() for name, value in control.values.items()
    }
    assert plain.details["best_epoch"] == control.details["best_epoch"]
    assert (plain.own_values, set(control.own_values)) == ({}, set(TASKS))


def test_a_task_whose_best_epoch_is_that_of_the_mean_has_the_same_scores_with_and_without_the_option(each):
    control = model_of(each, "each")
    shared = [task for task in TASKS if control.details["own_epochs"][task] == control.details["best_epoch"]]
    assert shared, "no task to look at"
    for task in shared:
        predictions = (
            each.path(layout.EVALUATION, system=system, model="shared") / "predictions" / f"{task}.txt"
            for system in ("sparse", "each")
        )
        assert len({path.read_bytes() for path in predictions}) == 1


def test_tasks_with_epochs_of_their_own_share_no_weights(each):
    control = model_of(each, "each")
    kept = sum(mask.kept for mask in control.masks.values())
    assert control.details["parameters"] == kept + len(TASKS) * BIASES


def test_the_tables_and_cards_call_it_a_control(each):
    each.tables()
    with (each.path(layout.TABLES) / "summary.csv").open(encoding="utf-8", newline="") as stream:
        marks = {row["system"]: row["control"] for row in csv.DictReader(stream)}
    assert marks == {"sparse": "", "each": "own_epochs"}
    assert "Controls: each: each task with the weights of its own best epoch" in (
        each.path(layout.TABLES) / "summary.md"
    ).read_text(encoding="utf-8")
    assert "These are scores of a control" in (each.model_folder("each") / "README.md").read_text(encoding="utf-8")


def test_a_control_is_not_exported(each, tmp_path):
    with pytest.raises(ConfigError, match=r"is a control whose tasks were evaluated at their own best epochs"):
        export.run(each.model_folder("each"), "ner", None, tmp_path, False, "cpu")


@pytest.mark.parametrize("epochs", range(1, EPOCHS))
def test_an_interrupted_training_resumes_to_the_same_bytes(each, tmp_path, monkeypatch, epochs):
    with monkeypatch.context() as patch, pytest.raises(Interrupted):
        Interruption(patch, after=epochs)
        each.train("each", output=tmp_path)
    each.train("each", output=tmp_path)
    first = each.model_folder("each") / "model.safetensors"
    assert (tmp_path / "model.safetensors").read_bytes() == first.read_bytes()
