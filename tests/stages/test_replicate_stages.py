"""Switches of `replicate` through the stages: what is given the test text, what is scored how, what tables say."""

import csv
import shutil

import pytest
from interruption import Interrupted, Interruption

from sparse_sharing.errors import ConfigError
from sparse_sharing.evaluation.lenient import reread
from sparse_sharing.evaluation.scoring import predict_tags, score_tags
from sparse_sharing.pipeline import layout
from sparse_sharing.stages import train
from sparse_sharing.storage.artifacts import load_json, load_tensors
from sparse_sharing.training.inputs import load_text
from sparse_sharing.training.trained import open_model

TASKS = ("chunk", "ner", "pos")


def with_switch(pipeline, system, **switches):
    """The pipeline in which a system has switches."""
    systems = [
        {**values, "replicate": switches} if values["name"] == system else values
        for values in pipeline.values["train"]["systems"]
    ]
    return pipeline.changed(train={"systems": systems})


def train_on(pipeline, system, output, test):
    """Train a system, with the test text or without it."""
    weights = pipeline.weights(pipeline.specs.systems[system].start)
    spec, masks = pipeline.specs.train("joint", 1, system, "shared"), pipeline.selection(system)
    train.run(spec, *pipeline.texts, weights, masks, output, "cpu", test)
    return load_tensors(output / "model.safetensors", "model")


def rows_of(path):
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_the_test_text_is_refused_unless_the_epoch_is_chosen_on_it_and_then_it_is_needed(finished, tmp_path):
    test = finished.data / "test.safetensors"
    with pytest.raises(ConfigError, match=r"system 'sparse' takes no test text \(--test FILE\)"):
        train_on(finished, "sparse", tmp_path, test)
    with pytest.raises(ConfigError, match=r"system 'sparse' .* needs the test text \(--test FILE\)"):
        train_on(with_switch(finished, "sparse", epoch_on_test=True), "sparse", tmp_path, None)


def test_the_epoch_is_chosen_on_test_and_its_dev_score_is_still_stored(finished, tmp_path):
    own = with_switch(finished, "sparse", epoch_on_test=True)
    model = train_on(own, "sparse", tmp_path, finished.data / "test.safetensors")
    rows = rows_of(tmp_path / "history.csv")
    assert {"test chunk", "test ner", "test pos", "test mean"} < set(rows[0])
    best = max(rows, key=lambda row: (float(row["test mean"]), -int(row["epoch"])))
    assert model.details["best_epoch"] == int(best["epoch"])
    plain = rows_of(finished.path(layout.MODEL, system="sparse", model="shared") / "history.csv")
    # the same training, compared on other text
    assert [row["loss"] for row in rows] == [row["loss"] for row in plain]
    expected = float(plain[model.details["best_epoch"] - 1]["dev pos"])
    assert model.details["dev"]["pos"]["accuracy"] == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("switch", ["leaky_momentum", "clip_by_value", "round_robin"])
def test_a_switch_of_the_optimizer_gives_another_model(finished, tmp_path, switch):
    base = finished.changed(train={"gradient_clip": 0.01})
    model = train_on(with_switch(base, "hard", **{switch: True}), "hard", tmp_path / "switched", None)
    plain = train_on(base, "hard", tmp_path / "plain", None)
    assert model.spec["replicate"] == [switch]
    assert "replicate" not in plain.spec
    assert model.tensors["heads.ner.weight"].tobytes() != plain.tensors["heads.ner.weight"].tobytes()


def test_an_interrupted_training_with_leaky_momentum_resumes_to_the_same_bytes(finished, tmp_path, monkeypatch):
    own = with_switch(finished, "sparse", leaky_momentum=True)
    with monkeypatch.context() as patch, pytest.raises(Interrupted):
        Interruption(patch, after=1)
        own.train("sparse", output=tmp_path / "resumed")
    for name in ("resumed", "whole"):
        own.train("sparse", output=tmp_path / name)
    resumed, whole = (tmp_path / name / "model.safetensors" for name in ("resumed", "whole"))
    assert resumed.read_bytes() == whole.read_bytes()


@pytest.fixture(scope="module")
def switched(finished, tmp_path_factory):
    """A finished pipeline whose system `hard` is scored leniently, in training and on test."""
    folder = tmp_path_factory.mktemp("switched") / "copy"
    shutil.copytree(finished.folder, folder)
    own = with_switch(type(finished)(folder, finished.values), "hard", lenient_spans=True)
    own.train("hard")
    own.evaluate("hard")
    own.tables()
    return own


def test_lenient_spans_are_counted_on_test_and_the_metrics_say_so(switched):
    folder = switched.path(layout.EVALUATION, system="hard", model="shared")
    details = load_json(folder / "metrics.json", "metrics").details
    assert details["replicate"] == ["lenient_spans"]
    other = load_json(switched.path(layout.EVALUATION, system="sparse", model="shared") / "metrics.json", "metrics")
    assert "replicate" not in other.details
    model = switched.path(layout.MODEL, system="hard", model="shared")
    opened = open_model(model, "cpu")
    network, words = opened.network, opened.vocabulary
    text = load_text(switched.data / "test.safetensors")["chunk"]
    tags = (text.gold_tags("chunk", words), predict_tags(network, "chunk", text))
    gold, predicted = (reread(sentences, "iob2") for sentences in tags)
    assert [gold, predicted] != [*tags]
    expected = score_tags(gold, predicted, words.tasks["chunk"]).metrics["f1"]
    assert details["tasks"]["chunk"]["test"]["f1"] == pytest.approx(expected)


def test_every_table_says_which_systems_replicate_what(switched):
    folder = switched.path(layout.TABLES)
    for name in ("results.csv", "per_type.csv", "summary.csv"):
        marks = {row["system"]: row["replicate"] for row in rows_of(folder / name)}
        assert marks == {"single": "", "hard": "lenient_spans", "sparse": "", "whole": ""}, name
    assert {row["replicate"] for row in rows_of(folder / "masks.csv")} == {""}
    assert "hard: lenient\\_spans." in (folder / "summary.md").read_text(encoding="utf-8")
    assert "hard: lenient\\_spans." in (folder / "summary.tex").read_text(encoding="utf-8")


def test_a_mark_does_not_change_numbers(switched, finished):
    name = "summary.csv"
    plain, marked = (rows_of(own.path(layout.TABLES) / name) for own in (finished, switched))
    assert "replicate" not in plain[0]
    unmarked = [{key: value for key, value in row.items() if key != "replicate"} for row in marked]
    assert [row for row in unmarked if row["system"] == "sparse"] == [row for row in plain if row["system"] == "sparse"]
