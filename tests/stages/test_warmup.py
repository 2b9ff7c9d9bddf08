"""Stage warmup: theta(0) is drawn, theta(w) is trained from it; both come out the same whenever they are made."""

import numpy as np
import pytest
from interruption import Interrupted, Interruption

from sparse_sharing.errors import ArtifactError, ConfigError
from sparse_sharing.stages import warmup
from sparse_sharing.storage.artifacts import load_tensors
from sparse_sharing.training.checkpoint import work_folder


def weights(path):
    """The weights in a file by name."""
    return load_tensors(path, "weights").tensors


def test_the_starting_weights_hold_every_tensor_and_the_heads_of_the_tasks_that_were_trained(finished):
    names = weights(finished.weights("initial")).keys()
    heads = {f"heads.{task}.{part}" for task in ("chunk", "ner", "pos") for part in ("weight", "bias")}
    assert names | heads == weights(finished.weights("warmup")).keys()
    assert not names & heads
    assert {"words.weight", "characters.convolution.weight"} <= names


def test_the_warm_up_starts_from_theta_0(finished, tmp_path, monkeypatch):
    seen, train = {}, warmup.train

    def spy(network, *arguments, **options):
        seen.update({name: value.numpy() for name, value in network.copy_values().items()})
        return train(network, *arguments, **options)

    monkeypatch.setattr(warmup, "train", spy)
    finished.warm_up("warmup", tmp_path / "weights.safetensors")
    initial = weights(finished.weights("initial"))
    assert initial.keys() <= seen.keys()
    assert all(np.array_equal(seen[name], initial[name]) for name in initial)


def test_the_warm_up_moves_the_encoder_and_every_head(finished):
    initial, warm = weights(finished.weights("initial")), weights(finished.weights("warmup"))
    for name in initial:
        if name.startswith(("recurrent", "characters.convolution")):
            assert not np.array_equal(initial[name], warm[name]), name


def test_a_warm_up_of_named_tasks_holds_their_heads_and_is_that_of_a_run_with_these_tasks_only(unprepared):
    named = unprepared.changed(warmup={"tasks": ["pos", "chunk"]})
    named.prepare()
    path = named.warm_up("warmup")
    found = {name.split(".")[1] for name in weights(path) if name.startswith("heads")}
    assert found == {"pos", "chunk"}
    corpus = unprepared.values["data"]["datasets"][0]["corpora"][0]
    tasks = [task for task in corpus["tasks"] if task["name"] != "ner"]
    fewer = unprepared.changed(data={"datasets": [{"name": "joint", "corpora": [corpus | {"tasks": tasks}]}]})
    again = fewer.warm_up("warmup", unprepared.folder / "fewer" / "weights.safetensors")
    assert again.read_bytes() == path.read_bytes()


def test_nothing_but_the_weights_is_left(finished):
    for start in ("initial", "warmup"):
        assert not (finished.weights(start).parent / "work").exists()


@pytest.mark.parametrize("start", ["initial", "warmup"])
def test_the_same_weights_come_out_bit_for_bit(finished, tmp_path, start):
    again = finished.warm_up(start, tmp_path / "weights.safetensors")
    assert again.read_bytes() == finished.weights(start).read_bytes()


def test_theta_0_does_not_depend_on_how_the_warm_up_is_trained(finished, tmp_path):
    other = finished.changed(warmup={"learning_rate": 0.5, "epochs": 3})
    again = other.warm_up("initial", tmp_path / "weights.safetensors")
    assert again.read_bytes() == finished.weights("initial").read_bytes()


def test_each_seed_has_weights_of_its_own(finished, tmp_path):
    spec = finished.specs.warmup("joint", 1, "initial").model_copy(update={"seed": 2})
    vocabulary, train, dev = finished.texts
    output = tmp_path / "weights.safetensors"
    warmup.run(spec, vocabulary, finished.data / "vectors.safetensors", train, dev, output, "cpu")
    mine, other = weights(output), weights(finished.weights("initial"))
    drawn = [name for name in mine if "bias" not in name]
    assert drawn
    assert not [name for name in drawn if np.array_equal(mine[name], other[name])]


def test_an_interrupted_warm_up_resumes_to_the_same_bytes(finished, tmp_path, monkeypatch):
    longer = finished.changed(warmup={"epochs": 3})
    whole = longer.warm_up("warmup", tmp_path / "whole" / "weights.safetensors")
    part = tmp_path / "part" / "weights.safetensors"
    with monkeypatch.context() as patch, pytest.raises(Interrupted):
        Interruption(patch, after=2)
        longer.warm_up("warmup", part)
    assert not part.exists()
    longer.warm_up("warmup", part)
    assert part.read_bytes() == whole.read_bytes()


def test_what_was_trained_on_other_text_is_thrown_away(pipeline, monkeypatch):
    longer = pipeline.changed(warmup={"epochs": 2})
    output = longer.folder / "part" / "weights.safetensors"
    with monkeypatch.context() as patch, pytest.raises(Interrupted):
        Interruption(patch, after=1)
        longer.warm_up("warmup", output)
    # the same words and tags, other sentences: the spec of the text stays as it is
    train = longer.folder / "train.txt"
    blocks = train.read_text(encoding="utf-8").rstrip("\n").split("\n\n")
    train.write_text("\n\n".join(reversed(blocks)) + "\n\n", encoding="utf-8")
    longer.prepare()
    longer.warm_up("warmup", output)
    fresh = longer.warm_up("warmup", longer.folder / "fresh" / "weights.safetensors")
    assert output.read_bytes() == fresh.read_bytes()


def test_two_processes_do_not_work_on_the_same_weights(finished, tmp_path):
    with work_folder(tmp_path), pytest.raises(ArtifactError, match="another process is making the same files"):
        finished.warm_up("initial", tmp_path / "weights.safetensors")
    assert not (tmp_path / "weights.safetensors").exists()


def test_text_prepared_under_other_settings_is_refused(finished, tmp_path):
    other = finished.changed(data={"lowercase": False})
    with pytest.raises(ArtifactError, match=r"vocabulary\.json: was made with other settings"):
        other.warm_up("initial", tmp_path / "weights.safetensors")


def test_a_gpu_that_is_not_there_is_refused(finished, tmp_path, monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    spec = finished.specs.warmup("joint", 1, "initial")
    vocabulary, train, dev = finished.texts
    with pytest.raises(ConfigError, match="no GPU is available; use auto or cpu"):
        warmup.run(spec, vocabulary, finished.data / "vectors.safetensors", train, dev, tmp_path / "weights", "cuda")
