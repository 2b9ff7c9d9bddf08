"""Tidy results from the metrics of each model."""

import json
import re
import subprocess
import sys

import pandas as pd
import pytest
from handmade import ORDER, TYPES, accuracy, csv_of, results_of, spans

from sparse_sharing.errors import ArtifactError
from sparse_sharing.pipeline.specs import EvaluateSpec
from sparse_sharing.results.tables.per_type import per_type
from sparse_sharing.results.tables.scores import read_all, read_metrics
from sparse_sharing.storage.artifacts import save_json


def test_results_have_one_row_per_dataset_system_seed_task_split_and_metric(three_systems):
    frame = results_of(three_systems, ORDER)
    keys = ["dataset", "system", "seed", "task", "split", "metric"]
    assert list(frame.columns) == [*keys, "value", "parameters", "trained_parameters", "density", "seconds"]
    assert not frame.duplicated(keys).any()
    # 3 systems, 2 seeds, 2 splits; 1 metric of pos and 4 of ner
    assert len(frame) == 3 * 2 * 2 * (1 + 4)
    row = frame[(frame["system"] == "sparse") & (frame["seed"] == 2) & (frame["metric"] == "recall")].iloc[-1]
    assert row.to_dict() == {
        **{"dataset": "joint", "system": "sparse", "seed": 2, "task": "ner", "split": "test", "metric": "recall"},
        **{"value": 88.0, "parameters": 396_000, "trained_parameters": 396_000, "density": 0.25, "seconds": 1.0},
    }


def test_rows_are_in_the_order_of_the_configuration_for_any_order_of_the_files(three_systems):
    frame = results_of(three_systems, ORDER)
    pd.testing.assert_frame_equal(frame, results_of(three_systems[::-1], ORDER))
    assert list(frame["system"].unique()) == ["single", "hard", "sparse"]
    assert list(frame["task"].unique()) == ["pos", "ner"]
    assert list(frame["seed"].unique()) == [1, 2]
    assert list(frame["split"].unique()) == ["dev", "test"]
    assert list(frame["metric"][2:6]) == ["accuracy", "precision", "recall", "f1"]


def test_names_that_the_order_does_not_list_follow_alphabetically(three_systems):
    frame = results_of(three_systems, {"system": ["sparse"]})
    assert list(frame["system"].unique()) == ["sparse", "hard", "single"]
    assert list(frame["task"].unique()) == ["ner", "pos"]


def test_a_system_of_several_models_has_the_sum_of_their_parameters_and_seconds(three_systems):
    frame = results_of(three_systems, ORDER)
    single = frame[(frame["system"] == "single") & (frame["seed"] == 2)]
    assert set(single["task"]) == {"pos", "ner"}
    assert set(single["parameters"]) == {2 * 533_930}
    assert set(single["seconds"]) == {32.0}


def test_the_artifact_of_an_evaluation_reads_like_the_scores_it_holds(model, tmp_path):
    plain = model("hard", {"pos": accuracy(95.0), "ner": spans(90.0)})
    scores = json.loads(plain.read_text(encoding="utf-8"))
    spec = EvaluateSpec(data="d", model="m", dataset="joint", system="hard", seed=1, batch_size=1)
    save_json(tmp_path / "artifact.json", "metrics", spec, scores)
    assert read_metrics(tmp_path / "artifact.json") == read_metrics(plain)


def test_an_artifact_that_was_changed_by_hand_is_refused(model, tmp_path):
    scores = json.loads(model("hard", {"pos": accuracy(95.0)}).read_text(encoding="utf-8"))
    spec = EvaluateSpec(data="d", model="m", dataset="joint", system="hard", seed=1, batch_size=1)
    path = tmp_path / "artifact.json"
    save_json(path, "metrics", spec, scores)
    path.write_text(path.read_text(encoding="utf-8").replace("95.0", "99.0"), encoding="utf-8")
    with pytest.raises(ArtifactError, match=r"artifact\.json: is damaged"):
        read_metrics(path)


