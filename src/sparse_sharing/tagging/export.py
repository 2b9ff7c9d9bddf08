"""Exports one task as a model of its own, or all tasks as an ONNX file, after checking that the tags are the same."""

import logging
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from sparse_sharing.config.encoders.base import EncoderSection, encoder_section
from sparse_sharing.encoders.base import Encoder, counted_parameters
from sparse_sharing.errors import ArtifactError, ConfigError
from sparse_sharing.masks.mask import Mask
from sparse_sharing.network.compact import compact_network
from sparse_sharing.network.network import Network
from sparse_sharing.network.storage import TrainedModel, load_model, save_model, values_of_task
from sparse_sharing.pipeline.specs import ExportSpec
from sparse_sharing.results.card import model_card
from sparse_sharing.storage.artifacts import spec_digest, write_atomically, write_text
from sparse_sharing.tagging import onnx_export
from sparse_sharing.tagging.proof import kept_words, proof_texts
from sparse_sharing.text.encoded import EncodedText
from sparse_sharing.training.trained import MODEL_FILE, VOCABULARY_FILE, OpenModel, network_of, open_model

log = logging.getLogger(__name__)


def run(
    folder: Path,
    task: str | None,
    dev: Path | None,
    output: Path,
    onnx: bool,
    device: str,
    int8: bool = False,
    trim: bool = False,
    words: Path | None = None,
) -> None:
    """Export tasks of the model in `folder` into `output`, after checking that the tags are the same.

    With a task, the result is a model of this task; with `onnx` and no task, an ONNX file with the network of all
    tasks. The tags are compared on the dev text, if it is given or found, and on random sequences of words. With `trim`
    the model keeps only the pieces of the words in its vocabulary, in the texts of its run, and in the file `words`.

    Raises:
        ConfigError: The model has no such task, or several, none is named, and `onnx` is off; the dev text lacks a
            task; `output` is the model's own folder; packages for ONNX are missing; the model is a control.
        ArtifactError: A file is missing, damaged, foreign, or of another version; the tags differ.
    """
    if output.resolve() == folder.resolve():
        raise ConfigError(f"--output: {output} is the folder of the model itself; name another")
    if int8 and not onnx:
        raise ConfigError("--int8 needs --onnx: only ONNX files have weights of eight bits")
    if words is not None and not trim:
        raise ConfigError("--words needs --trim, which removes pieces that no word needs")
    if onnx:
        onnx_export.require_packages()
    source = open_model(folder, device)
    if onnx and source.network.model.kind not in onnx_export.ENCODERS:
        raise ConfigError(
            f"--onnx: networks with encoder '{source.network.model.kind}' cannot be written as ONNX files, only those "
            f"with {' or '.join(onnx_export.ENCODERS)}. Without --onnx, --task NAME exports one task"
        )
    if onnx:
        onnx_export.require_packages(source.network.model.kind)
    if onnx and source.network.model.kind != "transformer" and source.trained.base and task is None:
        raise ConfigError(
            "--onnx: the masks of this model keep changes (meaning: delta), which an ONNX file of several tasks cannot "
            "represent; export one task with --task NAME"
        )
    if source.trained.own_values:
        raise ConfigError(
            f"{folder}: is a control whose tasks were evaluated at their own best epochs (best_epoch: each), so "
            "it cannot "
            "be exported. Export the model of a system with best_epoch: mean"
        )
    tasks = _tasks(source.trained, task, onnx)
    if len(tasks) > 1 and source.network.word_limits:
        raise ConfigError(
            f"{folder}: was extended, and its tasks have different vocabularies, which one ONNX file cannot have. "
            "Export each "
            f"with --task: {', '.join(tasks)}"
        )
    texts = proof_texts(folder, dev, tasks, source.data, source.vocabulary, source.trained.spec.get("tags"))
    spec = ExportSpec(model=spec_digest(source.trained.spec), task=",".join(tasks), trim=trim or None)
    if task is None and len(source.trained.tasks) > 1:
        onnx_export.run(source.trained, source.network, spec, output, texts, int8)
        write_atomically(output / VOCABULARY_FILE, (folder / VOCABULARY_FILE).read_bytes())
        write_text(output / "README.md", model_card(source.trained))
        return
    task_model = single_task(source, tasks[0])
    if trim:
        task_model = _trimmed(source, task_model, kept_words(source, folder, dev, tasks[0], texts, words))
    written, network = _export_task(source, task_model, tasks[0], texts, spec, folder, output, device)
    if onnx:
        onnx_export.run(written, network, spec, output, texts, int8)


def single_task(source: OpenModel, task: str) -> TrainedModel:
    """One task's part of a model: its subnetwork, its head, and what tasks share outside the masks."""
    model = source.trained
    masks = {task: model.masks[task]} if task in model.masks else {}
    values = values_of_task(model.values, task, masks.get(task), model.base)
    if model.base:
        # With base values for removed weights, the model of one task keeps all weights.
        masks = {task: Mask.dense(mask.shapes, mask.weights) for task, mask in masks.items()}
    section, values = _without_task_parts(source.network.encoder, task, values)
    details: dict[str, Any] = {**model.details, "tasks": [task], "model": section.model_dump()}
    details.pop("trained_parameters", None)
    for name in ("densities", "dev"):
        details[name] = {key: value for key, value in model.details[name].items() if key == task}
    data = model.details["data"]
    details["data"] = {**data, "tasks": {key: value for key, value in data["tasks"].items() if key == task}}
    # Words that were added with a later task are unknown to this one.
    if (limit := details.pop("word_limits", {}).get(task)) is not None:
        values["words.weight"] = values["words.weight"].copy()
        values["words.weight"][limit:] = values["words.weight"][0]
    return TrainedModel({name: np.asarray(value) for name, value in values.items()}, masks, details, {}, "")


