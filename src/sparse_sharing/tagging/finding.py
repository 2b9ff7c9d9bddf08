"""Finds the model for a path: the folder of a model, or the best model of a run."""

import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from sparse_sharing.errors import ArtifactError

log = logging.getLogger(__name__)

MODEL_FILE, NETWORK_FILE = "model.safetensors", "network.onnx"
"""Of trained and exported models."""

PLACES = ("", "*", "*/*", "train/*/*", *(f"{'*/' * level}seed*/train/*/*" for level in range(4)))
"""Places of models below the folder of a system, seed, dataset or run, of all results, or the one above."""

MOST_LISTED = 20


def find_model(path: Path) -> Path:
    """The folder of the model for a path; if it is the best of a run, the log names it.

    Of the models of a run those with the most tasks are compared, by the mean of their scores on dev.

    Raises:
        ArtifactError: There is no model; the message lists those nearby.
    """
    if _is_model(path):
        return path
    models = models_below(path)
    if not models:
        raise ArtifactError(_nothing_at(path))
    rated = [(len(tasks), _mean(tasks), folder) for folder in models for tasks in [_dev_scores(folder)]]
    _, score, best = max(rated, key=lambda one: one[:2])
    if len(models) > 1:
        log.info("%s: using %s, the best of %d models (mean on dev %.2f)", path, best, len(models), score)
    return best


def models_below(folder: Path) -> list[Path]:
    """The folders of trained models below a folder of results, in order."""
    folders = {path.parent for place in PLACES for path in folder.glob(f"{place}/{MODEL_FILE}".lstrip("/"))}
    return sorted(folders)


def _is_model(path: Path) -> bool:
    return (path / MODEL_FILE).exists() or (path / NETWORK_FILE).exists()


def _dev_scores(folder: Path) -> Mapping[str, Mapping[str, float]]:
    """The dev scores of each task, from the file of a model."""
    path = folder / MODEL_FILE
    try:
        with safe_open(path, "numpy") as content:
            details: dict[str, Any] = json.loads(content.metadata()["details"])
        return {task: details["dev"].get(task, {}) for task in details["tasks"]}
    except (SafetensorError, OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ArtifactError(f"{path}: is damaged or was not written by sparse-sharing ({error})") from error


def _mean(tasks: Mapping[str, Mapping[str, float]]) -> float:
    """The mean over tasks of F1 or else accuracy."""
    scores = [metrics.get("f1", metrics.get("accuracy", 0.0)) for metrics in tasks.values()]
    return sum(scores) / max(1, len(scores))


def _nothing_at(path: Path) -> str:
    """The message that there is no model, with the models nearby."""
    near = next(folder for folder in [path, *path.parents] if folder.is_dir())
    while not (models := models_below(near)) and near.resolve() != Path.cwd() and near != near.parent:
        near = near.parent
    problem = f"{path}: has no model (neither {MODEL_FILE} nor {NETWORK_FILE})"
    if not models:
        return f"{problem}; expected the folder of a trained or exported model, or of a run"
    shown = "".join(f"\n  {folder}" for folder in models[:MOST_LISTED])
    more = f"\n  and {len(models) - MOST_LISTED} more" if len(models) > MOST_LISTED else ""
    return f"{problem}. The models below {near} are:{shown}{more}"
