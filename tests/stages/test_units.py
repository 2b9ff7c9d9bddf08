"""Masks over units through the stages: found, chosen, trained, exported as smaller networks, with the same tags."""

import shutil
from itertools import pairwise

import numpy as np
import pytest
import torch

from sparse_sharing.masks.files import load_mask, mask_name, read_selection
from sparse_sharing.network.storage import load_model
from sparse_sharing.pipeline import layout
from sparse_sharing.storage.artifacts import load_tensors
from sparse_sharing.tagging import export
from sparse_sharing.tagging.onnx_tagger import OnnxTagger
from sparse_sharing.tagging.shared_runner import SharedRunner
from sparse_sharing.tagging.tagger import Tagger
from sparse_sharing.training.inputs import load_text
from sparse_sharing.training.trained import open_model

TASKS = ("chunk", "ner", "pos")
UNITS = {"characters": 5, "recurrent.0.left_to_right": 6, "recurrent.0.right_to_left": 6}


@pytest.fixture(scope="module")
def units(finished, tmp_path_factory):
    """The pipeline with masks over units, up to the model of sparse sharing."""
    folder = tmp_path_factory.mktemp("units")
    shutil.copytree(finished.folder, folder, dirs_exist_ok=True)
    pipeline = type(finished)(folder, finished.values).changed(
        prune={"granularity": "unit", "rounds": 2, "final_density": 0.25}
    )
    for task in TASKS:
        pipeline.prune(task)
    pipeline.select("half")
    pipeline.train("sparse")
    return pipeline


def test_an_absent_granularity_leaves_no_trace_and_a_given_one_changes_only_the_prunings(finished, units):
    assert "granularity" not in finished.specs.prune("joint", 1, "warmup", "pos").canonical()
    for start in ("initial", "warmup"):
        assert units.specs.warmup("joint", 1, start).digest() == finished.specs.warmup("joint", 1, start).digest()
    assert (
        units.specs.train("joint", 1, "hard", "shared").digest()
        == finished.specs.train("joint", 1, "hard", "shared").digest()
    )


@pytest.mark.parametrize("task", TASKS)
def test_each_round_keeps_some_of_the_units_of_the_round_before_and_none_of_a_group_is_emptied(units, task):
    path = units.masks(task)
    artifact = load_tensors(path, "masks")
    rounds = [load_mask(artifact, mask_name(number), path) for number in range(3)]
    assert {name: size for name, (size,) in rounds[0].shapes.items()} == UNITS
    assert [mask.kept for mask in rounds] == [17, 8, 4]
    for larger, smaller in pairwise(rounds):
        assert not (smaller.keep & ~larger.keep).any()
        assert all(keep.any() for keep in smaller.tensors().values())


def test_the_choice_has_masks_over_units_and_the_model_the_weights_of_these_units(units):
    chosen = read_selection(units.path(layout.SELECT, start="warmup", choice="half") / "masks.safetensors", None)
    model = load_model(units.model_folder() / "model.safetensors")
    network = open_model(units.model_folder(), "cpu").network
    for task in TASKS:
        assert chosen[task].kept == 8
        assert network.units.expand(chosen[task]).keep.equal(model.masks[task].keep)
        assert model.masks[task].density < 0.5


def test_a_removed_unit_is_exactly_zero(units):
    opened = open_model(units.model_folder(), "cpu")
    network, text = opened.network, load_text(units.data / "dev.safetensors")["pos"]
    network.encoder.eval()
    batch = network.encoder.batch(text, range(text.sentences))
    for task in TASKS:
        network.activate(task)
        states = network.encoder.states(network.gather(batch), batch, 1)
        kept = network.units.collapse(opened.trained.masks[task]).tensors()
        keep = torch.cat([kept["recurrent.0.left_to_right"], kept["recurrent.0.right_to_left"]])
        assert not states[..., ~keep].any()
        assert states[..., keep].any(0).any(0).all()


@pytest.fixture(scope="module")
def exported(units, tmp_path_factory):
    """For each task the folder that it was exported into, and in `all` the ONNX network of all of them."""
    pytest.importorskip("onnxruntime")
    folder = tmp_path_factory.mktemp("exported")
    for task in TASKS:
        export.run(units.model_folder(), task, None, folder / task, True, "cpu")
    export.run(units.model_folder(), None, None, folder / "all", True, "cpu")
    return folder


@pytest.mark.parametrize("task", TASKS)
def test_an_exported_task_is_a_smaller_dense_network_with_the_same_tags(units, exported, task):
    whole, small = (load_model(folder / "model.safetensors") for folder in (units.model_folder(), exported / task))
    kept = small.details["units"]
    assert not small.masks
    assert sum(kept.values()) == 8
    for way in ("left_to_right", "right_to_left"):
        assert small.values[f"recurrent.0.{way}.weight_hh_l0"].shape == (
            4 * kept[f"recurrent.0.{way}"],
            kept[f"recurrent.0.{way}"],
        )
    assert small.details["parameters"] < whole.details["parameters"]
    for split in ("dev", "test"):
        text = load_text(units.data / f"{split}.safetensors")[task]
        expected = open_model(units.model_folder(), "cpu").network.predict(task, text)
        assert np.array_equal(open_model(exported / task, "cpu").network.predict(task, text), expected)


@pytest.mark.parametrize("task", TASKS)
def test_compact_taggers_of_torch_and_onnx_give_the_tags_of_the_masked_network(units, exported, task):
    words = load_text(units.data / "test.safetensors")[task].words()
    masked = Tagger.load(units.model_folder())
    masked.runner = SharedRunner(masked.model.network, masked.surfaces)
    expected = [sentence.tags for sentence in masked.tag(words, [task])]
    compact = [Tagger.load(units.model_folder()), Tagger.load(exported / task)]
    for tagger in (*compact, OnnxTagger.load(exported / task), OnnxTagger.load(exported / "all")):
        assert [sentence.tags for sentence in tagger.tag(words, [task])] == expected


def test_an_exported_task_can_be_exported_again(exported, units, tmp_path):
    export.run(exported / "ner", None, units.data / "dev.safetensors", tmp_path / "again", False, "cpu")
    first, again = (load_tensors(f / "model.safetensors", "model") for f in (exported / "ner", tmp_path / "again"))
    assert all(first.tensors[name].tobytes() == array.tobytes() for name, array in again.tensors.items())
