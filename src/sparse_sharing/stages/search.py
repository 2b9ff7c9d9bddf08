"""Stage `search`: find the density of each task by successive halving of short joint trainings, on dev.

Each trial is a combination of stored rounds, one for each task. All trials of a rung train from the same start on the
same order of the data and resume after their last epoch in the next rung, so that they differ only in their masks.
"""

import csv
import io
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from torch import Tensor

from sparse_sharing.encoders.base import counted_parameters
from sparse_sharing.errors import ArtifactError, ConfigError
from sparse_sharing.masks.analysis import union_size
from sparse_sharing.masks.choose import Round, read_rounds
from sparse_sharing.masks.files import load_mask, mask_name
from sparse_sharing.masks.mask import Mask
from sparse_sharing.masks.search import Standing, best_of, combinations
from sparse_sharing.network.network import Network
from sparse_sharing.pipeline.specs import SearchSpec
from sparse_sharing.storage.artifacts import load_json, parts_of, save_json, write_text
from sparse_sharing.storage.costs import Costs, Meter, write_costs
from sparse_sharing.terminal.progress import Reporter
from sparse_sharing.training.checkpoint import work_folder
from sparse_sharing.training.loop import TaskData
from sparse_sharing.training.opening import Opened, open_inputs
from sparse_sharing.training.seeds import generator
from sparse_sharing.training.setup import train, work_done

log = logging.getLogger(__name__)

Rungs = list[list[dict[str, Any]]]
"""The finished rungs: for each trial its number, its best mean dev score and the scores of that epoch."""


@dataclass(frozen=True)
class _Trials:
    """The trials of a search: what they share, and their masks.

    Attributes:
        combinations: for each trial the round of each task.
        rounds: for each task its rounds by number.
        masks: for each task the masks of the rounds that occur, over weights or units.
    """

    spec: SearchSpec
    network: Network
    start: Mapping[str, Tensor]
    data: Mapping[str, TaskData]
    combinations: Sequence[Mapping[str, int]]
    rounds: Mapping[str, Mapping[int, Round]]
    masks: Mapping[str, Mapping[int, Mask]]

    @cached_property
    def parameters(self) -> list[int]:
        """For each trial, the number of parameters that it stores for all tasks, without embeddings and heads."""
        counts = []
        for number in range(len(self.combinations)):
            masks = self.network.over_weights(self.masks_of(number))
            shapes = next(iter(masks.values())).shapes
            counts.append(counted_parameters(self.network.encoder, union_size(list(masks.values())), shapes))
        return counts

    def masks_of(self, number: int) -> dict[str, Mask]:
        """The masks of a trial."""
        return {task: self.masks[task][round_] for task, round_ in self.combinations[number].items()}


def run(
    spec: SearchSpec,
    masks: Mapping[str, Path],
    vocabulary_file: Path,
    train_text: Path,
    dev_text: Path,
    weights: Path,
    output: Path,
    device: str,
) -> None:
    """Write `search.json` with the best combination and all trials, and `search.csv`, into `output`.

    An interrupted search resumes after its last finished epoch, and gives the same result.

    Raises:
        ConfigError: The pruning of a task was not given, or lacks the rounds to combine.
        ArtifactError: A file was made with other settings, or masks do not belong to the starting weights.
    """
    meter = Meter()
    opened = open_inputs(spec, vocabulary_file, train_text, dev_text, weights, device)
    if spec.meaning == "delta":
        opened.network.keep_base()
    trials = _trials(spec, masks, opened)
    inputs = [*opened.files, *(masks[task] for task in spec.tasks)]
    plan = spec.search.rungs(len(trials.combinations))
    with (
        work_folder(output, inputs) as work,
        Reporter("search", sum(count * epochs for count, epochs in plan), work=work) as report,
    ):
        meter.keep_in(work)
        rungs = _halved(trials, plan, work, report, meter)
        epochs = spec.search.trained_epochs(len(trials.combinations))
        done = work_done(opened.tasks, spec.optimization, epochs)
        write_costs(output, Costs(meter.seconds, *done, dict.fromkeys(opened.tasks, epochs)))
        save_json(output / "search.json", "search", spec, _result(trials, plan, rungs))
        write_text(output / "search.csv", _table(trials, plan, rungs))


def _trials(spec: SearchSpec, paths: Mapping[str, Path], opened: Opened) -> _Trials:
    """The combinations to try, with their masks."""
    rounds, artifacts = {}, {}
    for task, digest in spec.masks.items():
        artifacts[task], listed = read_rounds(paths, task, digest)
        rounds[task] = {entry.round: entry for entry in listed}
    allowed = {task: _allowed(spec, task, [*by_number]) for task, by_number in rounds.items()}
    tried = combinations(allowed, spec.search.combinations, generator(spec.seed, "search"))
    masks: dict[str, dict[int, Mask]] = {}
    for task, by_number in rounds.items():
        numbers = sorted({combination[task] for combination in tried})
        masks[task] = {number: load_mask(artifacts[task], mask_name(number), paths[task]) for number in numbers}
        for mask in masks[task].values():
            opened.network.require_fit(mask, opened.weights, str(paths[task]))
        log.info("task %s: densities %s", task, ", ".join(f"{by_number[number].density:.3f}" for number in numbers))
    return _Trials(spec, opened.network, opened.start, opened.tasks, tried, rounds, masks)


