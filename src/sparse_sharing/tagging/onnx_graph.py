"""The network of several tasks as one ONNX graph, which any runtime of ONNX can run.

The graph is built node by node: it is short, its bidirectional LSTM uses the lengths of sentences, and the exporter of
torch fixes the length for a network that reverses its input (pytorch/pytorch#191855).

Masked weights are stored as in a model's own file (see `onnx_store`). A layer runs once for all tasks whose masks agree
in it and in all layers below it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from sparse_sharing.errors import ConfigError
from sparse_sharing.tagging.onnx_nodes import Nodes, Signature, array_digest, short_digest
from sparse_sharing.tagging.onnx_store import MaskedWeights
from sparse_sharing.text.features import FEATURES, HASHES
from sparse_sharing.text.vocabulary import PADDING_CHARACTER

if TYPE_CHECKING:
    import onnx

OPSET, FORMAT_VERSION = 17, 8
"""Versions of the operators and of the file: old enough for every runtime of recent years."""

WORDS, CHARACTERS, EMBEDDING = "words.weight", "characters.", "characters.embedding"
DIRECTIONS = ("left_to_right", "right_to_left")

GATES = (0, 3, 1, 2)
"""Torch has the gates in the order input, forget, cell, output; ONNX has input, output, forget, cell."""

INPUTS: Signature = {
    "words": ("INT64", ["tokens", "sentences"]),
    "characters": ("INT64", ["surfaces", "characters"]),
    "surfaces": ("INT64", ["tokens", "sentences"]),
    "lengths": ("INT32", ["sentences"]),
}
"""Inputs of every network; `extra`, FLOAT [unseen, numbers of a word vector], follows them."""

FEATURES_INPUT: Signature = {"features": ("INT64", ["surfaces", "rows"])}
"""A further input of networks with features of the spelling, as from `FeatureRows`."""

CHAIN = ("transitions", "start", "end")
"""The parts of a CRF, which are used in decoding and not in the graph."""


@dataclass(frozen=True)
class Weights:
    """The weights and masks of a graph.

    Attributes:
        values: float32 arrays by name.
        masks: for each task the bool arrays of what its mask keeps, by the same names; empty for a dense network.
        layers: for each task how many BiLSTM layers it reads.
        int8: whether vectors and weight matrices are stored in eight bits, with a float32 scale for each row.
        compact: if masks remove whole units, for each task the arrays of its smaller network; `masks` is then empty.
    """

    values: Mapping[str, np.ndarray]
    masks: Mapping[str, Mapping[str, np.ndarray]]
    layers: Mapping[str, int]
    int8: bool = False
    compact: Mapping[str, Mapping[str, np.ndarray]] = field(default_factory=dict)

    def of(self, task: str) -> Mapping[str, np.ndarray]:
        """The arrays that a task reads."""
        return self.compact.get(task, self.values)


def build_graph(weights: Weights) -> "onnx.ModelProto":
    """The graph from `INPUTS` to `scores.TASK` of each task, float [tokens, sentences, tags].

    Word ids beyond the vocabulary are rows of `extra`, which has at least one row; characters and surfaces are as in
    `EncodedText`; values after the end of a sentence have no meaning.

    Raises:
        ConfigError: The weights are not those of a BiLSTM with linear or CRF heads.
    """
    names = {name for name in weights.values if not name.endswith(tuple(f".{part}" for part in CHAIN))}
    if unknown := names ^ _known_names(weights):
        raise ConfigError(
            f"--onnx supports BiLSTMs with linear or CRF heads; this model differs in {', '.join(sorted(unknown))}"
        )
    return _Graph(weights).build()


class _Graph(Nodes):
    """The nodes of a BiLSTM with its heads."""

    def __init__(self, weights: Weights) -> None:
        super().__init__(weights.int8)
        self.weights = weights
        self.masked = None
        if weights.masks:
            names = covered_names(weights)
            masks = {task: onnx_arrays(mask, names) for task, mask in weights.masks.items()}
            self.masked = MaskedWeights(self, onnx_arrays(weights.values, names), masks)

    def build(self) -> "onnx.ModelProto":
        outputs = {}
        for task, layers in self.weights.layers.items():
            values, states = self.weights.of(task), self._embed(task)
            for layer in range(layers):
                states = self._layer(task, layer, states)
            head = self.constant(f"head.{task}", values[f"heads.{task}.weight"].T)
            bias = self.constant(f"bias.{task}", values[f"heads.{task}.bias"])
            scores = self.node("Add", [self.node("MatMul", [states, head], f"products.{task}"), bias], f"scores.{task}")
            outputs[scores] = ("FLOAT", ["tokens", "sentences", len(values[f"heads.{task}.bias"])])
        dimension = self.weights.values[WORDS].shape[1]
        inputs = {**INPUTS, "extra": ("FLOAT", ["unseen", dimension])}
        if FEATURES in self.weights.values:
            inputs |= FEATURES_INPUT
        return self.model(inputs, outputs, {"": OPSET}, FORMAT_VERSION)

    def matrix(self, name: str, task: str) -> str:
        """A tensor of weights as the task keeps it; equal ones have the same name."""
        if self.masked is not None and name in self.masked.places:
            return self.masked.tensor(name, task)
        return self.weight(name, onnx_arrays(self.weights.of(task), [name])[name])

    def weight(self, name: str, array: np.ndarray) -> str:
        """A tensor of weights, unchanged; tensors of compact networks are named by their content."""
        if self.weights.compact:
            name = f"{name}.{array_digest(array)}"
        return self.constant(name, array) if ".B" in name else self.stored(name, array)

    def _embed(self, task: str) -> str:
        """Word vectors, characters and features, float [tokens, sentences, inputs of the first layer]."""
        kernels = {self.matrix(f"{name}.weight", task): name for name in convolutions(self.weights.values)}
        parts = [self._spellings(task, kernel, name) for kernel, name in kernels.items()]
        if FEATURES in self.weights.values:
            parts.append(self._features())
        key = next(iter(kernels)) if len(kernels) == 1 else array_digest(np.array(list(kernels)))
        spellings = self.node("Concat", parts, f"spelling.{key}", axis=1) if len(parts) > 1 else parts[0]
        spelled = self.node("Gather", [spellings, "surfaces"], f"spelled.{key}")
        return self.node("Concat", [self._word_vectors(), spelled], f"embedded.{key}", axis=2)

    def _spellings(self, task: str, kernel: str, name: str) -> str:
        """The output of a character convolution for each surface, float [surfaces, filters]."""
        values = self.weights.of(task)
        bias = self.constant(f"bias.{kernel}", values[f"{name}.bias"])
        table = self.constant("characters.table", self.weights.values[f"{EMBEDDING}.weight"])
        letters = self.node("Gather", [table, "characters"], "letters")
        upright = self.node("Transpose", [letters], "upright", perm=[0, 2, 1])
        width = values[f"{name}.weight"].shape[2]
        pads = [width // 2, width - 1 - width // 2]
        features = self.node("Conv", [upright, kernel, bias], f"features.{kernel}", pads=pads)
        padding = self.constant("padding", np.int64(PADDING_CHARACTER))
        is_padding = self.node("Equal", ["characters", padding], "is_padding")
        over_filters = self.node("Unsqueeze", [is_padding, self.constant("one", np.array([1]))], "over_filters")
        lowest = self.constant("lowest", np.float32(-np.inf))
        real = self.node("Where", [over_filters, lowest, features], f"real.{kernel}")
        return self.node("ReduceMax", [real], f"spellings.{kernel}", axes=[2], keepdims=0)

    def _features(self) -> str:
        """The vectors of the features of each surface, float [surfaces, features * width]."""
        table = self.weights.values[FEATURES]
        gathered = self.node("Gather", [self.constant("features.table", table), "features"], "feature_rows")
        shape = self.constant("feature_shape", np.array([0, -1, HASHES, table.shape[1]]))
        by_feature = self.node("Reshape", [gathered, shape], "by_feature")
        summed = self.node("ReduceSum", [by_feature, self.constant("third", np.array([2]))], "summed", keepdims=0)
        return self.node("Reshape", [summed, self.constant("line_each", np.array([0, -1]))], "feature_vectors")

    def _word_vectors(self) -> str:
        """The vectors of words, from the table or from `extra`: the table is never copied."""
        array = self.weights.values[WORDS]
        last, size = self.constant("last", np.int64(len(array) - 1)), self.constant("size", np.int64(len(array)))
        row = self.node("Min", ["words", last], "row")
        from_table = self.rows("words", array, row)
        beyond = self.node("Sub", ["words", size], "beyond")
        zero = self.constant("zero", np.int64(0))
        extra = self.node("Gather", ["extra", self.node("Max", [beyond, zero], "extra_row")], "given")
        is_given = self.node("GreaterOrEqual", [beyond, zero], "is_given")
        axis = self.constant("third", np.array([2]))
        return self.node(
            "Where", [self.node("Unsqueeze", [is_given, axis], "over_numbers"), extra, from_table], "vectors"
        )

    def _layer(self, task: str, layer: int, states: str) -> str:
        """A BiLSTM layer over states, float [tokens, sentences, numbers of a state]."""
        if not _is_even(self.weights.of(task), layer):
            return self._uneven_layer(task, layer, states)
        parts = [self.matrix(f"lstm{layer}.{part}", task) for part in ("W", "R", "B")]
        key = short_digest(" ".join([states, *parts]).encode())
        hidden = self.weights.of(task)[f"recurrent.{layer}.{DIRECTIONS[0]}.weight_hh_l0"].shape[1]
        both = self.node(
            "LSTM", [states, *parts, "lengths"], f"both.{key}", direction="bidirectional", hidden_size=hidden
        )
        turned = self.node("Transpose", [both], f"turned.{key}", perm=[0, 2, 1, 3])
        return self.node("Reshape", [turned, self.constant("flat", np.array([0, 0, -1]))], f"states.{key}")

    def _uneven_layer(self, task: str, layer: int, states: str) -> str:
        """A BiLSTM layer whose directions have different numbers of units: an LSTM for each."""
        both, values = [], self.weights.of(task)
        for way, direction in zip(DIRECTIONS, ("forward", "reverse"), strict=True):
            tensors = {part: array[None] for part, array in _one_way(values, layer, way).items()}
            parts = [self.weight(f"lstm{layer}.{way}.{part}", array) for part, array in tensors.items()]
            key = array_digest(np.array([states, *parts]))
            hidden = tensors["R"].shape[2]
            output = self.node(
                "LSTM", [states, *parts, "lengths"], f"one.{key}", direction=direction, hidden_size=hidden
            )
            both.append(self.node("Squeeze", [output, self.constant("one", np.array([1]))], f"flat.{key}"))
        return self.node("Concat", both, f"states.{array_digest(np.array(both))}", axis=2)


def onnx_arrays(values: Mapping[str, np.ndarray], names: Sequence[str]) -> dict[str, np.ndarray]:
    """Tensors as ONNX has them: `lstmN.W` [2, 4H, inputs], `lstmN.R` [2, 4H, H], `lstmN.B` [2, 8H]; others as given."""
    arrays = {}
    for name in names:
        layer, _, part = name.removeprefix("lstm").partition(".")
        if not name.startswith("lstm"):
            arrays[name] = values[name]
        elif part == "B":
            arrays[name] = np.concatenate([_both(values, layer, "bias_ih"), _both(values, layer, "bias_hh")], axis=1)
        else:
            arrays[name] = _both(values, layer, {"W": "weight_ih", "R": "weight_hh"}[part])
    return arrays


def covered_names(weights: Weights) -> list[str]:
    """The tensors of the graph that masks cover, in order."""
    layers = range(max(weights.layers.values()))
    kernels = [f"{name}.weight" for name in convolutions(weights.values)]
    return [*kernels, *(f"lstm{layer}.{part}" for layer in layers for part in "WR")]


def convolutions(values: Mapping[str, np.ndarray]) -> list[str]:
    """The names of the character convolutions, in the order of their filters: the narrowest first."""
    names = [
        name.removesuffix(".weight") for name in values if name.startswith(CHARACTERS) and name.endswith(".weight")
    ]
    return sorted(set(names) - {EMBEDDING}, key=lambda name: values[f"{name}.weight"].shape[2])


def _known_names(weights: Weights) -> set[str]:
    """The names of the values that the graph supports."""
    layers = weights.layers
    filters = {f"{name}.{part}" for name in convolutions(weights.values) for part in ("weight", "bias")}
    parts = [f"{kind}_{source}_l0" for kind in ("weight", "bias") for source in ("ih", "hh")]
    deepest = range(max(layers.values()))
    lstms = {f"recurrent.{layer}.{way}.{part}" for layer in deepest for way in DIRECTIONS for part in parts}
    heads = {f"heads.{task}.{part}" for task in layers for part in ("weight", "bias")}
    return {WORDS, f"{EMBEDDING}.weight"} | ({FEATURES} & set(weights.values)) | filters | lstms | heads


def _is_even(values: Mapping[str, np.ndarray], layer: int) -> bool:
    """Whether both directions of a layer have the same number of units."""
    ahead, back = (values[f"recurrent.{layer}.{way}.weight_hh_l0"].shape for way in DIRECTIONS)
    return ahead == back


def _one_way(values: Mapping[str, np.ndarray], layer: int, way: str) -> dict[str, np.ndarray]:
    """The parts W [4H, inputs], R [4H, H] and B [8H] of one direction of a layer, as ONNX has them."""
    ih, hh, bias_ih, bias_hh = (
        _in_onnx_order(values[f"recurrent.{layer}.{way}.{part}_l0"])
        for part in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    )
    return {"W": ih, "R": hh, "B": np.concatenate([bias_ih, bias_hh])}


def _both(values: Mapping[str, np.ndarray], layer: str, part: str) -> np.ndarray:
    """A part of both directions, the gates in the order of ONNX."""
    return np.stack([_in_onnx_order(values[f"recurrent.{layer}.{way}.{part}_l0"]) for way in DIRECTIONS])


def _in_onnx_order(array: np.ndarray) -> np.ndarray:
    """The gates, which follow one another on the first axis, in the order of ONNX."""
    return np.concatenate([np.split(array, 4)[gate] for gate in GATES])
