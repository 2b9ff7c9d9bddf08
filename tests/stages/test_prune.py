"""Stage prune: rounds of nested masks, each trained from the rewound weights of the start."""

import csv
import json
from itertools import pairwise

import numpy as np
import pytest
import torch
from interruption import Interrupted, Interruption

from sparse_sharing.errors import ArtifactError, ConfigError
from sparse_sharing.masks.files import load_mask
from sparse_sharing.masks.ranking import kept_after
from sparse_sharing.stages import prune
from sparse_sharing.storage.artifacts import load_tensors, save_tensors

ROUNDS, EPOCHS = 3, 2


def masks_of(path):
    """The masks of all rounds, in order."""
    artifact = load_tensors(path, "masks")
    return [load_mask(artifact, name, path) for name in sorted(artifact.tensors)]


def details_of(path):
    """The details of a mask file."""
    return load_tensors(path, "masks").details


def resaved_with_other_weights(pipeline, start):
    """The starting weights, all a little larger, as a file made under the same spec."""
    path = pipeline.weights(start)
    artifact = load_tensors(path, "weights")
    tensors = {name: array * np.float32(1.01) for name, array in artifact.tensors.items()}
    return save_tensors(path, "weights", pipeline.specs.warmup("joint", 1, start), tensors, artifact.details)


def test_there_is_a_mask_for_each_round_from_the_whole_network_to_the_final_density(finished):
    masks = masks_of(finished.masks("pos"))
    size = masks[0].keep.numel()
    assert masks[0].is_dense
    assert [mask.kept for mask in masks] == [kept_after(number, 3, 0.125, size) for number in range(4)]
    assert [mask.density for mask in masks] == pytest.approx([1, 0.5, 0.25, 0.125], abs=0.002)


@pytest.mark.parametrize("task", ["pos", "chunk", "ner"])
@pytest.mark.parametrize("start", ["initial", "warmup"])
def test_each_mask_is_a_subset_of_the_previous_one(finished, task, start):
    masks = masks_of(finished.masks(task, start))
    for larger, smaller in pairwise(masks):
        assert not (smaller.keep & ~larger.keep).any()
        assert smaller.kept < larger.kept


def test_masks_cover_only_the_matrices_of_the_lstm_and_of_the_character_convolution(finished):
    names = {name for name, _ in details_of(finished.masks("pos"))["shapes"]}
    assert names == {
        "characters.convolution.weight",
        *(
            f"recurrent.0.{direction}.weight_{part}_l0"
            for direction in ("left_to_right", "right_to_left")
            for part in ("ih", "hh")
        ),
    }
    weights = load_tensors(finished.weights("warmup"), "weights").tensors
    assert {name for name in weights if name not in names} >= {
        "words.weight",
        "characters.embedding.weight",
        "characters.convolution.bias",
        "heads.pos.weight",
        "heads.pos.bias",
        "recurrent.0.left_to_right.bias_ih_l0",
    }


def test_masks_name_the_weights_that_they_were_cut_from(finished):
    for start in ("initial", "warmup"):
        weights = load_tensors(finished.weights(start), "weights").digest
        assert {mask.weights for mask in masks_of(finished.masks("ner", start))} == {weights}


