"""Stage select: the rules that pick a round for each task, and how far the picked masks overlap."""

import csv
import itertools
import shutil

import numpy as np
import pytest

from sparse_sharing.errors import ArtifactError, ConfigError
from sparse_sharing.masks.analysis import (
    chance_overlap,
    chance_overlap_by_tensor,
    intersection_size,
    layer_densities,
    union_size,
)
from sparse_sharing.masks.files import load_mask, mask_name, read_selection
from sparse_sharing.stages import select, train
from sparse_sharing.storage.artifacts import load_tensors, save_tensors

TASKS = ("chunk", "ner", "pos")


def table(path):
    """A CSV file as rows."""
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def selection(finished, system):
    """The chosen masks of a system by task."""
    chosen = finished.specs.systems[system]
    digest = finished.specs.select("joint", 1, chosen.start, chosen.choice).digest()
    return read_selection(finished.selection(system), digest)


def choosing(pipeline, **choice):
    """The pipeline with another choice `half`."""
    other = pipeline.values["select"]["choices"][1]
    return pipeline.changed(select={"choices": [{"name": "half", **choice}, other]})


def test_the_chosen_masks_are_those_of_the_rounds(finished):
    masks = selection(finished, "sparse")
    details = load_tensors(finished.selection("sparse"), "selection").details
    assert details["rounds"] == dict.fromkeys(TASKS, 1)
    for task in TASKS:
        own = load_tensors(finished.masks(task), "masks")
        expected = load_mask(own, mask_name(1), finished.masks(task))
        assert masks[task].keep.equal(expected.keep)
        assert masks[task].weights == expected.weights


def test_the_table_of_the_choice_gives_each_tasks_round_with_the_density_of_each_layer(finished):
    rows = table(finished.selection("sparse").with_name("choice.csv"))
    masks = selection(finished, "sparse")
    first = ["task", "round", "density", "kept", "dev_score", "best_epoch", "overlap_with_start"]
    assert list(rows[0]) == [*first, "density characters", "density lstm 1"]
    assert [row["task"] for row in rows] == list(TASKS)
    for row in rows:
        mask = masks[row["task"]]
        assert (int(row["round"]), int(row["kept"])) == (1, mask.kept)
        assert float(row["density"]) == pytest.approx(mask.density, abs=1e-6)
        for layer, density in layer_densities(mask.keep.numpy(), mask.shapes).items():
            assert float(row[f"density {layer}"]) == pytest.approx(density, abs=1e-6)


def test_overlaps_of_pairs_and_of_all_are_compared_with_chance(finished):
    rows = {row["tasks"]: row for row in table(finished.selection("sparse").with_name("overlap.csv"))}
    masks = selection(finished, "sparse")
    groups = [*itertools.combinations(TASKS, 2), TASKS]
    assert list(rows) == ["&".join(group) for group in groups]
    for group in groups:
        own = [masks[task] for task in group]
        row = rows["&".join(group)]
        assert float(row["overlap"]) == pytest.approx(intersection_size(own) / union_size(own), abs=1e-6)
        assert float(row["chance"]) == pytest.approx(chance_overlap([mask.density for mask in own]), abs=1e-6)
        assert float(row["chance_by_tensor"]) == pytest.approx(chance_overlap_by_tensor(own), abs=1e-6)
    # two random halves share a quarter of three quarters
    assert float(rows["chunk&ner"]["chance"]) == pytest.approx(1 / 3, abs=0.01)


def test_whole_networks_overlap_wholly(finished):
    rows = table(finished.selection("whole").with_name("overlap.csv"))
    assert {(float(row["overlap"]), float(row["chance"])) for row in rows} == {(1.0, 1.0)}


def largest(finished, kept, start="warmup"):
    """The mask of the largest starting weights, ranked here one by one."""
    first = next(iter(selection(finished, "sparse").values()))
    weights = load_tensors(finished.weights(start), "weights").tensors
    magnitudes = np.concatenate([np.abs(weights[name]).reshape(-1) for name in first.shapes])
    keep = np.zeros(len(magnitudes), bool)
    keep[np.argsort(-magnitudes, kind="stable")[:kept]] = True
    return keep


