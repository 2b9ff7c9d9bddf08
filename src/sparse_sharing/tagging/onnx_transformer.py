"""A transformer of several tasks as one ONNX graph.

The exporter of torch turns the body of the model into a function whose inputs are its weights. The graph has this
function once, and calls it once for all tasks that read the same weights. Weights that differ between tasks are made by
nodes over constants, which a runtime computes once, when it loads the graph: masked weights (see `onnx_store`), changes
to a base, and low-rank updates. So the file has no more weights than the model.
"""

import logging
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from sparse_sharing.config.encoders.transformer import Transformer
from sparse_sharing.encoders.pretrained import build_module
from sparse_sharing.encoders.task_parts import PREFIX, Part
from sparse_sharing.encoders.transformer import TransformerEncoder
from sparse_sharing.encoders.transformer_units import shrink
from sparse_sharing.errors import ConfigError
from sparse_sharing.heads.base import head_name
from sparse_sharing.network.network import Network
from sparse_sharing.network.storage import TrainedModel
from sparse_sharing.tagging.onnx_nodes import Nodes, Signature, array_digest, quantised, short_digest
from sparse_sharing.tagging.onnx_store import MaskedWeights

if TYPE_CHECKING:
    import onnx
    import onnx_ir

OPSET, FORMAT_VERSION = 20, 10
"""Versions of the operators and of the file: the first with Gelu as one operator."""

DOMAIN, FUNCTION, BODY = "sparse-sharing", "Transformer", "body."

INPUTS: Signature = {
    "pieces": ("INT64", ["windows", "pieces"]),
    "attended": ("BOOL", ["windows", "pieces"]),
    "places": ("INT64", ["places"]),
}
"""As in `PieceWindows`."""

LARGEST = 2**31 - 1
"""The largest size of one file in bytes: a limit of its format."""


@dataclass(frozen=True)
class Weights:
    """The weights and masks of a graph.

    Attributes:
        values: float32 arrays by name.
        masks: for each task the bool arrays of what its mask keeps, by the same names; empty for a dense network.
        base: for the tensors that masks cover, the values of removed weights; empty: zeros.
        heads: for each task the weight [tags, states] and the bias [tags] of its head.
        int8: whether tables and matrices are stored in eight bits, with a float32 scale for each row.
    """

    values: Mapping[str, np.ndarray]
    masks: Mapping[str, Mapping[str, np.ndarray]]
    base: Mapping[str, np.ndarray]
    heads: Mapping[str, tuple[np.ndarray, np.ndarray]]
    int8: bool = False


def inputs_of(network: Network) -> tuple[dict[str, Any], str]:
    """What `PieceInputs` needs: facts about a model as JSON values, and the content of tokenizer.json."""
    encoder = _encoder(network)
    reader, model = encoder.windows, encoder.model
    facts = {
        "encoder": model.kind,
        "pretrained": model.pretrained,
        "pieces": reader.pooling,
        "capacity": reader.capacity,
        "padding": reader.tokenizer.frame.padding,
    }
    return facts, reader.tokenizer.description


def graph_of(model: TrainedModel, network: Network, int8: bool) -> "onnx.ModelProto":
    """The graph of a model with all of its tasks; see `build_graph`."""
    encoder = _encoder(network)
    masks = network.over_weights(model.masks)
    if all(mask.is_dense for mask in masks.values()):
        masks = {}
    arrays = {task: {name: keep.numpy() for name, keep in mask.tensors().items()} for task, mask in masks.items()}
    values = {name: np.asarray(value) for name, value in model.values.items()}
    heads = {task: (values[head_name(task, "weight")], values[head_name(task, "bias")]) for task in model.tasks}
    weights = Weights(values, arrays, model.base if masks else {}, heads, int8)
    return build_graph(encoder, model.details.get("units") or {}, weights)


def _encoder(network: Network) -> TransformerEncoder:
    if not isinstance(network.encoder, TransformerEncoder):
        raise TypeError(f"expected a transformer, got {type(network.encoder).__name__}")
    return network.encoder


