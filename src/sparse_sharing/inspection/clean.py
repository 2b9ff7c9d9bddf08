"""What of a run can be made again, so that it may go: work folders of finished jobs, old specs, the prepared text."""

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
"""The work folders of jobs, and the file beside each that shows that the job is finished."""

TEXT = ("*/data/train.safetensors", "*/data/dev.safetensors", "*/data/test.safetensors", "*/data/vectors.safetensors")
"""The prepared text and its vectors: made again from the user's files when a job needs them."""


@dataclass(frozen=True)
class Removable:
    """A file or folder that can go, its bytes, and why it can."""

    path: Path
    size: int
    why: str


def removable(run: Path, text: bool = False) -> list[Removable]:
    """What can be removed from the folder of a run; models, masks, scores, tables and logs are never among it.

    Args:
        run: the folder of the run.
        text: the prepared text and vectors as well, of a run that has its tables.

    Raises:
        ArtifactError: The folder is not that of a run, or the text is asked for before the run has its tables.
    """
    if not any(run.glob("*/data/vocabulary.json")):
        raise ArtifactError(f"{run}: is not the folder of a run; expected results/NAME with prepared data in it")
    if text and not (run / "tables" / "provenance.json").exists():
        raise ArtifactError(f"{run}: has no tables yet, so its jobs still need the text; finish the run first")
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
        yield Removable(path, _size(path), "a note that a digest was compared")
    for path in _old_specs(run):
        yield Removable(path, _size(path), "the spec of no result; written again when a job needs it")
    for pattern in TEXT if text else ():
        for path in sorted(run.glob(pattern)):
            yield Removable(path, _size(path), "prepared again from your files when a job needs it")


def _old_specs(run: Path) -> Iterator[Path]:
    """The files of specs that no result of their stage was made under; those of stages that store none are kept."""
    for stage in STAGES:
        if stage.carrier is not None:
            results = run.glob(layout.any_below(f"{stage.folder}/{stage.carrier.file}"))
            needed = {f"{stage.name}-{stored_spec_digest(path)}" for path in results}
            files = run.glob(layout.any_below(layout.SPEC.format(run="{run}", stage=stage.name, digest="{digest}")))
            yield from sorted(path for path in files if path.stem not in needed)


def _size(path: Path) -> int:
    """Bytes of a file, or of all files in a folder."""
    files = [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]
    return sum(file.stat().st_size for file in files)
