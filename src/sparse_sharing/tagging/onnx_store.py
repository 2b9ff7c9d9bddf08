"""Stores masked weights in an ONNX graph: the weights that any task keeps once, and one bit per weight and task.

Nodes over constants unpack them; a runtime computes these once, when it loads the graph.
"""

from collections.abc import Mapping

import numpy as np

from sparse_sharing.tagging.onnx_nodes import Nodes, quantised, short_digest


class MaskedWeights:
    """The masked weights: one vector of the weights that any task keeps, and one bit per weight and task.

    Attributes:
        places: where each covered tensor begins in the vector of all weights, and its shape.
    """

    def __init__(
        self, nodes: Nodes, arrays: Mapping[str, np.ndarray], masks: Mapping[str, Mapping[str, np.ndarray]]
    ) -> None:
        """Add the constants and the nodes that unpack them.

        Args:
            nodes: the graph.
            arrays: the covered tensors.
            masks: for each task bool arrays by the names of the tensors.
        """
        self.nodes, self.masks = nodes, masks
        self.places: dict[str, tuple[int, tuple[int, ...]]] = {}
        start = 0
        for name, array in arrays.items():
            self.places[name] = (start, array.shape)
            start += array.size
        self.total = start
        bits = {task: np.concatenate([keeps[name].reshape(-1) for name in arrays]) for task, keeps in masks.items()}
        union = np.logical_or.reduce(list(bits.values()))
        self.scales: dict[str, np.ndarray] = {}
        if nodes.int8:
            pairs = {name: quantised(np.where(self._union(name), array, 0)) for name, array in arrays.items()}
            arrays = {name: numbers for name, (numbers, _) in pairs.items()}
            self.scales = {name: scale for name, (_, scale) in pairs.items()}
        nodes.constant("kept", np.concatenate([array.reshape(-1) for array in arrays.values()])[union])
        for task, keeps in bits.items():
            nodes.constant(f"mask.{task}", np.packbits(keeps))
        self._spread()

    def tensor(self, name: str, task: str) -> str:
        """A tensor as the task keeps it, 0 where its mask removes a weight; equal masks give the same name."""
        nodes, (start, shape) = self.nodes, self.places[name]
        tensor_name = f"{name}.{short_digest(np.packbits(self.masks[task][name]).tobytes())}"
        cut = [nodes.constant(f"{name}.{edge}", np.array([start + at])) for edge, at in self._edges(shape)]
        values = nodes.node("Slice", ["spread", *cut], f"{name}.spread")
        keep = nodes.node("Slice", [f"keeps.{task}", *cut], f"{tensor_name}.keeps")
        masked = nodes.node("Where", [keep, values, "nothing"], f"{tensor_name}.masked")
        shaped = nodes.constant(f"{name}.shape", np.array(shape))
        if not self.scales:
            return nodes.node("Reshape", [masked, shaped], tensor_name)
        numbers = nodes.node("Reshape", [masked, shaped], f"{tensor_name}.int8")
        scale = nodes.constant(f"{name}.scale", self.scales[name])
        return nodes.node("Mul", [nodes.node("Cast", [numbers], f"{tensor_name}.floats", to=1), scale], tensor_name)

    def _spread(self) -> None:
        """Add nodes that unpack each mask and compute the index of each kept weight."""
        nodes = self.nodes
        shifts = nodes.constant("shifts", np.arange(7, -1, -1, dtype=np.uint8))
        one, two = nodes.constant("one", np.array([1])), nodes.constant("two", np.uint8(2))
        first, end = nodes.constant("first", np.array([0])), nodes.constant("end", np.array([self.total]))
        line = nodes.constant("line", np.array([-1]))
        union = ""
        for task in self.masks:
            bytes_ = nodes.node("Unsqueeze", [f"mask.{task}", one], f"bytes.{task}")
            shifted = nodes.node("BitShift", [bytes_, shifts], f"shifted.{task}", direction="RIGHT")
            bits = nodes.node("Reshape", [nodes.node("Mod", [shifted, two], f"bit.{task}"), line], f"bits.{task}")
            cut = nodes.node("Slice", [bits, first, end], f"cut.{task}")
            keeps = nodes.node("Cast", [cut], f"keeps.{task}", to=9)
            union = nodes.node("Or", [union, keeps], f"union.{task}") if union else keeps
        counted = nodes.node("CumSum", [nodes.node("Cast", [union], "counts", to=6), "axis"], "counted")
        nodes.constant("axis", np.int32(0))
        place = nodes.node("Sub", [counted, nodes.constant("before", np.int32(1))], "place")
        # Before the first kept weight the index is -1, the last weight; no mask keeps a weight there.
        nodes.node("Gather", ["kept", place], "spread")
        nodes.constant("nothing", np.zeros((), nodes.constants["kept"].dtype))

    def _union(self, name: str) -> np.ndarray:
        return np.logical_or.reduce([keeps[name] for keeps in self.masks.values()])

    @staticmethod
    def _edges(shape: tuple[int, ...]) -> list[tuple[str, int]]:
        return [("start", 0), ("end", int(np.prod(shape)))]
