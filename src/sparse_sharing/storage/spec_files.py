"""Spec files: the spec of a stage as readable JSON."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from pydantic import ValidationError

from sparse_sharing.errors import ConfigError
from sparse_sharing.storage.files import write_text

if TYPE_CHECKING:
    from sparse_sharing.pipeline.spec import Spec

SpecType = TypeVar("SpecType", bound="Spec")


def spec_text(spec: "Spec") -> str:
    """A spec as indented JSON with sorted keys; specs of equal digest have the same text."""
    return json.dumps(json.loads(spec.canonical()), indent=2, ensure_ascii=False) + "\n"


def write_spec(path: Path, spec: "Spec") -> None:
    """Write the file of a spec, unless it already exists unchanged.

    Several jobs may do this at the same time: each finds the complete file, or replaces it by an equal one.

    Raises:
        OSError: It cannot be written.
    """
    text = spec_text(spec)
    try:
        if path.read_bytes() == text.encode():
            return
    except OSError:
        pass  # It is missing or cannot be read; if writing fails too, its error says why.
    write_text(path, text)


def read_spec(path: Path, kind: type[SpecType]) -> SpecType:
    """The spec in a file.

    Raises:
        ConfigError: The file is missing or cannot be read, or has no spec of this stage.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        raise ConfigError(
            f"--spec: '{_short(path)}' cannot be read ({reason}); expected a JSON file such as "
            f"`sparse-sharing spec STAGE > FILE` writes. Those of a run are in results/RUN/specs; one that is missing "
            f"there is written when the workflow runs its job"
        ) from error
    try:
        return kind.model_validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = "".join(f"{part}: " for part in first["loc"])
        raise ConfigError(
            f"{path}: is not a spec of this stage ({place}{first['msg']}). `sparse-sharing spec` prints one; one of a "
            f"run is written again when the workflow runs its job"
        ) from error


def _short(path: Path) -> str:
    """The path, or its beginning if a text was given instead of a path."""
    text = str(path)
    return text if len(text) <= 200 else f"{text[:60]}..."
