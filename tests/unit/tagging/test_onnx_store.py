"""Masked weights in a graph: nodes unpack for each task what its mask keeps."""

import numpy as np
import pytest

from sparse_sharing.tagging.onnx_nodes import Nodes
from sparse_sharing.tagging.onnx_store import MaskedWeights

pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")

SHAPES = {"matrix": (5, 7), "bias": (3,), "kernel": (2, 3, 2)}


def unpacked(arrays, masks, int8=False):
    """For each task the tensors that the nodes compute, and the constants of the graph."""
    nodes = Nodes(int8)
    store = MaskedWeights(nodes, arrays, masks)
    names = {(task, name): store.tensor(name, task) for task in masks for name in arrays}
    outputs = {output: ("FLOAT", arrays[name].shape) for (_, name), output in names.items()}
    model = nodes.model({}, outputs, {"": 17}, 8).SerializeToString()
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    values = dict(zip(outputs, session.run(list(outputs), {}), strict=True))
    return {key: values[output] for key, output in names.items()}, nodes.constants


@pytest.mark.parametrize("density", [0.0, 0.1, 0.6, 1.0])
def test_tensors_are_those_that_masks_keep(density):
    random = np.random.default_rng(1)
    arrays = {name: random.normal(size=shape).astype(np.float32) for name, shape in SHAPES.items()}
    masks = {task: {name: random.random(shape) < density for name, shape in SHAPES.items()} for task in ("ner", "pos")}
    masks["ner"]["matrix"][0, 0] = True  # at least one weight is kept
    found, constants = unpacked(arrays, masks)
    for (task, name), value in found.items():
        assert np.array_equal(value, np.where(masks[task][name], arrays[name], 0))
    union = sum((masks["ner"][name] | masks["pos"][name]).sum() for name in SHAPES)
    assert constants["kept"].shape == (union,)
    assert constants["mask.ner"].dtype == np.uint8


def test_eight_bits_are_within_half_a_step_of_each_weight():
    random = np.random.default_rng(1)
    arrays = {"matrix": random.normal(size=(5, 7)).astype(np.float32)}
    masks = {"ner": {"matrix": random.random((5, 7)) < 0.5}}
    found, constants = unpacked(arrays, masks, int8=True)
    kept = np.where(masks["ner"]["matrix"], arrays["matrix"], 0)
    step = np.abs(kept).max(axis=1, keepdims=True) / 127
    assert (np.abs(found["ner", "matrix"] - kept) <= 0.51 * step).all()
    assert constants["kept"].dtype == np.int8
