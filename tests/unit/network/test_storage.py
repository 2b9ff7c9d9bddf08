"""The storage of a model: what any task keeps comes back bit for bit, and nothing else takes room."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny import TASKS, encoded, network_of, random_mask, sentences

from sparse_sharing.errors import ArtifactError
from sparse_sharing.network.storage import load_model, save_model, storage_sizes, union_of, values_of_task
from sparse_sharing.pipeline.specs import ExportSpec
from sparse_sharing.storage import artifacts
from sparse_sharing.storage.artifacts import load_tensors, save_tensors

SPEC = ExportSpec(model="m" * 16, task="ner")
DETAILS = {"tasks": list(TASKS), "note": "kept"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("models")


def arrays_of(network):
    """The values of a network as arrays."""
    return {name: value.numpy().copy() for name, value in network.values().items()}


def masks_of(network, *densities):
    """A random mask of each density for the tasks, in their order."""
    return {task: random_mask(network, d, seed) for seed, (task, d) in enumerate(zip(TASKS, densities, strict=True))}


def stored(folder, masks, network=None):
    """The path of a model, saved."""
    path = folder / "model.safetensors"
    save_model(path, SPEC, arrays_of(network or network_of()), masks, "v" * 64, DETAILS)
    return path


@settings(max_examples=25)
@given(densities=st.tuples(*[st.floats(0, 1)] * 3), seed=st.integers(1, 9))
def test_what_a_task_keeps_is_read_back_bit_for_bit_and_the_rest_is_zero(folder, densities, seed):
    network = network_of(seed=seed)
    masks, values = masks_of(network, *densities), arrays_of(network)
    found = load_model(stored(folder, masks, network))
    assert found.values.keys() == values.keys()
    assert all(found.masks[task].keep.equal(masks[task].keep) for task in TASKS)
    parts = [mask.tensors() for mask in masks.values()]
    for name, value in values.items():
        kept = np.logical_or.reduce([part[name].numpy() for part in parts]) if name in parts[0] else True
        assert found.values[name].tobytes() == np.where(kept, value, np.float32(0)).tobytes(), name


def test_a_network_with_its_masks_predicts_the_same_after_storage(tmp_path):
    network, text = network_of(seed=3), encoded(sentences(10, seed=4))
    masks = masks_of(network, 0.5, 0.3, 0.7)
    again, found = network_of(seed=8), load_model(stored(tmp_path, masks, network))
    again.load({name: torch.from_numpy(value) for name, value in found.values.items()})
    again.set_masks(found.masks)
    network.set_masks(masks)
    for task in TASKS:
        assert again.predict(task, text).tolist() == network.predict(task, text).tolist()


def test_the_file_holds_the_union_of_the_masks_and_a_bit_for_each_weight_and_task(tmp_path):
    network = network_of()
    masks = masks_of(network, 0.2, 0.1, 0.3)
    tensors = load_tensors(stored(tmp_path, masks), "model").tensors
    covered, union = masks["pos"].keep.numel(), int(union_of(masks.values()).sum())
    assert tensors["kept"].nbytes == 4 * union
    assert 0.3 * covered < union < 0.65 * covered
    assert [tensors[f"masks/{task}"].nbytes for task in TASKS] == [(covered + 7) // 8] * 3
    assert not set(network.prunable_shapes) & tensors.keys()


def test_a_sparse_model_is_smaller_than_a_dense_one_for_each_task(tmp_path):
    network = network_of()
    masks = masks_of(network, 0.2, 0.1, 0.3)
    path = stored(tmp_path, masks)
    sizes = storage_sizes(load_model(path))
    tensors = load_tensors(path, "model").tensors
    assert sizes["stored"]["total"] == sum(array.nbytes for array in tensors.values())
    dense = sum(value.nbytes for value in arrays_of(network).values())
    heads = sizes["stored"]["heads"]
    assert sizes["separate"]["total"] == 3 * (dense - heads) + heads
    assert sizes["stored"]["weights"] + sizes["stored"]["masks"] < sizes["separate"]["weights"] / 4


def test_without_masks_every_value_is_stored(tmp_path):
    network = network_of()
    found = load_model(stored(tmp_path, {}, network))
    assert not found.masks
    for name, value in arrays_of(network).items():
        assert found.values[name].tobytes() == value.tobytes()
    sizes = storage_sizes(found)
    assert sizes["stored"]["weights"] == sizes["stored"]["masks"] == 0
    assert sizes["stored"]["total"] == sum(value.nbytes for value in found.values.values())


def test_storing_twice_gives_the_same_bytes(tmp_path):
    masks = masks_of(network_of(), 0.5, 0.5, 0.5)
    assert stored(tmp_path / "a", masks).read_bytes() == stored(tmp_path / "b", masks).read_bytes()


def test_a_task_takes_its_own_weights_and_head_and_what_all_share():
    network = network_of()
    values, mask = arrays_of(network), random_mask(network, 0.4)
    own = values_of_task(values, "ner", mask)
    assert {name for name in values if name not in own} == {
        f"heads.{task}.{part}" for task in ("chunk", "pos") for part in ("weight", "bias")
    }
    for name, keep in mask.tensors().items():
        assert not own[name][~keep.numpy()].any()
        assert np.array_equal(own[name][keep.numpy()], values[name][keep.numpy()])
    assert own["words.weight"] is values["words.weight"]


@pytest.mark.parametrize(
    "change",
    [
        lambda tensors, details: tensors.update(kept=tensors["kept"][:-1]),
        lambda tensors, details: tensors.pop("kept"),
        lambda tensors, details: tensors.pop("masks/ner"),
        lambda tensors, details: tensors.update({"masks/ner": tensors["masks/ner"][:-1]}),
        lambda tensors, details: details.update(shapes=details["shapes"][1:]),
        lambda tensors, details: details.update(shapes=7),
        lambda tensors, details: details.pop("tasks"),
        lambda tensors, details: details.update(tasks=["other"]),
    ],
)
def test_a_model_whose_parts_do_not_fit_is_refused_by_name(tmp_path, change):
    path = stored(tmp_path, masks_of(network_of(), 0.5, 0.5, 0.5))
    artifact = load_tensors(path, "model")
    change(artifact.tensors, artifact.details)
    save_tensors(path, "model", SPEC, artifact.tensors, artifact.details)
    with pytest.raises(ArtifactError, match=r"model\.safetensors: its parts do not fit each other"):
        load_model(path)


@pytest.mark.parametrize("version", [1, 3])
def test_a_model_of_another_version_is_refused_with_both_versions(tmp_path, monkeypatch, version):
    with monkeypatch.context() as patch:
        patch.setitem(artifacts.FORMATS, "model", version)
        path = stored(tmp_path, masks_of(network_of(), 0.5, 0.5, 0.5))
    with pytest.raises(ArtifactError, match=f"has format version {version} of model; this program reads 2"):
        load_model(path)
