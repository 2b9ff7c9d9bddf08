"""Marks: reasons to doubt a result, derived from the facts about a training and a choice of masks.

A mark that bars a verdict means that dev scores chose nothing, so a verdict on the model would be about chance.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

ZERO = "zero on dev"
STOPPED = "stopped before it began"
TIED_AT_ZERO = "mask chosen at dev score 0"
ALL_TIED = "mask chosen among equal rounds"
LAST_KEPT = "not chosen on dev"
NOT_CONVERGED = "not converged"

MEANINGS: Mapping[str, str] = {
    ZERO: "the dev score of the task was 0 after every epoch, so its text chose no epoch",
    STOPPED: "the patience ended the training although no dev score had been above 0",
    TIED_AT_ZERO: "several rounds of pruning shared the best dev score, which was 0, so dev chose no mask",
    ALL_TIED: "all rounds of pruning had the same dev score, so dev chose no mask",
    LAST_KEPT: "choose_on_dev is false, so the task's dev text chose nothing; trained by itself, it keeps its "
    "last epoch",
    NOT_CONVERGED: "the best epoch was the last one planned, so more epochs might have improved the score",
}
"""Each mark and its meaning, in the order in which marks are listed."""

BARRING = (ZERO, STOPPED, TIED_AT_ZERO, ALL_TIED)
"""The marks that bar a verdict."""


@dataclass(frozen=True)
class Mark:
    """One mark of a model: a key of MEANINGS, and the task that it is about, if it is about one."""

    kind: str
    task: str | None = None

    @property
    def bars(self) -> bool:
        """Whether the mark bars a verdict on the model."""
        return self.kind in BARRING

    def __str__(self) -> str:
        """The mark as text for tables."""
        return self.kind if self.task is None else f"{self.kind}: {self.task}"

    @property
    def sentence(self) -> str:
        """The mark as a sentence for logs."""
        return f"{self}: {MEANINGS[self.kind]}"


@dataclass(frozen=True)
class TrainingFacts:
    """Facts about a training.

    Attributes:
        best_epoch: the epoch that was kept, from 1.
        epochs: how many were trained.
        planned_epochs: how many the configuration allows.
        best_dev: for each task whose dev text may choose, its highest dev score in percent over all epochs.
    """

    best_epoch: int
    epochs: int
    planned_epochs: int
    best_dev: Mapping[str, float]


def of_training(facts: TrainingFacts, tasks: Sequence[str]) -> list[Mark]:
    """The marks of a trained model of some tasks."""
    marks = [Mark(ZERO, task) for task, score in facts.best_dev.items() if score <= 0]
    nothing = bool(facts.best_dev) and len(marks) == len(facts.best_dev)
    if nothing and facts.epochs < facts.planned_epochs:
        marks.append(Mark(STOPPED))
    marks += [Mark(LAST_KEPT, task) for task in tasks if task not in facts.best_dev]
    if facts.best_dev and facts.best_epoch == facts.planned_epochs:
        marks.append(Mark(NOT_CONVERGED))
    return marks


@dataclass(frozen=True)
class Tie:
    """The tie among rounds, if any, when a round was chosen by its dev score.

    Attributes:
        tied: how many rounds share the best dev score.
        allowed: how many rounds could be chosen.
    """

    tied: int
    allowed: int


def tie_of(rounds: Sequence[Mapping[str, Any]]) -> Tie:
    """The tie among the rounds that can be chosen, each with a `dev_score`."""
    best = max(row["dev_score"] for row in rounds)
    return Tie(sum(row["dev_score"] == best for row in rounds), len(rounds))


def of_choice(tie: Tie, dev_score: float, task: str) -> list[Mark]:
    """The marks of a mask that was chosen by its dev score in percent."""
    if tie.tied == 1:
        return []
    if dev_score <= 0:
        return [Mark(TIED_AT_ZERO, task)]
    return [Mark(ALL_TIED, task)] if tie.tied == tie.allowed else []
