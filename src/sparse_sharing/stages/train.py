"""Stage `train`: train one model of a system; the modules of `sharing` define what its tasks share."""

import csv
import dataclasses
import io
import logging
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypedDict

import numpy as np
import torch
from torch import Tensor

from sparse_sharing.encoders.base import counted_parameters, trained_parameters
from sparse_sharing.errors import ArtifactError, ConfigError
from sparse_sharing.evaluation import marks
from sparse_sharing.evaluation.marks import TrainingFacts
from sparse_sharing.masks.analysis import union_size
from sparse_sharing.masks.files import read_selection
from sparse_sharing.masks.mask import Mask
from sparse_sharing.network.network import Network
from sparse_sharing.network.storage import load_model, save_model, values_of_task, vocabulary_digest
from sparse_sharing.pipeline.artefact import AFFINITY, CONFLICT
from sparse_sharing.pipeline.specs import PrepareSpec, TrainSpec
from sparse_sharing.results.card import data_summary, model_card
from sparse_sharing.sharing.base import sharing_of
from sparse_sharing.storage.artifacts import load_json, save_json, write_text
from sparse_sharing.storage.costs import Costs, Meter, write_costs
from sparse_sharing.terminal.progress import Reporter
from sparse_sharing.text.vocabulary import Vocabulary
from sparse_sharing.training import affinity, conflict
from sparse_sharing.training.affinity import Affinity
from sparse_sharing.training.checkpoint import work_folder
from sparse_sharing.training.conflict import Conflict
from sparse_sharing.training.epoch_log import EpochLog
from sparse_sharing.training.inputs import (
    corpus_of,
    load_text,
    tags_files,
    warn_of_emptied_layers,
)
from sparse_sharing.training.loop import Epoch, Progress, TaskData, score_dev
from sparse_sharing.training.opening import open_inputs
from sparse_sharing.training.setup import train, work_done
from sparse_sharing.training.trained import MODEL_FILE, VOCABULARY_FILE

log = logging.getLogger(__name__)


def run(
    spec: TrainSpec,
    vocabulary_file: Path,
    train_text: Path,
    dev_text: Path,
    weights: Path,
    masks: Path | None,
    output: Path,
    device: str,
    test_text: Path | None = None,
) -> None:
    """Train jointly, each task through its subnetwork, and keep the epoch with the best mean dev score.

    With `best_epoch: each` the model also holds, for each task, the weights of the epoch with its own best dev score.
    Writes the model, its vocabulary, `history.csv`, a card and its costs into `output`. The test text is given only if
    the original code's choice of the epoch on test is reproduced.

    Raises:
        ConfigError: Masks or the test text are missing, or are given to a system that does not use them.
        ArtifactError: A mask keeps every weight, or does not belong to the starting weights.
    """
    meter = Meter()
    change = partial(sharing_of(spec.sharing).encoder, spec)
    opened = open_inputs(spec, vocabulary_file, train_text, dev_text, weights, device, change)
    network, start, tasks, vocabulary = opened.network, opened.start, opened.tasks, opened.network.vocabulary
    compared = _compared_on(spec, tasks, test_text, vocabulary)
    if spec.meaning == "delta":
        network.keep_base()
    chosen = _masks(spec, masks, network, opened.weights)
    of_test = [] if test_text is None else [test_text, *tags_files([test_text], spec.tags)]
    inputs = [*opened.files, *of_test, *([] if masks is None else [masks])]
    with work_folder(output, inputs) as work:
        meter.keep_in(work)
        network.set_masks(chosen)
        note = "" if compared is tasks else "test is used as dev, "
        rate, progress, tried, logs = _train_with_rates(spec, network, start, compared, chosen, work, note, meter)
        for mark in marks.of_training(training_facts(progress, tasks, spec.optimization.epochs), spec.tasks):
            log.warning("%s: %s", _label(spec), mark.sentence)
        own_values, dev = _own_epochs(network, tasks, chosen, progress)
        network.load(progress.best)
        dev |= {task: score.metrics for task, score in score_dev(network, tasks).items() if task not in own_values}
        if network.base is None:
            _zero_unused(network)
        unchosen = [task for task, data in tasks.items() if not data.choose_on_dev]
        prepared = load_json(vocabulary_file, "words", spec.data)
        corpora = {task: corpus_of(train_text, task) for task in tasks}
        details = _describe(spec, network, chosen, progress, dev, unchosen) | {
            "data": data_summary(prepared, tasks, corpora)
        }
        if tried:
            details |= {"learning_rate": rate, "learning_rates": tried}
        epochs = sum(row["epochs"] for row in tried) if tried else len(progress.history)
        done = work_done(tasks, spec.optimization, epochs)
        write_costs(output, Costs(meter.seconds, *done, dict.fromkeys(tasks, epochs)))
        values = {name: value.cpu().numpy() for name, value in network.values().items()}
        save_model(
            output / MODEL_FILE,
            spec,
            values,
            chosen,
            vocabulary_digest(vocabulary),
            details,
            own_values,
            _base(network),
        )
        save_json(
            output / VOCABULARY_FILE, "vocabulary", PrepareSpec.model_validate(prepared.spec), vocabulary.to_json()
        )
        write_text(output / "history.csv", history_table(progress, spec.tasks, "dev" if compared is tasks else "test"))
        for file, epoch_log in logs.items():
            write_text(output / file, epoch_log.table())
        write_text(output / "README.md", model_card(load_model(output / MODEL_FILE)))


