"""How a trained model is stored: once for all tasks, the weights that any task keeps, and one bit per weight and task.

Masked weights are in one vector, `kept`, in the order of the union of the masks; everything else (embeddings, biases,
heads) is stored under its own name. Nothing here depends on the encoder.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from sparse_sharing.encoders.task_parts import task_of
from sparse_sharing.masks.files import header, pack, shapes_in, unpack
from sparse_sharing.masks.mask import Mask, Shapes
from sparse_sharing.pipeline.specs import Spec
from sparse_sharing.storage.artifacts import content_digest, load_tensors, parts_of, save_tensors
from sparse_sharing.text.vocabulary import Vocabulary

KEPT, BASE, MASKS, HEADS, OWN = "kept", "base", "masks/", "heads.", "own/"
VALUE_BYTES = 4
"""Bytes of a float32, in which every weight is stored."""


@dataclass(frozen=True)
class TrainedModel:
    """A trained model.

    Attributes:
        values: float32 arrays by name; weights that no task keeps are zero.
        masks: the subnetwork of each task.
        details: facts about the model, as JSON values.
        spec: the spec of the stage that made it.
        digest: the digest of the content of its file.
        own: for each task the values at its own best epoch, if the training kept them (`best_epoch: each`).
        base: for the tensors that masks cover, the values of removed weights; empty: zeros.
    """

    values: Mapping[str, np.ndarray]
    masks: Mapping[str, Mask]
    details: Mapping[str, Any]
    spec: Mapping[str, Any]
    digest: str
    own_values: Mapping[str, Mapping[str, np.ndarray]] = field(default_factory=dict)
    base: Mapping[str, np.ndarray] = field(default_factory=dict)

    @property
    def tasks(self) -> list[str]:
        """The tasks that the model can tag."""
        return list(self.details["tasks"])


def save_model(
    path: Path,
    spec: Spec,
    values: Mapping[str, np.ndarray],
    masks: Mapping[str, Mask],
    vocabulary: str,
    details: Mapping[str, Any],
    own_values: Mapping[str, Mapping[str, np.ndarray]] | None = None,
    base: Mapping[str, np.ndarray] | None = None,
) -> str:
    """Write a model; returns the digest of its content.

    Args:
        path: the path of the file.
        spec: the spec of the stage that made the model.
        values: float32 arrays by name; all tensors that masks cover, and any others.
        masks: for each task a mask over the same tensors; without masks, all values are stored unchanged.
        vocabulary: digest of the vocabulary of the word and tag numbers.
        details: JSON values, including `tasks` and `model`.
        own_values: for each task the values at its own best epoch, as from `values_of_task`.
        base: for the tensors that masks cover, the values of removed weights; None: zeros.
    """
    first = next(iter(masks.values()), None)
    shapes = first.shapes if first else {}
    vocabulary_and_layout = {"vocabulary": vocabulary, **header(first)}
    tensors = {name: value for name, value in values.items() if name not in shapes}
    if masks:
        covered = np.concatenate([values[name].reshape(-1) for name in shapes])
        tensors[KEPT] = covered[union_of(masks.values())]
        tensors |= {f"{MASKS}{task}": pack(mask) for task, mask in masks.items()}
        if base:
            tensors[BASE] = np.concatenate([base[name].reshape(-1) for name in shapes])
    for task, task_values in (own_values or {}).items():
        tensors |= {f"{OWN}{task}/{name}": value for name, value in task_values.items()}
    return save_tensors(path, "model", spec, tensors, {**details, **vocabulary_and_layout})


def load_model(path: Path, expected: str | None = None) -> TrainedModel:
    """Read a model; `expected` is the digest of the spec that it must have.

    Raises:
        ArtifactError: The file is missing, damaged, of another kind or version, made with other settings, or its
            parts do not fit each other.
    """
    artifact = load_tensors(path, "model", expected)
    with parts_of(path):
        own_values, tensors = _own_values(artifact.tensors)
        values, masks, base = _unpacked(tensors, artifact.details)
        for name, value in [
            *values.items(),
            *base.items(),
            *(item for task_values in own_values.values() for item in task_values.items()),
        ]:
            if not np.isfinite(value).all():
                raise ValueError(f"the weights {name} are not all finite")
    return TrainedModel(values, masks, artifact.details, artifact.spec, artifact.digest, own_values, base)


def union_of(masks: Iterable[Mask]) -> np.ndarray:
    """Bool [P], the weights that at least one of the masks keeps."""
    return np.logical_or.reduce([mask.keep.numpy() for mask in masks])


def values_of_task(
    values: Mapping[str, np.ndarray], task: str, mask: Mask | None, base: Mapping[str, np.ndarray] | None = None
) -> dict[str, np.ndarray]:
    """The values that one task needs: its subnetwork, its head, and what all tasks share outside the masks.

    A weight that its mask removes has the value of the base, or 0.
    """
    needed = {name: value for name, value in values.items() if _is_read(name, task)}
    if mask is not None:
        outside = base or {}
        needed |= {
            name: np.where(keep.numpy(), values[name], outside.get(name, np.float32(0)))
            for name, keep in mask.tensors().items()
        }
    return needed


def _is_read(name: str, task: str) -> bool:
    return is_head_of(name, task) if name.startswith(HEADS) else task_of(name) in (None, task)


def is_head_of(name: str, task: str) -> bool:
    """Whether a value belongs to the head of a task; names of tasks contain no dot."""
    return name.startswith(f"{HEADS}{task}.")


def vocabulary_digest(vocabulary: Vocabulary) -> str:
    """The digest of the content of the file that a vocabulary is stored in."""
    return content_digest({}, vocabulary.to_json())


def _own_values(
    tensors: Mapping[str, np.ndarray],
) -> tuple[dict[str, dict[str, np.ndarray]], dict[str, np.ndarray]]:
    """The values at each task's own best epoch, and the other tensors of a file."""
    own_values: dict[str, dict[str, np.ndarray]] = {}
    for name, value in tensors.items():
        if name.startswith(OWN):
            task, _, inner = name.removeprefix(OWN).partition("/")
            own_values.setdefault(task, {})[inner] = value
    return own_values, {name: value for name, value in tensors.items() if not name.startswith(OWN)}


