"""Sources of masks through the real stages: nested masks of the exact density, resumed and repeated bit for bit."""

import csv
import shutil
from itertools import pairwise

import pytest
import torch
from interruption import Interrupted, Interruption
from tiny import network_of, optimization_of

from sparse_sharing.masks.files import load_mask
from sparse_sharing.masks.ranking import kept_after, prune_smallest
from sparse_sharing.stages import prune
from sparse_sharing.storage.artifacts import load_tensors
from sparse_sharing.storage.costs import read_costs
from sparse_sharing.training.masking import Masking
from sparse_sharing.training.trainer import Trainer

TASK = "ner"
KEYS = {"optimizer": "adam", "learning_rate": 0.05, "batch_size": 4, "final_density": 0.3}
GRADUAL = {**KEYS, "epochs": 3, "cuts_per_epoch": 4}
PRUNINGS = {
    "one_shot": {**KEYS, "source": "one_shot", "rounds": 2, "epochs": 2},
    "one_shot_change": {**KEYS, "source": "one_shot_change", "rounds": 2, "epochs": 1},
    "change": {**KEYS, "source": "change", "rounds": 2, "epochs": 1},
    "gradual": {**GRADUAL, "source": "gradual"},
    "movement": {**GRADUAL, "source": "movement"},
}


@pytest.fixture(scope="module")
def pruned(prepared, tmp_path_factory):
    """A pipeline with starting weights, and the masks of one task from each source."""
    folder = tmp_path_factory.mktemp("sources") / "copy"
    shutil.copytree(prepared.folder, folder)
    own = prepared.changed(prunings=PRUNINGS)
    own.folder = folder
    own.warm_up("initial")
    for name in PRUNINGS:
        own.prune_named(name, TASK, "initial")
    return own


def folder_of(pruned, name):
    return pruned.path("results/{run}/{dataset}/seed{seed}/initial/prune-{pruning}/{task}", pruning=name, task=TASK)


def masks_in(folder):
    artifact = load_tensors(folder / "masks.safetensors", "masks")
    return [load_mask(artifact, name, folder) for name in sorted(artifact.tensors)]


def rounds_in(folder):
    return load_tensors(folder / "masks.safetensors", "masks").details["rounds"]


@pytest.mark.parametrize("name", PRUNINGS)
def test_masks_are_nested_from_the_whole_network_to_the_exact_final_density(pruned, name):
    masks = masks_in(folder_of(pruned, name))
    assert masks[0].is_dense
    assert masks[-1].kept == kept_after(1, 1, KEYS["final_density"], masks[0].keep.numel())
    for larger, smaller in pairwise(masks):
        assert not (smaller.keep & ~larger.keep).any()
    assert [row["kept"] for row in rounds_in(folder_of(pruned, name))] == [mask.kept for mask in masks]


@pytest.mark.parametrize("name", PRUNINGS)
def test_pruning_twice_gives_the_same_bytes(pruned, tmp_path, name):
    again = pruned.prune_named(name, TASK, "initial", output=tmp_path / "again")
    first = folder_of(pruned, name)
    assert (again / "masks.safetensors").read_bytes() == (first / "masks.safetensors").read_bytes()


@pytest.mark.parametrize(("name", "epochs"), [("gradual", 1), ("gradual", 2), ("movement", 2), ("one_shot", 1)])
def test_an_interrupted_pruning_resumes_to_the_same_bytes(pruned, tmp_path, monkeypatch, name, epochs):
    with monkeypatch.context() as patch, pytest.raises(Interrupted):
        Interruption(patch, after=epochs)
        pruned.prune_named(name, TASK, "initial", output=tmp_path / "part")
    rest = Interruption(monkeypatch)
    part = pruned.prune_named(name, TASK, "initial", output=tmp_path / "part")
    assert rest.epochs == PRUNINGS[name]["epochs"] - epochs
    assert (part / "masks.safetensors").read_bytes() == (folder_of(pruned, name) / "masks.safetensors").read_bytes()


@pytest.mark.parametrize("name", ["gradual", "movement"])
def test_weights_that_were_removed_keep_their_bits_to_the_end_of_the_training(pruned, tmp_path, monkeypatch, name):
    found = {}

    class Watched(Masking):
        def _apply(self, mask):
            found.setdefault("removed", []).append((mask, self.network.prunable_values().clone()))
            super()._apply(mask)

        def end_epoch(self):
            super().end_epoch()
            found["last"] = self.network.prunable_values().clone()
            found["memory"] = self.network.prunable_part(self.trainer.memory["encoder"][0]).clone()

    monkeypatch.setattr(prune, "Masking", Watched)
    pruned.prune_named(name, TASK, "initial", output=tmp_path / "out")
    cuts = found["removed"]
    assert len(cuts) > 4
    for mask, values in cuts:
        removed = ~mask.keep
        assert torch.equal(values[removed], found["last"][removed])
    moved = cuts[-1][0].keep
    assert not torch.equal(cuts[0][1][moved], found["last"][moved])