def _label(spec: TrainSpec) -> str:
    """The name of the training in the log."""
    return f"train {spec.system} {'+'.join(spec.tasks)}"


class Tried(TypedDict):
    """The result of the training with a learning rate."""

    learning_rate: float
    dev: float
    best_epoch: int
    epochs: int


def _train_with_rates(
    spec: TrainSpec,
    network: Network,
    start: Mapping[str, Tensor],
    tasks: Mapping[str, TaskData],
    masks: Mapping[str, Mask],
    work: Path,
    note: str,
    meter: Meter,
) -> tuple[float, Progress, list[Tried], dict[str, EpochLog]]:
    """Train from the start with each learning rate; returns the best rate, its training, and the result of each.

    It also returns the logs of the diagnostics of the best training, by file name. Trainings differ only in the rate. A
    finished training is not repeated after an interruption, since its checkpoint has its last epoch. Without a grid
    there is one training, and the list is empty.
    """
    rates = spec.learning_rates or [spec.optimization.learning_rate]
    trainings: list[Progress] = []
    logs: list[dict[str, EpochLog]] = []
    with Reporter(_label(spec), spec.optimization.epochs * len(rates), work=work) as report:
        for number, rate in enumerate(rates):
            network.load(start)
            path = work / (f"rate{number}" if spec.learning_rates else "epoch")
            logs.append(_diagnostics(spec, network, tasks, masks, path))
            progress = train(
                network,
                tasks,
                spec.optimization.model_copy(update={"learning_rate": rate}),
                spec.seed,
                ("train",),
                spec,
                path,
                report,
                note=f"{note}learning rate {rate:g}, " if spec.learning_rates else note,
                replicate=spec.replicate or (),
                meter=meter,
                each_best=spec.best_epoch == "each",
                after_epoch=partial(_log_epoch, logs[-1].values()),
            )
            trainings.append(progress)
    best = max(range(len(rates)), key=lambda number: trainings[number].best_mean)
    tried: list[Tried] = [
        {
            "learning_rate": rate,
            "dev": training.best_mean,
            "best_epoch": training.best_epoch,
            "epochs": len(training.history),
        }
        for rate, training in zip(rates, trainings, strict=True)
    ]
    return rates[best], trainings[best], tried if spec.learning_rates else [], logs[best]


def _diagnostics(
    spec: TrainSpec, network: Network, tasks: Mapping[str, TaskData], masks: Mapping[str, Mask], path: Path
) -> dict[str, EpochLog]:
    """The diagnostics that are measured after epochs, by file name; `path` with another ending stores their rows."""
    diagnostics: dict[str, EpochLog] = {}
    size = spec.optimization.batch_size
    if spec.conflict is not None:
        gradients = Conflict(network, tasks, masks, spec.conflict, size, spec.seed)
        rows_file = path.with_suffix(f".{CONFLICT.file}")
        diagnostics[CONFLICT.file] = EpochLog(lambda epoch: gradients.measure(), conflict.COLUMNS, rows_file)
    if (wanted := spec.affinity) is not None:
        steps = Affinity(network, tasks, wanted.sentences, size, spec.seed)
        rows_file = path.with_suffix(f".{AFFINITY.file}")
        diagnostics[AFFINITY.file] = EpochLog(
            lambda epoch: steps.measure(epoch.learning_rate) if wanted.is_due(epoch.number) else [],
            affinity.COLUMNS,
            rows_file,
        )
    return diagnostics


def _log_epoch(logs: Iterable[EpochLog], epoch: Epoch) -> None:
    for log_of_one in logs:
        log_of_one.after_epoch(epoch)


def _compared_on(
    spec: TrainSpec, tasks: Mapping[str, TaskData], test_text: Path | None, vocabulary: Vocabulary
) -> Mapping[str, TaskData]:
    """The tasks, with test in place of dev if the original code's choice of the epoch on test is reproduced."""
    if (test_text is not None) != ("epoch_on_test" in (spec.replicate or ())):
        verb = "takes no" if test_text is not None else "reproduces the choice of the epoch on test, so it needs the"
        raise ConfigError(f"system '{spec.system}' {verb} test text (--test FILE)")
    if test_text is None:
        return tasks
    texts = load_text(test_text, spec.data, vocabulary, spec.tags)
    return {task: dataclasses.replace(data, dev=texts[task]) for task, data in tasks.items()}


def _masks(spec: TrainSpec, path: Path | None, network: Network, weights: str) -> dict[str, Mask]:
    """The mask of each task, as defined by the way of sharing."""
    if (path is not None) != (spec.masks is not None):
        verb = "needs" if spec.masks is not None else "takes no"
        raise ConfigError(f"system '{spec.system}' {verb} masks (--masks FILE)")
    dense = Mask.dense(network.prunable_shapes, weights)
    chosen = None if path is None else _read_masks(spec, path, network, weights)
    return network.over_weights(sharing_of(spec.sharing).masks(spec, dense, chosen))


