"""Transformers as ONNX files: the tags of torch for all families, and no more weights than the model."""

import subprocess
import sys

import numpy as np
import pytest
import tiny_transformers
import torch
from tiny import TASKS, encoded, initialised, random_mask

from sparse_sharing.errors import ConfigError
from sparse_sharing.masks.mask import Mask
from sparse_sharing.network.storage import storage_sizes
from sparse_sharing.storage.artifacts import load_json
from sparse_sharing.tagging import onnx_transformer
from sparse_sharing.tagging.onnx_export import require_packages
from sparse_sharing.tagging.onnx_tagger import OnnxTagger

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
pytest.importorskip("onnxscript")

# The exporter takes seconds for each kind of model.
pytestmark = pytest.mark.slow

WORDS = ["the", "lively", "sailor", "unbelievable", "\u200b", "[SEP]", "outsiders", "12,000", "Museum", "harbours"]
FAMILIES = list(tiny_transformers.FAMILIES)


@pytest.fixture(scope="module", autouse=True)
def _traced_once():
    with pytest.MonkeyPatch.context() as patch:
        tiny_transformers.trace_once(patch)
        yield


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tiny_transformers.save(tmp_path_factory.mktemp("pretrained"), "bert")


@pytest.fixture(scope="module")
def text():
    """Sentences of up to 60 words, more than fit into a window, some of them without pieces."""
    random = np.random.default_rng(0)
    sentences = [[str(word) for word in random.choice(WORDS, length)] for length in (1, 60, 3, 35, 12, 2)]
    tags = {"chunk": "O", "ner": "O", "pos": "N"}
    return encoded([(words, {task: [tag] * len(words) for task, tag in tags.items()}) for words in sentences])


def network_of(folder, section=lambda model: model, **keys):
    """A network of a tiny transformer whose tags differ from word to word."""
    network = initialised(section(tiny_transformers.section(folder, **keys)))
    source = torch.Generator().manual_seed(1)
    for head in network.heads.values():
        head.data.normal_(generator=source)
    for name, value in network.values().items():
        if name.startswith("tasks."):
            value.add_(torch.randn(value.shape, generator=source), alpha=0.2)
    return network


def masked(network, meaning, density=0.4):
    """Give tasks random masks, and weights other than their base; returns the masks and the base."""
    base, shapes = {}, network.prunable_shapes
    if meaning == "delta":
        network.keep_base()
        base = {name: network.parts(network.base)[name].numpy() for name in shapes}
    source = torch.Generator().manual_seed(2)
    for name, shape in shapes.items():
        network.parts(network.theta)[name].add_(torch.randn(shape, generator=source), alpha=0.1)
    masks = {task: random_mask(network, density, number) for number, task in enumerate(TASKS)}
    network.set_masks(masks)
    return masks, base


def require_same(network, folder, text):
    """Check that the tags and their probabilities are those of torch."""
    tagger = OnnxTagger.load(folder)
    for task in TASKS:
        tags, shares = tagger.predict(text, [task], 4)[task]
        assert tags.tolist() == network.predict(task, text).tolist()
        assert shares == pytest.approx(network.confidences(task, text, tags), abs=1e-4)
        assert len(set(tags.tolist())) > 1


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_has_the_tags_of_torch(family, text, tmp_path):
    layers = {} if family in ("bert", "modernbert") else {"num_hidden_layers": 1}
    network = network_of(tiny_transformers.save(tmp_path / "model", family, **layers))
    assert len(network.encoder.batch(text, [1]).pieces) > 1  # several windows
    for name, (masks, base) in {"dense": ({}, {}), "delta": masked(network, "delta")}.items():
        network.set_masks(masks)
        tiny_transformers.export_onnx(network, tmp_path / name, masks, base, {"random": dict.fromkeys(TASKS, text)})
        require_same(network, tmp_path / name, text)


@pytest.mark.parametrize("pieces", ["first", "last", "mean"])
def test_words_read_the_pieces_that_the_model_reads(pieces, folder, text, tmp_path):
    network = network_of(folder, pieces=pieces)
    tiny_transformers.export_onnx(network, tmp_path)
    require_same(network, tmp_path, text)


@pytest.mark.parametrize("meaning", ["zero", "delta"])
def test_masked_weights_are_stored_once_and_the_file_is_as_large_as_the_model(meaning, folder, text, tmp_path):
    network = network_of(folder)
    masks, base = masked(network, meaning)
    model = tiny_transformers.export_onnx(network, tmp_path, masks, base)
    require_same(network, tmp_path, text)
    graph = onnx.load(tmp_path / "network.onnx")
    assert calls(graph) == len(TASKS)
    stored = {tensor.name: tensor for tensor in graph.graph.initializer}
    union = np.logical_or.reduce([mask.keep.numpy() for mask in masks.values()])
    assert list(stored["kept"].dims) == [union.sum()]
    weights = sum(len(tensor.raw_data) for tensor in stored.values() if len(tensor.raw_data) > 100)
    assert weights <= 1.01 * storage_sizes(model)["stored"]["total"]


