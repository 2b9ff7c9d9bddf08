"""Stage evaluate: predictions that other programs can read, and scores that can be recomputed from them."""

import csv
import random
import shutil
from itertools import chain

import numpy as np
import pytest
from seqeval.metrics import accuracy_score, classification_report, f1_score, precision_score, recall_score
from seqeval.metrics.sequence_labeling import get_entities

from sparse_sharing.errors import ArtifactError
from sparse_sharing.evaluation import statistics
from sparse_sharing.pipeline import layout
from sparse_sharing.stages import evaluate
from sparse_sharing.storage.artifacts import load_json, load_tensors, save_tensors

TASKS = ("chunk", "ner", "pos")
TOLERANCE = 1e-9


def folder_of(pipeline, system, model="shared"):
    """The folder of an evaluation."""
    return pipeline.path(layout.EVALUATION, system=system, model=model)


def metrics_of(pipeline, system, model="shared"):
    """The scores of a model."""
    return load_json(folder_of(pipeline, system, model) / "metrics.json", "metrics").details


def columns_of(path):
    """The sentences of a column file: for each the tuples of its columns."""
    blocks = path.read_text(encoding="utf-8").removesuffix("\n\n").split("\n\n")
    return [list(zip(*(line.split(" ") for line in block.split("\n")), strict=True)) for block in blocks]


def predictions_of(folder, task):
    """The gold and the predicted tags of each sentence, from the file of predictions."""
    sentences = columns_of(folder / "predictions" / f"{task}.txt")
    return [list(gold) for _, gold, _ in sentences], [list(predicted) for _, _, predicted in sentences]


def guess(network, task, text, batch_size):
    """Tags as a fair model might predict them: mostly right, else drawn at random, so that no scheme is kept to."""
    names, draw = network.vocabulary.tasks[task].tags, random.Random(1)
    gold = text.gold_tags(task, network.vocabulary)
    return [[tag if draw.random() < 0.7 else draw.choice(names) for tag in sentence] for sentence in gold]


@pytest.fixture(scope="module")
def guessed(finished, tmp_path_factory):
    """The folder of an evaluation of such predictions, on the training text since it is longer."""
    folder = tmp_path_factory.mktemp("guessed")
    spec = finished.specs.evaluate("joint", 1, "sparse", "shared")
    model = finished.path(layout.MODEL, system="sparse", model="shared")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(evaluate, "predict_tags", guess)
        evaluate.run(spec, model, finished.data / "train.safetensors", folder, "cpu")
    return folder


def scores_of(folder, task):
    """The scores of a task in an evaluation."""
    return load_json(folder / "metrics.json", "metrics").details["tasks"][task]


@pytest.mark.parametrize(("task", "column"), [("pos", 1), ("chunk", 2), ("ner", 3)])
def test_predictions_follow_the_words_and_tags_of_the_test_file(finished, task, column):
    found = columns_of(folder_of(finished, "sparse") / "predictions" / f"{task}.txt")
    expected = columns_of(finished.folder / "test.txt")
    assert [sentence[0] for sentence in found] == [sentence[0] for sentence in expected]
    assert [sentence[1] for sentence in found] == [sentence[column] for sentence in expected]
    assert {len(sentence) for sentence in found} == {3}


def test_predicted_names_are_written_in_the_scheme_of_the_file_not_of_the_model(finished):
    _, predicted = predictions_of(folder_of(finished, "sparse"), "ner")
    assert {tag[0] for sentence in predicted for tag in sentence} <= set("BIO")


def test_a_single_model_predicts_only_its_task(finished):
    folder = folder_of(finished, "single", "ner")
    assert [path.name for path in (folder / "predictions").iterdir()] == ["ner.txt"]
    assert list(metrics_of(finished, "single", "ner")["tasks"]) == ["ner"]


