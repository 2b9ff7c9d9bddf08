"""Stage `prune`: find the masks of one task while it is trained, with a source of masks (paper, Algorithm 1)."""

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
    warn_of_emptied_layers,
)
from sparse_sharing.training.loop import Epoch, Progress, TaskData
from sparse_sharing.training.masking import Masking
from sparse_sharing.training.opening import open_inputs
from sparse_sharing.training.setup import train, work_done

log = logging.getLogger(__name__)


@dataclass
class Pruning:
    """The state of a pruning: finished rounds, their times in seconds, and the mask of the next round."""

    masks: list[Mask]
    rounds: list[Round]
    seconds: list[float]

    def add(self, dev_score: float | None, best_epoch: int | None, history: Sequence[Epoch]) -> None:
        """Add the round of the newest mask; `history` has its epochs."""
        mask = self.masks[len(self.rounds)]
        self.rounds.append(Round(len(self.rounds), mask.density, mask.kept, dev_score, best_epoch, len(history)))
        self.seconds.append(sum(epoch.seconds for epoch in history))

    def is_over(self, stop_after: int | None) -> bool:
        """Whether none of the last `stop_after` rounds has a better dev score than those before."""
        scores = [round_.dev_score or 0.0 for round_ in self.rounds]
        return bool(stop_after and scores and len(scores) - 1 - scores.index(max(scores)) >= stop_after)

    def end(self) -> None:
        """Drop the mask of the round that will not be trained."""
        del self.masks[len(self.rounds) :]


def run(
    spec: PruneSpec, vocabulary_file: Path, train_text: Path, dev_text: Path, weights: Path, output: Path, device: str
) -> None:
    """Find masks with the source of the spec; write `masks.safetensors` and `rounds.csv` into `output`.

    The source of the paper, `magnitude`, trains, ranks, removes and rewinds, for rounds 0 to K. Round k trains from
    theta(w) under the mask of density final_density ** (k / K), with a fresh optimizer. The weights of its best dev
    epoch are ranked, and the smallest are removed to make the mask of round k + 1. With `stop_after` m, pruning
    ends after m consecutive rounds without a better dev score. If dev scores of the task may choose nothing, the
    weights of the last epoch are ranked, and `stop_after` has no effect.
    """
    meter = Meter()
    opened = open_inputs(spec, vocabulary_file, train_text, dev_text, weights, device)
    network, start, tasks = opened.network, opened.start, opened.tasks
    if spec.meaning == "delta":
        network.keep_base()
    epochs = spec.optimization.epochs
    total = spec.trainings * epochs
    with work_folder(output, opened.files) as work, Reporter(f"prune {spec.task}", total, work=work) as report:
        meter.keep_in(work)
        units = _units(spec, network)
        dense = Mask.dense(network.prunable_shapes if units is None else units.shapes, opened.weights)
        pruning = _resume(work / "rounds.safetensors", spec, dense)
        report.skip(len(pruning.rounds) * epochs)
        choosing = tasks[spec.task].choose_on_dev
        stop_after = spec.stop_after if choosing else None
        source = _source(spec, dense, start, network.prunable_shapes, units)
        pruner = _Pruner(spec, network, start, tasks, source, pruning, work, report, meter)
        if spec.kind.PRUNES_IN_TRAINING:
            pruner.train_gradually()
        while len(pruning.rounds) < spec.trainings and not pruning.is_over(stop_after):
            pruner.train_round()
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


