"""The network of one task as an ONNX graph, which any runtime of ONNX can run.

The graph is written node by node: it is short, its two-way LSTM knows the lengths of sentences, and the exporter of
torch fixes the length of a network that turns its input round (pytorch/pytorch#191855).
"""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sparse_sharing import __version__
from sparse_sharing.artifacts import file_digest, save_json, write_atomically
from sparse_sharing.config.specs import ExportSpec
from sparse_sharing.data.text import EncodedText
from sparse_sharing.data.vocabulary import PADDING_CHARACTER
from sparse_sharing.errors import ArtifactError, ConfigError
from sparse_sharing.models.encoder import layer_number
from sparse_sharing.models.network import WORDS, Network
from sparse_sharing.models.storage import TrainedModel
from sparse_sharing.tagging.onnx_tagger import DECODING_FILE, NETWORK_FILE, VOCABULARY_FILE, OnnxTagger

if TYPE_CHECKING:
    import onnx

log = logging.getLogger(__name__)

OPSET, FORMAT_VERSION = 17, 8
"""Of the operators and of the file: old enough for every runtime of the last years."""

TOLERATED = 1e-4
"""Share of dev tokens that may get another tag: rounding differs, so two tags that score the same may change places."""

CHAIN = ("transitions", "start", "end")
"""The parts of a CRF, which decoding knows and the graph does not."""

FORBIDDEN = np.float32(-1e30)
"""Lower than any sum of scores, and far from the smallest float32."""

DIRECTIONS = ("left_to_right", "right_to_left")

GATES = (0, 3, 1, 2)
"""Torch has the gates in the order input, forget, cell, output; ONNX has input, output, forget, cell."""

INPUTS = {
    "words": ("INT64", ["tokens", "sentences"]),
    "characters": ("INT64", ["surfaces", "characters"]),
    "surfaces": ("INT64", ["tokens", "sentences"]),
    "lengths": ("INT32", ["sentences"]),
    "extra": ("FLOAT", ["unseen", None]),
}


def require_packages() -> None:
    """Check that the optional packages are there.

    Raises:
        ConfigError: One is missing.
    """
    try:
        import onnx  # noqa: F401
        import onnxruntime  # noqa: F401
    except ImportError as error:
        raise ConfigError(f"--onnx needs {error.name}; pip install onnx onnxruntime") from error


def run(model: TrainedModel, network: Network, spec: ExportSpec, output: Path, text: EncodedText) -> None:
    """Write `network.onnx` and `onnx.json` of a model of one task, checked on dev against torch.

    Raises:
        ConfigError: The model has parts that the graph does not know.
        ArtifactError: Too many tags differ from those of torch.
    """
    (task,) = model.tasks
    layers = network.readouts[task]
    read = {name: value for name, value in model.values.items() if layer_number(name) <= layers}
    chain = {name: _finite(read.pop(f"heads.{task}.{name}", None), network, task, name) for name in CHAIN}
    content = build_graph(read, task, layers).SerializeToString()
    decoding = {"task": task, "model": model.details["model"], **chain}
    tagger = OnnxTagger(content, decoding, network.vocabulary)
    different = int((tagger.predict(text) != network.predict(task, text)).sum())
    if different > TOLERATED * len(text.tokens):
        raise ArtifactError(
            f"{output}: {different} of {len(text.tokens)} dev tokens got another tag from onnxruntime than from torch, "
            f"so {NETWORK_FILE} is not written"
        )
    write_atomically(output / NETWORK_FILE, content)
    files = {NETWORK_FILE: file_digest(output / NETWORK_FILE), VOCABULARY_FILE: model.details["vocabulary"]}
    proof = {"tokens": len(text.tokens), "different": different}
    details = {**decoding, "tags": list(network.vocabulary.tasks[task].tags), "files": files, "proof": proof}
    save_json(output / DECODING_FILE, "onnx", spec, {**details, "data": model.details["data"]})
    log.info("%s: %d of %d dev tokens differ from torch", output / NETWORK_FILE, different, len(text.tokens))


def _finite(scores: np.ndarray | None, network: Network, task: str, name: str) -> list | None:
    """What a CRF adds to the scores of tags, forbidden steps with a very low score: JSON has no infinity."""
    if scores is None:
        return None
    barrier = network.head_kinds[task].barriers[name].cpu().numpy()
    return np.maximum(scores + barrier, FORBIDDEN).tolist()


