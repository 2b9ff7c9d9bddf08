"""Stage train: a system is data, so hard sharing is sparse sharing with masks that keep everything."""

import csv

import numpy as np
import pytest
from interruption import Interrupted, Interruption

from sparse_sharing.errors import ArtifactError, ConfigError
from sparse_sharing.masks.analysis import union_size
from sparse_sharing.masks.files import load_mask
from sparse_sharing.network.storage import load_model
from sparse_sharing.pipeline import layout
from sparse_sharing.stages import train
from sparse_sharing.storage.artifacts import load_json, load_tensors, save_tensors
from sparse_sharing.text.vocabulary import Vocabulary
from sparse_sharing.training.inputs import load_vocabulary

TASKS = ["chunk", "ner", "pos"]
EPOCHS = 5
# 5 filters over 3 characters of width 4; per direction 4 gates of 6 units over 8 + 5 inputs and 6 states
PRUNABLE = 5 * 4 * 3 + 2 * (4 * 6 * 13 + 4 * 6 * 6)
BIASES = 5 + 2 * 2 * 4 * 6


def model_of(finished, system, model="shared"):
    """The trained model of a system."""
    return load_model(finished.path(layout.MODEL, system=system, model=model) / "model.safetensors")


def history_of(folder):
    """The rows of a history."""
    with (folder / "history.csv").open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def train_with(pipeline, system, masks, output, **changes):
    """Train a system with other masks, or with a spec that differs."""
    spec = pipeline.specs.train("joint", 1, system, "shared").model_copy(update=changes)
    weights = pipeline.weights(pipeline.specs.systems[system].start)
    train.run(spec, *pipeline.texts, weights, masks, output, "cpu")


def resaved_selection(pipeline, path, change):
    """The selection of system `sparse` with changed tensors, as a file made under the same spec."""
    artifact = load_tensors(pipeline.selection("sparse"), "selection")
    spec = pipeline.specs.select("joint", 1, "warmup", "half")
    save_tensors(path, "selection", spec, change(artifact.tensors), artifact.details)
    return path


def test_hard_sharing_is_sparse_sharing_with_masks_that_keep_everything(finished):
    hard, whole = model_of(finished, "hard"), model_of(finished, "whole")
    assert hard.values.keys() == whole.values.keys()
    for name, array in hard.values.items():
        assert array.tobytes() == whole.values[name].tobytes(), name
    for key in ("parameters", "densities", "dev", "best_epoch"):
        assert hard.details[key] == whole.details[key]
    predictions = [
        finished.path(layout.EVALUATION, system=s, model="shared") / "predictions" for s in ("hard", "whole")
    ]
    for task in TASKS:
        assert (predictions[0] / f"{task}.txt").read_bytes() == (predictions[1] / f"{task}.txt").read_bytes()


def test_sparse_sharing_is_another_model(finished):
    hard, sparse = model_of(finished, "hard").values, model_of(finished, "sparse").values
    assert not all(np.array_equal(hard[name], sparse[name]) for name in hard)


def test_a_single_model_has_only_one_task_and_its_head(finished):
    model = model_of(finished, "single", "ner")
    assert model.details["tasks"] == ["ner"]
    assert {name for name in model.values if name.startswith("heads")} == {"heads.ner.weight", "heads.ner.bias"}
    assert list(model.masks) == ["ner"]


def test_a_joint_model_has_a_head_and_a_mask_for_each_task(finished):
    model = model_of(finished, "sparse")
    assert list(model.masks) == TASKS
    assert {name for name in model.values if name.endswith(".bias") and name.startswith("heads")} == {
        f"heads.{task}.bias" for task in TASKS
    }


def test_the_masks_of_a_model_are_those_it_was_given(finished):
    masks = model_of(finished, "sparse").masks
    chosen = load_tensors(finished.selection("sparse"), "selection")
    for task, mask in masks.items():
        assert mask.keep.equal(load_mask(chosen, task, None).keep)
    assert all(mask.is_dense for mask in model_of(finished, "hard").masks.values())


