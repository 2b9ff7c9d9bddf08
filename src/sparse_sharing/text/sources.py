"""The user's files of a split: their names, digests, and whether they have changed."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

from sparse_sharing.pipeline.layout import text_files
from sparse_sharing.storage.files import file_digest


def file_names(path: Path | Sequence[Path]) -> str:
    """The names of the files of a split."""
    return ", ".join(file.name for file in ([path] if isinstance(path, Path) else path))


def stamps(path: Path | Sequence[Path]) -> list[tuple[str, int, int]]:
    """The files of a split, each with its size and the time of its last change; empty if a file is missing."""
    paths = [path] if isinstance(path, Path) else path
    files = [file for source in paths for file in text_files(str(source))]
    statuses = [(file, Path(file).stat()) for file in files if Path(file).exists()]
    return [(file, status.st_size, status.st_mtime_ns) for file, status in statuses]


def split_digest(path: Path | Sequence[Path]) -> str:
    """SHA-256 of a file; for a folder, of the names and digests of the files that are read in it.

    For several files, it is the SHA-256 of their digests.
    """
    if not isinstance(path, Path):
        digests = [split_digest(source) for source in path]
        return digests[0] if len(digests) == 1 else hashlib.sha256("\n".join(digests).encode()).hexdigest()
    if not path.is_dir():
        return file_digest(path)
    lines = (f"{file_digest(file)} {file.relative_to(path).as_posix()}\n" for file in map(Path, text_files(str(path))))
    return hashlib.sha256("".join(lines).encode()).hexdigest()
