"""The network of several tasks as one ONNX graph, which any runtime of ONNX can run.

The graph is built node by node: it is short, its bidirectional LSTM uses the lengths of sentences, and the exporter of
torch fixes the length for a network that reverses its input (pytorch/pytorch#191855).

Masked weights are stored as in a model's own file: the weights that any task keeps once, and one bit per weight and
task. Nodes over constants unpack them; a runtime computes these once, when it loads the graph. A layer runs once for
all tasks whose masks agree in it and in all layers below it.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from sparse_sharing import __version__
from sparse_sharing.errors import ConfigError
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

INPUTS = {
    "words": ("INT64", ["tokens", "sentences"]),
    "characters": ("INT64", ["surfaces", "characters"]),
    "surfaces": ("INT64", ["tokens", "sentences"]),
    "lengths": ("INT32", ["sentences"]),
    "extra": ("FLOAT", ["unseen", None]),
}

FEATURES_INPUT = {"features": ("INT64", ["surfaces", "rows"])}
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


class _Graph:
    """Collects nodes and constants; each is added only once."""

    def __init__(self, weights: Weights) -> None:
        self.weights = weights
        self.nodes: list[Any] = []
        self.constants: dict[str, np.ndarray] = {}
        self.node_outputs: set[str] = set()
        self.store = _Store(self, weights) if weights.masks else None

    def node(self, kind: str, inputs: Sequence[str], output: str, **attributes: Any) -> str:
        from onnx import helper

        if output not in self.node_outputs:
            self.node_outputs.add(output)
            self.nodes.append(helper.make_node(kind, list(inputs), [output], **attributes))
        return output

    def constant(self, name: str, array: np.ndarray | np.generic) -> str:
        self.constants[name] = np.asarray(array)
        return name

    def build(self) -> "onnx.ModelProto":
        from onnx import TensorProto, helper, numpy_helper

        outputs = []
        for task, layers in self.weights.layers.items():
            values, states = self.weights.of(task), self._embed(task)
            for layer in range(layers):
                states = self._layer(task, layer, states)
            head = self.constant(f"head.{task}", values[f"heads.{task}.weight"].T)
            bias = self.constant(f"bias.{task}", values[f"heads.{task}.bias"])
            scores = self.node("Add", [self.node("MatMul", [states, head], f"products.{task}"), bias], f"scores.{task}")
            shape = ["tokens", "sentences", len(values[f"heads.{task}.bias"])]
            outputs.append(helper.make_tensor_value_info(scores, TensorProto.FLOAT, shape))
        dimension = self.weights.values[WORDS].shape[1]
        named = INPUTS | (FEATURES_INPUT if FEATURES in self.weights.values else {})
        inputs = [
            helper.make_tensor_value_info(
                name, getattr(TensorProto, kind), [dimension if axis is None else axis for axis in axes]
            )
            for name, (kind, axes) in named.items()
        ]
        tensors = [numpy_helper.from_array(np.ascontiguousarray(a), name) for name, a in self.constants.items()]
        graph = helper.make_graph(self.nodes, "tagger", inputs, outputs, tensors)
        opset = [helper.make_opsetid("", OPSET)]
        return helper.make_model(
            graph, opset_imports=opset, ir_version=FORMAT_VERSION, producer_name=f"sparse-sharing {__version__}"
        )

    def matrix(self, name: str, task: str) -> str:
        """A tensor of weights as the task keeps it; equal ones have the same name."""
        if self.store is not None and name in self.store.places:
            return self.store.tensor(name, task)
        return self.stored(name, onnx_arrays(self.weights.of(task), [name])[name])

    def stored(self, name: str, array: np.ndarray) -> str:
        """A tensor of weights, unchanged; tensors of compact networks are named by their content."""
        if self.weights.compact:
            name = f"{name}.{_digest(array)}"
        if not self.weights.int8 or ".B" in name:
            return self.constant(name, array)
        numbers, scale = quantised(array)
        floats = self.node("Cast", [self.constant(f"{name}.int8", numbers)], f"{name}.floats", to=1)
        return self.node("Mul", [floats, self.constant(f"{name}.scale", scale)], name)

    def _embed(self, task: str) -> str:
        """Word vectors, characters and features, float [tokens, sentences, inputs of the first layer]."""
        kernels = {self.matrix(f"{name}.weight", task): name for name in convolutions(self.weights.values)}
        parts = [self._spellings(task, kernel, name) for kernel, name in kernels.items()]
        if FEATURES in self.weights.values:
            parts.append(self._features())
        key = next(iter(kernels)) if len(kernels) == 1 else _digest(np.array(list(kernels)))
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
        if self.weights.int8:
            numbers, scale = quantised(array)
            gathered = self.node("Gather", [self.constant("words.int8", numbers), row], "found_numbers")
            scales = self.node("Gather", [self.constant("words.scale", scale), row], "found_scales")
            from_table = self.node("Mul", [self.node("Cast", [gathered], "found_floats", to=1), scales], "known")
        else:
            from_table = self.node("Gather", [self.constant("words.table", array), row], "known")
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
        key = hashlib.sha256(" ".join([states, *parts]).encode()).hexdigest()[:12]
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
            parts = [self.stored(f"lstm{layer}.{way}.{part}", array) for part, array in tensors.items()]
            key = _digest(np.array([states, *parts]))
            hidden = tensors["R"].shape[2]
            output = self.node(
                "LSTM", [states, *parts, "lengths"], f"one.{key}", direction=direction, hidden_size=hidden
            )
            both.append(self.node("Squeeze", [output, self.constant("one", np.array([1]))], f"flat.{key}"))
        return self.node("Concat", both, f"states.{_digest(np.array(both))}", axis=2)


class _Store:
    """The masked weights: one vector of the weights that any task keeps, and one bit per weight and task.

    Attributes:
        places: where each covered tensor begins in the vector of all weights, and its shape.
    """

    def __init__(self, graph: _Graph, weights: Weights) -> None:
        self.graph = graph
        names = covered_names(weights)
        arrays = onnx_arrays(weights.values, names)
        self.masks = {task: onnx_arrays(mask, names) for task, mask in weights.masks.items()}
        self.places: dict[str, tuple[int, tuple[int, ...]]] = {}
        start = 0
        for name in names:
            self.places[name] = (start, arrays[name].shape)
            start += arrays[name].size
        self.total = start
        bits = {task: np.concatenate([keeps[name].reshape(-1) for name in names]) for task, keeps in self.masks.items()}
        union = np.logical_or.reduce(list(bits.values()))
        self.scales: dict[str, np.ndarray] = {}
        if weights.int8:
            pairs = {name: quantised(np.where(self._union(name), array, 0)) for name, array in arrays.items()}
            arrays = {name: numbers for name, (numbers, _) in pairs.items()}
            self.scales = {name: scale for name, (_, scale) in pairs.items()}
        graph.constant("kept", np.concatenate([arrays[name].reshape(-1) for name in names])[union])
        for task, keeps in bits.items():
            graph.constant(f"mask.{task}", np.packbits(keeps))
        self._spread()

    def tensor(self, name: str, task: str) -> str:
        """A tensor as the task keeps it."""
        graph, (start, shape) = self.graph, self.places[name]
        digest = hashlib.sha256(np.packbits(self.masks[task][name]).tobytes()).hexdigest()[:12]
        tensor_name = f"{name}.{digest}"
        cut = [graph.constant(f"{name}.{edge}", np.array([start + at])) for edge, at in self._edges(shape)]
        values = graph.node("Slice", ["spread", *cut], f"{name}.spread")
        keep = graph.node("Slice", [f"keeps.{task}", *cut], f"{tensor_name}.keeps")
        masked = graph.node("Where", [keep, values, "nothing"], f"{tensor_name}.masked")
        shaped = graph.constant(f"{name}.shape", np.array(shape))
        if not self.scales:
            return graph.node("Reshape", [masked, shaped], tensor_name)
        numbers = graph.node("Reshape", [masked, shaped], f"{tensor_name}.int8")
        scale = graph.constant(f"{name}.scale", self.scales[name])
        return graph.node("Mul", [graph.node("Cast", [numbers], f"{tensor_name}.floats", to=1), scale], tensor_name)

    def _spread(self) -> None:
        """Add nodes that unpack each mask and compute the index of each kept weight."""
        graph = self.graph
        shifts = graph.constant("shifts", np.arange(7, -1, -1, dtype=np.uint8))
        one, two = graph.constant("one", np.array([1])), graph.constant("two", np.uint8(2))
        first, end = graph.constant("first", np.array([0])), graph.constant("end", np.array([self.total]))
        line = graph.constant("line", np.array([-1]))
        union = ""
        for task in self.masks:
            bytes_ = graph.node("Unsqueeze", [f"mask.{task}", one], f"bytes.{task}")
            shifted = graph.node("BitShift", [bytes_, shifts], f"shifted.{task}", direction="RIGHT")
            bits = graph.node("Reshape", [graph.node("Mod", [shifted, two], f"bit.{task}"), line], f"bits.{task}")
            cut = graph.node("Slice", [bits, first, end], f"cut.{task}")
            keeps = graph.node("Cast", [cut], f"keeps.{task}", to=9)
            union = graph.node("Or", [union, keeps], f"union.{task}") if union else keeps
        counted = graph.node("CumSum", [graph.node("Cast", [union], "counts", to=6), "axis"], "counted")
        graph.constant("axis", np.int32(0))
        place = graph.node("Sub", [counted, graph.constant("before", np.int32(1))], "place")
        # Before the first kept weight the index is -1, the last weight; no mask keeps a weight there.
        graph.node("Gather", ["kept", place], "spread")
        graph.constant("nothing", np.zeros((), graph.constants["kept"].dtype))

    def _union(self, name: str) -> np.ndarray:
        return np.logical_or.reduce([keeps[name] for keeps in self.masks.values()])

    @staticmethod
    def _edges(shape: tuple[int, ...]) -> list[tuple[str, int]]:
        return [("start", 0), ("end", int(np.prod(shape)))]


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


def quantised(array: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A tensor in eight bits, int8, and the float32 scale of each row, whose last axis is 1."""
    most = np.abs(array).max(axis=-1, keepdims=True)
    scale = np.where(most > 0, most / 127, 1).astype(np.float32)
    return np.rint(array / scale).astype(np.int8), scale


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


def _digest(array: np.ndarray) -> str:
    """A short digest of the content of an array."""
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()[:12]


def _both(values: Mapping[str, np.ndarray], layer: str, part: str) -> np.ndarray:
    """A part of both directions, the gates in the order of ONNX."""
    return np.stack([_in_onnx_order(values[f"recurrent.{layer}.{way}.{part}_l0"]) for way in DIRECTIONS])


def _in_onnx_order(array: np.ndarray) -> np.ndarray:
    """The gates, which follow one another on the first axis, in the order of ONNX."""
    return np.concatenate([np.split(array, 4)[gate] for gate in GATES])
