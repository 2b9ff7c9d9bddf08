"""Stage `prune`: find the masks of one task while it is trained, as a source says (paper, Algorithm 1)."""

import csv
import io
import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import Tensor

from sparse_sharing.config.prune import Prune
from sparse_sharing.errors import ArtifactError, ConfigError
from sparse_sharing.masks.choose import Round
from sparse_sharing.masks.files import load_mask, write_rounds
from sparse_sharing.masks.mask import Mask, Shapes
from sparse_sharing.masks.sources.base import Plan, Source, source_of
from sparse_sharing.masks.units import Units
from sparse_sharing.network.network import Network
from sparse_sharing.pipeline.specs import PruneSpec
from sparse_sharing.storage.artifacts import load_tensors, parts_of, write_text
from sparse_sharing.storage.costs import Costs, Meter, write_costs
from sparse_sharing.terminal.progress import Reporter
from sparse_sharing.training.checkpoint import work_folder
from sparse_sharing.training.early_bird import EarlyBird
from sparse_sharing.training.inputs import (
    build_network,
    choose_device,
    load_task_data,
    load_vocabulary,
    load_weights,
    warn_of_emptied_layers,
)
from sparse_sharing.training.loop import Epoch, Progress, TaskData
from sparse_sharing.training.masking import Masking
from sparse_sharing.training.setup import train, work_done

log = logging.getLogger(__name__)


@dataclass
class Pruning:
    """What has been found so far: finished rounds, their times in seconds, and a mask more to go on with."""

    masks: list[Mask]
    rounds: list[Round]
    seconds: list[float]

    def add(self, dev_score: float | None, best_epoch: int | None, history: Sequence[Epoch]) -> None:
        """Note the round of the next mask; `history` are the epochs that it took."""
        mask = self.masks[len(self.rounds)]
        self.rounds.append(Round(len(self.rounds), mask.density, mask.kept, dev_score, best_epoch, len(history)))
        self.seconds.append(sum(epoch.seconds for epoch in history))

    def is_over(self, stop_after: int | None) -> bool:
        """Whether the last `stop_after` rounds brought no better dev score than those before."""
        scores = [round_.dev_score or 0.0 for round_ in self.rounds]
        return bool(stop_after and scores and len(scores) - 1 - scores.index(max(scores)) >= stop_after)

    def end(self) -> None:
        """Forget the mask of a round that is not going to be trained."""
        del self.masks[len(self.rounds) :]


def run(
    spec: PruneSpec, vocabulary: Path, train_text: Path, dev_text: Path, weights: Path, output: Path, device: str
) -> None:
    """Find masks as the source says; write `masks.safetensors` and `rounds.csv` into `output`.

    The source of the paper, `magnitude`, trains, ranks, removes and rewinds, for rounds 0 to K. Round k trains from
    theta(w) under the mask of density final_density ** (k / K), with a fresh optimizer. The weights of its best dev
    epoch are ranked, and the smallest are removed to make the mask of round k + 1. With `stop_after` m the round that
    is the m-th in a row without a better dev score is the last. Where the task's dev text may choose nothing, the
    weights of the last epoch are ranked, and `stop_after` ends nothing.
    """
    meter = Meter()
    words = load_vocabulary(vocabulary, spec.data)
    lenient = "lenient_spans" in (spec.replicate or ())
    tasks = load_task_data(train_text, dev_text, [spec.task], spec.data, words, lenient_spans=lenient)
    start, artifact = load_weights(weights, spec.start)
    network = build_network(weights, artifact, words, [spec.task], choose_device(device))
    if spec.meaning == "delta":
        network.keep_base()
    epochs = spec.optimization.epochs
    inputs = [vocabulary, train_text, dev_text, weights]
    total = spec.trainings * epochs
    with work_folder(output, inputs) as work, Reporter(f"prune {spec.task}", total, work=work) as report:
        meter.keep_in(work)
        units = _units(spec, network)
        dense = Mask.dense(network.prunable_shapes if units is None else units.shapes, artifact.digest)
        pruning = _resume(work / "rounds.safetensors", spec, dense)
        report.skip(len(pruning.rounds) * epochs)
        choosing = tasks[spec.task].choose_on_dev
        stop_after = spec.stop_after if choosing else None
        source = _source(spec, dense, start, network.prunable_shapes, units)
        if spec.kind.PRUNES_IN_TRAINING:
            _train_gradually(spec, network, start, tasks, pruning, work, report, meter, source)
        while len(pruning.rounds) < spec.trainings and not pruning.is_over(stop_after):
            _train_round(spec, network, start, tasks, pruning, work, report, meter, source)
            _save(work / "rounds.safetensors", spec, pruning, {"seconds": pruning.seconds})
        trained = sum(round_.epochs for round_ in pruning.rounds)
        if not spec.kind.SCORES_ROUNDS:
            for _ in pruning.masks[len(pruning.rounds) :]:
                pruning.add(None, None, [])
        pruning.end()
        report.skip((spec.trainings - len(pruning.rounds)) * epochs)
        _warn(spec, pruning, choosing)
        done = work_done(tasks, spec.optimization, trained)
        write_costs(output, Costs(meter.seconds, *done, {spec.task: trained if choosing else 0}))
        _save(output / "masks.safetensors", spec, pruning, {} if choosing else {"chosen_on_dev": False})
        write_text(output / "rounds.csv", _table(pruning))