def _allowed(spec: SearchSpec, task: str, numbers: Sequence[int]) -> list[int]:
    """The rounds of a task to combine; a pruning that ended early has fewer rounds than the others."""
    wanted = spec.search.rounds
    allowed = [number for number in numbers if number > 0 or spec.allow_dense]
    allowed = allowed if wanted is None else [number for number in allowed if number in wanted]
    if not allowed:
        raise ConfigError(
            f"search: the pruning of task '{task}' has none of the rounds to combine (search.rounds); it has {numbers}"
        )
    return allowed


def _halved(trials: _Trials, plan: Sequence[tuple[int, int]], work: Path, report: Reporter, meter: Meter) -> Rungs:
    """Train the trials of each rung, and pass the better half to the next."""
    alive = list(range(len(trials.combinations)))
    rungs = _resume(work / "rungs.json", trials.spec)
    for rung, (count, epochs) in enumerate(plan):
        if rung:
            alive = sorted(standing.number for standing in best_of(_standings(trials, rungs[rung - 1]), count))
        if rung < len(rungs):
            report.skip(count * epochs)
            continue
        rungs.append([_train(trials, number, epochs, work, report, meter) for number in alive])
        save_json(work / "rungs.json", "search", trials.spec, {"rungs": rungs})
        survivors = {standing.number for standing in best_of(_standings(trials, rungs[rung]), (count + 1) // 2)}
        for number in set(alive) - survivors:
            _checkpoint(work, number).unlink(missing_ok=True)
    return rungs


def _train(trials: _Trials, number: int, epochs: int, work: Path, report: Reporter, meter: Meter) -> dict[str, Any]:
    """Train one trial up to an epoch, from its checkpoint if it has one."""
    spec, network = trials.spec, trials.network
    network.load(trials.start)
    network.set_masks(trials.masks_of(number))
    progress = train(
        network,
        trials.data,
        spec.optimization.model_copy(update={"epochs": epochs}),
        spec.seed,
        ("search",),
        spec,
        _checkpoint(work, number).with_suffix(""),
        report,
        note=f"combination {number + 1}/{len(trials.combinations)}, ",
        replicate=spec.replicate or (),
        meter=meter,
    )
    best = progress.history[progress.best_epoch - 1]
    return {"number": number, "mean": progress.best_mean, "scores": best.scores}


def _checkpoint(work: Path, number: int) -> Path:
    return work / f"trial{number}.safetensors"


def _resume(path: Path, spec: SearchSpec) -> Rungs:
    """The finished rungs of an interrupted search."""
    try:
        artifact = load_json(path, "search", spec.digest())
        with parts_of(path):
            return list(artifact.details["rungs"])
    except ArtifactError:
        return []


def _standings(trials: _Trials, rung: Sequence[Mapping[str, Any]]) -> list[Standing]:
    return [Standing(trial["number"], trial["mean"], trials.parameters[trial["number"]]) for trial in rung]


def _result(trials: _Trials, plan: Sequence[tuple[int, int]], rungs: Rungs) -> dict[str, Any]:
    """The best combination, and the results of every trial."""
    (best,) = best_of(_standings(trials, rungs[-1]), 1)
    first = [trial["mean"] for trial in rungs[0]]
    return {
        "rounds": dict(trials.combinations[best.number]),
        "dev_score": best.score,
        "tie": {"tied": first.count(max(first)), "allowed": len(first)},
        "trials": [
            {
                "rounds": dict(combination),
                "densities": {task: trials.rounds[task][round_].density for task, round_ in combination.items()},
                "parameters": trials.parameters[number],
            }
            for number, combination in enumerate(trials.combinations)
        ],
        "rungs": [{"epochs": epochs, "trials": rung} for (_, epochs), rung in zip(plan, rungs, strict=True)],
    }


def _table(trials: _Trials, plan: Sequence[tuple[int, int]], rungs: Rungs) -> str:
    """One row for each trial of each rung, as CSV; `kept` is 1 if the trial reached the next rung or is the best."""
    text, tasks = io.StringIO(), trials.spec.tasks
    writer = csv.writer(text, lineterminator="\n")
    names = [*(f"round {task}" for task in tasks), *(f"density {task}" for task in tasks), "parameters"]
    writer.writerow(["rung", "epochs", *names, *(f"dev {task}" for task in tasks), "dev mean", "kept"])
    for index, ((count, epochs), rung) in enumerate(zip(plan, rungs, strict=True)):
        survivors = {standing.number for standing in best_of(_standings(trials, rung), (count + 1) // 2)}
        for trial in rung:
            rounds = trials.combinations[trial["number"]]
            densities = [f"{trials.rounds[task][rounds[task]].density:.6f}" for task in tasks]
            row = [index + 1, epochs, *(rounds[task] for task in tasks), *densities, trials.parameters[trial["number"]]]
            row += [f"{trial['scores'][task]:.4f}" for task in tasks]
            writer.writerow([*row, f"{trial['mean']:.4f}", int(trial["number"] in survivors)])
    return text.getvalue()
