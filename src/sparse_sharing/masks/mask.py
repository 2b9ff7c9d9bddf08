"""Masks: which weights of the base network a task keeps (paper, section "Learning Sparse Sharing Architectures").

A mask is a flat bool vector over all prunable tensors, one behind the other; True means kept, everywhere.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from sparse_sharing.errors import ArtifactError

Shapes = Mapping[str, tuple[int, ...]]


@dataclass(frozen=True, eq=False)
class Mask:
    """The subnetwork of a task.

    Attributes:
        keep: bool [P], True where the weight is kept; P is the number of prunable weights.
        shapes: name and shape of each prunable tensor, in the order they stand in `keep`.
        weights: digest of the starting weights that the mask belongs to.
    """

    keep: Tensor
    shapes: Shapes
    weights: str

    def __post_init__(self) -> None:
        """Refuse anything but a bool vector that fits the shapes (ValueError)."""
        expected = sum(int(np.prod(shape)) for shape in self.shapes.values())
        if self.keep.dtype != torch.bool or tuple(self.keep.shape) != (expected,):
            raise ValueError(
                f"a mask is a bool vector of {expected} weights, got {self.keep.dtype} {tuple(self.keep.shape)}"
            )

    @classmethod
    def dense(cls, shapes: Shapes, weights: str) -> "Mask":
        """The mask that keeps everything."""
        return cls.of_tensors(shapes, weights, lambda name: True)

    @classmethod
    def of_tensors(cls, shapes: Shapes, weights: str, keeps: Callable[[str], bool]) -> "Mask":
        """The mask that keeps whole tensors: those whose names `keeps` says yes to."""
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
        """Share of the prunable weights that is kept; 0 for a network without any."""
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
            ArtifactError: Names or shapes differ, or the mask was cut from other starting weights.
        """
        if list(self.shapes.items()) != list(shapes.items()):
            raise ArtifactError(f"{label}: the mask is for tensors {dict(self.shapes)}, the network has {dict(shapes)}")
        if self.weights != weights:
            raise ArtifactError(
                f"{label}: the mask was cut from starting weights {self.weights[:16]}, "
                f"but the training starts from {weights[:16]}; prune from the weights that the training starts from"
            )


def kept_after(round_: int, rounds: int, final_density: float, size: int) -> int:
    """Weights kept by the mask of a round: the size times final_density ** (round / rounds), rounded.

    Removing the share 1 - final_density ** (1 / rounds) of what is left, round after round, gives these counts.
    """
    return round(size * final_density ** (round_ / rounds))


def prune_smallest(magnitudes: Tensor, mask: Mask, kept: int) -> Mask:
    """Keep the `kept` largest of the weights that a mask keeps, ranked globally over all tensors (Algorithm 1).

    Args:
        magnitudes: float [P], the absolute weights.
        mask: the current mask; what it has removed stays removed.
        kept: how many weights the new mask keeps. Of equal magnitudes the earlier in the vector is kept.

    Raises:
        ValueError: A weight is not finite, or more weights are to be kept than there are.
    """
    ranked, remaining = magnitudes.detach().cpu().numpy(), mask.keep.numpy()
    values = ranked[remaining]
    if not np.isfinite(values).all():
        raise ValueError("a weight to be ranked is not finite")
    if not 0 <= kept <= len(values):
        raise ValueError(f"cannot keep {kept} of {len(values)} weights")
    if not kept:
        return Mask(torch.zeros_like(mask.keep), mask.shapes, mask.weights)
    cutoff = np.partition(values, len(values) - kept)[len(values) - kept]
    above = remaining & (ranked > cutoff)
    ties = np.flatnonzero(remaining & (ranked == cutoff))
    above[ties[: kept - np.count_nonzero(above)]] = True
    keep = torch.from_numpy(above)
    return Mask(keep, mask.shapes, mask.weights)


def shuffled(mask: Mask, random: np.random.Generator) -> Mask:
    """A mask that keeps as many weights as another, at positions drawn at random over all tensors."""
    keep = torch.zeros_like(mask.keep)
    keep[torch.from_numpy(random.permutation(mask.keep.numel())[: mask.kept])] = True
    return Mask(keep, mask.shapes, mask.weights)


def permuted(masks: Mapping[str, Mask], random: np.random.Generator) -> dict[str, Mask]:
    """Masks over the same tensors with the weights of each tensor permuted at random, alike in all masks.

    Every mask keeps as many weights of each tensor as before, and any set of masks has as many in common: densities,
    overlaps and union stay as they are, of the whole network and of each tensor. Only which weights are kept changes.
    """
    first = next(iter(masks.values()))
    start, places = 0, []
    for shape in first.shapes.values():
        size = int(np.prod(shape))
        places.append(start + random.permutation(size))
        start += size
    order = torch.from_numpy(np.concatenate(places))
    return {name: Mask(mask.keep[order], mask.shapes, mask.weights) for name, mask in masks.items()}


def intersection_size(masks: Sequence[Mask]) -> int:
    """Number of weights that every mask keeps."""
    return int(torch.stack([mask.keep for mask in masks]).all(0).sum())


def union_size(masks: Sequence[Mask]) -> int:
    """Number of weights that at least one mask keeps."""
    return int(torch.stack([mask.keep for mask in masks]).any(0).sum())


def overlap(masks: Sequence[Mask]) -> float:
    """Weights kept by all masks over weights kept by any (paper, equation 4); 0 where nothing is kept."""
    return intersection_size(masks) / max(1, union_size(masks))


def chance_overlap(densities: Sequence[float]) -> float:
    """The overlap that independent random masks of these densities are expected to have."""
    together, missed = float(np.prod(densities)), float(np.prod([1 - density for density in densities]))
    return together / (1 - missed) if missed < 1 else 0.0


def chance_overlap_by_tensor(masks: Sequence[Mask]) -> float:
    """The overlap of independent masks that keep as many weights in each tensor as these do.

    The expected size of the intersection over that of the union, as in `chance_overlap`: tensors of different density
    make masks overlap more than the density of the whole says.
    """
    together = union = 0.0
    densities = [mask.tensor_densities() for mask in masks]
    for name, shape in masks[0].shapes.items():
        own = [density[name] for density in densities]
        size = int(np.prod(shape))
        together += size * float(np.prod(own))
        union += size * (1 - float(np.prod([1 - density for density in own])))
    return together / union if union else 0.0


def pack(mask: Mask) -> np.ndarray:
    """The mask as uint8 [ceil(P / 8)], eight weights in a byte, the first in the highest bit."""
    return np.packbits(mask.keep.numpy())


def unpack(bits: np.ndarray, shapes: Shapes, weights: str) -> Mask:
    """The inverse of `pack`.

    Raises:
        ArtifactError: The number of bytes does not fit the shapes.
    """
    size = sum(int(np.prod(shape)) for shape in shapes.values())
    if bits.dtype != np.uint8 or bits.shape != ((size + 7) // 8,):
        raise ArtifactError(f"a mask of {size} weights takes {(size + 7) // 8} bytes, found {bits.shape}")
    keep = torch.from_numpy(np.unpackbits(bits, count=size).astype(bool))
    return Mask(keep, dict(shapes), weights)