@pytest.mark.parametrize("task", ["chunk", "ner"])
def test_the_scores_of_spans_are_those_that_seqeval_gives_for_the_file(guessed, task):
    gold, predicted = predictions_of(guessed, task)
    scores = scores_of(guessed, task)
    measured = {"precision": precision_score, "recall": recall_score, "f1": f1_score, "accuracy": accuracy_score}
    assert scores["metric"] == "f1"
    assert scores["test"].keys() == measured.keys()
    for name, measure in measured.items():
        assert scores["test"][name] == pytest.approx(100 * measure(gold, predicted), abs=TOLERANCE), name
        assert 0 < scores["test"][name] < 100


@pytest.mark.parametrize("task", ["chunk", "ner"])
def test_the_scores_of_a_span_type_are_those_that_seqeval_gives_for_the_file(guessed, task):
    gold, predicted = predictions_of(guessed, task)
    report = classification_report(gold, predicted, output_dict=True, zero_division=0)
    per_type = scores_of(guessed, task)["per_type"]
    assert per_type.keys() == {kind for kind in report if not kind.endswith(" avg")}
    for kind, scores in per_type.items():
        assert scores["support"] == report[kind]["support"]
        assert scores["f1"] == pytest.approx(100 * report[kind]["f1-score"], abs=TOLERANCE)
        assert scores["precision"] == pytest.approx(100 * report[kind]["precision"], abs=TOLERANCE)


def test_the_accuracy_of_tags_is_the_share_of_right_ones_in_the_file(guessed):
    gold, predicted = (list(chain.from_iterable(tags)) for tags in predictions_of(guessed, "pos"))
    right = sum(tag == guess for tag, guess in zip(gold, predicted, strict=True))
    scores = scores_of(guessed, "pos")
    assert scores["test"] == {"accuracy": pytest.approx(100 * right / len(gold), abs=TOLERANCE)}
    assert scores["metric"] == "accuracy"
    assert 0 < right < len(gold)


@pytest.mark.parametrize("task", TASKS)
def test_the_counts_of_sentences_give_the_score_and_are_in_the_order_of_the_file(guessed, task):
    artifact = load_tensors(guessed / "sentences.safetensors", "sentences")
    metrics = load_json(guessed / "metrics.json", "metrics")
    counts, gold = artifact.tensors[task], predictions_of(guessed, task)[0]
    assert artifact.spec == metrics.spec
    assert statistics.score(counts.sum(0)) == pytest.approx(
        scores_of(guessed, task)["test"][scores_of(guessed, task)["metric"]]
    )
    whole = [len(tags) if task == "pos" else len(get_entities(tags)) for tags in gold]
    assert counts[:, -1].tolist() == whole


