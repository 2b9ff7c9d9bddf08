"""The exported network: the scores of torch for sentences of any length, decoded without torch."""

import itertools
import subprocess
import sys
from collections import Counter

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny import TASKS, encoded, network_of, sentences

from sparse_sharing.config.features import Features
from sparse_sharing.errors import ConfigError
from sparse_sharing.masks.mask import Mask
from sparse_sharing.masks.ranking import prune_smallest
from sparse_sharing.network.storage import TrainedModel
from sparse_sharing.tagging import onnx_export
from sparse_sharing.tagging.onnx_graph import Weights, build_graph
from sparse_sharing.tagging.onnx_inputs import network_inputs
from sparse_sharing.tagging.onnx_tagger import OnnxTagger, best_path

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

ROUNDING = 1e-5

SPELLING = Features(prefix=1, suffix=[2, 3], shape=True, rows=40, width=3)


def weights_of(network, masks=None, int8=False, **more):
    """What the graph of a network is built of; `more` replaces or adds values."""
    values = {name: value.numpy().copy() for name, value in network.values().items()} | more
    parts = {
        task: {name: part.numpy() for name, part in mask.tensors().items()} for task, mask in (masks or {}).items()
    }
    return Weights(values, parts, network.readouts, int8)


def decoding_of(network, **chains):
    """What decoding needs; `chains` are those of tasks with a CRF."""
    tasks = {task: {"chain": chains[task]} if task in chains else {} for task in network.vocabulary.tasks}
    return {"tasks": tasks, "model": network.model.model_dump(), "data": {"vectors": False}}


def tagger_of(network, masks=None, int8=False, **chains):
    """The exported network of all tasks."""
    graph = build_graph(weights_of(network, masks, int8)).SerializeToString()
    return OnnxTagger(graph, decoding_of(network, **chains), network.vocabulary)


def random_masks(network, seed=0, density=0.5):
    """A mask for each task."""
    random = np.random.default_rng(seed)
    size = len(network.prunable_values())
    return {
        task: Mask(torch.from_numpy(random.random(size) < density), network.prunable_shapes, "initial")
        for task in network.vocabulary.tasks
    }


def scores_of(network, task, text, tagger, indices):
    """The scores of sentences by torch and by onnxruntime, for each sentence float [L, T]."""
    network.encoder.eval()
    network.activate(task)
    batch = network.encoder.batch(text, indices)
    ours = network.logits(task, network.gather(batch), batch).detach().numpy()
    inputs = network_inputs(text, indices, tagger.inputs.features) | {"extra": np.zeros((1, 6), np.float32)}
    (theirs,) = tagger.session.run([f"scores.{task}"], inputs)
    return [(ours[:length, column], theirs[:length, column]) for column, length in enumerate(text.lengths[indices])]


@pytest.mark.parametrize(("layers", "hidden", "width"), [(1, 4, 3), (2, 3, 5), (3, 2, 1)])
def test_the_graph_gives_the_scores_of_torch_for_any_lengths_and_batches(layers, hidden, width):
    network = network_of(seed=3, layers=layers, hidden=hidden, character_width=width)
    text, tagger = encoded(sentences(12, seed=4)), tagger_of(network)
    for indices in ([0], [1, 2], list(range(12)), [5, 3, 3]):
        for ours, theirs in scores_of(network, "ner", text, tagger, np.array(indices)):
            assert np.abs(ours - theirs).max() < ROUNDING
            assert np.ptp(ours) > 100 * ROUNDING


