"""Stage `prune`: iterative magnitude pruning of one task (paper, Algorithm 1)."""

import csv
import io
import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from torch import Tensor

from sparse_sharing.errors import ArtifactError
from sparse_sharing.masks.mask import Mask, kept_after, pack, prune_smallest
from sparse_sharing.network.network import Network
from sparse_sharing.pipeline.layout import mask_name
from sparse_sharing.pipeline.specs import PruneSpec
from sparse_sharing.storage.artifacts import load_tensors, parts_of, save_tensors, write_text
from sparse_sharing.storage.costs import Costs, Meter, write_costs
from sparse_sharing.terminal.progress import Reporter
from sparse_sharing.training.checkpoint import work_folder
from sparse_sharing.training.early_bird import EarlyBird
from sparse_sharing.training.inputs import (
    build_network,
    choose_device,
    load_mask,
    load_task_data,
    load_vocabulary,
    load_weights,
    tags_files,
    warn_of_emptied_layers,
)
from sparse_sharing.training.loop import Progress, TaskData
from sparse_sharing.training.setup import train, work_done

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Round:
    """One round: the mask it trained under, and how well that went on dev (percent)."""

    round: int
    density: float
    kept: int
    dev_score: float
    best_epoch: int
    epochs: int


@dataclass
class Pruning:
    """What has been found so far: finished rounds, their times in seconds, and a mask more to go on with."""

    masks: list[Mask]
    rounds: list[Round]
    seconds: list[float]

    def add(self, progress: Progress) -> None:
        """Take down the round that has just been trained."""
        mask = self.masks[-1]
        epochs = len(progress.history)
        found = Round(len(self.rounds), mask.density, mask.kept, progress.best_mean, progress.best_epoch, epochs)
        self.rounds.append(found)
        self.seconds.append(sum(epoch.seconds for epoch in progress.history))

    def is_over(self, stop_after: int | None) -> bool:
        """Whether the last `stop_after` rounds brought no better dev score than those before."""
        scores = [round_.dev_score for round_ in self.rounds]
        return bool(stop_after and scores) and len(scores) - 1 - scores.index(max(scores)) >= stop_after

    def end(self) -> None:
        """Forget the mask of a round that is not going to be trained."""
        del self.masks[len(self.rounds) :]


def run(
    spec: PruneSpec, vocabulary: Path, train_text: Path, dev_text: Path, weights: Path, output: Path, device: str
) -> None:
    """Train, rank, remove, rewind, for rounds 0 to K; write `masks.safetensors` and `rounds.csv` into `output`.

    Round k trains from theta(w) under the mask of density final_density ** (k / K), with a fresh optimizer. The weights
    of its best dev epoch are ranked, and the smallest are removed to make the mask of round k + 1. With `stop_after` m
    the round that is the m-th in a row without a better dev score is the last. Where the task's dev text may choose
    nothing, the weights of the last epoch are ranked, and `stop_after` ends nothing.
    """
    meter = Meter()
    words = load_vocabulary(vocabulary, spec.data, spec.tags)
    lenient = "lenient_spans" in (spec.replicate or ())
    tasks = load_task_data(train_text, dev_text, spec.tags, spec.data, words, lenient_spans=lenient)
    artifact = load_weights(weights, spec.start)
    network, start = build_network(weights, artifact, words, spec.head, choose_device(device))
    epochs = spec.optimization.epochs
    inputs = [vocabulary, train_text, dev_text, weights, *tags_files((train_text, dev_text), spec.tags)]
    total = (spec.rounds + 1) * epochs
    with work_folder(output, inputs) as work, Reporter(f"prune {spec.task}", total, work=work) as report:
        meter.keep_in(work)
        dense = Mask.dense(network.prunable_shapes, artifact.digest)
        pruning = _resume(work / "rounds.safetensors", spec, dense)
        report.skip(len(pruning.rounds) * epochs)
        choosing = tasks[spec.task].choose_on_dev
        stop_after = spec.stop_after if choosing else None
        while len(pruning.rounds) <= spec.rounds and not pruning.is_over(stop_after):
            _train_round(spec, network, start, tasks, pruning, work, report, meter)
            _save(work / "rounds.safetensors", spec, pruning, {"seconds": pruning.seconds})
        pruning.end()
        report.skip((spec.rounds + 1 - len(pruning.rounds)) * epochs)
        _warn(spec, pruning, choosing)
        trained = sum(round_.epochs for round_ in pruning.rounds)
        done = work_done(tasks, spec.optimization, trained)
        write_costs(output, Costs(meter.seconds, *done, {spec.task: trained if choosing else 0}))
        _save(output / "masks.safetensors", spec, pruning, {} if choosing else {"chosen_on_dev": False})
        write_text(output / "rounds.csv", _table(pruning))


