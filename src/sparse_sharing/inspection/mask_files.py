"""Masks of any file by name, what they have in common, and new masks made out of them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from sparse_sharing.errors import ConfigError
from sparse_sharing.masks.densities import open_masks
from sparse_sharing.masks.mask import Mask, chance_overlap, chance_overlap_by_tensor, overlap, pack, shuffled
from sparse_sharing.masks.parts import by_layer
from sparse_sharing.pipeline.specs import Spec
from sparse_sharing.storage.artifacts import save_tensors
from sparse_sharing.training.inputs import load_mask
from sparse_sharing.training.seeds import generator

OPERATIONS: Mapping[str, Callable[[Tensor, Tensor], Tensor]] = {
    "and": torch.logical_and,
    "or": torch.logical_or,
    "xor": torch.logical_xor,
    "minus": lambda first, second: first & ~second,
}
"""What becomes of two masks: kept by both, by any, by just one, by the first alone."""


class MaskSpec(Spec):
    """Make masks out of others by hand; `sources` gives the content digest of each file, and what was taken of it."""

    operation: str
    sources: list[str]
    seed: int | None = None


@dataclass(frozen=True)
class MaskFile:
    """The masks of a file, or one of them, by the name of their task; rounds of a pruning by the name of the round.

    Attributes:
        label: the file as it was named.
        masks: at least one.
        source: the digest of the file's content, and the name of the mask where one was asked for.
    """

    label: str
    masks: Mapping[str, Mask]
    source: str


def read_masks(operand: str) -> MaskFile:
    """The masks of `FILE`, or with `FILE:NAME` that of one task or round.

    A single round of a pruning goes by the name of its task, so that it can stand beside others.

    Raises:
        ArtifactError: The file is missing, damaged, or holds no masks.
        ConfigError: It holds no mask of that name.
    """
    path, artifact, names = open_masks(operand)
    wanted = "" if Path(operand).exists() else operand.rpartition(":")[2]
    masks = {own: load_mask(artifact, name, path) for own, name in names.items()}
    return MaskFile(operand, masks, f"{artifact.digest}:{wanted}" if wanted else artifact.digest)


def require_alike(files: Sequence[MaskFile]) -> None:
    """Check that masks cover the same weights, cut from the same start; raises ArtifactError where they do not."""
    first = next(iter(files[0].masks.values()))
    for file in files:
        for name, mask in file.masks.items():
            mask.require_fit(first.shapes, first.weights, f"{file.label} {name}")


def overlaps(masks: Sequence[Mask]) -> list[tuple[str, float, float, float]]:
    """The overlap of masks, over all weights and in each layer, beside two of independent masks.

    These have the same densities, or the same densities in each tensor.
    """
    layers = [by_layer(mask) for mask in masks]
    groups = {"all": masks} | {layer: [own[layer] for own in layers] for layer in layers[0]}
    return [
        (name, overlap(group), chance_overlap([mask.density for mask in group]), chance_overlap_by_tensor(group))
        for name, group in groups.items()
    ]


def shared_by(masks: Sequence[Mask]) -> list[int]:
    """How many weights 0, 1, ... all of the masks keep."""
    count = torch.stack([mask.keep for mask in masks]).sum(0)
    return torch.bincount(count, minlength=len(masks) + 1).tolist()


def combine(operation: str, first: MaskFile, second: MaskFile) -> dict[str, Mask]:
    """Combine the masks of two files task by task; a file of a single mask is combined with each of the other's.

    Raises:
        ArtifactError: The masks do not cover the same weights.
        ConfigError: The files hold masks of different tasks.
    """
    require_alike([first, second])
    names = list(first.masks)
    if len(second.masks) == 1:
        others = dict.fromkeys(names, next(iter(second.masks.values())))
    elif len(first.masks) == 1:
        only = next(iter(first.masks.values()))
        return {name: _apply(operation, only, mask) for name, mask in second.masks.items()}
    elif set(names) == set(second.masks):
        others = dict(second.masks)
    else:
        raise ConfigError(
            f"{first.label} has masks of {', '.join(names)}, {second.label} of {', '.join(second.masks)}; expected the "
            "same tasks, or one mask (FILE:NAME) on one side"
        )
    return {name: _apply(operation, mask, others[name]) for name, mask in first.masks.items()}


def _apply(operation: str, first: Mask, second: Mask) -> Mask:
    return Mask(OPERATIONS[operation](first.keep, second.keep), first.shapes, first.weights)


def random_like(file: MaskFile, seed: int) -> dict[str, Mask]:
    """Masks that keep as many weights as those of a file, at positions drawn at random over all layers."""
    return {name: shuffled(mask, generator(seed, "random-like", name)) for name, mask in file.masks.items()}


def shuffle_layers(file: MaskFile, seed: int) -> dict[str, Mask]:
    """Masks that keep as many weights in each tensor as those of a file, at positions drawn at random within it."""
    return {name: _shuffle_within(mask, generator(seed, "shuffle-layer", name)) for name, mask in file.masks.items()}


def _shuffle_within(mask: Mask, random: np.random.Generator) -> Mask:
    parts = [part.reshape(-1) for part in mask.tensors().values()]
    keep = torch.cat([part[torch.from_numpy(random.permutation(part.numel()))] for part in parts])
    return Mask(keep, mask.shapes, mask.weights)


def write_selection(path: Path, masks: Mapping[str, Mask], spec: MaskSpec) -> None:
    """Write masks as a selection, which a choice with rule `file` can name.

    Raises:
        ConfigError: A mask keeps nothing.
    """
    if empty := [name for name, mask in masks.items() if mask.kept == 0]:
        raise ConfigError(f"the mask of {empty[0]} would keep no weight: nothing is written")
    first = next(iter(masks.values()))
    details = {
        "weights": first.weights,
        "shapes": [[name, list(shape)] for name, shape in first.shapes.items()],
        "rounds": {},
    }
    save_tensors(path, "selection", spec, {name: pack(mask) for name, mask in masks.items()}, details)
