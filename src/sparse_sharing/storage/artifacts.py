"""The files that stages write for other stages: formats, versions, digests, atomic writes.

Tensors are stored as safetensors, everything else as JSON; nothing is unpickled. Each file has its kind and format
version, the spec of the stage that made it, and a digest of its content; all are checked before the content is used.
"""

import contextlib
import errno
import hashlib
import json
import math
import struct
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from safetensors import SafetensorError, safe_open

from sparse_sharing.errors import ArtifactError
from sparse_sharing.pipeline.artefact import FORMATS
from sparse_sharing.pipeline.provenance import spec_digest as spec_digest
from sparse_sharing.storage.files import file_digest as file_digest
from sparse_sharing.storage.files import write_atomically as write_atomically
from sparse_sharing.storage.files import write_pieces, write_text

if TYPE_CHECKING:
    from sparse_sharing.pipeline.specs import Spec

TYPES = {"bool": "BOOL", "uint8": "U8", "int32": "I32", "int64": "I64", "float32": "F32", "float64": "F64"}
"""The numpy types that can be stored, and their names in safetensors."""

REMEMBERED_FROM = 2**26
"""The size in bytes from which a file's digest is checked only once, not by every job that reads it."""


@dataclass(frozen=True)
class Artifact:
    """A checked file of a stage: its spec, the digest of its content, tensors (numpy) and JSON details."""

    spec: dict[str, Any]
    digest: str
    tensors: dict[str, np.ndarray] = field(default_factory=dict)
    details: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Streamed:
    """A tensor that is never in memory as a whole: its type, its shape, and a function that returns its pieces."""

    dtype: np.dtype
    shape: tuple[int, ...]
    pieces: Callable[[], Iterable[np.ndarray]]

    @property
    def nbytes(self) -> int:
        """The bytes of the whole tensor."""
        return math.prod(self.shape) * self.dtype.itemsize


Tensor = np.ndarray | Streamed


def content_digest(tensors: Mapping[str, Tensor], details: Mapping[str, Any] | None = None) -> str:
    """SHA-256 over the names, dtypes, shapes and bytes of tensors, in the order of names, and over the details."""
    digest = hashlib.sha256(_json(details or {}).encode())
    for name in sorted(tensors):
        tensor = tensors[name]
        digest.update(f"\0{name}\0{tensor.dtype.str}\0{tensor.shape}\0".encode())
        for piece in _bytes(tensor):
            digest.update(piece)
    return digest.hexdigest()


def input_digest(path: Path) -> str:
    """A digest of an input file; for tensors, of the header, which has the digest of the content."""
    with path.open("rb") as stream:
        if path.suffix != ".safetensors":
            return hashlib.file_digest(stream, "sha256").hexdigest()
        start = stream.read(8)
        length = min(int.from_bytes(start, "little"), path.stat().st_size)
        return hashlib.sha256(start + stream.read(length)).hexdigest()


def save_tensors(
    path: Path, kind: str, spec: "Spec", tensors: Mapping[str, Tensor], details: Mapping[str, Any] | None = None
) -> str:
    """Write tensors (numpy) and JSON details as one safetensors file; returns the digest of the content."""
    details = dict(details or {})
    header = _header(kind, spec, content_digest(tensors, details))
    metadata = {**header, "spec": spec.canonical(), "details": _json(details)}
    write_pieces(path, _pieces(tensors, metadata))
    return header["digest"]


def load_tensors(path: Path, kind: str, expected: str | None = None, older: Collection[int] = ()) -> Artifact:
    """Read and check a file written by `save_tensors`; `expected` is the digest of the spec that it must have.

    `older` lists earlier versions of the format that the caller can read, too.

    The arrays are views of the file, read on use and shared with other processes that read it; writing to them is
    allowed and changes only the process's own copy.

    Raises:
        ArtifactError: The file is missing, damaged, of another kind or version, or made with other settings.
    """
    try:
        header, content = _map(path)
        metadata = header.pop("__metadata__")
        tensors = {name: _view(content, **header[name]) for name in sorted(header)}
        spec, details = json.loads(metadata["spec"]), json.loads(metadata["details"])
    except (SafetensorError, ValueError, KeyError, TypeError, RecursionError, struct.error) as error:
        raise ArtifactError(
            f"{path}: is damaged or was not written by sparse-sharing ({error}). {remedy(path)}"
        ) from error
    artifact = Artifact(spec, str(metadata.get("digest")), tensors, details)
    _check(path, kind, metadata, artifact, expected, older)
    return artifact


def save_json(path: Path, kind: str, spec: "Spec", details: Mapping[str, Any]) -> None:
    """Write JSON details in readable form, with kind, version, spec and digest."""
    header = _header(kind, spec, content_digest({}, details))
    document = {**header, "spec": json.loads(spec.canonical()), "details": details}
    write_text(path, json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False) + "\n")


def load_json(path: Path, kind: str, expected: str | None = None) -> Artifact:
    """Read a file written by `save_json`, with the same checks and errors as `load_tensors`."""
    try:
        document = json.loads(_read(path))
        artifact = Artifact(document["spec"], str(document["digest"]), {}, document["details"])
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ArtifactError(
            f"{path}: is damaged or was not written by sparse-sharing ({error}). {remedy(path)}"
        ) from error
    _check(path, kind, document, artifact, expected)
    return artifact


