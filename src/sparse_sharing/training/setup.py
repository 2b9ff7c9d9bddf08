"""The training that warm-up, pruning and joint training share: the loop, reported and checkpointed."""

from collections.abc import Callable, Collection, Mapping
from pathlib import Path

from sparse_sharing.config.replicate import Switch
from sparse_sharing.config.schema import Optimization
from sparse_sharing.network.network import Network
from sparse_sharing.pipeline.specs import Spec
from sparse_sharing.storage.costs import Meter
from sparse_sharing.terminal.progress import Reporter
from sparse_sharing.training.checkpoint import Checkpoint
from sparse_sharing.training.early_bird import EarlyBird
from sparse_sharing.training.loop import Epoch, Progress, TaskData, train_epochs
from sparse_sharing.training.masking import Masking
from sparse_sharing.training.replicas import make_trainer
from sparse_sharing.training.sampling import steps_in_epoch
from sparse_sharing.training.trainer import Trainer


def train(
    network: Network,
    tasks: Mapping[str, TaskData],
    optimization: Optimization,
    seed: int,
    streams: tuple[object, ...],
    spec: Spec,
    work: Path,
    report: Reporter,
    note: str = "",
    replicate: Collection[Switch] = (),
    early_bird: EarlyBird | None = None,
    meter: Meter | None = None,
    each_best: bool = False,
    masking: Masking | None = None,
    trainer: Trainer | None = None,
    after_epoch: Callable[[Epoch], None] | None = None,
) -> Progress:
    """Train a network in place, from its last checkpoint if there is one; it ends with its last weights.

    Args:
        network: the network with its starting weights and masks.
        tasks: the tasks with their text.
        optimization: how to train.
        seed: the run's seed.
        streams: the purpose of the training; also the label of its checkpoint.
        spec: the spec of the stage; a checkpoint of another spec is not used.
        work: path of the checkpoint, without its suffix.
        report: gets every epoch.
        note: a prefix for each line, such as `round 3/20, `.
        replicate: the deviations of the original code that the optimizer reproduces.
        early_bird: ends the training when the next mask has settled.
        meter: saved before each checkpoint, so that processor time of finished epochs is not lost.
        each_best: whether to keep the weights of each task's own best epoch.
        masking: prunes the network during the training.
        trainer: the trainer; None: the usual one, or the one for `replicate`.
        after_epoch: called after each epoch, with the weights at its end.
    """
    trainer = trainer or make_trainer(network, optimization, replicate)
    label = " ".join(map(str, streams))
    checkpoint = Checkpoint(work.with_suffix(".safetensors"), spec, label)
    if masking:
        masking.follow(trainer)
    progress = checkpoint.restore(network, trainer, masking)
    if progress.history:
        report.line(f"{note}resuming after epoch {len(progress.history)}")
        report.skip(len(progress.history))
        if early_bird:
            early_bird.change()
    on_step = report.on_step(note)
    epochs = train_epochs(
        network, trainer, tasks, optimization, streams, progress, seed, on_step, early_bird, each_best, masking
    )
    for epoch in epochs:
        if after_epoch:
            after_epoch(epoch)
        if meter:
            meter.save()
        checkpoint.save(network, trainer, progress, masking)
        reached = {"at": f"{note}epoch {epoch.number}/{optimization.epochs}", "best": progress.best_mean}
        report.epoch(describe(note, epoch, optimization.epochs, progress.best_epoch), epoch.seconds, **reached)
    report.skip(optimization.epochs - len(progress.history))
    return progress


def work_done(
    tasks: Mapping[str, TaskData], optimization: Optimization, epochs: int
) -> tuple[dict[str, int], dict[str, int]]:
    """The updates of each task in a number of epochs, and the tokens of their batches.

    If a `sampling_weight` is not a whole number, tokens are expected values, since each epoch has other batches.
    """
    updates, tokens = {}, {}
    for task, data in tasks.items():
        weight, text = data.sampling_weight, data.train
        updates[task] = epochs * steps_in_epoch(text.sentences, optimization.step_size, weight)
        tokens[task] = round(epochs * weight * len(text.tokens))
    return updates, tokens


def describe(note: str, epoch: Epoch, epochs: int, best: int) -> str:
    """One line about an epoch."""
    scores = ", ".join(f"{task} {score:.2f}" for task, score in epoch.scores.items())
    mark = " (best)" if best == epoch.number else ""
    return f"{note}epoch {epoch.number}/{epochs}: loss {epoch.loss:.4f}, dev {scores}{mark}"
