"""Reads and writes files of masks: one bit per weight, and the shapes of the masked tensors.

Imports torch only to make masks from the bits: `sparse-sharing masks show` only counts bits.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sparse_sharing.errors import ArtifactError, ConfigError
from sparse_sharing.masks.analysis import layer_densities
from sparse_sharing.pipeline.spec import Spec
from sparse_sharing.storage.artifacts import Artifact, load_tensors, parts_of, refuse_other_spec, save_tensors

if TYPE_CHECKING:
    from sparse_sharing.masks.mask import Mask, Shapes

KINDS = {"selection": "", "masks": "round", "model": "masks/"}
"""Kinds of artifact that contain masks, and the prefix of the names of the masks in them."""


class MaskSpec(Spec):
    """Make masks from others; `sources` has the content digest of each file, and the name of the mask used."""

    operation: str
    sources: list[str]
    seed: int | None = None


def mask_name(round_: int) -> str:
    """The name of the tensor with the mask of a round in the masks of a pruning."""
    return f"round{round_:03d}"


def pack(mask: "Mask") -> np.ndarray:
    """The mask as uint8 [ceil(P / 8)], eight weights per byte, the first in the highest bit."""
    return np.packbits(mask.keep.numpy())


def unpack(bits: np.ndarray, shapes: "Shapes", weights: str) -> "Mask":
    """The inverse of `pack`.

    Raises:
        ArtifactError: The number of bytes does not fit the shapes.
    """
    import torch

    from sparse_sharing.masks.mask import Mask

    return Mask(torch.from_numpy(_unpacked(bits, shapes)), dict(shapes), weights)


def _unpacked(bits: np.ndarray, shapes: "Shapes") -> np.ndarray:
    """The bits as bool [P]."""
    size = sum(int(np.prod(shape)) for shape in shapes.values())
    if bits.dtype != np.uint8 or bits.shape != ((size + 7) // 8,):
        raise ArtifactError(f"a mask of {size} weights: expected {(size + 7) // 8} bytes, got {bits.shape}")
    return np.unpackbits(bits, count=size).astype(bool)


def header(mask: "Mask | None") -> dict[str, Any]:
    """The header of masks as JSON values: the shapes that they cover and the starting weights they belong to."""
    shapes = mask.shapes if mask is not None else {}
    return {
        "shapes": [[name, list(shape)] for name, shape in shapes.items()],
        "weights": mask.weights if mask is not None else None,
    }


def shapes_in(details: Mapping[str, Any]) -> "Shapes":
    """The shapes in a header (KeyError, TypeError or ValueError if there are none)."""
    return {str(tensor): tuple(map(int, shape)) for tensor, shape in details["shapes"]}


def load_mask(artifact: Artifact, name: str, path: Path) -> "Mask":
    """One mask of an artifact; `path` names its file in messages.

    Raises:
        ArtifactError: There is no mask of that name, or it does not fit the shapes.
    """
    if name not in artifact.tensors:
        raise ArtifactError(f"{path}: has no mask '{name}', only {', '.join(artifact.tensors)}")
    with parts_of(path):
        return unpack(artifact.tensors[name], shapes_in(artifact.details), artifact.details["weights"])


def read_selection(path: Path, expected: str | None = None, tasks: Iterable[str] | None = None) -> dict[str, "Mask"]:
    """The masks of a selection by task, of the named tasks or of all.

    `expected` is the digest of the part of its spec that is about these tasks, if it is checked.

    Raises:
        ArtifactError: The file cannot be used, lacks a task, or was made with other settings.
    """
    artifact = load_tensors(path, "selection")
    tasks = list(artifact.tensors) if tasks is None else list(tasks)
    for task in tasks:
        if task not in artifact.tensors:
            raise ArtifactError(f"{path}: has no mask for task '{task}', only for {', '.join(artifact.tensors)}")
    if expected is not None:
        with parts_of(path):
            # Imported on demand: the specs import all sections of the configuration, which `masks show` does not need.
            from sparse_sharing.pipeline.specs import SelectSpec

            spec = SelectSpec.model_validate(artifact.spec).of(tasks).model_dump(mode="json")
        refuse_other_spec(path, spec, expected)
    return {task: load_mask(artifact, task, path) for task in tasks}


def write_selection(
    path: Path, spec: Spec, masks: Mapping[str, "Mask"], details: Mapping[str, Any] | None = None
) -> None:
    """Write one mask for each task, and JSON details."""
    first = next(iter(masks.values()))
    tensors = {name: pack(mask) for name, mask in masks.items()}
    save_tensors(path, "selection", spec, tensors, {**header(first), "rounds": {}, **(details or {})})


def require_kept(masks: Mapping[str, "Mask"]) -> None:
    """Raise ConfigError unless every mask keeps a weight."""
    if empty := [name for name, mask in masks.items() if mask.kept == 0]:
        raise ConfigError(f"the mask of {empty[0]} would keep no weight; nothing was written")


def write_rounds(path: Path, spec: Spec, masks: Sequence["Mask"], details: Mapping[str, Any]) -> None:
    """Write the masks of the rounds of a pruning, in order, and JSON details."""
    tensors = {mask_name(number): pack(mask) for number, mask in enumerate(masks)}
    save_tensors(path, "masks", spec, tensors, {**header(masks[0]), **details})


@dataclass(frozen=True)
class MaskBits:
    """One mask of a file, as stored.

    Attributes:
        keep: bool [P], True for kept weights.
        shapes: name and shape of each tensor that it covers.
    """

    keep: np.ndarray
    shapes: "Shapes"

    @cached_property
    def kept(self) -> int:
        """Number of kept weights."""
        return int(np.count_nonzero(self.keep))

    @property
    def density(self) -> float:
        """Share of the weights that is kept."""
        return self.kept / max(1, self.keep.size)

    @property
    def layers(self) -> dict[str, float]:
        """The share that is kept in each layer."""
        return layer_densities(self.keep, self.shapes)


@dataclass(frozen=True)
class MaskFile:
    """The masks of a file, or one of them, by the name of their task; rounds of a pruning by the name of the round.

    Attributes:
        label: the file as it was named.
        masks: at least one.
        source: the digest of the file's content, and the name of the mask if one was requested.
    """

    label: str
    masks: Mapping[str, "Mask"]
    source: str


def read_bits(operand: str) -> dict[str, MaskBits]:
    """The bits of each mask of `FILE`, or with `FILE:NAME` of the mask of one task or round.

    Raises:
        ArtifactError: The file is missing, damaged, or has no masks.
        ConfigError: It has no mask with that name.
    """
    path, artifact, names = _open(operand)
    with parts_of(path):
        shapes = shapes_in(artifact.details)
        return {label: MaskBits(_unpacked(artifact.tensors[name], shapes), shapes) for label, name in names.items()}


def read_masks(operand: str) -> MaskFile:
    """The masks of `FILE`, or with `FILE:NAME` that of one task or round.

    A single round of a pruning has the name of its task, so that it can be compared with masks of other tasks.

    Raises:
        ArtifactError: The file is missing, damaged, or has no masks.
        ConfigError: It has no mask with that name.
    """
    path, artifact, names = _open(operand)
    wanted = "" if Path(operand).exists() else operand.rpartition(":")[2]
    masks = {label: load_mask(artifact, name, path) for label, name in names.items()}
    return MaskFile(operand, masks, f"{artifact.digest}:{wanted}" if wanted else artifact.digest)


def require_alike(files: Sequence[MaskFile]) -> None:
    """Raise ArtifactError unless masks cover the same tensors and belong to the same starting weights."""
    first = next(iter(files[0].masks.values()))
    for file in files:
        for name, mask in file.masks.items():
            mask.require_fit(first.shapes, first.weights, f"{file.label} {name}")


def _open(operand: str) -> tuple[Path, Artifact, dict[str, str]]:
    """The file of an operand, its content, and for each mask of the operand the name of its tensor."""
    text, _, wanted = operand.rpartition(":") if not Path(operand).exists() else (operand, "", "")
    path = Path(text or operand)
    artifact, prefix = _load(path)
    named = [name for name in artifact.tensors if name.startswith(prefix)]
    names = {name if prefix == "round" else name.removeprefix(prefix): name for name in named}
    if not wanted:
        return path, artifact, names
    if wanted not in names:
        raise ConfigError(f"{path}: has no mask '{wanted}', only {', '.join(names)}")
    return path, artifact, {artifact.details.get("task", wanted): names[wanted]}


def _load(path: Path) -> tuple[Artifact, str]:
    """A file of any kind with masks, and the prefix of the names of its masks."""
    problems = []
    for kind, prefix in KINDS.items():
        try:
            return load_tensors(path, kind), prefix
        except ArtifactError as error:
            problems.append(str(error))
    if not path.exists() or "damaged" in problems[0]:
        raise ArtifactError(problems[0])
    raise ArtifactError(
        f"{path}: has no masks; expected a selection, a pruning or a model (masks or model.safetensors)"
    )
