"""Reads the spec that a file was made with, without loading the file or checking its content."""

import hashlib
import json
import re
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

_in_json = re.compile(rb'"spec_digest": "([0-9a-f]{16})"').search


def stored_spec_digest(path: Path) -> str | None:
    """The digest of the spec stored in a safetensors or JSON artifact; None if there is no file or no spec."""
    try:
        with path.open("rb") as stream:
            if path.suffix == ".json":
                match = _in_json(stream.read(1000))
                return match[1].decode() if match else None
            return _metadata(stream)["spec_digest"]
    except (OSError, ValueError, KeyError, TypeError, struct.error, MemoryError, OverflowError):
        return None


def stored_spec(path: Path) -> dict | None:
    """The spec stored in a safetensors or JSON artifact; None if there is no file or no spec."""
    try:
        if path.suffix == ".json":
            return json.loads(path.read_bytes())["spec"]
        with path.open("rb") as stream:
            return json.loads(_metadata(stream)["spec"])
    except (OSError, ValueError, KeyError, TypeError, struct.error, MemoryError, OverflowError):
        return None


def stored_details(path: Path) -> dict | None:
    """The details of a JSON artifact; None if there is no file or no details."""
    try:
        return json.loads(path.read_bytes())["details"]
    except (OSError, ValueError, KeyError, TypeError):
        return None


def spec_digest(spec: Mapping[str, Any]) -> str:
    """The digest of a stored spec, as `Spec.digest` computes it."""
    text = json.dumps(spec, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _metadata(stream: BinaryIO) -> dict:
    """The metadata in the header of a safetensors file."""
    length = struct.unpack("<Q", stream.read(8))[0]
    return json.loads(stream.read(length))["__metadata__"]