def test_per_type_lists_the_test_scores_of_every_type(model):
    other = {"precision": 1.0, "recall": 2.0, "f1": 3.0, "support": 0}
    paths = [model("hard", {"pos": accuracy(95.0, per_type={}), "ner": spans(90.0, per_type={"Y": other, **TYPES})})]
    frame = per_type(read_all(paths), ORDER)
    columns = ["dataset", "system", "seed", "task", "type", "precision", "recall", "f1", "support"]
    assert list(frame.columns) == columns
    assert frame.to_numpy().tolist() == [
        ["joint", "hard", 1, "ner", "X", 60.0, 40.0, 48.0, 5],
        ["joint", "hard", 1, "ner", "Y", 1.0, 2.0, 3.0, 0],
    ]


def test_per_type_without_any_type_is_an_empty_table_with_its_header(model):
    frame = per_type(read_all([model("hard", {"ner": spans(0.0, per_type={})})]))
    header = "dataset,system,seed,task,type,precision,recall,f1,support\n"
    assert csv_of("per_type", frame) == header


def test_results_are_written_with_fixed_decimals_and_plain_line_ends(model):
    path = model("hard", {"pos": accuracy(200 / 3, 1 / 3)}, seconds=123.456)
    assert csv_of("results", results_of([path])) == (
        "dataset,system,seed,task,split,metric,value,parameters,trained_parameters,density,seconds\n"
        "joint,hard,1,pos,dev,accuracy,67.6667,20000,20000,0.333333,123.5\n"
        "joint,hard,1,pos,test,accuracy,66.6667,20000,20000,0.333333,123.5\n"
    )


def test_a_task_that_two_files_hold_is_refused_with_both_names(model):
    first, second = (model("single", {"pos": accuracy(score)}) for score in (90.0, 91.0))
    with pytest.raises(ArtifactError) as error:
        results_of([second, first])
    assert str(first) in str(error.value)
    assert str(second) in str(error.value)
    assert "dataset 'joint', system 'single', seed '1', task 'pos'" in str(error.value)


def test_the_same_file_twice_is_refused(model):
    path = model("single", {"pos": accuracy(90.0)})
    with pytest.raises(ArtifactError, match="is also in"):
        read_all([path, path])


def test_nothing_to_tabulate_is_refused():
    with pytest.raises(ArtifactError, match="at least one"):
        results_of([])


@pytest.mark.parametrize(
    ("keys", "value", "message"),
    [
        (["dataset"], None, "dataset: Field required"),
        (["seed"], "1", "seed: Input should be a valid integer"),
        (["parameters"], 1.5, "parameters: Input should be a valid integer"),
        (["seconds"], float("nan"), "seconds: Input should be a finite number"),
        (["tasks"], {}, "tasks: Dictionary should have at least 1 item"),
        (["tasks", "pos", "metric"], "recall", "tasks.pos.metric: Input should be 'accuracy' or 'f1'"),
        (["tasks", "pos", "dev"], None, "tasks.pos.dev: Field required"),
        (["tasks", "pos", "test"], {"f1": 1.0}, "the main metric 'accuracy' is missing from 'test'"),
        (["tasks", "pos", "test", "accuracy"], "high", "tasks.pos.test.accuracy: Input should be a valid number"),
        (["tasks", "pos", "per_type", "X", "support"], None, "tasks.pos.per_type.X.support: Field required"),
        (["tasks", "pos", "density"], 50.0, "tasks.pos.density: Input should be less than or equal to 1"),
    ],
)
def test_a_missing_or_wrong_key_is_named_with_its_file(model, keys, value, message):
    path = model("single", {"pos": accuracy(90.0)})
    content = json.loads(path.read_text(encoding="utf-8"))
    section = content
    for key in keys[:-1]:
        section = section[key]
    section[keys[-1]] = value
    if value is None:
        del section[keys[-1]]
    path.write_text(json.dumps(content), encoding="utf-8")

    with pytest.raises(ArtifactError) as error:
        read_metrics(path)
    assert str(error.value).startswith(f"{path}: ")
    assert message in str(error.value)


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"[]", b"[" * 100_000])
def test_a_file_that_is_no_metrics_is_named(tmp_path, content):
    path = tmp_path / "metrics.json"
    path.write_bytes(content)
    with pytest.raises(ArtifactError, match=re.escape(str(path))):
        read_metrics(path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ArtifactError, match=r"metrics\.json: cannot be read"):
        read_metrics(tmp_path / "metrics.json")


def test_importing_the_module_does_not_import_torch():
    command = "import sys, sparse_sharing.results.tables; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", command], check=False).returncode == 0
