"""Loads the tagger for a path, with ONNX or torch."""

import shlex
from pathlib import Path

from sparse_sharing.errors import ConfigError
from sparse_sharing.tagging import finding
from sparse_sharing.tagging.base import BaseTagger


def load_tagger(
    model: str | Path, vectors: str | Path | None = None, device: str = "auto", threads: int = 1
) -> BaseTagger:
    """The tagger of a folder: its ONNX network if it has one and no GPU is requested, else its model in torch.

    Raises:
        UserError: There is no model, it cannot be used, or the vectors do not fit it.
    """
    folder = finding.find_model(Path(model))
    if (folder / finding.NETWORK_FILE).exists() and device != "cuda":
        from sparse_sharing.tagging.onnx_tagger import OnnxTagger

        return OnnxTagger.load(folder, vectors, threads)
    try:
        from sparse_sharing.tagging.tagger import Tagger
        from sparse_sharing.training.threads import set_threads
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"{folder}: has no {finding.NETWORK_FILE}, and models without one need {error.name}. Where sparse-sharing "
            f"is installed: sparse-sharing export {shlex.quote(str(folder))} --onnx --output FOLDER"
        ) from error

    set_threads(threads)
    return Tagger.load(folder, vectors, device)