@contextlib.contextmanager
def parts_of(path: Path) -> Iterator[None]:
    """A context for using the parts of a file: if they do not fit each other, the file is rejected.

    Raises:
        ArtifactError: A part is missing or has the wrong form.
    """
    try:
        yield
    except (KeyError, IndexError, TypeError, ValueError, AttributeError, ArtifactError) as error:
        problem = f"{error} is missing" if isinstance(error, KeyError) else error
        raise ArtifactError(f"{path}: its parts do not fit each other ({problem}). {remedy(path)}") from error


def refuse_other_spec(path: Path, spec: Mapping[str, Any], expected: str) -> None:
    """Raise ArtifactError if a file was made with another spec than the one whose digest is expected."""
    if (digest := spec_digest(spec)) != expected:
        raise ArtifactError(
            f"{path}: was made with other settings (spec {digest}, this run expects {expected}): {_json(spec)}\n"
            f"Use the configuration that it was made with. Otherwise: {remedy(path)}"
        )


def _check(
    path: Path,
    kind: str,
    header: Mapping[str, Any],
    artifact: Artifact,
    expected: str | None,
    older: Collection[int] = (),
) -> None:
    if not (isinstance(artifact.spec, dict) and isinstance(artifact.details, dict)):
        raise ArtifactError(
            f"{path}: is damaged or was not written by sparse-sharing (no spec or details). {remedy(path)}"
        )
    stored = (header.get("kind"), str(header.get("version")))
    if stored[0] != kind:
        raise ArtifactError(f"{path}: expected {kind}, got {stored[0]}. {remedy(path)}")
    if stored[1] not in map(str, (FORMATS[kind], *older)):
        raise ArtifactError(
            f"{path}: has format version {stored[1]} of {kind}; this program reads {FORMATS[kind]}. {remedy(path)}"
        )
    intact = header.get("spec_digest") == spec_digest(artifact.spec)
    if not intact or not _has_digest(path, artifact):
        raise ArtifactError(f"{path}: is damaged: its content does not match its digest. {remedy(path)}")
    if expected is not None:
        refuse_other_spec(path, artifact.spec, expected)


def _has_digest(path: Path, artifact: Artifact) -> bool:
    """Whether the content fits the digest; for a large file the answer is cached while the file does not change.

    The cache is a file beside it with its size, times and inode: a file that was written again is checked again.
    Corruption without a write is not noticed after the first check.
    """
    status = path.stat()
    fingerprint = f"{artifact.digest} {status.st_size} {status.st_mtime_ns} {status.st_ctime_ns} {status.st_ino}"
    memory = path.with_name(f".{path.name}.checked")
    large = status.st_size >= REMEMBERED_FROM
    if large and memory.exists() and memory.read_text(encoding="utf-8") == fingerprint:
        return True
    if content_digest(artifact.tensors, artifact.details) != artifact.digest:
        return False
    if large:
        with contextlib.suppress(OSError):
            write_text(memory, fingerprint)
    return True


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise _unreadable(path, error) from error


def _map(path: Path) -> tuple[dict[str, Any], np.ndarray]:
    """The header of a safetensors file, checked against its size, and the bytes after it as uint8 [n]."""
    try:
        content = np.memmap(path, np.uint8, mode="c").view(np.ndarray)
        with safe_open(path, "numpy"):
            pass
    except OSError as error:
        raise _unreadable(path, error) from error
    end = 8 + struct.unpack("<Q", content[:8].data)[0]
    return json.loads(content[8:end].tobytes()), content[end:]


def _view(content: np.ndarray, dtype: str, shape: list[int], data_offsets: tuple[int, int]) -> np.ndarray:
    """One tensor of a mapped file."""
    types = {name: numpy_type for numpy_type, name in TYPES.items()}
    return content[slice(*data_offsets)].view(types[dtype]).reshape(shape)


def _unreadable(path: Path, error: OSError) -> ArtifactError:
    if error.errno == errno.ENOMEM:
        raise MemoryError(f"{path}: cannot be mapped into memory") from error
    return ArtifactError(f"{path}: cannot be read ({error.strerror}). {remedy(path)}")


def remedy(path: Path) -> str:
    """The remedy for a file that is missing or cannot be used."""
    return f"Rebuild it with your usual options: snakemake --cores 1 --force '{path}'"


def _header(kind: str, spec: "Spec", digest: str) -> dict[str, str]:
    return {"kind": kind, "version": str(FORMATS[kind]), "digest": digest, "spec_digest": spec.digest()}


def _pieces(tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> Iterable[bytes | memoryview]:
    """A safetensors file: header and tensors, the widest types first, so that each is aligned to its width."""
    header: dict[str, Any] = {"__metadata__": metadata}
    order = sorted(tensors, key=lambda name: (-tensors[name].dtype.itemsize, name))
    end = 0
    for name in order:
        start, end = end, end + tensors[name].nbytes
        shape = list(tensors[name].shape)
        header[name] = {"data_offsets": [start, end], "dtype": TYPES[tensors[name].dtype.name], "shape": shape}
    text = _json(header).encode()
    text += b" " * (-len(text) % 8)
    yield struct.pack("<Q", len(text)) + text
    for name in order:
        yield from _bytes(tensors[name])


def _bytes(tensor: Tensor) -> Iterable[memoryview]:
    """The bytes of a tensor; for arrays in C order without a copy."""
    for piece in tensor.pieces() if isinstance(tensor, Streamed) else [tensor]:
        if piece.size:
            yield np.asarray(piece, order="C").data.cast("B")


def _json(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