def build_graph(encoder: TransformerEncoder, units: Mapping[str, int], weights: Weights) -> "onnx.ModelProto":
    """The graph from `INPUTS` to `scores.TASK` of each task, float [places, tags].

    Args:
        encoder: the encoder, whose weights are not read.
        units: of a compact network, for each group of units their number.
        weights: the weights of the encoder and the heads.

    Raises:
        ConfigError: The exporter of torch does not support the architecture; the file would be too large.
    """
    body = trace(encoder.model, units, encoder.table_shape[1])
    return _Graph(encoder, weights).build(body)


class _Graph(Nodes):
    """The nodes around the function of the body."""

    def __init__(self, encoder: TransformerEncoder, weights: Weights) -> None:
        super().__init__(weights.int8)
        self.encoder, self.weights, self.parts = encoder, weights, encoder.tasks
        self.masked = None
        if weights.masks:
            names = next(iter(weights.masks.values()))
            self.masked = MaskedWeights(self, {name: self._kept(name) for name in names}, weights.masks)

    def _kept(self, name: str) -> np.ndarray:
        """What masks keep of a tensor: its values, or their changes to the base as it is stored."""
        value, base = self.weights.values[name], self.weights.base.get(name)
        if base is None:
            return value
        if self.is_quantised(base):
            numbers, scale = quantised(base)
            base = numbers * scale
        return value - base

    def build(self, body: "Body") -> "onnx.ModelProto":
        embedded = self.rows("piece_vectors", self.weights.values[self.encoder.table], "pieces")
        outputs = {}
        for task, (head, bias) in self.weights.heads.items():
            tensors = [self.tensor(f"{BODY}{name}", task) for name in body.parameters]
            key = short_digest(" ".join(tensors).encode())
            hidden = self.node(FUNCTION, [embedded, "attended", *tensors], f"hidden.{key}", domain=DOMAIN)
            lines = self.constant("lines", np.array([-1, head.shape[1]]))
            flat = self.node("Reshape", [hidden, lines], f"flat.{key}")
            states = self.node("Gather", [flat, "places"], f"states.{key}")
            products = self.node("MatMul", [states, self.constant(f"head.{task}", head.T)], f"products.{task}")
            scores = self.node("Add", [products, self.constant(f"bias.{task}", bias)], f"scores.{task}")
            outputs[scores] = ("FLOAT", ["places", len(bias)])
        size = sum(array.nbytes for array in self.constants.values()) + body.function.ByteSize()
        if size > LARGEST:
            raise ConfigError(
                f"--onnx: the file would have {size / 1e9:.1f} GB, but its format allows {LARGEST / 1e9:.1f} GB. "
                "Store weights in eight bits (--int8), or export one task without unused pieces (--task NAME --trim)"
            )
        opsets = {"": OPSET, DOMAIN: 1}
        return self.model(INPUTS, outputs, opsets, FORMAT_VERSION, [body.function])

    def tensor(self, name: str, task: str) -> str:
        """A tensor of the body as the task reads it; equal ones have the same name."""
        if self.masked is not None and name in self.masked.places:
            kept, base = self.masked.tensor(name, task), self.weights.base.get(name)
            if base is None:
                return kept
            return self.node("Add", [self.weight(f"base.{name}", base), kept], f"{kept}.changed")
        origin = name.removeprefix(BODY)
        if (copy := self._part(task, origin, "copy")) is not None:
            return self.constant(f"{name}.{array_digest(copy)}", copy)
        down, up = self._part(task, origin, "down"), self._part(task, origin, "up")
        shared = self.weight(name, self.weights.values[name])
        if down is None or up is None:
            return shared
        factors = [self.constant(f"{name}.{task}.up", up * np.float32(self.parts.scale))]
        factors.append(self.constant(f"{name}.{task}.down", down))
        update = self.node("MatMul", factors, f"{name}.{task}.update")
        return self.node("Add", [shared, update], f"{name}.{task}")

    def weight(self, name: str, array: np.ndarray) -> str:
        """A tensor that tasks share: vectors are never stored in eight bits."""
        return self.stored(name, array) if self.is_quantised(array) else self.constant(name, array)

    def is_quantised(self, array: np.ndarray) -> bool:
        """Whether a tensor that tasks share is stored in eight bits."""
        return self.int8 and array.ndim > 1

    def _part(self, task: str, origin: str, kind: str) -> np.ndarray | None:
        return self.weights.values.get(f"{PREFIX}.{Part(task, origin, kind).key}")


