"""Stage `merge`: merge the finished models of single tasks, without joint training.

The changes that each training made to the common start, including word vectors, are merged; each task keeps its head.
All settings of the grids are scored on dev, and the one with the best mean score is used. TALL masks cover the weights
that all masks over weights cover; the rest of such a model has the merged change for all tasks.
"""

import csv
import io
import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import torch

from sparse_sharing.encoders.base import counted_parameters
from sparse_sharing.errors import ConfigError
from sparse_sharing.evaluation.metrics import TaskScore
from sparse_sharing.masks.analysis import union_size
from sparse_sharing.masks.mask import Mask
from sparse_sharing.network.network import Network
from sparse_sharing.network.storage import HEADS, load_model, save_model, vocabulary_digest
from sparse_sharing.pipeline.specs import MergeSpec, PrepareSpec
from sparse_sharing.results.card import data_summary, model_card
from sparse_sharing.sharing import merged as merging
from sparse_sharing.stages.train import history_table
from sparse_sharing.storage.artifacts import load_json, save_json, write_text
from sparse_sharing.storage.costs import Costs, Meter, write_costs
from sparse_sharing.training.checkpoint import work_folder
from sparse_sharing.training.inputs import (
    corpus_of,
)
from sparse_sharing.training.loop import Progress, TaskData, score_dev
from sparse_sharing.training.opening import open_inputs
from sparse_sharing.training.seeds import generator
from sparse_sharing.training.trained import MODEL_FILE, VOCABULARY_FILE

COLUMNS: tuple[str, ...] = ("scale", "density", "drop_rate", "threshold", "task", "mask_density", "dev", "best")
"""The columns of `merging.csv`."""

log = logging.getLogger(__name__)

Setting = Mapping[str, float]
"""A value from each grid of the method except the thresholds."""


@dataclass(frozen=True)
class _Trainings:
    """The weights of the encoder before and after the single trainings, flattened in the order of `names`.

    Attributes:
        names: the names of the tensors.
        start: float32 [P], the common start.
        finished: for each task float32 [P], the weights after its training.
        changes: for each task float64 [P], the change.
        heads: the tensors of all heads.
    """

    names: Sequence[str]
    start: np.ndarray
    finished: Mapping[str, np.ndarray]
    changes: Mapping[str, np.ndarray]
    heads: Mapping[str, np.ndarray]


@dataclass(frozen=True)
class _Trial:
    """The dev scores of a setting: for each task its score, and the threshold and mask that gave it, if any."""

    setting: Setting
    values: np.ndarray
    scores: Mapping[str, TaskScore]
    thresholds: Mapping[str, float] = field(default_factory=dict)
    masks: Mapping[str, Mask] = field(default_factory=dict)