def _train_round(
    spec: PruneSpec,
    network: Network,
    start: Mapping[str, Tensor],
    tasks: Mapping[str, TaskData],
    pruning: Pruning,
    work: Path,
    report: Reporter,
    meter: Meter,
) -> None:
    """Rewind, train under the newest mask, and cut the next mask from the best weights."""
    number, mask = len(pruning.rounds), pruning.masks[-1]
    network.load(start)
    network.set_masks({spec.task: mask})
    streams = ("prune again" if spec.again else "prune", spec.task, "round", number)
    note = f"round {number}/{spec.rounds}, "
    kept = kept_after(number + 1, spec.rounds, spec.final_density, mask.keep.numel())

    def cut() -> Mask:
        return prune_smallest(network.prunable_values().abs(), mask, kept)

    watch = None if spec.early_bird is None else EarlyBird(cut, mask.kept, spec.early_bird, spec.early_bird_window)
    checkpoint = work / "epoch"
    options = {"note": note, "early_bird": watch, "meter": meter, "replicate": spec.replicate or ()}
    progress = train(network, tasks, spec.optimization, spec.seed, streams, spec, checkpoint, report, **options)
    pruning.add(progress)
    if number < spec.rounds:
        network.load(progress.best)
        pruning.masks.append(cut())
        warn_of_emptied_layers(pruning.masks[-1], f"round {number + 1}/{spec.rounds}: the mask of task '{spec.task}'")


def _warn(spec: PruneSpec, pruning: Pruning, choose_on_dev: bool) -> None:
    """Say in the log where dev scores chose nothing."""
    if not choose_on_dev:
        log.warning("prune %s: choose_on_dev is false: every round ranks the weights of its last epoch", spec.task)
    elif max(round_.dev_score for round_ in pruning.rounds) <= 0:
        log.warning(
            "prune %s: the dev score was 0 after every epoch of every round. Train longer (prune.epochs) or raise "
            "prune.learning_rate; no mask can be chosen by these scores",
            spec.task,
        )


def _save(path: Path, spec: PruneSpec, pruning: Pruning, more: Mapping[str, object] | None = None) -> None:
    """Write masks and rounds. Times differ from run to run: they are no part of the stage's output."""
    first = pruning.masks[0]
    details = {
        "task": spec.task,
        "weights": first.weights,
        "shapes": [[name, list(shape)] for name, shape in first.shapes.items()],
        "rounds": [asdict(round_) for round_ in pruning.rounds],
        **(more or {}),
    }
    masks = {mask_name(number): pack(mask) for number, mask in enumerate(pruning.masks)}
    save_tensors(path, "masks", spec, masks, details)


def _resume(path: Path, spec: PruneSpec, dense: Mask) -> Pruning:
    """What an interrupted pruning has left behind, or the dense mask and no round."""
    try:
        artifact = load_tensors(path, "masks", spec.digest())
        masks = [load_mask(artifact, name, path) for name in sorted(artifact.tensors)]
        with parts_of(path):
            masks[-1].require_fit(dense.shapes, dense.weights, "the newest mask")
            return Pruning(masks, [Round(**row) for row in artifact.details["rounds"]], artifact.details["seconds"])
    except ArtifactError:
        return Pruning([dense], [], [])


def _table(pruning: Pruning) -> str:
    """The rounds as CSV; the dev score in percent, the time of all epochs of a round in seconds."""
    text = io.StringIO()
    writer = csv.DictWriter(text, [*asdict(pruning.rounds[0]), "seconds"], lineterminator="\n")
    writer.writeheader()
    for round_, spent in zip(pruning.rounds, pruning.seconds, strict=True):
        values = asdict(round_) | {"density": f"{round_.density:.6f}", "dev_score": f"{round_.dev_score:.4f}"}
        writer.writerow(values | {"seconds": f"{spent:.2f}"})
    return text.getvalue()
