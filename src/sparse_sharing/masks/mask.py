"""Masks: which weights of the base network a task keeps (paper, section "Learning Sparse Sharing Architectures").

A mask is a flat bool vector over all prunable tensors, concatenated; True always means kept.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from sparse_sharing.errors import ArtifactError
from sparse_sharing.masks.layers import layer_of

Shapes = Mapping[str, tuple[int, ...]]


@dataclass(frozen=True, eq=False)
class Mask:
    """The subnetwork of a task.

    Attributes:
        keep: bool [P], True for kept weights; P is the number of prunable weights.
        shapes: name and shape of each prunable tensor, in the order of `keep`.
        weights: digest of the starting weights that the mask belongs to.
    """

    keep: Tensor
    shapes: Shapes
    weights: str

    def __post_init__(self) -> None:
        """Raise ValueError unless `keep` is a bool vector that fits the shapes."""
        expected = sum(int(np.prod(shape)) for shape in self.shapes.values())
        if self.keep.dtype != torch.bool or tuple(self.keep.shape) != (expected,):
            raise ValueError(
                f"expected a bool vector of {expected} weights, got {self.keep.dtype} {tuple(self.keep.shape)}"
            )

    @classmethod
    def dense(cls, shapes: Shapes, weights: str) -> "Mask":
        """The mask that keeps everything."""
        return cls.of_tensors(shapes, weights, lambda name: True)

    @classmethod
    def of_tensors(cls, shapes: Shapes, weights: str, keeps: Callable[[str], bool]) -> "Mask":
        """The mask that keeps whole tensors: those for whose names `keeps` is True."""
        parts = [torch.full((int(np.prod(shape)),), keeps(name)) for name, shape in shapes.items()]
        return cls(torch.cat(parts), dict(shapes), weights)

    @cached_property
    def kept(self) -> int:
        """Number of kept weights."""
        return int(self.keep.sum())

    @property
    def is_dense(self) -> bool:
        """Whether every weight is kept."""
        return self.kept == self.keep.numel()

    @property
    def density(self) -> float:
        """Share of the prunable weights that is kept; 0 for a network without prunable weights."""
        return self.kept / max(1, self.keep.numel())

    def tensors(self) -> dict[str, Tensor]:
        """The part of the mask that belongs to each tensor: bool, in the tensor's shape."""
        sizes = [int(np.prod(shape)) for shape in self.shapes.values()]
        parts = torch.split(self.keep, sizes)
        return {name: part.view(shape) for (name, shape), part in zip(self.shapes.items(), parts, strict=True)}

    def tensor_densities(self) -> dict[str, float]:
        """Share of kept weights in each tensor."""
        return {name: float(part.double().mean()) if part.numel() else 0.0 for name, part in self.tensors().items()}

    def require_fit(self, shapes: Shapes, weights: str, label: str) -> None:
        """Check that the mask belongs to a network and its starting weights.

        Raises:
            ArtifactError: Names or shapes differ, or the mask belongs to other starting weights.
        """
        if list(self.shapes.items()) != list(shapes.items()):
            raise ArtifactError(f"{label}: the mask is for tensors {dict(self.shapes)}, the network has {dict(shapes)}")
        if self.weights != weights:
            raise ArtifactError(
                f"{label}: the mask belongs to starting weights {self.weights[:16]}, "
                f"but the training starts from {weights[:16]}; prune from the weights that the training starts from"
            )

    def by_layer(self) -> dict[str, "Mask"]:
        """The parts of the mask that belong to each layer, in the order of the tensors."""
        parts = self.tensors()
        names: dict[str, list[str]] = {}
        for name in parts:
            names.setdefault(layer_of(name), []).append(name)
        return {
            layer: Mask(
                torch.cat([parts[name].reshape(-1) for name in tensor_names]),
                {n: self.shapes[n] for n in tensor_names},
                self.weights,
            )
            for layer, tensor_names in names.items()
        }