def test_documents_and_leaks_of_the_test_text_are_stored_with_the_counts(finished, tmp_path):
    path = finished.data / "test.safetensors"
    text = load_tensors(path, "text")
    total = len(text.tensors["text/offsets"]) - 1
    about = {"documents": np.arange(total, dtype=np.int32) // 2, "leaked": np.arange(total) % 3 == 0}
    tensors = text.tensors | {f"text/{name}": array for name, array in about.items()}
    save_tensors(tmp_path / "test.safetensors", "text", finished.specs.prepare("joint"), tensors, text.details)
    shutil.copytree(finished.data / "tags", tmp_path / "tags")
    spec = finished.specs.evaluate("joint", 1, "sparse", "shared")
    model = finished.path(layout.MODEL, system="sparse", model="shared")
    evaluate.run(spec, model, tmp_path / "test.safetensors", tmp_path / "out", "cpu")
    counts = load_tensors(tmp_path / "out" / "sentences.safetensors", "sentences").tensors
    assert counts.keys() == {name for task in TASKS for name in (task, f"{task}.documents", f"{task}.leaked")}
    for name, array in about.items():
        assert counts[f"ner.{name}"].dtype == array.dtype
        assert counts[f"ner.{name}"].tolist() == array.tolist()


def test_counts_have_no_documents_where_the_test_text_has_none(finished):
    counts = load_tensors(folder_of(finished, "sparse") / "sentences.safetensors", "sentences").tensors
    assert counts.keys() == {name for task in TASKS for name in (task, f"{task}.leaked")}


def test_scores_on_dev_parameters_and_densities_are_those_of_the_model(finished):
    path = finished.path(layout.MODEL, system="sparse", model="shared") / "model.safetensors"
    model, metrics = load_tensors(path, "model").details, metrics_of(finished, "sparse")
    assert (metrics["dataset"], metrics["system"], metrics["seed"]) == ("joint", "sparse", 1)
    assert metrics["parameters"] == model["parameters"]
    for task in TASKS:
        assert metrics["tasks"][task]["dev"] == model["dev"][task]
        assert metrics["tasks"][task]["density"] == model["densities"][task]


def test_the_time_of_a_training_is_that_of_all_its_epochs(finished):
    path = finished.path(layout.MODEL, system="hard", model="shared") / "history.csv"
    with path.open(encoding="utf-8", newline="") as stream:
        seconds = [float(row["seconds"]) for row in csv.DictReader(stream)]
    assert metrics_of(finished, "hard")["seconds"] == pytest.approx(sum(seconds), abs=0.006)


def test_evaluating_twice_gives_the_same_bytes(finished, tmp_path):
    again, first = finished.evaluate("sparse", output=tmp_path), folder_of(finished, "sparse")
    for name in ("metrics.json", "sentences.safetensors", *(f"predictions/{task}.txt" for task in TASKS)):
        assert (again / name).read_bytes() == (first / name).read_bytes(), name


def test_scoring_the_dev_text_gives_the_scores_that_training_measured(pipeline):
    dev, test = (pipeline.data / f"{split}.safetensors" for split in ("dev", "test"))
    test.write_bytes(dev.read_bytes())
    for task in TASKS:
        tags = load_tensors(pipeline.data / "tags" / task / "dev.safetensors", "tags")
        path, spec = pipeline.data / "tags" / task / "test.safetensors", pipeline.specs.prepare_task("joint", task)
        save_tensors(path, "tags", spec, tags.tensors, {**tags.details, "split": "test"})
    details = load_json(pipeline.evaluate("sparse") / "metrics.json", "metrics").details
    for task in TASKS:
        assert details["tasks"][task]["test"] == pytest.approx(details["tasks"][task]["dev"])


@pytest.mark.parametrize(("system", "other"), [("hard", "sparse"), ("sparse", "whole")])
def test_the_model_of_another_system_is_refused(finished, tmp_path, system, other):
    spec = finished.specs.evaluate("joint", 1, system, "shared")
    folder = finished.path(layout.MODEL, system=other, model="shared")
    with pytest.raises(ArtifactError, match=r"model\.safetensors: was made with other settings"):
        evaluate.run(spec, folder, finished.data / "test.safetensors", tmp_path / "out", "cpu")
    assert not (tmp_path / "out").exists()


def test_a_model_trained_under_other_settings_is_refused(finished, tmp_path):
    with pytest.raises(ArtifactError, match=r"model\.safetensors: was made with other settings"):
        finished.changed(train={"epochs": 3}).evaluate("hard", output=tmp_path / "out")


def test_text_prepared_under_other_settings_is_refused(pipeline):
    other = pipeline.changed(data={"lowercase": False})
    other.prepare(pipeline.folder / "other")
    spec = pipeline.specs.evaluate("joint", 1, "hard", "shared")
    folder = pipeline.path(layout.MODEL, system="hard", model="shared")
    with pytest.raises(ArtifactError, match=r"test\.safetensors: was made with other settings"):
        evaluate.run(spec, folder, pipeline.folder / "other" / "test.safetensors", pipeline.folder / "out", "cpu")


@pytest.mark.parametrize("content", [None, b"", b"epoch\n1\n", b"seconds\nten\n", b"\xff\xff"])
def test_a_history_that_is_missing_or_damaged_is_refused_by_name(pipeline, content):
    path = pipeline.path(layout.MODEL, system="hard", model="shared") / "history.csv"
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ArtifactError) as caught:
        pipeline.evaluate("hard", output=pipeline.folder / "out")
    assert str(caught.value).startswith(f"{path}: ")
    assert f"snakemake --cores 1 --force '{path}'" in str(caught.value)
    assert not (pipeline.folder / "out" / "metrics.json").exists()