@pytest.mark.parametrize("density", [None, 0.5])
@pytest.mark.parametrize(
    "inputs",
    [{"features": SPELLING}, {"character_widths": [2, 4]}, {"features": SPELLING, "character_widths": [1, 4]}],
)
def test_the_graph_has_the_optional_inputs_of_words(inputs, density):
    network = network_of(seed=3, **inputs)
    masks = random_masks(network, density=density) if density else {}
    network.set_masks(masks)
    text, tagger = encoded(sentences(12, seed=4)), tagger_of(network, masks)
    for task in TASKS:
        for ours, theirs in scores_of(network, task, text, tagger, np.arange(12)):
            assert np.abs(ours - theirs).max() < ROUNDING
            assert np.ptp(ours) > 100 * ROUNDING


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("density", [0.5, 0.02])
def test_with_masks_each_task_has_the_scores_of_its_subnetwork(layers, density):
    network = network_of(seed=3, layers=layers)
    masks = random_masks(network, density=density)
    network.set_masks(masks)
    text, tagger = encoded(sentences(12, seed=4)), tagger_of(network, masks)
    for task in TASKS:
        for ours, theirs in scores_of(network, task, text, tagger, np.arange(12)):
            assert np.abs(ours - theirs).max() < ROUNDING


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("share", [0.5, 0.75])
def test_with_masks_over_units_each_task_has_the_scores_of_its_compact_network(layers, share):
    network = network_of(seed=3, layers=layers, hidden=6)
    dense = Mask.dense(network.units.shapes, "initial")
    kept = round(share * dense.keep.numel())
    masks = {}
    for number, task in enumerate(TASKS):
        scores = torch.rand(len(network.prunable_values()), generator=torch.Generator().manual_seed(number))
        masks[task] = prune_smallest(network.units.rank(scores, dense), dense, kept)
    network.set_masks(masks)
    values = {name: value.numpy() for name, value in network.values().items()}
    model = TrainedModel(values, masks, {"tasks": list(TASKS)}, {}, "")
    graph = build_graph(onnx_export.weights_of(model, network))
    tagger = OnnxTagger(graph.SerializeToString(), decoding_of(network), network.vocabulary)
    text = encoded(sentences(12, seed=4))
    for task in TASKS:
        for ours, theirs in scores_of(network, task, text, tagger, np.arange(12)):
            assert np.abs(ours - theirs).max() < ROUNDING
    sizes = {
        attribute.i for node in graph.graph.node for attribute in node.attribute if attribute.name == "hidden_size"
    }
    assert max(sizes) <= 6
    assert min(sizes) < 6
    assert kinds_of(graph)["Conv"] == 1


def kinds_of(graph):
    """How many nodes of each kind a graph has."""
    return Counter(node.op_type for node in graph.graph.node)


def test_layers_that_tasks_have_in_common_run_once():
    network = network_of(seed=3, layers=2)
    assert kinds_of(build_graph(weights_of(network)))["LSTM"] == 2
    masks = random_masks(network)
    network.set_masks(masks)
    assert kinds_of(build_graph(weights_of(network, masks)))["LSTM"] == 2 * len(TASKS)
    same = dict.fromkeys(TASKS, masks["ner"])
    network.set_masks(same)
    assert kinds_of(build_graph(weights_of(network, same)))["LSTM"] == 2