def _read_masks(spec: TrainSpec, path: Path, network: Network, weights: str) -> dict[str, Mask]:
    """The masks of the choice, one for each task; each must be a proper subnetwork of the network."""
    masks = read_selection(path, spec.masks, spec.tasks)
    for task in spec.tasks:
        network.require_fit(masks[task], weights, f"{path}, task '{task}'")
        if masks[task].is_dense and not spec.allow_dense:
            raise ArtifactError(
                f"{path}: the mask of task '{task}' keeps every weight, so it is not a subnetwork. "
                "Choose a round from 1 on, use a system without a choice of masks, or set allow_dense: true for "
                "the choice"
            )
        if masks[task].kept == 0:
            raise ArtifactError(f"{path}: the mask of task '{task}' keeps no weight. Choose an earlier round")
        warn_of_emptied_layers(masks[task], f"{path}: the mask of task '{task}'")
    return {task: masks[task] for task in spec.tasks}


def _own_epochs(
    network: Network, tasks: Mapping[str, TaskData], masks: Mapping[str, Mask], progress: Progress
) -> tuple[dict[str, dict[str, np.ndarray]], dict[str, Mapping[str, float]]]:
    """For each task whose own best epoch was kept, the weights of that epoch that it uses, and its dev scores."""
    own_values, dev = {}, {}
    for task, weights in progress.own_values.items():
        network.load(weights)
        dev |= {name: score.metrics for name, score in score_dev(network, {task: tasks[task]}).items()}
        values = {name: value.cpu().numpy().copy() for name, value in network.values().items()}
        own_values[task] = values_of_task(values, task, masks[task], _base(network))
    return own_values, dev


def _describe(
    spec: TrainSpec,
    network: Network,
    masks: Mapping[str, Mask],
    progress: Progress,
    dev: Mapping[str, Mapping[str, float]],
    unchosen: Sequence[str],
) -> dict[str, Any]:
    """The details of a trained model: all besides its weights; `unchosen`: the tasks whose dev text chose nothing."""
    union_sizes = (
        [union_size([mask]) for mask in masks.values()] if progress.own_values else [union_size(list(masks.values()))]
    )
    covered = next(iter(masks.values())).shapes
    # Tasks with their own best epochs share no weights.
    parameters, trained = (
        sum(count(network.encoder, number, covered) for number in union_sizes)
        for count in (counted_parameters, trained_parameters)
    )
    return {
        "model": network.model.model_dump(),
        "tasks": spec.tasks,
        "densities": {task: mask.density for task, mask in masks.items()},
        "parameters": parameters,
        **({"trained_parameters": trained} if trained != parameters else {}),
        "best_epoch": progress.best_epoch,
        "epochs": len(progress.history),
        "dev": {task: dict(metrics) for task, metrics in dev.items()},
        "replicate": list(spec.replicate or ()),
        **({"own_epochs": progress.own_epochs} if progress.own_values else {}),
        **({"not_chosen_on_dev": unchosen} if unchosen else {}),
    }


def training_facts(progress: Progress, tasks: Mapping[str, TaskData], planned: int) -> TrainingFacts:
    """Facts about a training that was planned for `planned` epochs."""
    best_dev = {
        task: max(epoch.scores[task] for epoch in progress.history)
        for task, data in tasks.items()
        if data.choose_on_dev
    }
    return TrainingFacts(progress.best_epoch, len(progress.history), planned, best_dev)


def _base(network: Network) -> dict[str, np.ndarray]:
    """The values of weights that masks remove, if they are not 0."""
    base = {} if network.base is None else network.parts(network.base)
    return {name: value.cpu().numpy() for name, value in base.items()}


def _zero_unused(network: Network) -> None:
    """Set the weights that no task keeps to zero: they are not part of the model."""
    parts = [part for task in network.heads if (part := network.takes_part(task)) is not None]
    if len(parts) == len(network.heads):
        used = torch.stack(parts).any(0)
        network.theta.mul_(used if network.frozen is None else used | network.frozen)


def history_table(progress: Progress, tasks: list[str], split: str = "dev") -> str:
    """One row per epoch as CSV: losses, scores in percent on the split that epochs are compared on, seconds."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(
        [
            *("epoch", "learning_rate", "loss", f"{split}_loss"),
            *(f"{split} {name}" for name in (*tasks, "mean")),
            *("best", "seconds"),
        ]
    )
    for epoch in progress.history:
        scores = [f"{epoch.scores[task]:.4f}" for task in tasks]
        best = int(epoch.number == progress.best_epoch)
        losses = [f"{epoch.loss:.6f}", f"{epoch.dev_loss:.6f}"]
        row = [epoch.number, f"{epoch.learning_rate:g}", *losses, *scores, f"{epoch.mean:.4f}", best]
        writer.writerow([*row, f"{epoch.seconds:.2f}"])
    return text.getvalue()
