"""The training loop: epochs over the tasks, dev scores after each, the best epoch kept.

`train_epochs` is a generator: reporting and storing are done by its consumer.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial

import torch
from torch import Tensor

from sparse_sharing.config.schema import Optimization
from sparse_sharing.errors import TrainingError
from sparse_sharing.evaluation.metrics import TaskScore
from sparse_sharing.evaluation.scoring import score_task
from sparse_sharing.masks.sources.base import Moment
from sparse_sharing.network.network import Network
from sparse_sharing.text.batches import training_batches
from sparse_sharing.text.encoded import EncodedText
from sparse_sharing.training.early_bird import EarlyBird
from sparse_sharing.training.masking import Masking
from sparse_sharing.training.sampling import passes, proportional, round_robin
from sparse_sharing.training.seeds import derive, generator
from sparse_sharing.training.trainer import Trainer


@dataclass(frozen=True)
class TaskData:
    """The text that a task is trained on, the text on which epochs are compared, and the weight of the task.

    An epoch makes `sampling_weight` passes over the task's sentences; `loss_weight` multiplies its loss.
    `lenient_spans` is whether dev is scored by the lenient scorer (see `evaluation.lenient`). If `choose_on_dev` is
    False, dev scores of the task choose neither an epoch nor when to stop.
    """

    train: EncodedText
    dev: EncodedText
    sampling_weight: float = 1.0
    loss_weight: float = 1.0
    lenient_spans: bool = False
    choose_on_dev: bool = True


@dataclass(frozen=True)
class Epoch:
    """The results of one epoch; epochs count from 1, scores are in percent.

    `mean` and `dev_loss` are means over the tasks whose dev text may choose, or over all tasks if there is none.
    `mask_change` is the share of the next mask that the epoch has changed, if an early bird measures it.
    """

    number: int
    learning_rate: float
    loss: float
    scores: dict[str, float]
    mean: float
    dev_loss: float
    seconds: float
    mask_change: float | None = None


@dataclass
class Progress:
    """The state of a training: its results, and what it needs to resume."""

    history: list[Epoch] = field(default_factory=list)
    best: dict[str, Tensor] = field(default_factory=dict)
    best_epoch: int = 0
    own_values: dict[str, dict[str, Tensor]] = field(default_factory=dict)
    own_epochs: dict[str, int] = field(default_factory=dict)
    """For each task the epoch of its own best dev score so far, and the weights of that epoch, if they are kept."""

    @property
    def best_mean(self) -> float:
        """The dev score of the best epoch so far, -1 before the first."""
        return self.history[self.best_epoch - 1].mean if self.best_epoch else -1.0

    def is_better(self, epoch: Epoch) -> bool:
        """Whether an epoch is better than the best so far: by its dev score, or by its dev loss if the scores are
        equal.
        """
        if not self.best_epoch:
            return True
        best = self.history[self.best_epoch - 1]
        return (epoch.mean, -epoch.dev_loss) > (best.mean, -best.dev_loss)

    def has_lost_patience(self, patience: int | None) -> bool:
        """Whether none of the last `patience` epochs has a better dev score, counted from the first score above 0.

        A model with score 0 has not begun to learn, so it cannot have begun to get worse.
        """
        if not patience or self.best_mean <= 0:
            return False
        reached = next(epoch.number for epoch in self.history if epoch.mean >= self.best_mean)
        return len(self.history) - reached >= patience

    def keep(self, values: Mapping[str, Tensor], number: int) -> None:
        """Copy the weights of the best epoch so far, replacing earlier ones."""
        _copy_into(self.best, values)
        self.best_epoch = number

    def keep_own(self, values: Mapping[str, Tensor]) -> None:
        """Copy the weights of the last epoch for each task that has its best dev score so far in it.

        Of equal scores the earliest is used.
        """
        last = self.history[-1]
        for task, score in last.scores.items():
            best = self.own_epochs.get(task)
            if best is None or score > self.history[best - 1].scores[task]:
                _copy_into(self.own_values.setdefault(task, {}), values)
                self.own_epochs[task] = last.number

    def rows(self) -> list[dict]:
        """The history as plain values."""
        return [asdict(epoch) for epoch in self.history]


def _copy_into(copies: dict[str, Tensor], values: Mapping[str, Tensor]) -> None:
    """Copy values by name, into existing memory if there is any."""
    for name, value in values.items():
        if name not in copies:
            copies[name] = torch.empty_like(value)
        copies[name].copy_(value)


def train_epochs(
    network: Network,
    trainer: Trainer,
    tasks: Mapping[str, TaskData],
    optimization: Optimization,
    streams: tuple[object, ...],
    progress: Progress,
    seed: int,
    on_step: Callable[[int, int], None] = lambda step, steps: None,
    early_bird: EarlyBird | None = None,
    each_best: bool = False,
    masking: Masking | None = None,
) -> Iterator[Epoch]:
    """Train until the epochs or the patience are used up, or the next mask has settled; yields after each epoch.

    `progress` is then up to date.

    Args:
        network: trained in place; its masks decide what each task may change.
        trainer: the trainer of the network, with the optimizer state.
        tasks: the tasks to train, in the order of the configuration.
        optimization: how to train.
        streams: the purpose of the random numbers; trainings with equal seed and streams have the same order of data.
        progress: the state to resume; its `best` weights are those of the epoch with the best mean dev score, if tied
            with the lowest dev loss; or of the last epoch if no task's dev text may choose.
        seed: the run's seed.
        on_step: called with (step, steps of the epoch) after each step.
        early_bird: ends the training when the next mask has settled.
        each_best: whether to keep, for each task, the weights of the epoch with its own best dev score.
        masking: prunes the network during the training.

    Raises:
        TrainingError: The loss is not finite, or a task has no training sentence.
        ResourceError: One sentence does not fit into the memory of the GPU.
    """
    if empty := [task for task, data in tasks.items() if not data.train.sentences]:
        raise TrainingError(f"task {empty[0]} has no training sentence; give it some, or take the task out")
    choosing = [task for task, data in tasks.items() if data.choose_on_dev]
    for number in range(len(progress.history) + 1, optimization.epochs + 1):
        if choosing and progress.has_lost_patience(optimization.patience):
            return
        if early_bird and early_bird.settled([epoch.mask_change for epoch in progress.history]):
            return
        started = time.perf_counter()
        rate = optimization.learning_rate / (1 + optimization.learning_rate_decay * (number - 1))
        loss = _run_epoch(network, trainer, tasks, optimization, seed, streams, number, rate, on_step, masking)
        if masking:
            masking.end_epoch()
        scores = score_dev(network, tasks)
        values = {task: score.value for task, score in scores.items()}
        counted = [scores[task] for task in choosing or scores]
        mean, dev_loss = (
            sum(numbers) / len(counted) for numbers in ([s.value for s in counted], [s.loss for s in counted])
        )
        change = early_bird.change() if early_bird else None
        epoch = Epoch(number, rate, loss, values, mean, dev_loss, time.perf_counter() - started, change)
        better = not choosing or progress.is_better(epoch)
        progress.history.append(epoch)
        if better:
            progress.keep(network.values(), number)
        if each_best:
            progress.keep_own(network.values())
        yield epoch


def score_dev(network: Network, tasks: Mapping[str, TaskData]) -> dict[str, TaskScore]:
    """The score of each task on its dev text."""
    return {task: score_task(network, task, data.dev, lenient=data.lenient_spans) for task, data in tasks.items()}


def _run_epoch(
    network: Network,
    trainer: Trainer,
    tasks: Mapping[str, TaskData],
    optimization: Optimization,
    seed: int,
    streams: tuple[object, ...],
    number: int,
    rate: float,
    on_step: Callable[[int, int], None],
    masking: Masking | None,
) -> float:
    """One pass over the training text of all tasks; returns the mean loss of its steps."""
    random = generator(seed, "order", *streams, number)
    torch.manual_seed(derive(seed, "dropout", *streams, number))
    size, buckets = optimization.step_size, optimization.length_buckets
    batches = {
        task: passes(data.sampling_weight, partial(training_batches, data.train, task, size, buckets, random))
        for task, data in tasks.items()
    }
    draw = round_robin(batches) if optimization.sampling == "round_robin" else proportional(batches, random)
    losses: list[Tensor] = []
    for step, (task, indices) in enumerate(draw, start=1):
        data = tasks[task]
        try:
            batch = network.encoder.batch(data.train, indices, task, random).to(network.device)
            share = optimization.rate_share((number - 1) * len(draw) + step, optimization.epochs * len(draw))
            losses.append(trainer.step(task, batch, rate * share, data.loss_weight))
        except (MemoryError, RuntimeError) as error:
            longest = int(data.train.lengths[indices].max())
            error.add_note(
                f"epoch {number}, step {step}/{len(draw)}, task {task}, a batch of {len(indices)} sentences of up "
                f"to {longest} tokens"
            )
            raise
        if masking:
            masking.after_step(Moment(number, optimization.epochs, step, len(draw)))
        on_step(step, len(draw))
    if problem := _not_finite(network, [task for task, _ in draw], losses):
        raise TrainingError(
            f"epoch {number}: {problem}. Lower learning_rate (now {rate:g}) or set gradient_clip, and run the "
            "stage again"
        )
    return sum(losses, torch.zeros((), device=network.device)).item() / len(draw)


def _not_finite(network: Network, tasks: Sequence[str], losses: list[Tensor]) -> str | None:
    """The first loss of an epoch that is not finite, or else a weight; None if all are finite."""
    values = torch.stack(losses)
    if not bool(values.isfinite().all()):
        step = int((~values.isfinite()).nonzero()[0])
        return f"the loss is {values[step].item()} at step {step + 1}/{len(losses)}, of task {tasks[step]}"
    name = next((name for name, value in network.values().items() if not bool(value.isfinite().all())), None)
    return None if name is None else f"the weights {name} are not all finite"
