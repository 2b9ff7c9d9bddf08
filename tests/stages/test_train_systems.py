"""Ways of sharing through the stages: layers and stacks for tasks, some of the tasks, subnetworks alone, controls."""

import csv
import shutil

import numpy as np
import pytest
import torch
from interruption import Interrupted, Interruption

from sparse_sharing.errors import ConfigError
from sparse_sharing.masks.files import pack
from sparse_sharing.masks.layers import layer_number
from sparse_sharing.masks.mask import Mask
from sparse_sharing.network.storage import load_model
from sparse_sharing.pipeline import layout
from sparse_sharing.storage.artifacts import load_tensors, save_tensors
from sparse_sharing.tagging import export
from sparse_sharing.tagging.tagger import Tagger
from sparse_sharing.training.inputs import load_text

TASKS = ["chunk", "ner", "pos"]
TASK_LAYERS = {"pos": 1, "chunk": 2, "ner": 2}
SYSTEMS = [
    {"name": "a_random", "sharing": "sparse", "start": "warmup", "choice": "half_random"},
    {"name": "hierarchical", "sharing": "hierarchical", "layers": 2, "task_layers": TASK_LAYERS},
    {"name": "pair", "sharing": "sparse", "start": "warmup", "choice": "half", "tasks": ["ner", "pos"]},
    {"name": "single", "sharing": "single", "tasks": ["pos"]},
    {"name": "single_subnet", "sharing": "single", "start": "warmup", "choice": "half"},
    {"name": "soft", "sharing": "soft"},
    {"name": "soft_pair", "sharing": "soft", "tasks": ["ner", "pos"], "layers": 2},
    {"name": "sparse", "sharing": "sparse", "start": "warmup", "choice": "half"},
    {"name": "y_hard", "sharing": "hard"},
]
CHOICES = [
    {"name": "half", "rule": "target_density", "target_density": 0.5},
    {"name": "half_random", "rule": "target_density", "target_density": 0.5, "random": True},
]
# weights and biases of the characters, and of one stack with one layer or two, counted in test_train
CHARACTERS, ONE_LAYER, TWO_LAYERS = 65, 1008, 1008 + 2 * (4 * 6 * (12 + 6) + 2 * 4 * 6)


@pytest.fixture(scope="module")
def trained(finished, tmp_path_factory):
    """These systems trained for two epochs on the finished warm-up and pruning, evaluated, and in tables."""
    own = finished.changed(train={"systems": SYSTEMS, "epochs": 2}, select={"choices": CHOICES})
    own.folder = tmp_path_factory.mktemp("systems")
    shutil.copytree(finished.folder, own.folder, dirs_exist_ok=True)
    for start in ("initial-hierarchical", "initial-soft", "initial-soft_pair"):
        own.warm_up(start)
    own.select("half_random")
    for _, _, system, model in own.specs.tables().models():
        own.train(system, model)
        own.evaluate(system, model)
    own.tables()
    return own


def model_of(pipeline, system, model="shared"):
    """A trained model."""
    return load_model(pipeline.path(layout.MODEL, system=system, model=model) / "model.safetensors")


def results(pipeline):
    """The rows of the tidy results."""
    with (pipeline.path(layout.TABLES) / "results.csv").open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_hierarchical_sharing_is_sparse_sharing_with_masks_of_layers(trained, tmp_path):
    """A sparse system on the same starting weights is given the masks as a selection: the same model to the bit."""
    choice = {"name": "layers", "rule": "rounds", "rounds": 0, "allow_dense": True}
    sparse = {"name": "sparse", "sharing": "sparse", "choice": "layers"}
    own = trained.changed(model={"layers": 2}, select={"choices": [choice]}, train={"systems": [sparse]})
    own.folder = tmp_path
    shutil.copytree(trained.data, own.data)
    start = load_tensors(own.warm_up("initial"), "weights")
    assert start.digest == load_tensors(trained.weights("initial-hierarchical"), "weights").digest
    hierarchical = model_of(trained, "hierarchical")
    shapes = {name: tuple(shape) for name, shape in hierarchical.details["shapes"]}
    masks = {
        task: Mask.of_tensors(shapes, start.digest, lambda name, top=layer: layer_number(name) <= top)
        for task, layer in TASK_LAYERS.items()
    }
    details = {"weights": start.digest, "shapes": hierarchical.details["shapes"]}
    packed = {task: pack(mask) for task, mask in masks.items()}
    save_tensors(
        own.selection("sparse"), "selection", own.specs.select("joint", 1, "initial", "layers"), packed, details
    )
    model = load_model(own.train("sparse") / "model.safetensors")
    assert model.values.keys() == hierarchical.values.keys()
    for name, array in model.values.items():
        assert array.tobytes() == hierarchical.values[name].tobytes(), name
    for key in ("parameters", "densities", "dev", "best_epoch"):
        assert model.details[key] == hierarchical.details[key]


def test_the_masks_of_a_hierarchical_model_are_its_layers(trained):
    model = model_of(trained, "hierarchical")
    for task, layer in TASK_LAYERS.items():
        for name, part in model.masks[task].tensors().items():
            assert part.all() == part.any() == (layer_number(name) <= layer)
    assert model.details["densities"]["pos"] < model.details["densities"]["ner"] == 1.0
    assert model.details["parameters"] == CHARACTERS + TWO_LAYERS


