"""The figures that the paper prints, beside those of a run; they stand in `paper.yaml` with their sources."""

import functools
from collections.abc import Mapping
from importlib import resources

import pandas as pd
import yaml

from sparse_sharing.config.section import Section
from sparse_sharing.pipeline.experiments import SystemFacts
from sparse_sharing.results.tables.means import MEAN

PAPER = ["dataset", "experiment", "source", "quantity", "kind", "system", "task", "metric"]
PAPER += ["published", "measured", "difference"]

SAME_DENSITY = 0.01
"""A density of ours counts as one of the paper's where it is no further off."""


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
        """The dev score of the round that has a density, where there is one."""
        curve = self.scores.get(task, [])
        rounds = len(curve) - 1
        near = [score for k, score in enumerate(curve) if abs(0.1 ** (k / rounds) - density) < SAME_DENSITY]
        return near[0] if near else None


class SweepPoint(Section):
    """Mean test score, and overlap of the masks of all tasks, where all have one density."""

    density: float
    score: float
    overlap: float


class Sweep(Section):
    """Results by density."""

    points: list[SweepPoint]
    source: str

    def at(self, density: float) -> SweepPoint | None:
        """The point that has a density, where there is one."""
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
        """The point of a pair, where there is one."""
        return next((point for point in self.points if sorted(point.tasks) == sorted(tasks)), None)


class Experiment(Section):
    """What the paper prints about one experiment."""

    title: str
    systems: list[PublishedSystem]
    densities: TaskFigures | None = None
    rounds: Curves | None = None
    sweep: Sweep | None = None
    pairs: Pairs | None = None

    def score(self, kind: str, task: str) -> float | None:
        """A test score; task "mean" is the mean over all tasks, as rounded as they are."""
        scores = next((system.scores for system in self.systems if system.kind == kind), {})
        return sum(scores.values()) / len(scores) if task == MEAN and scores else scores.get(task)


@functools.cache
def experiments() -> Mapping[str, Experiment]:
    """The experiments of the paper by the names that a configuration knows."""
    text = resources.files("sparse_sharing").joinpath("paper.yaml").read_text(encoding="utf-8")
    return {name: Experiment.model_validate(values) for name, values in yaml.safe_load(text).items()}


def beside_paper(summary: pd.DataFrame, facts: Mapping[str, SystemFacts], datasets: Mapping[str, str]) -> pd.DataFrame:
    """Scores, parameters and densities that the paper prints beside those measured.

    Args:
        summary: as `summary` returns it.
        facts: what is known of each system; its kind names its counterpart.
        datasets: the experiment of each dataset that has a counterpart.

    Returns:
        One row per figure of the paper and system that is its counterpart: dataset, experiment, source, quantity
        (score, parameters, density), kind, system, task, metric, published, measured (mean over seeds) and difference.
        A figure without counterpart has one row with a blank system and measurement.
    """
    rows = []
    for dataset, name in datasets.items():
        experiment = experiments()[name]
        own = summary[summary["dataset"] == dataset]
        measured = {(row["system"], row["task"]): row for row in own.to_dict("records")}
        whole = [system for system in own["system"].unique() if facts[system].tasks is None]
        for published in _published(experiment):
            counterparts = [system for system in whole if facts[system].kind == published["kind"]]
            for system in counterparts or [""]:
                found = _measured(measured, system, published)
                rows.append({"dataset": dataset, "experiment": name, **published, "system": system, **found})
    frame = pd.DataFrame(rows, columns=PAPER)
    return frame.assign(difference=frame["measured"].astype(float) - frame["published"].astype(float))


def _published(experiment: Experiment) -> list[dict]:
    """The figures of an experiment that belong to a kind of system."""
    rows = []
    for system in experiment.systems:
        plain = {"source": system.source, "kind": system.kind}
        rows += [
            {**plain, "quantity": "score", "task": task, "published": score}
            for task, score in sorted(system.scores.items())
        ]
        if system.parameters is not None:
            rows.append({**plain, "quantity": "parameters", "task": "", "published": system.parameters})
    if densities := experiment.densities:
        rows += [
            {"source": densities.source, "kind": "sparse", "quantity": "density", "task": task, "published": density}
            for task, density in sorted(densities.scores.items())
        ]
    return rows


def _measured(measured: Mapping[tuple[str, str], dict], system: str, published: Mapping) -> dict:
    """Our figure in the place of a published one, where there is one."""
    if published["quantity"] == "parameters":
        own = [row["parameters"] for (name, _), row in measured.items() if name == system]
        return {"measured": own[0] if own else None, "metric": ""}
    row = measured.get((system, published["task"]))
    if row is None:
        return {"measured": None, "metric": ""}
    key = "density" if published["quantity"] == "density" else "mean"
    return {"measured": row[key], "metric": row["metric"] if key == "mean" else ""}
