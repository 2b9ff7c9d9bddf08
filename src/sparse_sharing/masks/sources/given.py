"""Masks of a file, as `sparse-sharing masks` writes them, for a choice with rule `file`."""

from collections.abc import Sequence
from pathlib import Path

from sparse_sharing.masks.files import load_mask
from sparse_sharing.masks.mask import Mask
from sparse_sharing.storage.artifacts import load_tensors


def masks_of_file(path: Path, tasks: Sequence[str]) -> dict[str, Mask]:
    """The mask of each task.

    Raises:
        ArtifactError: The file is not a selection of masks, or has none for a task.
    """
    artifact = load_tensors(path, "selection")
    return {task: load_mask(artifact, task, path) for task in tasks}
