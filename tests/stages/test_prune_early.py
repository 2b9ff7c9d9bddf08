"""Pruning that ends early: rounds without a better score, and rounds whose next mask has settled."""

import dataclasses

import pytest
from interruption import Interrupted, Interruption

from sparse_sharing.errors import ConfigError
from sparse_sharing.masks.files import mask_name
from sparse_sharing.stages import prune, select
from sparse_sharing.storage.artifacts import load_tensors

LARGE = 0.99
"""More than ever changes in an epoch."""


def rounds_of(output):
    """The rows of the rounds of a pruning."""
    return load_tensors(output / "masks.safetensors", "masks").details["rounds"]


def masks_of(output):
    """The packed masks of a pruning, by name."""
    return load_tensors(output / "masks.safetensors", "masks").tensors


@pytest.fixture
def scored(monkeypatch):
    """A function that fixes the dev scores of the rounds to come."""

    def fix(*scores):
        rest, train = iter(scores), prune.train

        def scored_train(*arguments, **options):
            progress = train(*arguments, **options)
            best = progress.best_epoch - 1
            progress.history[best] = dataclasses.replace(progress.history[best], mean=next(rest))
            return progress

        monkeypatch.setattr(prune, "train", scored_train)

    return fix


@pytest.mark.parametrize(
    ("stop_after", "scores", "rounds"),
    [
        (1, (80, 79, 99, 99), 2),
        (1, (80, 80, 99, 99), 2),
        (2, (80, 79, 79.5, 99), 3),
        (2, (80, 79, 81, 80), 4),
        (3, (80, 79, 78, 77), 4),
        (None, (80, 0, 0, 0), 4),
    ],
)
def test_pruning_ends_after_rounds_in_a_row_without_a_better_score(
    finished, scored, tmp_path, stop_after, scores, rounds
):
    scored(*scores)
    output = finished.changed(prune={"stop_after": stop_after}).prune("pos", output=tmp_path)
    assert [row["dev_score"] for row in rounds_of(output)] == list(scores[:rounds])
    assert sorted(masks_of(output)) == [mask_name(number) for number in range(rounds)]


def test_the_rounds_before_the_end_are_those_of_a_whole_pruning(finished, scored, tmp_path):
    scored(80, 79, 99, 99)
    output = finished.changed(prune={"stop_after": 1}).prune("pos", output=tmp_path)
    whole = masks_of(finished.masks("pos").parent)
    assert {name: mask.tobytes() for name, mask in masks_of(output).items()} == {
        name: whole[name].tobytes() for name in ("round000", "round001")
    }


def test_a_density_that_was_not_reached_is_refused_with_what_to_do(finished, scored, tmp_path):
    scored(80, 79, 99, 99)
    choices = [{"name": "eighth", "rule": "target_density", "target_density": 0.125}]
    sparse = {"name": "sparse", "sharing": "sparse", "choice": "eighth"}
    changed = finished.changed(prune={"stop_after": 1}, select={"choices": choices}, train={"systems": [sparse]})
    masks = {task: tmp_path / task / "masks.safetensors" for task in ("pos",)}
    changed.prune("pos", start="warmup", output=tmp_path / "pos")
    spec = changed.specs.select("joint", 1, "warmup", "eighth")
    spec = spec.model_copy(update={"masks": {"pos": spec.masks["pos"]}})
    with pytest.raises(ConfigError, match="without stop_after"):
        select.run(spec, masks, changed.weights("warmup"), tmp_path / "out")


def test_a_round_ends_when_an_epoch_hardly_changes_the_next_mask(finished, tmp_path):
    output = finished.changed(prune={"epochs": 4, "early_bird": LARGE, "early_bird_window": 1}).prune(
        "ner", output=tmp_path
    )
    assert [row["epochs"] for row in rounds_of(output)] == [2, 2, 2, 2]


def test_a_round_ends_when_as_many_epochs_as_the_window_hardly_change_the_next_mask(finished, tmp_path):
    changed = finished.changed(prune={"rounds": 1, "epochs": 5, "early_bird": LARGE, "early_bird_window": 3})
    assert [row["epochs"] for row in rounds_of(changed.prune("ner", output=tmp_path))] == [4, 4]


def test_a_limit_that_is_never_met_changes_no_mask(finished, tmp_path):
    longer = finished.changed(prune={"epochs": 3}).prune("ner", output=tmp_path / "plain")
    watched = finished.changed(prune={"epochs": 3, "early_bird": 1e-9, "early_bird_window": 1}).prune(
        "ner", output=tmp_path / "watched"
    )
    assert rounds_of(longer) == rounds_of(watched)
    assert {name: mask.tobytes() for name, mask in masks_of(longer).items()} == {
        name: mask.tobytes() for name, mask in masks_of(watched).items()
    }


@pytest.mark.parametrize("epochs", [1, 2, 3, 5])
def test_an_interrupted_pruning_with_an_early_bird_resumes_to_the_same_bytes(finished, tmp_path, monkeypatch, epochs):
    changed = finished.changed(prune={"epochs": 4, "early_bird": 0.1, "early_bird_window": 1})
    whole = changed.prune("ner", output=tmp_path / "whole") / "masks.safetensors"
    assert any(row["epochs"] < 4 for row in rounds_of(whole.parent))
    with monkeypatch.context() as patch, pytest.raises(Interrupted):
        Interruption(patch, after=epochs)
        changed.prune("ner", output=tmp_path / "part")
    part = changed.prune("ner", output=tmp_path / "part") / "masks.safetensors"
    assert part.read_bytes() == whole.read_bytes()


def test_what_is_off_leaves_no_trace_in_the_spec(finished):
    spec = finished.specs.prune("joint", 1, "warmup", "pos").canonical()
    assert "stop_after" not in spec
    assert "early_bird" not in spec
    watched = finished.changed(prune={"epochs": 7, "early_bird": 0.1}).specs.prune("joint", 1, "warmup", "pos")
    assert (watched.early_bird, watched.early_bird_window) == (0.1, 5)
