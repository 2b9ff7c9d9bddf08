"""Files of masks: the one place that knows how masks are stored, one bit a weight beside the shapes that they cover.

Loads no torch until masks are made of the bits: `sparse-sharing masks show` only counts them.
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
"""Kinds of artifact that hold masks, and how the names of the masks in them begin."""


class MaskSpec(Spec):
    """Make masks out of others by hand; `sources` gives the content digest of each file, and what was taken of it."""

    operation: str
    sources: list[str]
    seed: int | None = None


def mask_name(round_: int) -> str:
    """The tensor in the masks of a pruning that holds the mask of a round."""
    return f"round{round_:03d}"


def pack(mask: "Mask") -> np.ndarray:
    """The mask as uint8 [ceil(P / 8)], eight weights in a byte, the first in the highest bit."""
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
        raise ArtifactError(f"a mask of {size} weights takes {(size + 7) // 8} bytes, found {bits.shape}")
    return np.unpackbits(bits, count=size).astype(bool)


def header(mask: "Mask | None") -> dict[str, Any]:
    """What is stored beside masks, as JSON values: the shapes they cover and the weights they were cut from."""
    shapes = mask.shapes if mask is not None else {}
    return {
        "shapes": [[name, list(shape)] for name, shape in shapes.items()],
        "weights": mask.weights if mask is not None else None,
    }


def shapes_in(details: Mapping[str, Any]) -> "Shapes":
    """The shapes that a header holds (KeyError, TypeError or ValueError where it does not)."""
    return {str(tensor): tuple(map(int, shape)) for tensor, shape in details["shapes"]}


def load_mask(artifact: Artifact, name: str, path: Path) -> "Mask":
    """One mask of an artifact; `path` names its file in messages.

    Raises:
        ArtifactError: There is no mask of that name, or it does not fit the shapes.
    """
    if name not in artifact.tensors:
        raise ArtifactError(f"{path}: holds no mask '{name}', only {', '.join(artifact.tensors)}")
    with parts_of(path):
        return unpack(artifact.tensors[name], shapes_in(artifact.details), artifact.details["weights"])


def read_selection(path: Path, expected: str | None = None, tasks: Iterable[str] | None = None) -> dict[str, "Mask"]:
    """The masks of a selection by task, of the named tasks or of all.

    `expected` is the digest of the part of its spec that is about these tasks, where the masks must have one.

    Raises:
        ArtifactError: The file cannot be used, lacks a task, or was made with other settings.
    """
    artifact = load_tensors(path, "selection")
    tasks = list(artifact.tensors) if tasks is None else list(tasks)
    for task in tasks:
        if task not in artifact.tensors:
            raise ArtifactError(f"{path}: holds no mask for task '{task}', only for {', '.join(artifact.tensors)}")
    if expected is not None:
        with parts_of(path):
            # With the specs come all sections of the configuration, which `masks show` does not wait for.
            from sparse_sharing.pipeline.specs import SelectSpec

            spec = SelectSpec.model_validate(artifact.spec).of(tasks).model_dump(mode="json")
        refuse_other_spec(path, spec, expected)
    return {task: load_mask(artifact, task, path) for task in tasks}


def write_selection(
    path: Path, spec: Spec, masks: Mapping[str, "Mask"], details: Mapping[str, Any] | None = None
) -> None:
    """Write one mask for each task, and the JSON details that are known of them."""
    first = next(iter(masks.values()))
    tensors = {name: pack(mask) for name, mask in masks.items()}
    save_tensors(path, "selection", spec, tensors, {**header(first), "rounds": {}, **(details or {})})


def require_kept(masks: Mapping[str, "Mask"]) -> None:
    """Check that every mask keeps a weight; raises ConfigError where one does not."""
    if empty := [name for name, mask in masks.items() if mask.kept == 0]:
        raise ConfigError(f"the mask of {empty[0]} would keep no weight: nothing is written")


def write_rounds(path: Path, spec: Spec, masks: Sequence["Mask"], details: Mapping[str, Any]) -> None:
    """Write the masks of the rounds of a pruning, in their order, and the JSON details that are known of them."""
    tensors = {mask_name(number): pack(mask) for number, mask in enumerate(masks)}
    save_tensors(path, "masks", spec, tensors, {**header(masks[0]), **details})


@dataclass(frozen=True)
class MaskBits:
    """One mask of a file, as it is stored.

    Attributes:
        keep: bool [P], True where the weight is kept.
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
        source: the digest of the file's content, and the name of the mask where one was asked for.
    """

    label: str
    masks: Mapping[str, "Mask"]
    source: str


def read_bits(operand: str) -> dict[str, MaskBits]:
    """The bits of each mask of `FILE`, or with `FILE:NAME` of that of one task or round.

    Raises:
        ArtifactError: The file is missing, damaged, or holds no masks.
        ConfigError: It holds no mask of that name.
    """
    path, artifact, names = _open(operand)
    with parts_of(path):
        shapes = shapes_in(artifact.details)
        return {own: MaskBits(_unpacked(artifact.tensors[name], shapes), shapes) for own, name in names.items()}


def read_masks(operand: str) -> MaskFile:
    """The masks of `FILE`, or with `FILE:NAME` that of one task or round.

    A single round of a pruning has the name of its task, so that it can be compared with masks of other tasks.

    Raises:
        ArtifactError: The file is missing, damaged, or holds no masks.
        ConfigError: It holds no mask of that name.
    """
    path, artifact, names = _open(operand)
    wanted = "" if Path(operand).exists() else operand.rpartition(":")[2]
    masks = {own: load_mask(artifact, name, path) for own, name in names.items()}
    return MaskFile(operand, masks, f"{artifact.digest}:{wanted}" if wanted else artifact.digest)


def require_alike(files: Sequence[MaskFile]) -> None:
    """Check that masks cover the same weights, cut from the same start; raises ArtifactError where they do not."""
    first = next(iter(files[0].masks.values()))
    for file in files:
        for name, mask in file.masks.items():
            mask.require_fit(first.shapes, first.weights, f"{file.label} {name}")


def _open(operand: str) -> tuple[Path, Artifact, dict[str, str]]:
    """The file that an operand names, its content, and for each mask that is meant the tensor that holds it."""
    text, _, wanted = operand.rpartition(":") if not Path(operand).exists() else (operand, "", "")
    path = Path(text or operand)
    artifact, prefix = _load(path)
    named = [name for name in artifact.tensors if name.startswith(prefix)]
    names = {name if prefix == "round" else name.removeprefix(prefix): name for name in named}
    if not wanted:
        return path, artifact, names
    if wanted not in names:
        raise ConfigError(f"{path}: holds no mask '{wanted}', only {', '.join(names)}")
    return path, artifact, {artifact.details.get("task", wanted): names[wanted]}


def _load(path: Path) -> tuple[Artifact, str]:
    """A file of any kind that holds masks, and how the names of its masks begin."""
    problems = []
    for kind, prefix in KINDS.items():
        try:
            return load_tensors(path, kind), prefix
        except ArtifactError as error:
            problems.append(str(error))
    if not path.exists() or "damaged" in problems[0]:
        raise ArtifactError(problems[0])
    raise ArtifactError(
        f"{path}: holds no masks; expected a selection, a pruning or a model (masks or model.safetensors)"
    )