def run(
    spec: MergeSpec,
    models: Mapping[str, Path],
    vocabulary_file: Path,
    train_text: Path,
    dev_text: Path,
    weights: Path,
    output: Path,
    device: str,
) -> None:
    """Merge the finished models in the folders `models`, by task, and keep the setting with the best mean dev score.

    Writes the model, its vocabulary, `merging.csv` with all settings, a history without epochs, a card and what the
    merging cost into `output`.

    Raises:
        ConfigError: The model of a task is missing.
        ArtifactError: A file cannot be used, or was made with other settings.
    """
    meter = Meter()
    if missing := [task for task in spec.tasks if task not in models]:
        raise ConfigError(f"missing the model of task '{missing[0]}'; add --model {missing[0]}=FOLDER")
    opened = open_inputs(spec, vocabulary_file, train_text, dev_text, weights, device)
    network, tasks, vocabulary = opened.network, opened.tasks, opened.network.vocabulary
    trainings = _trainings(spec, network, models)
    if spec.thresholds is not None:
        network.keep_base()
    dense = Mask.dense(network.prunable_shapes, opened.weights)
    of_models = [models[task] / name for task in spec.tasks for name in (MODEL_FILE, VOCABULARY_FILE)]
    with work_folder(output, [*opened.files, *of_models]) as work:
        meter.keep_in(work)
        best, rows = _best(spec, network, tasks, trainings, dense)
        masks = {task: best.masks.get(task, dense) for task in spec.tasks}
        prepared = load_json(vocabulary_file, "words", spec.data)
        corpora = {task: corpus_of(train_text, task) for task in tasks}
        details = _describe(spec, network, best, masks, tasks) | {"data": data_summary(prepared, tasks, corpora)}
        tried = _tried(spec)
        chosen = {task: tried for task, data in tasks.items() if data.choose_on_dev and tried > 1}
        nothing = dict.fromkeys(tasks, 0)
        write_costs(output, Costs(meter.seconds, nothing, nothing, nothing | chosen))
        base = {} if network.base is None else network.parts(network.base)
        save_model(
            output / MODEL_FILE,
            spec,
            _by_name(network, trainings, best.values),
            masks,
            vocabulary_digest(vocabulary),
            details,
            base={name: value.cpu().numpy() for name, value in base.items()},
        )
        save_json(
            output / VOCABULARY_FILE, "vocabulary", PrepareSpec.model_validate(prepared.spec), vocabulary.to_json()
        )
        write_text(output / "history.csv", history_table(Progress(), spec.tasks))
        write_text(output / "merging.csv", _table(rows, best))
        write_text(output / "README.md", model_card(load_model(output / MODEL_FILE)))


def _trainings(spec: MergeSpec, network: Network, models: Mapping[str, Path]) -> _Trainings:
    """The weights at the start and at the end of the single trainings."""
    names = [name for name in network.values() if not name.startswith(HEADS)]
    start = _flat({name: value.cpu().numpy() for name, value in network.values().items()}, names)
    finished, heads = {}, {}
    for task in sorted(spec.tasks):
        weights = load_model(models[task] / MODEL_FILE, spec.models[task]).values
        finished[task] = _flat(weights, names)
        heads |= {name: value for name, value in weights.items() if name.startswith(HEADS)}
    changes = {task: values.astype(np.float64) - start for task, values in finished.items()}
    return _Trainings(names, start, finished, changes, heads)


def _flat(values: Mapping[str, np.ndarray], names: Sequence[str]) -> np.ndarray:
    return np.concatenate([values[name].reshape(-1) for name in names])


def _by_name(network: Network, trainings: _Trainings, values: np.ndarray) -> dict[str, np.ndarray]:
    """Weights of the encoder, float32 [P], as tensors, with the heads."""
    tensors = network.values()
    ends = np.cumsum([tensors[name].numel() for name in trainings.names])
    parts = zip(trainings.names, np.split(values, ends[:-1]), strict=True)
    return {name: part.reshape(tuple(tensors[name].shape)) for name, part in parts} | dict(trainings.heads)


def _tried(spec: MergeSpec) -> int:
    """The number of dev scores of a task that are compared."""
    grids = (spec.scales, spec.densities, spec.drop_rates, spec.thresholds)
    return int(np.prod([len(grid) for grid in grids if grid is not None]))


def _merged(spec: MergeSpec, trainings: _Trainings) -> Iterator[tuple[Setting, np.ndarray]]:
    """Each setting with its merged change, float64 [P]."""
    for rate, density in product(spec.drop_rates or [None], spec.densities or [None]):
        changes, setting = trainings.changes, {}
        if rate is not None:
            changes = merging.dropped(changes, rate, partial(generator, spec.seed, "merge drop"))
            setting["drop_rate"] = rate
        if density is not None:
            setting["density"] = density
        change = merging.arithmetic(changes) if density is None else merging.ties(changes, density)
        for scale in spec.scales:
            yield {"scale": scale, **setting}, scale * change