def test_overlaps_with_the_largest_starting_weights_are_given_for_each_task_and_for_pairs(finished):
    own = {}
    for task, mask in selection(finished, "sparse").items():
        keep, start = mask.keep.numpy(), largest(finished, mask.kept)
        own[task] = (keep & start).sum() / (keep | start).sum()
    folder = finished.selection("sparse").parent
    rows = {row["task"]: float(row["overlap_with_start"]) for row in table(folder / "choice.csv")}
    assert rows == {task: pytest.approx(value, abs=1e-6) for task, value in own.items()}
    pairs = {row["tasks"]: row["overlap_with_start"] for row in table(folder / "overlap.csv")}
    assert float(pairs["chunk&ner"]) == pytest.approx((own["chunk"] + own["ner"]) / 2, abs=1e-6)
    # overlaps of three masks are not of the size of those of two
    assert pairs["chunk&ner&pos"] == ""


def test_the_largest_starting_weights_are_chosen_without_pruning(finished, tmp_path):
    pipeline = choosing(finished, rule="magnitude", target_density={"pos": 0.3, "ner": 0.5, "chunk": 0.5})
    spec = pipeline.specs.select("joint", 1, "warmup", "half")
    select.run(spec, {}, pipeline.weights("warmup"), tmp_path)
    found = read_selection(tmp_path / "masks.safetensors", spec.digest())
    cut = selection(finished, "sparse")
    for task, mask in found.items():
        assert (mask.shapes, mask.weights) == (cut[task].shapes, cut[task].weights)
        assert mask.density == pytest.approx(0.3 if task == "pos" else 0.5, abs=0.5 / len(mask.keep))
        assert np.array_equal(mask.keep.numpy(), largest(finished, mask.kept))
    assert {float(row["overlap_with_start"]) for row in table(tmp_path / "choice.csv")} == {1.0}
    assert {row["round"] for row in table(tmp_path / "choice.csv")} == {""}


def test_masks_of_the_largest_starting_weights_are_trained(finished, tmp_path):
    pipeline = choosing(finished, rule="magnitude", target_density=0.5)
    spec = pipeline.specs.select("joint", 1, "warmup", "half")
    select.run(spec, {}, pipeline.weights("warmup"), tmp_path / "select")
    masks, train_spec = tmp_path / "select" / "masks.safetensors", pipeline.specs.train("joint", 1, "sparse", "shared")
    train.run(train_spec, *pipeline.texts, pipeline.weights("warmup"), masks, tmp_path / "train", "cpu")
    model = load_tensors(tmp_path / "train" / "model.safetensors", "model", train_spec.digest())
    assert model.details["densities"]["pos"] == pytest.approx(0.5, abs=0.001)


def test_selecting_twice_gives_the_same_bytes(finished, tmp_path):
    again = finished.select("half", output=tmp_path)
    for name in ("masks.safetensors", "choice.csv", "overlap.csv"):
        assert (again / name).read_bytes() == finished.selection("sparse").with_name(name).read_bytes()


def test_random_masks_keep_as_many_weights_at_other_places_for_each_task(finished, tmp_path):
    random = choosing(finished, rule="target_density", target_density=0.5, random=True)
    digest = random.specs.select("joint", 1, "warmup", "half").digest()
    found = read_selection(random.select("half", output=tmp_path / "one") / "masks.safetensors", digest)
    cut = selection(finished, "sparse")
    for task in TASKS:
        assert (found[task].kept, found[task].weights) == (cut[task].kept, cut[task].weights)
        assert not found[task].keep.equal(cut[task].keep)
    assert not found["pos"].keep.equal(found["ner"].keep)
    again = random.select("half", output=tmp_path / "two") / "masks.safetensors"
    assert again.read_bytes() == (tmp_path / "one" / "masks.safetensors").read_bytes()


def test_permuted_masks_keep_densities_of_tensors_and_overlaps_and_change_which_weights_are_kept(finished, tmp_path):
    permuted = choosing(finished, rule="target_density", target_density=0.5, random="permuted")
    digest = permuted.specs.select("joint", 1, "warmup", "half").digest()
    found = read_selection(permuted.select("half", output=tmp_path / "one") / "masks.safetensors", digest)
    cut = selection(finished, "sparse")
    for task in TASKS:
        assert found[task].tensor_densities() == cut[task].tensor_densities()
        assert not found[task].keep.equal(cut[task].keep)
    rows = [table(path / "overlap.csv") for path in (tmp_path / "one", finished.selection("sparse").parent)]
    for column in ("tasks", "overlap", "chance", "chance_by_tensor"):
        assert [row[column] for row in rows[0]] == [row[column] for row in rows[1]]
    again = permuted.select("half", output=tmp_path / "two") / "masks.safetensors"
    assert again.read_bytes() == (tmp_path / "one" / "masks.safetensors").read_bytes()


