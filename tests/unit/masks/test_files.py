"""Masks read from files of all kinds, counted without torch, and written."""

import subprocess
import sys

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from masks_by_hand import mask_of
from tiny import network_of, random_mask
from typer.testing import CliRunner

from sparse_sharing.cli import app
from sparse_sharing.errors import ArtifactError, ConfigError
from sparse_sharing.masks.analysis import shared_by
from sparse_sharing.masks.files import (
    MaskSpec,
    pack,
    read_bits,
    read_masks,
    require_kept,
    unpack,
    write_rounds,
    write_selection,
)
from sparse_sharing.masks.mask import Mask
from sparse_sharing.storage.artifacts import load_tensors, save_tensors

BITS = st.lists(st.booleans(), max_size=40)
NETWORK = network_of()
SPEC = MaskSpec(operation="test", sources=[])
POS, NER = random_mask(NETWORK, 0.5, 1), random_mask(NETWORK, 0.3, 2)


@pytest.fixture
def selection(tmp_path):
    """A selection of masks for two tasks."""
    path = tmp_path / "selection.safetensors"
    write_selection(path, SPEC, {"pos": POS, "ner": NER})
    return path


@pytest.fixture
def pruning(tmp_path):
    """Two rounds of the pruning of a task."""
    path = tmp_path / "pruning.safetensors"
    write_rounds(path, SPEC, [Mask.dense(POS.shapes, POS.weights), POS], {"task": "pos", "rounds": []})
    return path


@settings(deadline=None)
@given(BITS)
def test_packing_is_undone_by_unpacking(bits):
    mask = mask_of(bits)
    packed = pack(mask)
    assert packed.nbytes == (len(bits) + 7) // 8
    restored = unpack(packed, mask.shapes, mask.weights)
    assert restored.keep.tolist() == bits
    assert (restored.shapes, restored.weights) == (mask.shapes, mask.weights)


def test_the_first_weight_is_the_highest_bit():
    assert pack(mask_of([True] + [False] * 8)).tolist() == [128, 0]


@pytest.mark.parametrize("bits", [np.zeros(1, np.uint8), np.zeros(2, np.int64)])
def test_bytes_that_do_not_fit_the_shapes_are_refused(bits):
    with pytest.raises(ArtifactError, match="a mask of 9 weights takes 2 bytes"):
        unpack(bits, {"matrix": (3, 3)}, "weights")


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


def test_bits_are_counted_as_the_masks_are(selection):
    masks = read_masks(str(selection)).masks
    found = read_bits(str(selection))
    assert list(found) == list(masks)
    for name, mask in masks.items():
        assert (found[name].kept, found[name].density) == (mask.kept, pytest.approx(mask.density))
        assert found[name].layers == pytest.approx({layer: part.density for layer, part in mask.by_layer().items()})


def test_one_mask_of_a_file_is_read_by_its_name(selection):
    name = next(iter(read_bits(str(selection))))
    assert list(read_bits(f"{selection}:{name}")) == [name]
    with pytest.raises(ConfigError, match="holds no mask 'x', only"):
        read_bits(f"{selection}:x")


def test_masks_are_shown_without_torch(selection):
    code = (
        "import sys; from sparse_sharing.cli import app; app(sys.argv[1:], standalone_mode=False); "
        "assert not {'torch', 'pandas', 'rich', 'matplotlib', 'scipy'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code, "masks", "show", str(selection)], check=True, capture_output=True)


def test_a_mask_that_keeps_nothing_is_refused():
    with pytest.raises(ConfigError, match="the mask of ner would keep no weight"):
        require_kept({"pos": POS, "ner": Mask(torch.zeros_like(POS.keep), POS.shapes, POS.weights)})


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
