"""Taking one task out of a model: a model of its own, with that task's weights alone, proved to give the same tags."""

import logging
from pathlib import Path
from typing import Any

import numpy as np

from sparse_sharing.artifacts import spec_digest, write_atomically, write_text
from sparse_sharing.config.specs import ExportSpec
from sparse_sharing.data.text import EncodedText
from sparse_sharing.errors import ArtifactError, ConfigError
from sparse_sharing.models.encoder import counted_parameters
from sparse_sharing.models.storage import TrainedModel, load_model, save_model, values_of_task
from sparse_sharing.stages.card import model_card
from sparse_sharing.stages.inputs import load_text
from sparse_sharing.stages.models import MODEL_FILE, VOCABULARY_FILE, OpenModel, network_of, open_model
from sparse_sharing.tagging import onnx_export

log = logging.getLogger(__name__)

DEV_FROM_MODEL = "../../../../data/dev.safetensors"
"""Where the dev text lies in the folder of a run, seen from a model."""


def run(folder: Path, task: str | None, dev: Path | None, output: Path, onnx: bool, device: str) -> None:
    """Write the model of one task of the model in `folder` into `output`, once its tags on dev are proved the same.

    Raises:
        ConfigError: The model has no such task, or several and none is named; no dev text is found; `output` is the
            model's own folder; packages for ONNX are missing; the model is a control.
        ArtifactError: A file is missing, damaged, foreign, or of another version; the tags differ.
    """
    if output.resolve() == folder.resolve():
        raise ConfigError(f"--output: {output} is the folder of the model itself; name another")
    if onnx:
        onnx_export.require_packages()
    source = open_model(folder, device)
    if source.trained.own:
        raise ConfigError(
            f"{folder}: is a control whose tasks were evaluated at epochs of their own (best_epoch: each), which no "
            "export shows. Export the model of a system with best_epoch: mean"
        )
    task = _require_task(source.trained, task)
    text = _dev_text(folder, dev, task, source)
    own = single_task(source, task)
    network = network_of(own, source.vocabulary, folder / MODEL_FILE, device)
    expected, found = source.network.predict(task, text), network.predict(task, text)
    if different := int((expected != found).sum()):
        raise ArtifactError(
            f"{folder / MODEL_FILE}: {different} of {len(found)} dev tokens got another tag of task '{task}' from its "
            "own weights alone, so nothing is written. The model needs more than the weights of one task"
        )
    details: dict[str, Any] = {
        **own.details,
        "exported": {"source": source.trained.digest, "sentences": text.sentences, "tokens": len(text.tokens)},
        "parameters": counted_parameters(network.encoder, sum(mask.kept for mask in own.masks.values())),
    }
    spec = ExportSpec(model=spec_digest(source.trained.spec), task=task)
    write_atomically(output / VOCABULARY_FILE, (folder / VOCABULARY_FILE).read_bytes())
    save_model(output / MODEL_FILE, spec, own.values, own.masks, details["vocabulary"], details)
    written = load_model(output / MODEL_FILE)
    write_text(output / "README.md", model_card(written))
    log.info("%s: the same tags of task '%s' for all %d dev tokens", output, task, len(text.tokens))
    if onnx:
        onnx_export.run(written, network, spec, output, text)


def single_task(source: OpenModel, task: str) -> TrainedModel:
    """One task's part of a model: its subnetwork, its head, and what tasks share outside the masks."""
    model = source.trained
    masks = {task: model.masks[task]} if task in model.masks else {}
    details = dict(model.details) | {"tasks": [task]}
    for name in ("densities", "dev"):
        details[name] = {key: value for key, value in model.details[name].items() if key == task}
    data = model.details["data"]
    details["data"] = {**data, "tasks": {key: value for key, value in data["tasks"].items() if key == task}}
    values = values_of_task(model.values, task, masks.get(task))
    return TrainedModel({name: np.asarray(value) for name, value in values.items()}, masks, details, {}, "")


def _require_task(model: TrainedModel, task: str | None) -> str:
    """The task to take out."""
    if task is None and len(model.tasks) == 1:
        return model.tasks[0]
    if task not in model.tasks:
        asked = "--task is missing" if task is None else f"the model has no task '{task}'"
        raise ConfigError(f"{asked}; its tasks are {', '.join(model.tasks)}")
    return task


def _dev_text(folder: Path, dev: Path | None, task: str, source: OpenModel) -> EncodedText:
    """The dev text of a task: the file that is named, or the one of the run that the model lies in."""
    path = dev or folder.resolve() / DEV_FROM_MODEL
    if dev is None and not path.exists():
        raise ConfigError(
            f"the dev text, on which the tags are proved the same, is not at {path.resolve()}; name it with --dev FILE"
        )
    texts = load_text(path, source.data, source.vocabulary)
    if task not in texts:
        raise ConfigError(f"{path}: has no task '{task}'; its tasks are {', '.join(texts)}")
    return texts[task]
