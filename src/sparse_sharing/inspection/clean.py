"""The files of a run that can be made again: work folders of finished jobs, old specs, the prepared text."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sparse_sharing.errors import ArtifactError
from sparse_sharing.pipeline import layout
from sparse_sharing.pipeline.provenance import stored_spec_digest
from sparse_sharing.pipeline.stage import STAGES

WORK = {
    "*/seed*/*/work": "weights.safetensors",
    "*/seed*/*/prune/*/work": "masks.safetensors",
    "*/seed*/*/prune-*/*/work": "masks.safetensors",
    "*/seed*/train/*/*/work": "model.safetensors",
}
"""The work folders of jobs, and for each the file whose existence shows that the job is finished."""

TEXT = ("*/data/train.safetensors", "*/data/dev.safetensors", "*/data/test.safetensors", "*/data/vectors.safetensors")
"""The prepared text and its vectors, which are made again from the user's files when a job needs them."""


@dataclass(frozen=True)
class Removable:
    """A file or folder that can be removed, its bytes, and what it is."""

    path: Path
    size: int
    why: str


def removable(run: Path, text: bool = False) -> list[Removable]:
    """The files of a run that can be removed; models, masks, scores, tables and logs are never among them.

    Args:
        run: the folder of the run.
        text: whether to include the prepared text and vectors; the run must have its tables.

    Raises:
        ArtifactError: The folder is not the folder of a run, or `text` is true and the run has no tables yet.
    """
    if not any(run.glob("*/data/vocabulary.json")):
        raise ArtifactError(f"{run}: is not the folder of a run; expected results/NAME with prepared data in it")
    if text and not (run / "tables" / "provenance.json").exists():
        raise ArtifactError(
            f"{run}: has no tables yet, so its jobs still need the text; finish the run first: sparse-sharing run"
        )
    return list(_found(run, text))


def remove(items: list[Removable]) -> None:
    """Remove files and folders."""
    for item in items:
        if item.path.is_dir() and not item.path.is_symlink():
            shutil.rmtree(item.path)
        else:
            item.path.unlink(missing_ok=True)


def _found(run: Path, text: bool) -> Iterator[Removable]:
    for pattern, product in WORK.items():
        for path in sorted(run.glob(pattern)):
            if path.is_dir() and (path.parent / product).exists():
                yield Removable(path, _size(path), "checkpoints of a finished job")
    for path in sorted(run.rglob(".*.checked")):
        yield Removable(path, _size(path), "a note that a digest was checked")
    for path in _old_specs(run):
        yield Removable(path, _size(path), "an old spec without a result; written again when a job needs it")
    for pattern in TEXT if text else ():
        for path in sorted(run.glob(pattern)):
            yield Removable(path, _size(path), "prepared again from your files when a job needs it")


def _old_specs(run: Path) -> Iterator[Path]:
    """Spec files that no result of their stage was made with; those of stages whose results store no spec are kept."""
    for stage in STAGES:
        if stage.carrier is not None:
            results = run.glob(layout.any_below(f"{stage.folder}/{stage.carrier.file}"))
            needed = {f"{stage.name}-{stored_spec_digest(path)}" for path in results}
            files = run.glob(layout.any_below(layout.SPEC.format(run="{run}", stage=stage.name, digest="{digest}")))
            yield from sorted(path for path in files if path.stem not in needed)


def _size(path: Path) -> int:
    """The bytes of a file, or of all files in a folder."""
    files = [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]
    return sum(file.stat().st_size for file in files)