def test_weights_that_no_task_keeps_are_zero(finished):
    model = model_of(finished, "sparse")
    parts = [mask.tensors() for mask in model.masks.values()]
    unused = 0
    for name in parts[0]:
        kept = np.any([part[name].numpy() for part in parts], axis=0)
        assert not model.values[name][~kept].any(), name
        unused += int((~kept).sum())
    assert unused == PRUNABLE - union_size(list(model.masks.values())) > 0


def test_the_parameters_are_the_union_of_the_masks_and_all_biases(finished):
    assert model_of(finished, "hard").details["parameters"] == PRUNABLE + BIASES
    assert model_of(finished, "single", "pos").details["parameters"] == PRUNABLE + BIASES
    sparse = model_of(finished, "sparse")
    union = union_size(list(sparse.masks.values()))
    assert sparse.details["parameters"] == union + BIASES
    assert PRUNABLE / 2 < union < PRUNABLE


def test_the_densities_are_those_of_the_masks(finished):
    assert model_of(finished, "hard").details["densities"] == dict.fromkeys(TASKS, 1.0)
    sparse = model_of(finished, "sparse")
    assert sparse.details["densities"] == {task: mask.density for task, mask in sparse.masks.items()}


def test_the_best_epoch_by_mean_dev_score_is_kept(finished):
    for system in ("hard", "sparse"):
        folder = finished.path(layout.MODEL, system=system, model="shared")
        details, rows = model_of(finished, system).details, history_of(folder)
        best = max(rows, key=lambda row: (float(row["dev mean"]), -int(row["epoch"])))
        assert [row["epoch"] for row in rows if row["best"] == "1"] == [best["epoch"]] == [str(details["best_epoch"])]
        assert details["epochs"] == len(rows) == EPOCHS
        scores = {"pos": details["dev"]["pos"]["accuracy"], "ner": details["dev"]["ner"]["f1"]}
        for task, score in scores.items():
            assert float(best[f"dev {task}"]) == pytest.approx(score, abs=1e-4)


def test_a_history_has_a_row_for_each_epoch(finished):
    rows = history_of(finished.path(layout.MODEL, system="hard", model="shared"))
    scores = ["dev chunk", "dev ner", "dev pos", "dev mean"]
    columns = ["epoch", "learning_rate", "loss", "dev_loss", *scores, "best", "seconds"]
    assert list(rows[0]) == columns
    assert [int(row["epoch"]) for row in rows] == list(range(1, EPOCHS + 1))
    means = [sum(float(row[f"dev {task}"]) for task in TASKS) / 3 for row in rows]
    assert [float(row["dev mean"]) for row in rows] == pytest.approx(means, abs=1e-3)


def test_the_model_folder_holds_all_that_applying_it_needs_and_no_work(finished):
    folder = finished.path(layout.MODEL, system="sparse", model="shared")
    assert {path.name for path in folder.iterdir()} == {
        "model.safetensors",
        "vocabulary.json",
        "history.csv",
        "README.md",
        "costs.json",
    }
    stored = Vocabulary.from_json(load_json(folder / "vocabulary.json", "vocabulary").details)
    assert stored == load_vocabulary(finished.data / "vocabulary.json")


def test_a_model_of_one_task_has_the_tags_of_that_task_only(finished):
    folder = finished.path(layout.MODEL, system="single", model="pos")
    stored = load_json(folder / "vocabulary.json", "vocabulary").details
    assert list(stored["tasks"]) == ["pos"]


@pytest.mark.parametrize(("system", "model"), [("sparse", "shared"), ("single", "pos")])
def test_training_twice_gives_the_same_bytes(finished, tmp_path, system, model):
    again = finished.train(system, model, tmp_path / "again")
    first = finished.path(layout.MODEL, system=system, model=model)
    assert (again / "model.safetensors").read_bytes() == (first / "model.safetensors").read_bytes()