def test_weights_are_stored_once_and_masks_as_bits():
    network = network_of(seed=3, layers=2)
    masks = random_masks(network)
    network.set_masks(masks)
    stored = {one.name: list(one.dims) for one in build_graph(weights_of(network, masks)).graph.initializer}
    union = np.logical_or.reduce([mask.keep.numpy() for mask in masks.values()])
    assert stored["kept"] == [union.sum()]
    assert all(stored[f"mask.{task}"] == [(len(union) + 7) // 8] for task in TASKS)
    assert not [name for name, shape in stored.items() if name.startswith("lstm") and name[-1] in "WR"]


@pytest.mark.parametrize("int8", [False, True])
@pytest.mark.parametrize("sparse", [False, True])
def test_the_graph_is_valid_onnx(sparse, int8):
    network = network_of()
    masks = random_masks(network) if sparse else {}
    network.set_masks(masks)
    onnx.checker.check_model(build_graph(weights_of(network, masks, int8)), full_check=True)


@pytest.mark.parametrize("sparse", [False, True])
def test_weights_of_eight_bits_take_less_room_and_give_nearly_the_same_scores(sparse):
    network = network_of(seed=3, layers=2, hidden=20)
    masks = random_masks(network) if sparse else {}
    network.set_masks(masks)
    sizes = [len(build_graph(weights_of(network, masks, int8)).SerializeToString()) for int8 in (False, True)]
    assert sizes[1] < 0.6 * sizes[0]
    text, tagger = encoded(sentences(12, seed=4)), tagger_of(network, masks, int8=True)
    for ours, theirs in scores_of(network, "ner", text, tagger, np.arange(12)):
        assert ROUNDING < np.abs(ours - theirs).max() < 0.05 * np.ptp(ours)


@pytest.mark.parametrize("batch_size", [1, 3, 100])
def test_predictions_are_those_of_torch_in_the_order_of_the_text(batch_size):
    network, text = network_of(seed=3), encoded(sentences(11, seed=4))
    found = tagger_of(network).predict(text, TASKS, batch_size)
    for task in TASKS:
        tags, shares = found[task]
        assert tags.tolist() == network.predict(task, text).tolist()
        assert shares == pytest.approx(network.confidences(task, text, tags), rel=1e-4)
        assert len(set(tags.tolist())) > 1


def test_words_that_training_lacks_are_read_by_their_vectors():
    network = network_of(seed=3)
    network.rows["words.weight"].mul_(10)
    vectors = {name: np.full(4, value, np.float32) for name, value in (("zzz", 9.0), ("qqq", -9.0))}
    text = encoded([(["zzz", "qqq", "zzz", "xxx"], {task: ["O"] * 4 for task in TASKS})], None, vectors, 4)
    assert tagger_of(network).predict(text, ["ner"])["ner"][0].tolist() == network.predict("ner", text).tolist()
    assert len(text.extra) == 2


def test_a_graph_of_the_same_network_has_the_same_bytes():
    first, second = (build_graph(weights_of(network_of())).SerializeToString() for _ in range(2))
    assert first == second


def test_a_network_with_other_parts_is_refused_with_their_names():
    with pytest.raises(ConfigError, match=r"this model differs in heads\.ner\.gate"):
        build_graph(weights_of(network_of(), **{"heads.ner.gate": np.zeros(3, np.float32)}))


def path_score(path, scores, transitions, start, end):
    """The sum that a sequence of tags scores."""
    moves = sum(transitions[a, b] for a, b in itertools.pairwise(path))
    return scores[np.arange(len(path)), list(path)].sum() + moves + start[path[0]] + end[path[-1]]


@settings(max_examples=50)
@given(seed=st.integers(0, 2**32 - 1), length=st.integers(1, 5), tags=st.integers(1, 4))
def test_the_best_path_scores_most_of_all_paths(seed, length, tags):
    random = np.random.default_rng(seed)
    parts = (random.normal(size=shape) for shape in ((length, tags), (tags, tags), tags, tags))
    scores, transitions, start, end = parts
    found = best_path(scores, transitions, start, end)
    best = max(
        path_score(path, scores, transitions, start, end) for path in itertools.product(range(tags), repeat=length)
    )
    assert path_score(found.tolist(), scores, transitions, start, end) == pytest.approx(best)


def test_with_transitions_a_sentence_is_decoded_as_a_path():
    network, text = network_of(seed=3), encoded(sentences(6, seed=4))
    count = len(network.vocabulary.tasks["ner"].tags)
    allowed = np.full((count, count), -1000.0)
    allowed[2, 5] = allowed[5, 2] = 0
    chain = {"transitions": allowed.tolist(), "start": [0.0] * count, "end": [0.0] * count}
    found = text.by_sentence(tagger_of(network, ner=chain).predict(text, ["ner"])["ner"][0].tolist())
    assert all(set(sentence) <= {2, 5} for sentence in found if len(sentence) > 1)


def test_the_tagger_loads_without_torch():
    code = "import sys, sparse_sharing.tagging.onnx_tagger; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
