"""Masks read from files of all kinds, compared, and combined into selections."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tiny import network_of, random_mask
from typer.testing import CliRunner

from sparse_sharing.cli import app
from sparse_sharing.errors import ArtifactError, ConfigError
from sparse_sharing.inspection.mask_files import (
    MaskFile,
    MaskSpec,
    combine,
    overlaps,
    random_like,
    read_masks,
    shared_by,
    shuffle_layers,
    write_selection,
)
from sparse_sharing.masks.mask import Mask, chance_overlap_by_tensor, overlap, pack
from sparse_sharing.storage.artifacts import load_tensors, save_tensors

NETWORK = network_of()
SPEC = MaskSpec(operation="test", sources=[])
POS, NER = random_mask(NETWORK, 0.5, 1), random_mask(NETWORK, 0.3, 2)


def file_of(**masks):
    return MaskFile("a file", masks, "digest")


@pytest.fixture
def selection(tmp_path):
    """A selection of masks for two tasks."""
    path = tmp_path / "selection.safetensors"
    write_selection(path, {"pos": POS, "ner": NER}, SPEC)
    return path


@pytest.fixture
def pruning(tmp_path):
    """Two rounds of the pruning of a task."""
    path = tmp_path / "pruning.safetensors"
    shapes = [[name, list(shape)] for name, shape in POS.shapes.items()]
    details = {"task": "pos", "weights": POS.weights, "shapes": shapes, "rounds": []}
    dense = Mask.dense(POS.shapes, POS.weights)
    save_tensors(path, "masks", SPEC, {"round000": pack(dense), "round001": pack(POS)}, details)
    return path


def test_a_selection_holds_what_was_written(selection):
    masks = read_masks(str(selection)).masks
    assert set(masks) == {"pos", "ner"}
    assert torch.equal(masks["ner"].keep, NER.keep)
    assert set(read_masks(f"{selection}:ner").masks) == {"ner"}


def test_a_round_goes_by_its_task_and_a_model_by_its_tasks(pruning, tmp_path):
    assert set(read_masks(str(pruning)).masks) == {"round000", "round001"}
    only = read_masks(f"{pruning}:round001").masks
    assert list(only) == ["pos"]
    assert torch.equal(only["pos"].keep, POS.keep)
    details = load_tensors(pruning, "masks").details
    tensors = {"masks/ner": pack(NER), "words.weight": np.zeros(3, np.float32)}
    save_tensors(tmp_path / "model.safetensors", "model", SPEC, tensors, details)
    assert list(read_masks(str(tmp_path / "model.safetensors")).masks) == ["ner"]


def test_what_holds_no_such_mask_is_refused(selection, tmp_path):
    with pytest.raises(ConfigError, match="holds no mask 'chunk', only"):
        read_masks(f"{selection}:chunk")
    with pytest.raises(ArtifactError, match="cannot be read"):
        read_masks(str(tmp_path / "nowhere"))
    save_tensors(tmp_path / "weights.safetensors", "weights", SPEC, {})
    with pytest.raises(ArtifactError, match="holds no masks"):
        read_masks(str(tmp_path / "weights.safetensors"))


def test_operations_are_those_of_sets():
    first, second = file_of(pos=POS), file_of(pos=NER)
    found = {name: combine(name, first, second)["pos"].keep for name in ("and", "or", "xor", "minus")}
    both, one, other = found["and"], POS.keep, NER.keep
    assert both.sum() == (one.int() * other.int()).sum()
    assert torch.equal(found["or"], one.logical_not().logical_and(other.logical_not()).logical_not())
    assert torch.equal(found["xor"], found["or"] & ~both)
    assert torch.equal(found["minus"], one & ~both)


def test_files_are_combined_task_by_task_or_with_the_one_mask_of_a_side():
    pair = file_of(pos=POS, ner=NER)
    assert combine("and", pair, file_of(ner=NER, pos=POS))["pos"].kept == POS.kept
    for masks in (combine("or", pair, file_of(x=NER)), combine("or", file_of(x=NER), pair)):
        assert set(masks) == {"pos", "ner"}
        assert masks["ner"].kept == NER.kept
    with pytest.raises(ConfigError, match="expected the same tasks"):
        combine("and", pair, file_of(pos=POS, chunk=NER))


def test_masks_of_other_weights_are_not_combined():
    other = Mask(NER.keep, NER.shapes, "other weights")
    with pytest.raises(ArtifactError, match="was cut from starting weights"):
        combine("and", file_of(pos=POS), file_of(pos=other))


@given(st.integers(0, 50))
def test_random_masks_keep_as_many_in_all_and_shuffled_ones_in_each_tensor(seed):
    file = file_of(pos=POS, ner=NER)
    anywhere, within = random_like(file, seed), shuffle_layers(file, seed)
    for name, mask in file.masks.items():
        assert anywhere[name].kept == mask.kept
        assert within[name].tensor_densities() == mask.tensor_densities()
        assert not torch.equal(within[name].keep, mask.keep)
    assert torch.equal(shuffle_layers(file, seed)["pos"].keep, within["pos"].keep)


def test_overlaps_are_given_for_all_weights_and_for_each_layer():
    rows = {place: values for place, *values in overlaps([POS, NER])}
    assert rows["all"][0] == overlap([POS, NER])
    assert set(rows) == {"all", "characters", "lstm 1"}
    assert all(value == pytest.approx(chance, abs=0.2) for value, chance, _ in rows.values())
    assert rows["all"][2] == chance_overlap_by_tensor([POS, NER])
    assert {row[1] for row in overlaps([POS, POS])} == {1.0}


def test_weights_are_counted_by_how_many_masks_keep_them():
    counts = shared_by([POS, NER])
    assert sum(counts) == POS.keep.numel()
    assert counts[1] + 2 * counts[2] == POS.kept + NER.kept


def test_a_mask_that_keeps_nothing_is_not_written(tmp_path):
    with pytest.raises(ConfigError, match="would keep no weight"):
        write_selection(tmp_path / "x.safetensors", combine("minus", file_of(pos=POS), file_of(pos=POS)), SPEC)
    assert not list(tmp_path.iterdir())


def run(*arguments):
    result = CliRunner().invoke(app, ["masks", *map(str, arguments)])
    assert result.exit_code == 0, result.output
    return result.output


@pytest.mark.parametrize("operation", ["and", "or", "xor", "minus"])
def test_each_operation_is_a_command(selection, pruning, tmp_path, operation):
    output = tmp_path / "new.safetensors"
    shown = run(operation, f"{selection}:ner", f"{pruning}:round001", "--output", output)
    assert "density" in shown
    assert load_tensors(output, "selection").spec["operation"] == operation


@pytest.mark.parametrize("command", ["random-like", "shuffle-layer"])
def test_random_masks_of_a_seed_are_the_same_bytes(selection, tmp_path, command):
    paths = [tmp_path / f"{name}.safetensors" for name in "abc"]
    for path, seed in zip(paths, (1, 1, 2), strict=True):
        run(command, selection, "--seed", seed, "--output", path)
    assert paths[0].read_bytes() == paths[1].read_bytes() != paths[2].read_bytes()


def test_masks_are_shown_in_tables(selection, pruning):
    assert f"{POS.density:.4f}" in run("show", selection)
    assert "round001" in run("show", pruning)
    assert "ner & pos" in run("overlap", selection)
    union = sum(shared_by([POS, NER])[1:])
    assert f"union {union:,} weights" in run("union", f"{selection}:ner", f"{pruning}:round001")