def test_one_shot_keeps_the_largest_weights_of_its_training_and_scores_only_the_whole_network(pruned):
    rows = rounds_in(folder_of(pruned, "one_shot"))
    assert [row["dev_score"] is None for row in rows] == [False, True, True]
    assert [row["epochs"] for row in rows] == [2, 0, 0]
    written = (folder_of(pruned, "one_shot") / "rounds.csv").read_text(encoding="utf-8").splitlines()
    assert written[2].split(",")[3:6] == ["", "", "0"]


def test_change_keeps_the_weights_that_moved_most(pruned, tmp_path, monkeypatch):
    trained, train = [], prune.train

    def spy(network, *arguments, **options):
        progress = train(network, *arguments, **options)
        trained.append({name: value.clone() for name, value in progress.best.items()})
        return progress

    monkeypatch.setattr(prune, "train", spy)
    masks = masks_in(pruned.prune_named("change", TASK, "initial", output=tmp_path / "out"))
    start = load_tensors(pruned.weights("initial"), "weights").tensors
    changes = torch.cat(
        [(trained[0][name] - torch.from_numpy(start[name])).abs().reshape(-1) for name in masks[0].shapes]
    )
    assert torch.equal(masks[1].keep, prune_smallest(changes, masks[0], masks[1].kept).keep)


def test_movement_keeps_other_weights_than_gradual_magnitude(pruned):
    gradual, movement = (masks_in(folder_of(pruned, name))[-1] for name in ("gradual", "movement"))
    assert gradual.kept == movement.kept
    assert not torch.equal(gradual.keep, movement.keep)


def test_what_a_pruning_costs_is_the_epochs_that_it_trained(pruned):
    updates = {name: read_costs(folder_of(pruned, name)).updates[TASK] for name in PRUNINGS}
    an_epoch = 40 // 4
    epochs = {"one_shot": 2, "one_shot_change": 1, "change": 3, "gradual": 3, "movement": 3}
    assert updates == {name: number * an_epoch for name, number in epochs.items()}


def test_a_gradual_pruning_has_a_dev_score_for_each_epoch(pruned):
    rows = rounds_in(folder_of(pruned, "gradual"))
    assert [(row["round"], row["best_epoch"], row["epochs"]) for row in rows] == [(0, 1, 1), (1, 2, 1), (2, 3, 1)]
    assert all(0 <= row["dev_score"] <= 100 for row in rows)


def test_masks_cannot_change_while_several_tasks_are_trained():
    with pytest.raises(ValueError, match="single task"):
        Trainer(network_of(), optimization_of("sgd")).follow_masks()


def test_rounds_without_dev_scores_reach_the_tables_and_figures(prepared, tmp_path):
    shutil.copytree(prepared.folder, tmp_path / "copy")
    systems = [
        {"name": "single", "sharing": "single", "tasks": ["pos"]},
        {"name": "sparse", "sharing": "sparse", "choice": "half", "tasks": ["pos", "ner"]},
        {"name": "other", "sharing": "sparse", "choice": "named", "tasks": ["pos", "ner"]},
    ]
    half = {"name": "half", "rule": "target_density", "target_density": 0.5}
    own = prepared.changed(
        prune={**KEYS, "source": "one_shot", "rounds": 2, "epochs": 1, "final_density": 0.25},
        prunings={"fast": {**GRADUAL, "source": "gradual", "epochs": 2, "final_density": 0.5}},
        select={"choices": [half, {**half, "name": "named", "pruning": "fast"}]},
        train={"systems": systems, "epochs": 1},
    )
    own.folder = tmp_path / "copy"
    own.run()
    own.figures()
    tables = own.path("results/{run}/tables")
    with (tables / "rounds.csv").open(encoding="utf-8", newline="") as stream:
        rounds = list(csv.DictReader(stream))
    assert {row["round"] for row in rounds} == {"0", "1", "2"}
    assert all((row["dev_score"] == "") == (row["round"] != "0") for row in rounds)
    assert {row["chosen"] for row in rounds if row["round"] == "1"} == {"half"}
    with (tables / "costs.csv").open(encoding="utf-8", newline="") as stream:
        pruned = {row["system"]: row["updates_pruning"] for row in csv.DictReader(stream) if row["task"] == "pos"}
    assert pruned == {"single": "0", "sparse": "10", "other": "20"}