@dataclass(frozen=True)
class Body:
    """The body of a model as a function of ONNX.

    Attributes:
        function: from embedded pieces, attended pieces and the parameters to states float [windows, pieces, states].
        parameters: the names of the parameters, in the order of the inputs.
    """

    function: "onnx.FunctionProto"
    parameters: list[str] = field(default_factory=list)


class _States(nn.Module):
    """The body with the inputs and the output of the function."""

    def __init__(self, body: nn.Module) -> None:
        super().__init__()
        self.body = body

    def forward(self, embedded: Tensor, attended: Tensor) -> Tensor:
        return self.body(inputs_embeds=embedded, attention_mask=attended.long()).last_hidden_state


def trace(model: Transformer, units: Mapping[str, int], width: int) -> Body:
    """The body of a model as a function; `width` is that of the embedded pieces.

    Raises:
        ConfigError: The exporter of torch does not support the architecture.
    """
    import onnx_ir
    from onnx_ir.passes.common import ClearMetadataAndDocStringPass
    from onnxscript import optimizer

    architecture = model.architecture or {}
    body = build_module(architecture, dropout=0.0)
    shrink(body, units)
    # Fused attention is not in this version of the operators.
    body.set_attn_implementation("eager")
    exported = _export(_States(body).eval(), width, str(architecture.get("model_type")))
    names = [f"{BODY}{name}" for name, _ in body.named_parameters()]
    graph = exported.graph
    parameters = [name for name in names if name in graph.initializers]
    # Weights are inputs, so that the optimizer folds none of them.
    for name in parameters:
        graph.inputs.append(graph.initializers.pop(name))
    optimizer.optimize_ir(exported)
    ClearMetadataAndDocStringPass()(exported)
    return Body(_as_function(onnx_ir.to_proto(exported)), [name.removeprefix(BODY) for name in parameters])


def _export(states: nn.Module, width: int, kind: str) -> "onnx_ir.Model":
    embedded, attended = torch.zeros(3, 7, width), torch.ones(3, 7, dtype=torch.bool)
    varying = dict.fromkeys(range(2), torch.export.Dim.DYNAMIC)
    loggers = [logging.getLogger(name) for name in ("torch.onnx", "onnxscript", "onnx_ir")]
    levels = [logger.level for logger in loggers]
    try:
        for logger in loggers:
            logger.setLevel(logging.ERROR)
        with warnings.catch_warnings():
            # They are about the exporter itself, and users can do nothing about them.
            warnings.simplefilter("ignore")
            program = torch.onnx.export(
                states,
                (embedded, attended),
                dynamo=True,
                optimize=False,
                opset_version=OPSET,
                dynamic_shapes={"embedded": varying, "attended": varying},
                verbose=False,
            )
    # For models that it does not support, the exporter raises errors of many types.
    except Exception as error:
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        raise ConfigError(
            f"--onnx: models of type '{kind}' cannot be written as ONNX files: torch {torch.__version__} does not "
            f"export them ({reason}). Without --onnx, --task NAME exports one task"
        ) from error
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
    if program is None:
        raise TypeError("expected a model from torch.onnx.export, got None")
    return program.model


def _as_function(model: "onnx.ModelProto") -> "onnx.FunctionProto":
    """The graph of a model as a function; its constants become nodes."""
    from onnx import helper

    graph = model.graph
    constants = [helper.make_node("Constant", [], [tensor.name], value=tensor) for tensor in graph.initializer]
    return helper.make_function(
        DOMAIN,
        FUNCTION,
        [value.name for value in graph.input],
        [value.name for value in graph.output],
        [*constants, *graph.node],
        [helper.make_opsetid("", OPSET)],
    )
