"""The figures of the paper; `paper.yaml` has them with their sources."""

import functools
from collections.abc import Mapping
from importlib import resources

import yaml

from sparse_sharing.config.section import Section
from sparse_sharing.results.tables.means import MEAN

SAME_DENSITY = 0.01
"""The largest distance at which a measured density is compared with one of the paper's."""


class PublishedSystem(Section):
    """A row of a table of results."""

    kind: str
    scores: dict[str, float]
    parameters: int | None = None
    source: str


class TaskFigures(Section):
    """A figure for each task."""

    scores: dict[str, float]
    source: str


class Curves(Section):
    """The dev scores of rounds 0, 1, ... of each task; the last round keeps a tenth of the weights."""

    scores: dict[str, list[float]]
    source: str

    def at(self, task: str, density: float) -> float | None:
        """The dev score of the round with a density, if there is one."""
        curve = self.scores.get(task, [])
        rounds = len(curve) - 1
        near = [score for k, score in enumerate(curve) if abs(0.1 ** (k / rounds) - density) < SAME_DENSITY]
        return near[0] if near else None


class SweepPoint(Section):
    """Mean test score, and overlap of the masks of all tasks, with one density for all."""

    density: float
    score: float
    overlap: float


class Sweep(Section):
    """Results by density."""

    points: list[SweepPoint]
    source: str

    def at(self, density: float) -> SweepPoint | None:
        """The point with a density, if there is one."""
        near = [point for point in self.points if abs(point.density - density) < SAME_DENSITY]
        return near[0] if near else None


class PairPoint(Section):
    """Overlap of the masks of two tasks, and mean gain of sparse over hard sharing in points."""

    tasks: list[str]
    overlap: float
    gain: float


class Pairs(Section):
    """Results by pair of tasks."""

    points: list[PairPoint]
    source: str

    def at(self, tasks: list[str]) -> PairPoint | None:
        """The point of a pair, if there is one."""
        return next((point for point in self.points if sorted(point.tasks) == sorted(tasks)), None)


class Experiment(Section):
    """The paper's figures of one experiment."""

    title: str
    systems: list[PublishedSystem]
    densities: TaskFigures | None = None
    rounds: Curves | None = None
    sweep: Sweep | None = None
    pairs: Pairs | None = None

    def score(self, kind: str, task: str) -> float | None:
        """A test score; task "mean" is the mean over all tasks, rounded like the scores."""
        scores = next((system.scores for system in self.systems if system.kind == kind), {})
        return sum(scores.values()) / len(scores) if task == MEAN and scores else scores.get(task)


@functools.cache
def experiments() -> Mapping[str, Experiment]:
    """The experiments of the paper, by their names in configurations."""
    text = resources.files("sparse_sharing").joinpath("paper.yaml").read_text(encoding="utf-8")
    return {name: Experiment.model_validate(values) for name, values in yaml.safe_load(text).items()}