@dataclass(frozen=True)
class _Pruner:
    """Runs the trainings of a pruning, and records their results."""

    spec: PruneSpec
    network: Network
    start: Mapping[str, Tensor]
    tasks: Mapping[str, TaskData]
    source: Source
    pruning: Pruning
    work: Path
    report: Reporter
    meter: Meter

    def train_round(self) -> None:
        """Rewind, train under the newest mask, and make the next masks from the best weights."""
        spec, network, pruning = self.spec, self.network, self.pruning
        number, mask = len(pruning.rounds), pruning.masks[-1]
        network.load(self.start)
        network.set_masks({spec.task: mask})

        def cut() -> list[Mask]:
            return self.source.masks_after(number, network.prunable_values(), mask)

        watch = None
        if spec.early_bird is not None and spec.early_bird_window is not None:
            watch = EarlyBird(lambda: cut()[-1], mask.kept, spec.early_bird, spec.early_bird_window)
        progress = self._train(number, f"round {number}/{spec.rounds}, ", early_bird=watch)
        pruning.add(progress.best_mean, progress.best_epoch, progress.history)
        if number < spec.rounds:
            network.load(progress.best)
            pruning.masks += cut()
            label = f"round {number + 1}/{spec.rounds}: the mask of task '{spec.task}'"
            warn_of_emptied_layers(pruning.masks[-1], label)

    def train_gradually(self) -> None:
        """Train once while the source removes weights; each epoch is a round."""
        self.network.load(self.start)
        masking = Masking(self.source, self.network, self.spec.task)
        progress = self._train(0, "", masking=masking)
        self.pruning.masks = list(masking.masks)
        for epoch in progress.history:
            self.pruning.add(epoch.mean, epoch.number, [epoch])
        warn_of_emptied_layers(self.pruning.masks[-1], f"the last mask of task '{self.spec.task}'")

    def _train(
        self, number: int, note: str, early_bird: EarlyBird | None = None, masking: Masking | None = None
    ) -> Progress:
        """One training of the pruning; each has its own order of the data."""
        spec = self.spec
        return train(
            self.network,
            self.tasks,
            spec.optimization,
            spec.seed,
            ("prune again" if spec.again else "prune", spec.task, "round", number),
            spec,
            self.work / "epoch",
            self.report,
            note=note,
            replicate=spec.replicate or (),
            early_bird=early_bird,
            meter=self.meter,
            masking=masking,
        )


def _units(spec: PruneSpec, network: Network) -> Units | None:
    """The units that masks remove; None: masks remove single weights."""
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


def _warn(spec: PruneSpec, pruning: Pruning, choose_on_dev: bool) -> None:
    """Log a warning if dev scores chose nothing."""
    if not choose_on_dev:
        log.warning("prune %s: choose_on_dev is false, so every round ranks the weights of its last epoch", spec.task)
    elif max(round_.dev_score for round_ in pruning.rounds if round_.dev_score is not None) <= 0:
        log.warning(
            "prune %s: the dev score was 0 after every epoch of every round, so no mask can be chosen by dev scores. "
            "Train longer (prune.epochs) or raise prune.learning_rate",
            spec.task,
        )


def _save(path: Path, spec: PruneSpec, pruning: Pruning, more: Mapping[str, object] | None = None) -> None:
    """Write masks and rounds. Times differ from run to run, so the outputs of the stage do not contain them."""
    details = {"task": spec.task, "rounds": [asdict(round_) for round_ in pruning.rounds], **(more or {})}
    write_rounds(path, spec, pruning.masks, details)


def _resume(path: Path, spec: PruneSpec, dense: Mask) -> Pruning:
    """The state of an interrupted pruning, or the dense mask and no round."""
    try:
        artifact = load_tensors(path, "masks", spec.digest())
        masks = [load_mask(artifact, name, path) for name in sorted(artifact.tensors)]
        with parts_of(path):
            masks[-1].require_fit(dense.shapes, dense.weights, "the newest mask")
            return Pruning(masks, [Round(**row) for row in artifact.details["rounds"]], artifact.details["seconds"])
    except ArtifactError:
        return Pruning([dense], [], [])


def _table(pruning: Pruning) -> str:
    """The rounds as CSV; dev scores in percent, the time of all epochs of a round in seconds."""
    text = io.StringIO()
    writer = csv.DictWriter(text, [*asdict(pruning.rounds[0]), "seconds"], lineterminator="\n")
    writer.writeheader()
    for round_, spent in zip(pruning.rounds, pruning.seconds, strict=True):
        score = "" if round_.dev_score is None else f"{round_.dev_score:.4f}"
        values = asdict(round_) | {"density": f"{round_.density:.6f}", "dev_score": score}
        writer.writerow(values | {"seconds": f"{spent:.2f}"})
    return text.getvalue()
