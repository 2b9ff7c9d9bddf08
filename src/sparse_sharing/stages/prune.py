"""Stage `prune`: iterative magnitude pruning of one task (paper, Algorithm 1)."""

import csv
import io
from dataclasses import asdict, dataclass
from pathlib import Path

from sparse_sharing.artifacts import load_tensors, save_tensors, write_text
from sparse_sharing.config.specs import PruneSpec
from sparse_sharing.errors import ArtifactError
from sparse_sharing.masks import Mask, kept_after, pack, prune_smallest
from sparse_sharing.progress import Reporter
from sparse_sharing.stages.inputs import (
    build_network,
    choose_device,
    load_mask,
    load_task_data,
    load_vocabulary,
    load_weights,
)
from sparse_sharing.stages.training import train
from sparse_sharing.training.checkpoint import work_folder


@dataclass(frozen=True)
class Round:
    """One round: the mask it trained under, and how well that went on dev (percent)."""

    round: int
    density: float
    kept: int
    dev_score: float
    best_epoch: int
    epochs: int


def mask_name(round_: int) -> str:
    """The tensor that holds the mask of a round."""
    return f"round{round_:03d}"


def run(
    spec: PruneSpec, vocabulary: Path, train_text: Path, dev_text: Path, weights: Path, output: Path, device: str
) -> None:
    """Train, rank, remove, rewind, for rounds 0 to K; write `masks.safetensors` and `rounds.csv` into `output`.

    Round k trains from theta(w) under the mask of density final_density ** (k / K), with a fresh optimizer. The weights
    of its best dev epoch are ranked, and the smallest are removed to make the mask of round k + 1.
    """
    words = load_vocabulary(vocabulary, spec.data)
    tasks = load_task_data(train_text, dev_text, [spec.task], spec.data)
    start, artifact = load_weights(weights, spec.start)
    network = build_network(artifact, words, [spec.task], choose_device(device))
    with work_folder(output) as work:
        masks, rounds, seconds = _finished_rounds(
            work / "rounds.safetensors", spec, network.prunable_shapes, artifact.digest
        )
        with Reporter(f"prune {spec.task}", (spec.rounds + 1) * spec.optimization.epochs) as report:
            report.skip(len(rounds) * spec.optimization.epochs)
            while len(rounds) <= spec.rounds:
                number, mask = len(rounds), masks[-1]
                network.load(start)
                network.set_masks({spec.task: mask})
                progress = train(
                    network,
                    tasks,
                    spec.optimization,
                    spec.seed,
                    ("prune", spec.task, "round", number),
                    spec,
                    work / "epoch",
                    report,
                )
                rounds.append(
                    Round(
                        number, mask.density, mask.kept, progress.best_mean, progress.best_epoch, len(progress.history)
                    )
                )
                seconds.append(sum(epoch.seconds for epoch in progress.history))
                network.load(progress.best)
                if number < spec.rounds:
                    kept = kept_after(number + 1, spec.rounds, spec.final_density, mask.keep.numel())
                    masks.append(prune_smallest(network.prunable_values().abs(), mask, kept))
                _save(work / "rounds.safetensors", spec, masks, rounds, seconds)
        _save(output / "masks.safetensors", spec, masks, rounds)
        write_text(output / "rounds.csv", _table(rounds, seconds))


def _save(
    path: Path, spec: PruneSpec, masks: list[Mask], rounds: list[Round], seconds: list[float] | None = None
) -> None:
    """Write masks and rounds; times only into the work folder, since they differ from run to run."""
    details = {
        "task": spec.task,
        "weights": masks[0].weights,
        "shapes": [[name, list(shape)] for name, shape in masks[0].shapes.items()],
        "rounds": [asdict(round_) for round_ in rounds],
    }
    if seconds is not None:
        details["seconds"] = seconds
    save_tensors(path, "masks", spec, {mask_name(number): pack(mask) for number, mask in enumerate(masks)}, details)


def _finished_rounds(
    path: Path, spec: PruneSpec, shapes: dict[str, tuple[int, ...]], weights: str
) -> tuple[list[Mask], list[Round], list[float]]:
    """What an interrupted pruning has left behind, or the dense mask and no round."""
    try:
        artifact = load_tensors(path, "masks", spec.digest())
        if artifact.details["weights"] != weights:
            raise ArtifactError("other starting weights")
    except ArtifactError:
        return [Mask.dense(shapes, weights)], [], []
    masks = [load_mask(artifact, name, path) for name in sorted(artifact.tensors)]
    return masks, [Round(**row) for row in artifact.details["rounds"]], artifact.details["seconds"]


def _table(rounds: list[Round], seconds: list[float]) -> str:
    """The rounds as CSV; the dev score in percent, the time of all epochs of a round in seconds."""
    text = io.StringIO()
    writer = csv.DictWriter(text, [*asdict(rounds[0]), "seconds"], lineterminator="\n")
    writer.writeheader()
    for round_, spent in zip(rounds, seconds, strict=True):
        values = asdict(round_) | {"density": f"{round_.density:.6f}", "dev_score": f"{round_.dev_score:.4f}"}
        writer.writerow(values | {"seconds": f"{spent:.2f}"})
    return text.getvalue()
