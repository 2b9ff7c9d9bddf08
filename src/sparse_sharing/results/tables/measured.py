"""The data for the tables of experiments: scores by seed, overlaps of masks, figures of the paper."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from sparse_sharing.pipeline.experiments import SystemFacts
from sparse_sharing.results.tables.means import MEAN, main_metric
from sparse_sharing.results.tables.published import Experiment, experiments


@dataclass(frozen=True)
class Measured:
    """The data for the tables of experiments.

    Attributes:
        results: the table that `scores.results` returns.
        overlaps: for each dataset, seed, start and choice the overlap of groups of tasks, and that of chance.
        facts: the facts about each system.
        tasks: the tasks of each dataset.
        paper: the experiment of each dataset that has a counterpart in the paper.
    """

    results: pd.DataFrame
    overlaps: pd.DataFrame
    facts: Mapping[str, SystemFacts]
    tasks: Mapping[str, Sequence[str]]
    paper: Mapping[str, str]

    def experiment(self, dataset: str) -> Experiment | None:
        """The paper's experiment on a dataset."""
        return experiments()[self.paper[dataset]] if dataset in self.paper else None

    def by_seed(self, dataset: str, system: str) -> pd.DataFrame:
        """The main test score of a system: one row per seed, one column per task."""
        test = main_metric(self.results[self.results["split"] == "test"])
        rows = test[(test["dataset"] == dataset) & (test["system"] == system)]
        return rows.pivot(index="seed", columns="task", values="value")

    def overlap(self, dataset: str, system: str, tasks: Sequence[str]) -> dict[str, float]:
        """The overlap of the masks of a system on some tasks, and that of chance: means over seeds; 1 without masks.

        For two tasks, there is also the overlap of their masks with those of the largest starting weights.
        """
        facts, names = self.facts[system], ["overlap", "chance", "chance_by_tensor"]
        names += ["overlap_with_start"] if len(tasks) == 2 else []
        if facts.choice is None:
            return dict.fromkeys(names, 1.0)
        keys = {"dataset": dataset, "start": facts.start, "choice": facts.choice, "tasks": "&".join(sorted(tasks))}
        rows = self.overlaps[(self.overlaps[list(keys)] == pd.Series(keys)).all(axis=1)]
        return {name: rows[name].astype(float).mean() for name in names}


def on_each_dataset(measured: Measured, systems: Sequence[str]) -> Iterator[tuple[str, str]]:
    """The (dataset, system) pairs that have results."""
    measured_pairs = set(zip(measured.results["dataset"], measured.results["system"], strict=True))
    return (
        (dataset, system) for dataset in measured.tasks for system in systems if (dataset, system) in measured_pairs
    )


def contrast(
    measured: Measured, dataset: str, first: str, second: str | None, tasks: Sequence[str]
) -> Iterator[dict[str, Any]]:
    """Two systems by task and on the mean over tasks; differences are taken within each seed."""
    ours = measured.by_seed(dataset, first)[list(tasks)]
    theirs = ours * float("nan") if second is None else measured.by_seed(dataset, second)[list(tasks)]
    for task in (*tasks, *([MEAN] if len(tasks) > 1 else [])):
        one, other = (frame.mean(axis=1, skipna=False) if task == MEAN else frame[task] for frame in (ours, theirs))
        difference = one - other
        yield {
            "task": task,
            "seeds": len(one),
            "first": one.mean(),
            "second": other.mean(),
            "difference": difference.mean(),
            "std": difference.std(),
        }