def test_a_soft_model_has_a_stack_for_each_task_and_its_units_have_moved(trained):
    model = model_of(trained, "soft")
    assert model.details["model"]["stacks"] == TASKS
    assert model.details["parameters"] == CHARACTERS + 3 * ONE_LAYER
    start = load_tensors(trained.weights("initial-soft"), "weights").tensors["recurrent.0.stitch"]
    assert np.diag(start) == pytest.approx(np.full(3, 0.9))
    assert (model.values["recurrent.0.stitch"] != start).all()
    assert model.details["densities"] == dict.fromkeys(TASKS, 1.0)


def test_soft_sharing_of_two_tasks_has_two_stacks(trained):
    model = model_of(trained, "soft_pair")
    assert model.details["model"]["stacks"] == model.details["tasks"] == ["ner", "pos"]
    assert model.values["recurrent.1.stitch"].shape == (2, 2)
    assert model.details["parameters"] == CHARACTERS + 2 * TWO_LAYERS


@pytest.mark.parametrize("system", ["hierarchical", "soft"])
def test_an_interrupted_training_resumes_to_the_same_bytes(trained, tmp_path, monkeypatch, system):
    with monkeypatch.context() as patch, pytest.raises(Interrupted):
        Interruption(patch, after=1)
        trained.train(system, output=tmp_path)
    trained.train(system, output=tmp_path)
    first = trained.path(layout.MODEL, system=system, model="shared") / "model.safetensors"
    assert (tmp_path / "model.safetensors").read_bytes() == first.read_bytes()


def test_a_pair_of_tasks_has_the_masks_and_starting_weights_of_all_tasks(trained):
    pair, everything = model_of(trained, "pair"), model_of(trained, "sparse")
    assert pair.details["tasks"] == ["ner", "pos"]
    assert pair.details["weights"] == everything.details["weights"]
    for task in ("ner", "pos"):
        assert pair.masks[task].keep.equal(everything.masks[task].keep)
    assert not [name for name in (*pair.values, *pair.masks) if "chunk" in name]
    union = torch.stack([pair.masks[task].keep for task in ("ner", "pos")]).any(0)
    assert pair.details["parameters"] == int(union.sum()) + 101


@pytest.mark.parametrize("system", ["hierarchical", "soft"])
@pytest.mark.parametrize("task", TASKS)
def test_one_task_taken_out_gives_the_same_tags(trained, tmp_path, system, task):
    folder = trained.path(layout.MODEL, system=system, model="shared")
    export.run(folder, task, None, tmp_path, False, "cpu")
    words = load_text(trained.data / "test.safetensors")[task].words()
    whole, own = (Tagger.load(path).tag(words, [task]) for path in (folder, tmp_path))
    assert own == whole


def test_as_onnx_a_task_runs_up_to_its_layer_and_cross_stitch_units_are_refused(trained, tmp_path):
    pytest.importorskip("onnxruntime")
    folder = trained.path(layout.MODEL, system="hierarchical", model="shared")
    sizes = {}
    for task in ("pos", "ner"):
        export.run(folder, task, None, tmp_path / task, True, "cpu")
        sizes[task] = (tmp_path / task / "network.onnx").stat().st_size
    assert sizes["pos"] < sizes["ner"]
    with pytest.raises(ConfigError, match="--onnx supports BiLSTMs with linear or CRF heads; this model differs"):
        export.run(trained.path(layout.MODEL, system="soft", model="shared"), "ner", None, tmp_path, True, "cpu")


def test_random_masks_keep_as_many_weights_at_other_positions(trained):
    random, chosen = model_of(trained, "a_random"), model_of(trained, "sparse")
    assert random.details["densities"] == chosen.details["densities"]
    for task in TASKS:
        assert not random.masks[task].keep.equal(chosen.masks[task].keep)


def test_single_subnetworks_have_one_mask_each_of_the_sparse_system(trained):
    sparse = model_of(trained, "sparse")
    for task in TASKS:
        alone = model_of(trained, "single_subnet", task)
        assert alone.details["tasks"] == [task]
        assert alone.masks[task].keep.equal(sparse.masks[task].keep)
    (parameters,) = {int(row["parameters"]) for row in results(trained) if row["system"] == "single_subnet"}
    kept = [sparse.masks[task].kept for task in TASKS]
    assert parameters == sum(kept) + 3 * 101


def test_tables_have_the_systems_in_the_order_of_the_paper_and_the_control_last(trained):
    order = list(dict.fromkeys(row["system"] for row in results(trained)))
    assert order == [
        "single",
        "single_subnet",
        "y_hard",
        "soft",
        "soft_pair",
        "hierarchical",
        "pair",
        "sparse",
        "a_random",
    ]


def test_tables_have_the_tasks_that_a_system_trains(trained):
    found = {}
    for row in results(trained):
        found.setdefault(row["system"], set()).add(row["task"])
    assert found["single"] == {"pos"}
    assert found["pair"] == found["soft_pair"] == {"ner", "pos"}
    assert found["hierarchical"] == found["soft"] == set(TASKS)
