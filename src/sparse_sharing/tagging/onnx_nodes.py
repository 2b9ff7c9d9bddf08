"""Collects the nodes and constants of an ONNX graph, each only once, and makes the model of them."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from sparse_sharing import __version__

if TYPE_CHECKING:
    import onnx

Signature = Mapping[str, tuple[str, Sequence[str | int]]]
"""For each input or output its type, such as FLOAT, and its axes: a size, or the name of a size that varies."""


class Nodes:
    """The nodes and constants of a graph. Each node has one output, by whose name later nodes refer to it.

    Attributes:
        constants: the arrays by name.
        int8: whether weight matrices are stored in eight bits.
    """

    def __init__(self, int8: bool) -> None:
        """Begin without any node."""
        self.int8 = int8
        self.constants: dict[str, np.ndarray] = {}
        self._nodes: dict[str, Any] = {}

    def node(self, kind: str, inputs: Sequence[str], output: str, **attributes: Any) -> str:
        """A node, added unless there is one with this output; returns the name of its output."""
        from onnx import helper

        if output not in self._nodes:
            self._nodes[output] = helper.make_node(kind, list(inputs), [output], **attributes)
        return output

    def constant(self, name: str, array: np.ndarray | np.generic) -> str:
        """A constant; returns its name."""
        self.constants[name] = np.asarray(array)
        return name

    def stored(self, name: str, array: np.ndarray) -> str:
        """A matrix of weights, which may be stored in eight bits; returns the name of its float32 values."""
        if not self.int8:
            return self.constant(name, array)
        numbers, scale = quantised(array)
        floats = self.node("Cast", [self.constant(f"{name}.int8", numbers)], f"{name}.floats", to=1)
        return self.node("Mul", [floats, self.constant(f"{name}.scale", scale)], name)

    def rows(self, name: str, array: np.ndarray, numbers: str) -> str:
        """Rows of a table of weights, which may be stored in eight bits; only these rows become float32."""
        if not self.int8:
            return self.node("Gather", [self.constant(f"{name}.table", array), numbers], f"{name}.rows")
        stored, scale = quantised(array)
        rows = self.node("Gather", [self.constant(f"{name}.int8", stored), numbers], f"{name}.numbers")
        scales = self.node("Gather", [self.constant(f"{name}.scale", scale), numbers], f"{name}.scales")
        return self.node("Mul", [self.node("Cast", [rows], f"{name}.floats", to=1), scales], f"{name}.rows")

    def model(
        self,
        inputs: Signature,
        outputs: Signature,
        opsets: Mapping[str, int],
        version: int,
        functions: Sequence["onnx.FunctionProto"] = (),
    ) -> "onnx.ModelProto":
        """The model; `opsets` are versions of operators by domain, and `version` is that of the format."""
        from onnx import helper, numpy_helper

        tensors = [numpy_helper.from_array(np.ascontiguousarray(a), name) for name, a in self.constants.items()]
        graph = helper.make_graph(
            list(self._nodes.values()), "tagger", _described(inputs), _described(outputs), tensors
        )
        return helper.make_model(
            graph,
            opset_imports=[helper.make_opsetid(domain, number) for domain, number in opsets.items()],
            ir_version=version,
            producer_name=f"sparse-sharing {__version__}",
            functions=functions,
        )


def quantised(array: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A tensor in eight bits, int8, and the float32 scale of each row, whose last axis is 1."""
    most = np.abs(array).max(axis=-1, keepdims=True)
    scale = np.where(most > 0, most / 127, 1).astype(np.float32)
    return np.rint(array / scale).astype(np.int8), scale


def short_digest(content: bytes) -> str:
    """A short digest of a content, for names."""
    return hashlib.sha256(content).hexdigest()[:12]


def array_digest(array: np.ndarray) -> str:
    """A short digest of the content of an array."""
    return short_digest(np.ascontiguousarray(array).tobytes())


def _described(signature: Signature) -> list["onnx.ValueInfoProto"]:
    from onnx import TensorProto, helper

    return [
        helper.make_tensor_value_info(name, getattr(TensorProto, kind), list(axes))
        for name, (kind, axes) in signature.items()
    ]
