"""Removes a task from a model: the weights that only this task needed are dropped, the other tasks do not change."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from sparse_sharing.encoders.base import counted_parameters
from sparse_sharing.errors import ArtifactError, ConfigError
from sparse_sharing.masks.analysis import union_size
from sparse_sharing.network.storage import is_head_of, load_model, save_model, union_of, vocabulary_digest
from sparse_sharing.pipeline.specs import PrepareSpec, RemoveSpec
from sparse_sharing.results.card import model_card
from sparse_sharing.stages.add_task import part_of
from sparse_sharing.storage.artifacts import content_digest, load_json, save_json, spec_digest, write_text
from sparse_sharing.text.batches import WORDS
from sparse_sharing.training.extension import LIMITS
from sparse_sharing.training.inputs import for_tasks
from sparse_sharing.training.trained import MODEL_FILE, VOCABULARY_FILE, open_model

BY_TASK = ("densities", "dev", LIMITS)
"""Details of a model that have an entry for each task."""


def run(model: Path, task: str, output: Path, device: str) -> tuple[int, int]:
    """Write the model in the folder `model` without a task into `output`.

    Weights that only this task keeps become free; words that come after those of all other tasks are dropped.

    Returns:
        How many weights are free, and how many masks cover.

    Raises:
        ConfigError: The model has no such task, or no other, or `output` is its own folder.
        ArtifactError: A file cannot be used.
    """
    source = open_model(model, device)
    trained = source.trained
    if task not in trained.tasks:
        raise ConfigError(f"{model}: has no task '{task}'; its tasks are {', '.join(trained.tasks)}")
    if len(trained.tasks) == 1:
        raise ConfigError(f"{model}: '{task}' is its only task, which cannot be removed")
    if trained.own_values or not trained.masks:
        raise ConfigError(f"{model}: its tasks are not parts of one network; export those that you want to keep")
    if trained.base or source.network.model.kind == "transformer":
        raise ConfigError(
            f"{model}: no task can be removed from a model with encoder 'transformer' or with masks that keep changes; "
            "export those that you want to keep"
        )
    if output.resolve() == model.resolve():
        raise ConfigError(f"--output: {output} is the folder of the model itself; name another")
    tasks = [other for other in trained.tasks if other != task]
    masks = {other: trained.masks[other] for other in tasks}
    limits = trained.details.get(LIMITS, {})
    word_count = max((limits[other] for other in tasks), default=0) if limits else source.vocabulary.word_count
    vocabulary = replace(for_tasks(source.vocabulary, tasks), words=source.vocabulary.words[: word_count - 1])
    values = {name: value for name, value in trained.values.items() if not is_head_of(name, task)}
    values[WORDS] = np.ascontiguousarray(values[WORDS][:word_count])
    shapes = next(iter(masks.values())).shapes
    covered, start = union_of(masks.values()), 0
    for name, shape in shapes.items():
        end = start + int(np.prod(shape))
        values[name] = np.where(covered[start:end].reshape(shape), values[name], np.float32(0))
        start = end
    details = {key: value for key, value in trained.details.items() if key not in ("extension", "shapes", "weights")}
    for key in BY_TASK:
        if key in details:
            details[key] = {other: value for other, value in details[key].items() if other != task}
    heads = {other: kind for other in tasks if (kind := source.network.model.head_of(other)) != "linear"}
    details |= {
        "tasks": tasks,
        "model": {**details["model"], "head": heads or None},
        "parameters": counted_parameters(source.network.encoder, union_size(list(masks.values())), shapes),
        "data": {
            **details["data"],
            "words": len(vocabulary.words),
            "tasks": {other: sizes for other, sizes in details["data"]["tasks"].items() if other != task},
        },
    }
    details.pop("vocabulary")
    origin = {key: trained.spec[key] for key in ("system", "seed")}
    spec = RemoveSpec(model=spec_digest(trained.spec), task=task, **origin)
    prepared = PrepareSpec.model_validate(load_json(model / VOCABULARY_FILE, "vocabulary").spec)
    save_model(output / MODEL_FILE, spec, values, masks, vocabulary_digest(vocabulary), details)
    save_json(output / VOCABULARY_FILE, "vocabulary", prepared, vocabulary.to_json())
    written = load_model(output / MODEL_FILE)
    for other in tasks:
        before, after = (
            part_of(one, other, masks[other], model_vocabulary)
            for one, model_vocabulary in ((trained, source.vocabulary), (written, vocabulary))
        )
        if content_digest(before) != content_digest(after):
            (output / MODEL_FILE).unlink()
            raise ArtifactError(
                f"without task '{task}', the weights of task '{other}' would change; nothing was written"
            )
    write_text(output / "README.md", model_card(written))
    return int((~covered).sum()), len(covered)