@pytest.mark.parametrize("kind", ["lora", "bitfit"])
def test_tensors_of_tasks_are_stored_beside_those_that_all_share(kind, folder, text, tmp_path):
    network = network_of(folder, lambda model: model.adapted((2, 4.0) if kind == "lora" else None))
    model = tiny_transformers.export_onnx(network, tmp_path)
    require_same(network, tmp_path, text)
    graph = onnx.load(tmp_path / "network.onnx")
    assert calls(graph) == len(TASKS)
    weights = sum(len(tensor.raw_data) for tensor in graph.graph.initializer)
    assert weights <= 1.01 * storage_sizes(model)["stored"]["total"]


def test_masks_over_units_have_the_tags_of_torch(folder, text, tmp_path):
    network = network_of(folder)
    masks = {}
    for number, task in enumerate(TASKS):
        dense = Mask.dense(network.units.shapes, "")
        keep = torch.rand(dense.keep.shape, generator=torch.Generator().manual_seed(number)) < 0.6
        masks[task] = Mask(keep, dense.shapes, "")
    network.set_masks(masks)
    tiny_transformers.export_onnx(network, tmp_path, masks)
    require_same(network, tmp_path, text)


@pytest.mark.parametrize("meaning", [None, "zero", "delta"])
def test_weights_of_eight_bits_take_less_room_and_give_nearly_the_same_scores(meaning, folder, text, tmp_path):
    network = network_of(folder)
    masks, base = masked(network, meaning) if meaning else ({}, {})
    sizes = []
    for int8 in (False, True):
        tiny_transformers.export_onnx(network, tmp_path / str(int8), masks, base, int8=int8)
        content = onnx.load(tmp_path / str(int8) / "network.onnx").graph.initializer
        sizes.append(sum(len(tensor.raw_data) for tensor in content))
    assert sizes[1] < 0.7 * sizes[0]
    assert load_json(tmp_path / "True" / "onnx.json", "onnx").details["int8"]
    expected = network.predict("ner", text)
    shares = OnnxTagger.load(tmp_path / "True").predict(text, ["ner"])["ner"][1]
    difference = np.abs(shares - network.confidences("ner", text, expected))
    assert 1e-5 < np.median(difference) < 0.05


def calls(graph):
    """How often a graph calls the body of its transformer."""
    return sum(node.op_type == onnx_transformer.FUNCTION for node in graph.graph.node)


def test_tasks_that_read_the_same_weights_run_once(folder, tmp_path):
    tiny_transformers.export_onnx(network_of(folder), tmp_path / "hard")
    assert calls(onnx.load(tmp_path / "hard" / "network.onnx")) == 1
    network = network_of(folder)
    masks = dict.fromkeys(TASKS, random_mask(network, 0.5))
    network.set_masks(masks)
    tiny_transformers.export_onnx(network, tmp_path / "same", masks)
    assert calls(onnx.load(tmp_path / "same" / "network.onnx")) == 1


def test_the_file_is_valid_and_has_no_traces_of_the_machine(folder, tmp_path):
    network = network_of(folder)
    tiny_transformers.export_onnx(network, tmp_path, *masked(network, "delta"))
    content = (tmp_path / "network.onnx").read_bytes()
    onnx.checker.check_model(onnx.load_from_string(content), full_check=True)
    assert b".py" not in content
    assert b"torch" not in content


def test_a_tagger_imports_neither_torch_nor_transformers(folder, tmp_path):
    network = network_of(folder)
    tiny_transformers.export_onnx(network, tmp_path)
    code = (
        "import sys\n"
        "from sparse_sharing.tagging.onnx_tagger import OnnxTagger\n"
        f"print(len(OnnxTagger.load({str(tmp_path)!r}).tag([['the', 'sea']])))\n"
        "print(sorted({'torch', 'transformers'} & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["1", "[]"]


@pytest.mark.parametrize("change", ["missing", "changed"])
def test_another_tokenizer_is_refused(change, folder, tmp_path):
    from sparse_sharing.errors import ArtifactError

    tiny_transformers.export_onnx(network_of(folder), tmp_path)
    if change == "missing":
        (tmp_path / "tokenizer.json").unlink()
    else:
        (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(ArtifactError, match=r"tokenizer\.json: (cannot be read|is not the file)"):
        OnnxTagger.load(tmp_path)


def test_an_architecture_that_torch_does_not_export_is_refused_by_name(folder, tmp_path, monkeypatch):
    def failing(*arguments, **options):
        raise RuntimeError("no such operator\nmore lines")

    monkeypatch.setattr(torch.onnx, "export", failing)
    model = tiny_transformers.section(tiny_transformers.save(tmp_path / "model", "electra"))
    with pytest.raises(ConfigError, match=r"models of type 'electra' cannot be written .* \(no such operator\)"):
        onnx_transformer.trace(model, {}, 12)


def test_a_file_that_its_format_does_not_allow_is_refused_with_a_remedy(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(onnx_transformer, "LARGEST", 1000)
    with pytest.raises(ConfigError, match=r"the file would have .* GB.*--int8"):
        tiny_transformers.export_onnx(network_of(folder), tmp_path)


def test_a_missing_exporter_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    require_packages("bilstm")
    with pytest.raises(ConfigError, match="--onnx needs onnxscript; pip install onnx onnxruntime onnxscript"):
        require_packages("transformer")
