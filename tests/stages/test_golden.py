"""The numbers of the tiny run are those of the first version of the package, whatever has been moved since.

`golden.safetensors` was written by the version before the package was divided: the weights of both starts, the masks of
all prunings, and the tags that models give to the test text. On the type of machine that wrote them all are equal bit
for bit. Other processors round differently, so what has been trained is compared within bounds; what is drawn is not.
"""

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors import safe_open

from sparse_sharing.masks.files import mask_name
from sparse_sharing.pipeline import layout
from sparse_sharing.storage.artifacts import load_tensors
from sparse_sharing.tagging.tagger import Tagger
from sparse_sharing.training.inputs import build_network, load_text, load_vocabulary

TASKS = ("chunk", "ner", "pos")


@pytest.fixture(scope="module")
def golden():
    """The stored arrays by name, and the tags by system and task."""
    with safe_open(Path(__file__).with_name("golden.safetensors"), "numpy") as file:
        arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        return arrays, json.loads(file.metadata()["tags"])


def starting_weights(pipeline, start):
    """The weights that a training of all tasks starts from, with their heads."""
    path = pipeline.weights(start)
    words = load_vocabulary(pipeline.data / "vocabulary.json", None, dict.fromkeys(TASKS))
    _, found = build_network(path, load_tensors(path, "weights"), words, None, "cpu")
    return {name: value.numpy() for name, value in found.items()}


def test_the_first_weights_are_drawn_as_ever(finished, golden):
    expected = {
        name.removeprefix("initial/"): value for name, value in golden[0].items() if name.startswith("initial/")
    }
    found = starting_weights(finished, "initial")
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        np.testing.assert_array_equal(found[name], value, err_msg=name)


def test_the_warmed_up_weights_are_the_same_up_to_rounding(finished, golden):
    found = starting_weights(finished, "warmup")
    for name, value in found.items():
        np.testing.assert_allclose(value, golden[0][f"warmup/{name}"], rtol=1e-3, atol=1e-3, err_msg=name)


@pytest.mark.parametrize("task", TASKS)
def test_the_masks_of_all_rounds_are_the_same_but_for_a_few_weights(finished, golden, task):
    found = load_tensors(finished.masks(task), "masks").tensors
    names = [f"mask/{task}/{mask_name(number)}" for number in range(4)]
    for number, name in enumerate(names):
        expected, bits = np.unpackbits(golden[0][name]), np.unpackbits(found[mask_name(number)])
        assert (bits != expected).mean() <= 0.02, name
    assert not set(golden[0]) & {f"mask/{task}/{mask_name(4)}"}


@pytest.mark.parametrize(
    ("system", "model"),
    [("hard", "shared"), ("sparse", "shared"), ("single", "pos"), ("single", "ner"), ("single", "chunk")],
)
def test_the_models_give_the_tags_that_they_gave(finished, golden, system, model):
    tagger = Tagger.load(finished.path(layout.MODEL, system=system, model=model))
    text = load_text(finished.data / "test.safetensors")
    for task in tagger.tasks:
        found = [tag for one in tagger.tag(text[task].words(), [task]) for tag in one.tags[task]]
        expected = " ".join(golden[1][f"{system} {task}"]).split()
        assert len(found) == len(expected)
        assert np.mean([one == other for one, other in zip(found, expected, strict=True)]) >= 0.97