def test_masks_of_a_task_that_were_not_given_are_asked_for(finished, tmp_path):
    spec = finished.specs.select("joint", 1, "warmup", "half")
    files = {task: finished.masks(task) for task in ("chunk", "ner")}
    with pytest.raises(ConfigError, match=r"missing the masks of task 'pos'; add --masks pos=FILE"):
        select.run(spec, files, finished.weights("warmup"), tmp_path)


def test_masks_of_another_task_or_start_are_refused(finished, tmp_path):
    spec = finished.specs.select("joint", 1, "warmup", "half")
    files = {task: finished.masks(task) for task in TASKS}
    for wrong in (finished.masks("ner"), finished.masks("pos", "initial")):
        with pytest.raises(ArtifactError, match=r"masks\.safetensors: was made with other settings"):
            select.run(spec, {**files, "pos": wrong}, finished.weights("warmup"), tmp_path)
    assert not list(tmp_path.iterdir())


def test_masks_cut_from_different_starting_weights_are_refused(finished, tmp_path):
    artifact = load_tensors(finished.masks("pos"), "masks")
    foreign = tmp_path / "masks.safetensors"
    details = artifact.details | {"weights": "0" * 64}
    save_tensors(foreign, "masks", finished.specs.prune("joint", 1, "warmup", "pos"), artifact.tensors, details)
    files = {task: finished.masks(task) for task in TASKS} | {"pos": foreign}
    start = finished.weights("warmup")
    with pytest.raises(ArtifactError, match="the mask was cut from starting weights 0000000000000000"):
        select.run(finished.specs.select("joint", 1, "warmup", "half"), files, start, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_damaged_file_of_masks_is_refused(finished, tmp_path):
    foreign = tmp_path / "masks.safetensors"
    shutil.copy2(finished.masks("pos"), foreign)
    content = foreign.read_bytes()
    foreign.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    files = {task: finished.masks(task) for task in TASKS} | {"pos": foreign}
    start = finished.weights("warmup")
    with pytest.raises(ArtifactError, match=f"{foreign}: is damaged"):
        select.run(finished.specs.select("joint", 1, "warmup", "half"), files, start, tmp_path / "out")


def test_masks_of_a_file_are_used_unchanged_and_trained(finished, tmp_path):
    given = finished.selection("sparse")
    choices = [*finished.values["select"]["choices"], {"name": "own", "rule": "file", "file": str(given)}]
    systems = [{"name": "own", "sharing": "sparse", "start": "warmup", "choice": "own"}]
    pipeline = finished.changed(select={"choices": choices}, train={"systems": systems})
    spec = pipeline.specs.select("joint", 1, "warmup", "own")
    select.run(spec, {}, finished.weights("warmup"), tmp_path / "select", given)
    written = load_tensors(tmp_path / "select" / "masks.safetensors", "selection", spec.digest())
    assert all_bytes(written) == all_bytes(load_tensors(given, "selection"))
    train_spec = pipeline.specs.train("joint", 1, "own", "shared")
    masks = tmp_path / "select" / "masks.safetensors"
    train.run(train_spec, *pipeline.texts, pipeline.weights("warmup"), masks, tmp_path / "train", "cpu")
    model = load_tensors(tmp_path / "train" / "model.safetensors", "model", train_spec.digest())
    assert model.tensors["masks/pos"].tobytes() == written.tensors["pos"].tobytes()


def all_bytes(artifact):
    return {name: array.tobytes() for name, array in artifact.tensors.items()}


def test_a_file_is_asked_for_by_its_rule_and_refused_by_others(finished, tmp_path):
    spec = finished.specs.select("joint", 1, "warmup", "half")
    with pytest.raises(ConfigError, match="takes no masks of a file"):
        select.run(spec, {}, finished.weights("warmup"), tmp_path, finished.selection("sparse"))
    given = {"name": "own", "rule": "file", "file": "x"}
    spec = finished.changed(select={"choices": [given, *finished.values["select"]["choices"]]}).specs
    with pytest.raises(ConfigError, match="needs masks of a file"):
        select.run(spec.select("joint", 1, "warmup", "own"), {}, finished.weights("warmup"), tmp_path)