def _unpacked(
    tensors: Mapping[str, np.ndarray], details: Mapping[str, Any]
) -> tuple[dict[str, np.ndarray], dict[str, Mask], dict[str, np.ndarray]]:
    """Values, masks and base from the parts of a file (ValueError, KeyError or TypeError if they do not fit)."""
    shapes = shapes_in(details)
    packed = {name.removeprefix(MASKS): bits for name, bits in tensors.items() if name.startswith(MASKS)}
    values = {name: value for name, value in tensors.items() if name not in (KEPT, BASE) and not name.startswith(MASKS)}
    if not packed:
        return values, {}, {}
    masks = {task: unpack(packed[task], shapes, details["weights"]) for task in details["tasks"]}
    union = union_of(masks.values())
    covered = tensors[BASE].copy() if BASE in tensors else np.zeros(len(union), np.float32)
    covered[union] = tensors[KEPT]
    base = _by_name(tensors[BASE], shapes) if BASE in tensors else {}
    return values | _by_name(covered, shapes), masks, base


def _by_name(covered: np.ndarray, shapes: Shapes) -> dict[str, np.ndarray]:
    """A vector over all masked weights, split into tensors."""
    ends = np.cumsum([int(np.prod(shape)) for shape in shapes.values()])
    if covered.shape != (ends[-1],):
        raise ValueError(f"{covered.shape} numbers for {ends[-1]} weights")
    parts = np.split(covered, ends[:-1])
    return {name: part.reshape(shape) for (name, shape), part in zip(shapes.items(), parts, strict=True)}


def storage_sizes(model: TrainedModel) -> dict[str, dict[str, int]]:
    """Bytes of a model's parts as stored, and of separate dense models, one for each task.

    The parts are `weights` (masked weights), `masks`, `shared` (embeddings and biases), `heads`, `base` if masks keep
    changes to it, `tasks` if tasks have other tensors of their own, and their `total`.
    """
    covered = next((mask.keep.numel() for mask in model.masks.values()), 0)
    names = set(next((mask.shapes for mask in model.masks.values()), ()))
    union = int(union_of(model.masks.values()).sum()) if model.masks else 0
    heads = sum(value.nbytes for name, value in model.values.items() if name.startswith(HEADS))
    shared = sum(value.nbytes for name, value in model.values.items() if not name.startswith(HEADS))
    shared -= sum(model.values[name].nbytes for name in names)
    of_tasks = sum(value.nbytes for name, value in model.values.items() if task_of(name) is not None)
    shared -= of_tasks
    tasks = len(model.tasks)
    stored = {
        "weights": VALUE_BYTES * union,
        "masks": sum(pack(mask).nbytes for mask in model.masks.values()),
        "shared": shared,
        "heads": heads,
    }
    separate = {"weights": VALUE_BYTES * covered * tasks, "masks": 0, "shared": shared * tasks, "heads": heads}
    if model.base:
        stored["base"], separate["base"] = VALUE_BYTES * covered, 0
    if of_tasks:
        stored["tasks"], separate["tasks"] = of_tasks, 0
    return {name: {**part, "total": sum(part.values())} for name, part in (("stored", stored), ("separate", separate))}