def _best(
    spec: MergeSpec, network: Network, tasks: Mapping[str, TaskData], trainings: _Trainings, dense: Mask
) -> tuple[_Trial, list[dict[str, Any]]]:
    """The first setting with the best mean dev score, and a row for each score."""
    best: list[_Trial] = []
    best_mean, rows = -1.0, []
    for setting, change in _merged(spec, trainings):
        values = merging.added(trainings.start, change, trainings.changes, trainings.finished)
        network.load({name: torch.from_numpy(tensor) for name, tensor in _by_name(network, trainings, values).items()})
        trial, own_rows = _try(spec, network, tasks, _Trial(setting, values, {}), change, trainings, dense)
        rows += own_rows
        counted = [task for task, data in tasks.items() if data.choose_on_dev]
        mean = sum(trial.scores[task].value for task in counted) / max(1, len(counted))
        named = ", ".join(f"{name} {value:g}" for name, value in setting.items())
        log.info("%s: mean dev score %.2f", named, mean)
        if not best or mean > best_mean:
            best, best_mean = [trial], mean
    return best[0], rows


def _try(
    spec: MergeSpec,
    network: Network,
    tasks: Mapping[str, TaskData],
    trial: _Trial,
    change: np.ndarray,
    trainings: _Trainings,
    dense: Mask,
) -> tuple[_Trial, list[dict[str, Any]]]:
    """The scores of a setting, with a row each; of several thresholds, the best for each task, the first if tied."""
    if spec.thresholds is None:
        scores = score_dev(network, tasks)
        rows = [{**trial.setting, "task": task, "dev": score.value} for task, score in scores.items()]
        return _Trial(trial.setting, trial.values, scores), rows
    rows, scores, thresholds, masks = [], {}, {}, {}
    covered = [name in dense.shapes for name in trainings.names]
    sizes = [network.values()[name].numel() for name in trainings.names]
    is_covered = np.repeat(covered, sizes)
    for threshold in spec.thresholds:
        keeps = {
            task: merging.tall_keep(task_change[is_covered], change[is_covered], threshold)
            for task, task_change in trainings.changes.items()
        }
        task_masks = {task: Mask(torch.from_numpy(keep), dense.shapes, dense.weights) for task, keep in keeps.items()}
        network.set_masks(task_masks)
        for task, score in score_dev(network, tasks).items():
            row = {**trial.setting, "threshold": threshold, "task": task, "mask_density": task_masks[task].density}
            rows.append(row | {"dev": score.value})
            is_better = tasks[task].choose_on_dev and task in scores and score.value > scores[task].value
            if task not in scores or is_better:
                scores[task], thresholds[task], masks[task] = score, threshold, task_masks[task]
    return _Trial(trial.setting, trial.values, scores, thresholds, masks), rows


def _describe(
    spec: MergeSpec, network: Network, best: _Trial, masks: Mapping[str, Mask], tasks: Mapping[str, TaskData]
) -> dict[str, Any]:
    """The details of a merged model: everything besides its weights."""
    unchosen = [task for task, data in tasks.items() if not data.choose_on_dev]
    covered = next(iter(masks.values())).shapes
    return {
        "model": network.model.model_dump(),
        "tasks": spec.tasks,
        "densities": {task: mask.density for task, mask in masks.items()},
        "parameters": counted_parameters(network.encoder, union_size(list(masks.values())), covered),
        "dev": {task: dict(best.scores[task].metrics) for task in spec.tasks},
        "replicate": list(spec.replicate or ()),
        **({"not_chosen_on_dev": unchosen} if unchosen else {}),
        "merging": {
            "method": spec.method,
            "setting": dict(best.setting),
            **({"thresholds": dict(best.thresholds)} if best.thresholds else {}),
        },
    }


def _table(rows: Sequence[Mapping[str, Any]], best: _Trial) -> str:
    """One row for each dev score, as CSV; `best` is 1 in the rows of the setting that the model uses."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for row in rows:
        setting = {key: row[key] for key in ("scale", "density", "drop_rate") if key in row}
        is_best = setting == best.setting and row.get("threshold") == best.thresholds.get(row["task"])
        shown = {**row, "dev": f"{row['dev']:.4f}", "best": int(is_best)}
        if "mask_density" in row:
            shown["mask_density"] = f"{row['mask_density']:.6f}"
        writer.writerow(shown)
    return text.getvalue()
