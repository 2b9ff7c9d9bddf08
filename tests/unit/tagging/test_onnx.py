"""The exported network: the scores of torch for sentences of any length, decoded without torch."""

import itertools
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny import TASKS, encoded, network_of, sentences

from sparse_sharing.errors import ConfigError
from sparse_sharing.tagging.onnx_export import build_graph
from sparse_sharing.tagging.onnx_tagger import OnnxTagger, best_path, network_inputs

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

ROUNDING = 1e-5


def arrays_of(network, task):
    """The values that one task needs, as arrays."""
    return {
        name: value.numpy().copy()
        for name, value in network.values().items()
        if not name.startswith("heads") or name.startswith(f"heads.{task}.")
    }


def tagger_of(network, task="ner", **steps):
    """The exported network of a task."""
    decoding = {"task": task, "model": {"word_dimension": 6}, "transitions": None, "start": None, "end": None, **steps}
    return OnnxTagger(
        build_graph(arrays_of(network, task), task, network.model.layers).SerializeToString(),
        decoding,
        network.vocabulary,
    )


def scores_of(network, task, text, tagger, indices):
    """The scores of sentences by torch and by onnxruntime, for each sentence float [L, T]."""
    from sparse_sharing.data.batches import make_batch

    network.encoder.eval()
    network.activate(task)
    batch = make_batch(text, indices)
    ours = network.logits(task, network.words[batch.word_rows], batch).detach().numpy()
    inputs = network_inputs(text, indices) | {"extra": np.zeros((0, 6), np.float32)}
    (theirs,) = tagger.session.run(["scores"], inputs)
    return [(ours[:length, column], theirs[:length, column]) for column, length in enumerate(text.lengths[indices])]


@pytest.mark.parametrize(("layers", "hidden", "width"), [(1, 4, 3), (2, 3, 5), (3, 2, 1)])
def test_the_graph_gives_the_scores_of_torch_for_any_lengths_and_batches(layers, hidden, width):
    network = network_of(seed=3, layers=layers, hidden=hidden, character_width=width)
    text, tagger = encoded(sentences(12, seed=4)), tagger_of(network)
    for indices in ([0], [1, 2], list(range(12)), [5, 3, 3]):
        for ours, theirs in scores_of(network, "ner", text, tagger, np.array(indices)):
            assert np.abs(ours - theirs).max() < ROUNDING
            assert np.ptp(ours) > 100 * ROUNDING


def test_the_graph_is_valid_onnx():
    onnx.checker.check_model(build_graph(arrays_of(network_of(), "pos"), "pos", 1), full_check=True)


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("batch_size", [1, 3, 100])
def test_predictions_are_those_of_torch_in_the_order_of_the_text(task, batch_size):
    network, text = network_of(seed=3), encoded(sentences(11, seed=4))
    found = tagger_of(network, task).predict(text, batch_size)
    assert found.tolist() == network.predict(task, text).tolist()
    assert len(set(found.tolist())) > 1


def test_words_that_training_lacks_are_read_by_their_vectors():
    network = network_of(seed=3)
    network.words.mul_(10)
    vectors = {name: np.full(4, value, np.float32) for name, value in (("zzz", 9.0), ("qqq", -9.0))}
    text = encoded([(["zzz", "qqq", "zzz", "xxx"], {task: ["O"] * 4 for task in TASKS})], None, vectors, 4)
    assert tagger_of(network, "ner").predict(text).tolist() == network.predict("ner", text).tolist()
    assert len(text.extra) == 2


def test_a_graph_of_the_same_network_has_the_same_bytes():
    first, second = (build_graph(arrays_of(network_of(), "ner"), "ner", 1).SerializeToString() for _ in range(2))
    assert first == second


def test_a_network_with_other_parts_is_refused_with_their_names():
    values = arrays_of(network_of(), "ner") | {"heads.ner.gate": np.zeros(3, np.float32)}
    with pytest.raises(ConfigError, match=r"this model differs in heads\.ner\.gate"):
        build_graph(values, "ner", 1)


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
    steps = {"transitions": allowed.tolist(), "start": [0.0] * count, "end": [0.0] * count}
    found = text.by_sentence(tagger_of(network, **steps).predict(text).tolist())
    assert all(set(sentence) <= {2, 5} for sentence in found if len(sentence) > 1)


def test_the_tagger_loads_without_torch():
    code = "import sys, sparse_sharing.tagging.onnx_tagger; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