def build_graph(values: Mapping[str, np.ndarray], task: str, layers: int) -> "onnx.ModelProto":
    """The network of a task as a graph from `INPUTS` to `scores`, float [tokens, sentences, tags].

    Words are rows of the word vectors with `extra` behind them; characters and surfaces are as in `EncodedText`;
    what stands behind the end of a sentence has no meaning.

    Raises:
        ConfigError: The values are not those of a BiLSTM with so many layers and a linear head.
    """
    from onnx import TensorProto, helper, numpy_helper

    if unknown := set(values) ^ _known_names(task, layers):
        raise ConfigError(
            f"--onnx knows BiLSTMs with linear or CRF heads; this model differs in {', '.join(sorted(unknown))}"
        )
    constants: dict[str, np.ndarray] = {}
    nodes: list[Any] = []

    def node(kind: str, inputs: list[str], output: str, **attributes: Any) -> str:
        nodes.append(helper.make_node(kind, inputs, [output], **attributes))
        return output

    def constant(name: str, array: np.ndarray) -> str:
        constants[name] = array
        return name

    def weight(name: str) -> str:
        return constant(name, values[name])

    table = node("Concat", [weight(WORDS), "extra"], "table", axis=0)
    word_vectors = node("Gather", [table, "words"], "word_vectors")
    letters = node("Gather", [weight("characters.embedding.weight"), "characters"], "letters")
    upright = node("Transpose", [letters], "upright", perm=[0, 2, 1])
    width = values["characters.convolution.weight"].shape[2]
    filters = [weight("characters.convolution.weight"), weight("characters.convolution.bias")]
    features = node("Conv", [upright, *filters], "features", pads=[width // 2, width // 2])
    is_padding = node("Equal", ["characters", constant("padding", np.int64(PADDING_CHARACTER))], "is_padding")
    over_filters = node("Unsqueeze", [is_padding, constant("one", np.array([1]))], "over_filters")
    real = node("Where", [over_filters, constant("lowest", np.float32(-np.inf)), features], "real")
    spellings = node("ReduceMax", [real], "spellings", axes=[2], keepdims=0)
    states = node("Concat", [word_vectors, node("Gather", [spellings, "surfaces"], "spelled")], "embedded", axis=2)

    flat = constant("flat", np.array([0, 0, -1]))
    for layer in range(layers):
        parts = [constant(f"lstm{layer}.{name}", array) for name, array in _lstm(values, layer).items()]
        hidden = constants[parts[1]].shape[2]
        outputs = {"direction": "bidirectional", "hidden_size": hidden}
        both = node("LSTM", [states, *parts, "lengths"], f"both{layer}", **outputs)
        turned = node("Transpose", [both], f"turned{layer}", perm=[0, 2, 1, 3])
        states = node("Reshape", [turned, flat], f"states{layer}")

    head = constant("head", values[f"heads.{task}.weight"].T)
    node("Add", [node("MatMul", [states, head], "products"), weight(f"heads.{task}.bias")], "scores")

    dimension = values[WORDS].shape[1]
    inputs = [
        helper.make_tensor_value_info(
            name, getattr(TensorProto, kind), [dimension if axis is None else axis for axis in axes]
        )
        for name, (kind, axes) in INPUTS.items()
    ]
    shape = ["tokens", "sentences", len(values[f"heads.{task}.bias"])]
    outputs = [helper.make_tensor_value_info("scores", TensorProto.FLOAT, shape)]
    tensors = [numpy_helper.from_array(np.ascontiguousarray(array), name) for name, array in constants.items()]
    graph = helper.make_graph(nodes, "tagger", inputs, outputs, tensors)
    opset = [helper.make_opsetid("", OPSET)]
    return helper.make_model(
        graph, opset_imports=opset, ir_version=FORMAT_VERSION, producer_name=f"sparse-sharing {__version__}"
    )


def _known_names(task: str, layers: int) -> set[str]:
    """The values that the graph has a place for."""
    characters = {f"characters.{part}" for part in ("embedding.weight", "convolution.weight", "convolution.bias")}
    parts = [f"{kind}_{source}_l0" for kind in ("weight", "bias") for source in ("ih", "hh")]
    lstms = {f"recurrent.{layer}.{way}.{part}" for layer in range(layers) for way in DIRECTIONS for part in parts}
    return {WORDS, f"heads.{task}.weight", f"heads.{task}.bias"} | characters | lstms


def _lstm(values: Mapping[str, np.ndarray], layer: int) -> dict[str, np.ndarray]:
    """A layer's weights `W` [2, 4H, inputs], `R` [2, 4H, H] and `B` [2, 8H], as ONNX has them."""

    def both(part: str) -> np.ndarray:
        return np.stack([_in_onnx_order(values[f"recurrent.{layer}.{way}.{part}_l0"]) for way in DIRECTIONS])

    biases = np.concatenate([both("bias_ih"), both("bias_hh")], axis=1)
    return {"W": both("weight_ih"), "R": both("weight_hh"), "B": biases}


def _in_onnx_order(array: np.ndarray) -> np.ndarray:
    """The gates, which lie one behind the other on the first axis, in the order of ONNX."""
    return np.concatenate([np.split(array, 4)[gate] for gate in GATES])
