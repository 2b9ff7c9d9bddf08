"""The density of the masks of a file, from its bits: `sparse-sharing masks show` starts without torch."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path

import numpy as np

from sparse_sharing.errors import ArtifactError, ConfigError
from sparse_sharing.masks.layers import layer_of
from sparse_sharing.storage.artifacts import Artifact, load_tensors, parts_of

KINDS = {"selection": "", "masks": "round", "model": "masks/"}
"""Kinds of artifact that hold masks, and how the names of the masks in them begin."""


@dataclass(frozen=True)
class Densities:
    """How much one mask keeps.

    Attributes:
        kept: weights that it keeps.
        density: their share of all.
        layers: the share in each layer.
    """

    kept: int
    density: float
    layers: Mapping[str, float]


def densities(operand: str) -> dict[str, Densities]:
    """The density of each mask of `FILE`, or with `FILE:NAME` of that of one task or round.

    Raises:
        ArtifactError: The file is missing, damaged, or holds no masks.
        ConfigError: It holds no mask of that name.
    """
    path, artifact, names = open_masks(operand)
    return {own: _densities(artifact, name, path) for own, name in names.items()}


def open_masks(operand: str) -> tuple[Path, Artifact, dict[str, str]]:
    """The file that an operand names, its content, and the names of the tensors of the masks that are meant.

    A single round of a pruning goes by the name of its task, so that it can stand beside others.

    Raises:
        ArtifactError: The file is missing, damaged, or holds no masks.
        ConfigError: It holds no mask of that name.
    """
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


def _densities(artifact: Artifact, name: str, path: Path) -> Densities:
    """Count the bits of one mask, which lie tensor by tensor."""
    with parts_of(path):
        sizes = [(str(tensor), prod(map(int, shape))) for tensor, shape in artifact.details["shapes"]]
        keep = np.unpackbits(artifact.tensors[name], count=sum(size for _, size in sizes))
    kept, total, start = Counter(), Counter(), 0
    for tensor, size in sizes:
        layer = layer_of(tensor)
        kept[layer] += int(keep[start : start + size].sum())
        total[layer] += size
        start += size
    layers = {layer: kept[layer] / total[layer] for layer in total}
    return Densities(kept.total(), kept.total() / total.total(), layers)
