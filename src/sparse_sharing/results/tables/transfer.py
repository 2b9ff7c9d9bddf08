"""The table `transfer`: which task helps which in joint trainings of two tasks, and possible predictors."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pandas as pd

from sparse_sharing.pipeline.experiments import SystemFacts, pairs_of, transfers_of
from sparse_sharing.pipeline.tables.transfer import RECORD
from sparse_sharing.results.forest import Forest, forest
from sparse_sharing.results.rows import rows_of
from sparse_sharing.results.tables.affinity import one_training
from sparse_sharing.results.tables.inputs import RunInputs
from sparse_sharing.results.tables.measured import Measured

OVERLAPS = ("overlap", "chance", "chance_by_tensor", "overlap_with_start")


def build(run: RunInputs) -> pd.DataFrame:
    """The table of a run."""
    affinity = run.table("affinity") if run.spec.affinity else None
    return transfer(run.table("comparisons"), run.measured, run.spec.comparisons, affinity)


def transfer(
    compared: pd.DataFrame,
    measured: Measured,
    comparisons: Sequence[tuple[str, str]],
    affinity: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Joint trainings of two tasks against single models, a row for each task and its partner.

    Args:
        compared: the table `comparisons`.
        measured: facts, and the overlaps of masks.
        comparisons: the (reference, system) pairs that are tested.
        affinity: the table `affinity`, if the run has it.

    Returns:
        The columns of the record: the numbers and words of `comparisons`; the overlap of the masks of the two tasks,
        and the overlaps to compare it with; the affinity, its mean over epochs and seeds.
    """
    rows: list[dict[str, Any]] = []
    wanted = set(transfers_of(measured.facts, comparisons))
    for row in rows_of(compared):
        tasks = measured.facts[row["system"]].tasks or []
        if (row["reference"], row["system"]) not in wanted or row["task"] not in tasks:
            continue
        (partner,) = [task for task in tasks if task != row["task"]]
        rows.append({**row, "partner": partner, **_overlaps(measured, row["dataset"], row["system"], tasks)})
    frame = pd.DataFrame(rows)
    if not len(frame):
        return pd.DataFrame(columns=list(RECORD.columns))
    if affinity is None or not len(affinity):
        frame = frame.assign(affinity_of=None, affinity=float("nan"))
    else:
        frame = frame.merge(one_training(affinity), on=["dataset", "task", "partner"], how="left")
    return frame[list(RECORD.columns)]


def _overlaps(measured: Measured, dataset: str, system: str, tasks: Sequence[str]) -> dict[str, Any]:
    """The choice of masks that describes a pair of tasks, and their overlap; missing if the run has none."""
    masked = _masked(measured.facts, system)
    if masked is None:
        return dict.fromkeys(("choice", *OVERLAPS))
    return {"choice": measured.facts[masked].choice, **measured.overlap(dataset, masked, tasks)}


def _masked(facts: Mapping[str, SystemFacts], system: str) -> str | None:
    """The system whose masks describe a pair of tasks: itself, or else a sparse system of the same two, or of all."""
    if facts[system].choice is not None:
        return system
    same = [name for name, _ in pairs_of(facts) if facts[name].tasks == facts[system].tasks]
    whole = [name for name, other in facts.items() if other.kind.startswith("sparse") and other.tasks is None]
    return next(iter([*same, *sorted(whole)]), None)


def chart(transferred: pd.DataFrame) -> Forest:
    """The rows of one dataset as a forest plot, by the task that is helped or hurt."""
    named = transferred["partner"] + " (" + transferred["system"] + ")"
    plot = forest(transferred.assign(system="with " + named).sort_values("task", kind="stable"))
    caption = f"Joint training of a task with one partner, minus the task by itself. {plot.caption}"
    return replace(plot, name="transfer", title="Who helps whom?", caption=caption, data=transferred)
