"""Stage `add_task`: add a task to a finished model without changing what its other tasks compute.

The new task reads every weight of the model. It trains the free weights, which no other task keeps, then keeps a share
of them, those with the largest magnitudes, and trains these again from the start: PackNet (Mallya and Lazebnik 2018)
with the rewinding of the lottery ticket hypothesis. Before anything is written, the tags and scores of the other tasks,
and the bytes of all values that they read, are compared with those of the model.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from sparse_sharing.config.encoders.base import EncoderSection
from sparse_sharing.encoders.base import counted_parameters
from sparse_sharing.errors import ArtifactError, ConfigError
from sparse_sharing.masks.analysis import union_size
from sparse_sharing.masks.mask import Mask
from sparse_sharing.network.network import Network
from sparse_sharing.network.storage import TrainedModel, load_model, save_model, values_of_task, vocabulary_digest
from sparse_sharing.pipeline.specs import AddTaskSpec, PrepareSpec
from sparse_sharing.results.card import data_summary, model_card
from sparse_sharing.stages.train import history_table
from sparse_sharing.storage.artifacts import content_digest, load_json, save_json, write_text
from sparse_sharing.storage.costs import Costs, Meter, write_costs
from sparse_sharing.terminal.progress import Reporter
from sparse_sharing.text.batches import WORDS
from sparse_sharing.text.encoded import EncodedText, encode_text
from sparse_sharing.text.random_text import random_sentences
from sparse_sharing.text.vocabulary import Vocabulary
from sparse_sharing.training.checkpoint import work_folder
from sparse_sharing.training.extension import (
    LIMITS,
    ExtendingTrainer,
    Free,
    extended_words,
    free_weights,
    read_anew,
    start_values,
    vectors_of,
)
from sparse_sharing.training.inputs import (
    choose_device,
    corpus_of,
    for_tasks,
    load_task_data,
    load_vectors,
    load_vocabulary,
    tags_files,
)
from sparse_sharing.training.loop import Progress, TaskData, score_dev
from sparse_sharing.training.setup import train, work_done
from sparse_sharing.training.trained import MODEL_FILE, VOCABULARY_FILE, OpenModel, network_of, open_model

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Extension:
    """The model, network and data that a training of the new task uses."""

    spec: AddTaskSpec
    network: Network
    start: Mapping[str, Tensor]
    free: Free
    first_word: int
    data: Mapping[str, TaskData]


def run(
    spec: AddTaskSpec,
    model: Path,
    vocabulary_file: Path,
    vectors: Path,
    train_text: Path,
    dev_text: Path,
    output: Path,
    device: str,
) -> dict[str, int]:
    """Write the model in the folder `model` with one more task into `output`.

    Returns:
        How many weights masks cover (`weights`), how many of them were `free`, how many the task has `taken`, how many
        are `left`, and how many `words` were added to those of the model.

    Raises:
        ConfigError: The model cannot be extended, has the task already, or has no free weight.
        ArtifactError: A file cannot be used, or another task would give different tags; nothing is written then.
    """
    meter = Meter()
    source = open_model(model, device, spec.model)
    if spec.task in source.trained.tasks:
        raise ConfigError(f"{model}: already has a task '{spec.task}'; give the new task another name")
    if source.trained.base:
        raise ConfigError(f"{model}: its masks keep changes (meaning: delta); such a model cannot be extended")
    if source.network.model.kind == "transformer":
        raise ConfigError(f"{model}: a model with encoder 'transformer' cannot be extended")
    try:
        free = free_weights(source.trained)
    except ConfigError as error:
        raise ConfigError(f"{model}: {error}") from error
    vocabulary = load_vocabulary(vocabulary_file, spec.data, {spec.task: spec.tags[spec.task]})
    texts, extended = _read(spec, source, vocabulary, vectors, train_text, dev_text)
    inputs = [model / MODEL_FILE, model / VOCABULARY_FILE, vocabulary_file, vectors, train_text, dev_text]
    with work_folder(output, [*inputs, *tags_files((train_text, dev_text), [spec.task])]) as work:
        meter.keep_in(work)
        network = Network(_architecture(spec, source), for_tasks(extended, [spec.task]), choose_device(device))
        if dict(free.mask.shapes) != dict(network.prunable_shapes):
            raise ConfigError(
                f"{model}: its masks are over units; only a model with masks over weights can be extended"
            )
        start = start_values(source.trained, free, network, spec.seed)
        extension = _Extension(spec, network, start, free, source.vocabulary.word_count, texts)
        log.info("%s: %d of %d weights are free", model, free.count, free.kept.numel())
        mask, progress, epochs = _train(extension, work, meter)
        network.load(progress.best)
        dev = {task: score.metrics for task, score in score_dev(network, texts).items()}
        values, masks = _merged(source, network, mask)
        details = _describe(extension, source, mask, masks, progress, dev, extended)
        prepared = load_json(vocabulary_file, "words", spec.data)
        corpora = {spec.task: corpus_of(train_text, spec.task)}
        details["data"] = _data(source.trained.details["data"], data_summary(prepared, texts, corpora), extended)
        details["vocabulary"] = vocabulary_digest(extended)
        extended_model = TrainedModel(values, masks, details, {}, "")
        proof = prove(
            source,
            network_of(extended_model, extended, output, device),
            extended_model,
            spec.task,
            texts[spec.task].dev,
        )
        details["extension"] |= {"proof": proof}
        done = work_done(texts, spec.optimization, epochs)
        write_costs(output, Costs(meter.seconds, *done, dict.fromkeys(texts, epochs)))
        save_model(output / MODEL_FILE, spec, values, masks, details.pop("vocabulary"), details)
        save_json(output / VOCABULARY_FILE, "vocabulary", PrepareSpec.model_validate(prepared.spec), extended.to_json())
        write_text(output / "history.csv", _history(source, extension, progress))
        write_text(output / "README.md", model_card(load_model(output / MODEL_FILE)))
    return {key: details["extension"][key] for key in ("weights", "free", "taken", "left", "words")}


def _read(
    spec: AddTaskSpec, source: OpenModel, vocabulary: Vocabulary, vectors: Path, train_text: Path, dev_text: Path
) -> tuple[dict[str, TaskData], Vocabulary]:
    """The text of the new task encoded for the model, and the vocabulary of the model with its words and tags added."""
    trained = source.trained
    dimension = source.network.model.vector_width
    tags = {spec.task: spec.tags[spec.task]}
    data = load_task_data(train_text, dev_text, tags, spec.data, vocabulary)[spec.task]
    rows, has_vector = load_vectors(vectors, spec.data, vocabulary.word_count, dimension)
    if bool(has_vector.any()) != bool(trained.details["data"]["vectors"]):
        verb = "was" if trained.details["data"]["vectors"] else "was not"
        raise ConfigError(f"the model {verb} trained with word vectors; expected the same for the text of the new task")
    word_vectors = vectors_of((data.train, data.dev), vocabulary, rows, has_vector)
    extended = extended_words(source.vocabulary, data.train, word_vectors, spec.minimum_word_count)
    extended = replace(extended, tasks={**source.vocabulary.tasks, spec.task: vocabulary.tasks[spec.task]})
    width = rows.shape[1]
    return {
        spec.task: replace(
            data,
            train=read_anew(data.train, extended, word_vectors, width),
            dev=read_anew(data.dev, extended, word_vectors, width),
        )
    }, extended


def _architecture(spec: AddTaskSpec, source: OpenModel) -> EncoderSection:
    """The network of the model, with the head of the new task."""
    heads = {task: kind for task in source.trained.tasks if (kind := source.network.model.head_of(task)) != "linear"}
    return source.network.model.model_copy(update={"head": {**heads, **(spec.head or {})} or None})


def _train(extension: _Extension, work: Path, meter: Meter) -> tuple[Mask, Progress, int]:
    """The mask of the new task, its training under this mask, and the total epochs of all trainings."""
    spec, free, network = extension.spec, extension.free, extension.network
    rounds = spec.trainings
    mask, epochs, progress = free.whole(), 0, Progress()
    with Reporter(f"extend {spec.task}", rounds * spec.optimization.epochs, work=work) as report:
        for number in range(rounds):
            if number:
                network.load(progress.best)
                mask = free.largest(network.prunable_values().abs(), spec.share)
            network.load(extension.start)
            network.set_masks({spec.task: mask})
            trained = mask.keep & ~free.kept
            trainer = ExtendingTrainer(network, spec.optimization, trained, extension.first_word)
            progress = train(
                network,
                extension.data,
                spec.optimization,
                spec.seed,
                ("extend", spec.task, "round", number),
                spec,
                work / f"round{number}",
                report,
                note=f"round {number + 1}/{rounds}, " if rounds > 1 else "",
                meter=meter,
                trainer=trainer,
            )
            epochs += len(progress.history)
    return mask, progress, epochs


def _merged(source: OpenModel, network: Network, mask: Mask) -> tuple[dict[str, np.ndarray], dict[str, Mask]]:
    """The values and masks of the model with the new task; weights that no task keeps are zero."""
    (task,) = network.heads
    values = {name: value.cpu().numpy().copy() for name, value in network.values().items()}
    for name, keep in mask.tensors().items():
        values[name] = np.where(keep.numpy(), values[name], np.float32(0))
    heads = {name: value for name, value in source.trained.values.items() if name.startswith("heads.")}
    return {**values, **heads}, {**source.trained.masks, task: mask}


def _describe(
    extension: _Extension,
    source: OpenModel,
    mask: Mask,
    masks: Mapping[str, Mask],
    progress: Progress,
    dev: Mapping[str, Mapping[str, float]],
    extended: Vocabulary,
) -> dict[str, Any]:
    """The details of the extended model: everything besides its weights."""
    trained, spec, free = source.trained, extension.spec, extension.free
    word_limits = trained.details.get(LIMITS, dict.fromkeys(trained.tasks, source.vocabulary.word_count))
    taken = mask.kept - int(free.kept.sum())
    unchosen = [*trained.details.get("not_chosen_on_dev", ())]
    unchosen += [task for task, data in extension.data.items() if not data.choose_on_dev]
    return {
        "model": _architecture(spec, source).model_dump(),
        "tasks": [*trained.tasks, spec.task],
        "densities": {**trained.details["densities"], spec.task: mask.density},
        "parameters": counted_parameters(extension.network.encoder, union_size(list(masks.values())), mask.shapes),
        "best_epoch": progress.best_epoch,
        "epochs": len(progress.history),
        "dev": {**trained.details["dev"], **{task: dict(metrics) for task, metrics in dev.items()}},
        "replicate": list(trained.details["replicate"]),
        **({"not_chosen_on_dev": unchosen} if unchosen else {}),
        LIMITS: {**word_limits, spec.task: extended.word_count},
        "extension": {
            "source": trained.digest,
            "task": spec.task,
            "weights": free.kept.numel(),
            "free": free.count,
            "taken": taken,
            "left": free.count - taken,
            "words": extended.word_count - source.vocabulary.word_count,
        },
    }


def _data(before: Mapping[str, Any], added: Mapping[str, Any], extended: Vocabulary) -> dict[str, Any]:
    """The texts of all trainings."""
    return {**before, "words": len(extended.words), "tasks": {**before["tasks"], **added["tasks"]}}


def _history(source: OpenModel, extension: _Extension, progress: Progress) -> str:
    """The epochs of the new task; in every epoch, the dev scores of the other tasks are those of the model."""
    details, vocabulary = source.trained.details, source.vocabulary
    fixed = {}
    for task in source.trained.tasks:
        tags, scores = vocabulary.tasks[task], details["dev"][task]
        fixed[task] = scores["f1" if tags.has_spans and tags.metric != "accuracy" else "accuracy"]
    history = [replace(epoch, scores={**fixed, **epoch.scores}) for epoch in progress.history]
    return history_table(replace(progress, history=history), [*fixed, extension.spec.task])


def prove(
    source: OpenModel, network: Network, extended_model: TrainedModel, task: str, dev: EncodedText
) -> dict[str, Any]:
    """Check that the tasks of a model are unchanged: their bytes, and their tags and probabilities on text.

    Args:
        source: the original model.
        network: the extended network.
        extended_model: the extended model.
        task: the new task.
        dev: the dev text of the new task.

    Raises:
        ArtifactError: A task of the model would have different values, tags or probabilities.
    """
    before, after = source.vocabulary, network.vocabulary
    texts = {"dev": dev.words(), "random": random_sentences(after)}
    for old in source.trained.tasks:
        parts = [part_of(model, old, source.trained.masks[old], before) for model in (source.trained, extended_model)]
        if content_digest(parts[0]) != content_digest(parts[1]):
            raise ArtifactError(f"with task '{task}', the weights of task '{old}' would change; nothing was written")
    networks = source.network, network
    for name, sentences in texts.items():
        read = [
            encode_text(((words, {}) for words in sentences), vocabulary, (), {}, 0) for vocabulary in (before, after)
        ]
        for old in source.trained.tasks:
            tags = [one.predict(old, text) for one, text in zip(networks, read, strict=True)]
            shares = [one.confidences(old, text, tags[0]) for one, text in zip(networks, read, strict=True)]
            if not (np.array_equal(tags[0], tags[1]) and np.array_equal(shares[0], shares[1])):
                raise ArtifactError(
                    f"with task '{task}', the tags or probabilities of task '{old}' on {name} text would change; "
                    "nothing was written"
                )
        log.info("the other tasks give the same tags and probabilities on %d %s tokens", len(read[0].tokens), name)
    return {f"{name}_tokens": sum(map(len, sentences)) for name, sentences in texts.items()}


def part_of(model: TrainedModel, task: str, mask: Mask, vocabulary: Vocabulary) -> dict[str, np.ndarray]:
    """All values that a task reads of a model: its subnetwork, its head, and the vectors of the words that it knows."""
    limit = model.details.get(LIMITS, {}).get(task, vocabulary.word_count)
    values = values_of_task(model.values, task, mask)
    return {**values, WORDS: np.ascontiguousarray(values[WORDS][:limit])}