def _units(spec: PruneSpec, network: Network) -> Units | None:
    """The units that masks remove; none: masks remove single weights."""
    if spec.granularity is None:
        return None
    if not network.units.shapes:
        raise ConfigError(f"prune.granularity: encoder '{network.model.kind}' declares no units; leave the key out")
    return network.units


def _source(spec: PruneSpec, dense: Mask, start: Mapping[str, Tensor], prunable: Shapes, units: Units | None) -> Source:
    """The source of the masks."""
    first = torch.cat([start[name].reshape(-1) for name in prunable])
    plan = Plan(dense, first, spec.rounds, spec.final_density, spec.settings or {}, units)
    return source_of(spec.source or Prune.DEFAULT, plan)


def _train_round(
    spec: PruneSpec,
    network: Network,
    start: Mapping[str, Tensor],
    tasks: Mapping[str, TaskData],
    pruning: Pruning,
    work: Path,
    report: Reporter,
    meter: Meter,
    source: Source,
) -> None:
    """Rewind, train under the newest mask, and cut the next masks from the best weights."""
    number, mask = len(pruning.rounds), pruning.masks[-1]
    network.load(start)
    network.set_masks({spec.task: mask})
    note = f"round {number}/{spec.rounds}, "

    def cut() -> list[Mask]:
        return source.masks_after(number, network.prunable_values(), mask)

    watch = None
    if spec.early_bird is not None:
        watch = EarlyBird(lambda: cut()[-1], mask.kept, spec.early_bird, spec.early_bird_window)
    progress = _train(spec, network, tasks, number, work, report, meter, note, early_bird=watch)
    pruning.add(progress.best_mean, progress.best_epoch, progress.history)
    if number < spec.rounds:
        network.load(progress.best)
        pruning.masks += cut()
        warn_of_emptied_layers(pruning.masks[-1], f"round {number + 1}/{spec.rounds}: the mask of task '{spec.task}'")


def _train_gradually(
    spec: PruneSpec,
    network: Network,
    start: Mapping[str, Tensor],
    tasks: Mapping[str, TaskData],
    pruning: Pruning,
    work: Path,
    report: Reporter,
    meter: Meter,
    source: Source,
) -> None:
    """Train once while the source removes weights; each epoch is a round."""
    network.load(start)
    masking = Masking(source, network, spec.task)
    progress = _train(spec, network, tasks, 0, work, report, meter, "", masking=masking)
    pruning.masks = list(masking.masks)
    for epoch in progress.history:
        pruning.add(epoch.mean, epoch.number, [epoch])
    warn_of_emptied_layers(pruning.masks[-1], f"the last mask of task '{spec.task}'")


def _train(
    spec: PruneSpec,
    network: Network,
    tasks: Mapping[str, TaskData],
    number: int,
    work: Path,
    report: Reporter,
    meter: Meter,
    note: str,
    early_bird: EarlyBird | None = None,
    masking: Masking | None = None,
) -> Progress:
    """One training of the pruning; each has its own order of the data."""
    streams = ("prune again" if spec.again else "prune", spec.task, "round", number)
    options = {"note": note, "meter": meter, "replicate": spec.replicate or ()}
    watched = {"early_bird": early_bird, "masking": masking}
    return train(
        network, tasks, spec.optimization, spec.seed, streams, spec, work / "epoch", report, **options, **watched
    )


def _warn(spec: PruneSpec, pruning: Pruning, choose_on_dev: bool) -> None:
    """Say in the log where dev scores chose nothing."""
    if not choose_on_dev:
        log.warning("prune %s: choose_on_dev is false: every round ranks the weights of its last epoch", spec.task)
    elif max(round_.dev_score for round_ in pruning.rounds if round_.dev_score is not None) <= 0:
        log.warning(
            "prune %s: the dev score was 0 after every epoch of every round. Train longer (prune.epochs) or raise "
            "prune.learning_rate; no mask can be chosen by these scores",
            spec.task,
        )


def _save(path: Path, spec: PruneSpec, pruning: Pruning, more: Mapping[str, object] | None = None) -> None:
    """Write masks and rounds. Times differ from run to run: they are no part of the stage's output."""
    details = {"task": spec.task, "rounds": [asdict(round_) for round_ in pruning.rounds], **(more or {})}
    write_rounds(path, spec, pruning.masks, details)


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
        score = "" if round_.dev_score is None else f"{round_.dev_score:.4f}"
        values = asdict(round_) | {"density": f"{round_.density:.6f}", "dev_score": score}
        writer.writerow(values | {"seconds": f"{spent:.2f}"})
    return text.getvalue()