def _without_task_parts(
    encoder: Encoder, task: str, values: Mapping[str, np.ndarray]
) -> tuple[EncoderSection, dict[str, np.ndarray]]:
    section, folded = encoder.for_task(task, {name: torch.from_numpy(value.copy()) for name, value in values.items()})
    return section, {name: value.numpy() for name, value in folded.items()}


def _trimmed(source: OpenModel, task_model: TrainedModel, words: Iterable[str]) -> TrainedModel:
    """A model of one task without the pieces that words do not need."""
    encoder, before = source.network.encoder, encoder_section(task_model.details["model"])
    tensors = {name: torch.from_numpy(value.copy()) for name, value in task_model.values.items()}
    section, values = encoder.trimmed(before, tensors, words)
    sizes = {name: len(value) for name, value in values.items() if len(value) < len(tensors[name])}
    kept = [{"kept": size, "of": len(tensors[name])} for name, size in sizes.items()]
    details = {**task_model.details, "model": section.model_dump(), **({"pieces": kept[0]} if kept else {})}
    return replace(task_model, values={name: value.numpy() for name, value in values.items()}, details=details)


def _export_task(
    source: OpenModel,
    task_model: TrainedModel,
    task: str,
    texts: Mapping[str, Mapping[str, EncodedText]],
    spec: ExportSpec,
    folder: Path,
    output: Path,
    device: str,
) -> tuple[TrainedModel, Network]:
    """Write the model of one task; returns it and its network."""
    network = network_of(task_model, source.vocabulary, folder / MODEL_FILE, device)
    for name, text in texts.items():
        if different := _different(source.network, network, task, text[task]):
            raise ArtifactError(
                f"{folder / MODEL_FILE}: {different} of {len(text[task].tokens)} {name} tokens got another tag of task "
                f"'{task}' from the task's weights only, so nothing was written. The model needs more than the "
                "weights of "
                "one task"
            )
    task_model, network = _compacted(source, task_model, network, task, texts)
    proof = {"source": source.trained.digest, "random_tokens": len(texts["random"][task].tokens)}
    if "dev" in texts:
        proof |= {"sentences": texts["dev"][task].sentences, "tokens": len(texts["dev"][task].tokens)}
    details: dict[str, Any] = {
        **task_model.details,
        "exported": proof,
        "parameters": _parameters(network, task_model),
    }
    write_atomically(output / VOCABULARY_FILE, (folder / VOCABULARY_FILE).read_bytes())
    save_model(output / MODEL_FILE, spec, task_model.values, task_model.masks, details["vocabulary"], details)
    written = load_model(output / MODEL_FILE)
    write_text(output / "README.md", model_card(written))
    for name, text in texts.items():
        log.info("%s: the same tags of task '%s' for all %d %s tokens", output, task, len(text[task].tokens), name)
    return written, network


def _compacted(
    source: OpenModel,
    task_model: TrainedModel,
    network: Network,
    task: str,
    texts: Mapping[str, Mapping[str, EncodedText]],
) -> tuple[TrainedModel, Network]:
    """The model and network of one task without removed units if its mask removes units; else unchanged."""
    small = compact_network(network, task, task_model.masks[task]) if task_model.masks else None
    if small is None:
        return task_model, network
    for name, text in texts.items():
        if different := _different(source.network, small, task, text[task]):
            log.warning(
                "%d of %d %s tokens got another tag of task '%s' without the removed units, due to rounding; the "
                "units are kept",
                *(different, len(text[task].tokens), name, task),
            )
            return task_model, network
    units = {group: count for group, (count,) in small.units.shapes.items()}
    values = {name: value.numpy() for name, value in small.values().items()}
    log.info("task '%s' keeps %s", task, ", ".join(f"{count} units of {group}" for group, count in units.items()))
    return replace(task_model, values=values, masks={}, details={**task_model.details, "units": units}), small


def _different(one: Network, other: Network, task: str, text: EncodedText) -> int:
    """The number of tokens that get different tags."""
    return int((one.predict(task, text) != other.predict(task, text)).sum())


def _parameters(network: Network, model: TrainedModel) -> int:
    """The parameters of a model of one task, as the paper counts them."""
    for mask in model.masks.values():
        return counted_parameters(network.encoder, mask.kept, mask.shapes)
    return counted_parameters(network.encoder, len(network.prunable_values()))


def _tasks(model: TrainedModel, task: str | None, onnx: bool) -> list[str]:
    """The tasks to export."""
    if task is None and (onnx or len(model.tasks) == 1):
        return model.tasks
    if task not in model.tasks:
        asked = "--task is missing" if task is None else f"the model has no task '{task}'"
        remedy = "" if task is not None else ". With --onnx, one file has all of them"
        raise ConfigError(f"{asked}; its tasks are {', '.join(model.tasks)}{remedy}")
    return [task]