def test_the_table_of_rounds_says_what_the_masks_say(finished):
    path = finished.masks("chunk")
    with (path.parent / "rounds.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    columns = ["round", "density", "kept", "dev_score", "best_epoch", "epochs", "seconds"]
    assert list(rows[0]) == columns
    for row, own, mask in zip(rows, details_of(path)["rounds"], masks_of(path), strict=True):
        assert int(row["round"]) == own["round"]
        assert int(row["kept"]) == own["kept"] == mask.kept
        assert float(row["density"]) == pytest.approx(mask.density, abs=1e-6)
        assert 0 <= float(row["dev_score"]) <= 100
        assert float(row["seconds"]) >= 0


def test_every_round_starts_from_the_mask_times_the_weights_of_the_start(pipeline, tmp_path, monkeypatch):
    seen, train = [], prune.train

    def spy(network, *arguments, **options):
        network.activate("ner")
        seen.append({name: value.detach().clone() for name, value in network.encoder.named_parameters()})
        seen[-1] |= {
            name: value.clone() for name, value in network.values().items() if name.startswith(("heads", "words"))
        }
        return train(network, *arguments, **options)

    monkeypatch.setattr(prune, "train", spy)
    output = pipeline.prune("ner", output=tmp_path / "out")
    start = load_tensors(pipeline.weights("warmup"), "weights").tensors
    masks = masks_of(output / "masks.safetensors")
    assert len(seen) == len(masks) == 4
    for found, mask in zip(seen, masks, strict=True):
        covered = mask.tensors()
        assert len(found) == len(start) - 4  # the heads of the two other tasks
        for name, value in found.items():
            expected = torch.from_numpy(start[name])
            expected = expected * covered[name] if name in covered else expected
            assert torch.equal(value, expected), name


def test_the_smallest_weights_of_the_best_epoch_are_removed(pipeline, tmp_path, monkeypatch):
    trained, train = [], prune.train

    def spy(*arguments, **options):
        progress = train(*arguments, **options)
        trained.append({name: value.clone() for name, value in progress.best.items()})
        return progress

    monkeypatch.setattr(prune, "train", spy)
    masks = masks_of(pipeline.prune("pos", output=tmp_path / "out") / "masks.safetensors")
    assert len(trained) == len(masks)
    for weights, (before, after) in zip(trained, pairwise(masks), strict=False):
        magnitudes = torch.cat([weights[name].abs().reshape(-1) for name in before.shapes])
        removed = before.keep & ~after.keep
        assert magnitudes[removed].max() <= magnitudes[after.keep].min()


def test_pruning_twice_gives_the_same_bytes(finished, tmp_path):
    again = finished.prune("pos", output=tmp_path / "again")
    assert (again / "masks.safetensors").read_bytes() == finished.masks("pos").read_bytes()
    assert {path.name for path in again.iterdir()} == {"masks.safetensors", "rounds.csv", "costs.json"}


@pytest.fixture(scope="module")
def uninterrupted(finished, tmp_path_factory):
    """The masks of a pruning with several epochs in a round, as bytes."""
    longer = finished.changed(prune={"epochs": EPOCHS})
    return (longer.prune("ner", output=tmp_path_factory.mktemp("whole")) / "masks.safetensors").read_bytes()


@pytest.mark.parametrize("epochs", [1, 2, 3, 5, 8])
def test_an_interrupted_pruning_resumes_to_the_same_bytes(finished, uninterrupted, tmp_path, monkeypatch, epochs):
    longer = finished.changed(prune={"epochs": EPOCHS})
    part = tmp_path / "part"
    with monkeypatch.context() as patch, pytest.raises(Interrupted):
        Interruption(patch, after=epochs)
        longer.prune("ner", output=part)
    assert not (part / "masks.safetensors").exists()
    rest = Interruption(monkeypatch)
    longer.prune("ner", output=part)
    assert rest.epochs == (ROUNDS + 1) * EPOCHS - epochs
    assert (part / "masks.safetensors").read_bytes() == uninterrupted
    assert not (part / "work").exists()


@pytest.mark.parametrize("epochs", [1, 4])
def test_what_was_pruned_from_other_weights_is_thrown_away(pipeline, monkeypatch, epochs):
    with monkeypatch.context() as patch, pytest.raises(Interrupted):
        Interruption(patch, after=epochs)
        pipeline.prune("ner", output=pipeline.folder / "part")
    digest = resaved_with_other_weights(pipeline, "warmup")
    part = pipeline.prune("ner", output=pipeline.folder / "part") / "masks.safetensors"
    fresh = pipeline.prune("ner", output=pipeline.folder / "fresh") / "masks.safetensors"
    assert part.read_bytes() == fresh.read_bytes()
    assert {mask.weights for mask in masks_of(part)} == {digest}


@pytest.mark.parametrize("damage", [b"", b"{}", None])
def test_damaged_work_is_thrown_away(finished, tmp_path, monkeypatch, damage):
    part = tmp_path / "part"
    with monkeypatch.context() as patch, pytest.raises(Interrupted):
        Interruption(patch, after=3)
        finished.prune("ner", output=part)
    for name in ("rounds.safetensors", "epoch.safetensors"):
        content = (part / "work" / name).read_bytes()
        (part / "work" / name).write_bytes(content[: len(content) // 2] if damage is None else damage)
    finished.prune("ner", output=part)
    assert (part / "masks.safetensors").read_bytes() == finished.masks("ner").read_bytes()


def test_weights_made_under_other_settings_are_refused(finished, tmp_path):
    with pytest.raises(ArtifactError, match=r"weights\.safetensors: was made with other settings"):
        finished.changed(warmup={"epochs": 5}).prune("pos", output=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_task_that_the_text_does_not_have_is_refused_with_those_it_has(finished, tmp_path):
    with pytest.raises(ConfigError, match="dataset 'joint' has no task 'topic'; its tasks are chunk, ner, pos"):
        finished.specs.prune("joint", 1, "warmup", "topic")
    spec = finished.specs.prune("joint", 1, "warmup", "ner").model_copy(update={"tags": {"topic": "0" * 16}})
    with pytest.raises(ArtifactError, match=r"tags/topic/train\.safetensors"):
        prune.run(spec, *finished.texts, finished.weights("warmup"), tmp_path / "out", "cpu")


def test_rounds_are_the_only_times_that_the_output_holds(finished):
    assert "seconds" not in json.dumps(details_of(finished.masks("pos")))