def test_an_interrupted_training_resumes_to_the_same_bytes(finished, tmp_path, monkeypatch):
    with monkeypatch.context() as patch, pytest.raises(Interrupted):
        Interruption(patch, after=1)
        finished.train("sparse", output=tmp_path)
    assert not (tmp_path / "model.safetensors").exists()
    finished.train("sparse", output=tmp_path)
    first = finished.path(layout.MODEL, system="sparse", model="shared")
    assert (tmp_path / "model.safetensors").read_bytes() == (first / "model.safetensors").read_bytes()


def test_a_subnetwork_may_be_trained_by_itself(finished, tmp_path):
    alone = {"name": "alone", "sharing": "single", "start": "warmup", "choice": "half"}
    own = finished.changed(train={"systems": [alone]})
    model = load_model(own.train("alone", "ner", tmp_path) / "model.safetensors")
    chosen = load_mask(load_tensors(finished.selection("sparse"), "selection"), "ner", None)
    assert model.details["tasks"] == ["ner"]
    assert model.masks["ner"].keep.equal(chosen.keep)
    assert model.details["parameters"] == chosen.kept + BIASES


def test_masks_are_asked_for_where_a_system_needs_them_and_refused_where_it_has_none(finished, tmp_path):
    with pytest.raises(ConfigError, match=r"system 'sparse' needs masks \(--masks FILE\)"):
        train_with(finished, "sparse", None, tmp_path / "out")
    with pytest.raises(ConfigError, match=r"system 'hard' takes no masks \(--masks FILE\)"):
        train_with(finished, "hard", finished.selection("sparse"), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_masks_that_keep_everything_are_refused_with_the_reason_unless_they_are_allowed(finished, tmp_path):
    with pytest.raises(ArtifactError, match="keeps every weight, so it is not a subnetwork") as caught:
        train_with(finished, "whole", finished.selection("whole"), tmp_path / "out", allow_dense=False)
    assert "set allow_dense: true for the choice" in str(caught.value)
    assert not (tmp_path / "out").exists()


def test_a_mask_that_keeps_nothing_is_refused(finished, tmp_path):
    path = resaved_selection(
        finished, tmp_path / "masks.safetensors", lambda masks: masks | {"ner": np.zeros_like(masks["ner"])}
    )
    with pytest.raises(ArtifactError, match="the mask of task 'ner' keeps no weight"):
        train_with(finished, "sparse", path, tmp_path / "out")


def test_a_selection_without_a_task_is_refused_with_those_it_has(finished, tmp_path):
    path = resaved_selection(
        finished, tmp_path / "masks.safetensors", lambda masks: {task: masks[task] for task in ("chunk", "pos")}
    )
    with pytest.raises(ArtifactError, match="has no mask for task 'ner', only for chunk, pos"):
        train_with(finished, "sparse", path, tmp_path / "out")


def test_masks_cut_from_other_weights_than_the_training_starts_from_are_refused(pipeline):
    path = pipeline.weights("warmup")
    artifact = load_tensors(path, "weights")
    tensors = {name: array + np.float32(1) for name, array in artifact.tensors.items()}
    save_tensors(path, "weights", pipeline.specs.warmup("joint", 1, "warmup"), tensors, artifact.details)
    with pytest.raises(ArtifactError, match="prune from the weights that the training starts from"):
        pipeline.train("sparse", output=pipeline.folder / "out")
    assert not (pipeline.folder / "out").exists()


def test_masks_and_weights_made_under_other_settings_are_refused(finished, tmp_path):
    with pytest.raises(ArtifactError, match=r"select/half/masks\.safetensors: was made with other settings"):
        finished.changed(prune={"epochs": 5}).train("sparse", output=tmp_path / "out")
    with pytest.raises(ArtifactError, match=r"weights\.safetensors: was made with other settings"):
        finished.changed(warmup={"epochs": 5}).train("sparse", output=tmp_path / "out")
    assert not (tmp_path / "out").exists()
