"""The table `paper`: the figures of the paper and those of a run."""

from collections.abc import Mapping

import pandas as pd

from sparse_sharing.pipeline.experiments import SystemFacts
from sparse_sharing.pipeline.tables.paper import RECORD
from sparse_sharing.results.rows import rows_of
from sparse_sharing.results.tables.inputs import RunInputs
from sparse_sharing.results.tables.markup import (
    SHOWN_DECIMALS,
    Markup,
    Rows,
    Section,
    number,
    score_name,
    signed,
    thousands,
)
from sparse_sharing.results.tables.published import Experiment, experiments

TITLE = "Comparison with the paper"


def build(run: RunInputs) -> pd.DataFrame:
    """The table of a run."""
    return beside_paper(run.table("summary"), run.spec.facts, run.spec.paper or {})


def section(run: RunInputs, dataset: str, markup: Markup) -> Section | None:
    """The part of the summary on a dataset."""
    rows = run.rows_of("paper", dataset)
    rows = rows[rows["measured"].notna()]
    if not len(rows):
        return None
    return Section(TITLE, _caption(rows), _cells(rows, markup), run.spec.paper_notes or ())


def beside_paper(summary: pd.DataFrame, facts: Mapping[str, SystemFacts], datasets: Mapping[str, str]) -> pd.DataFrame:
    """Scores, parameters and densities in the paper, and those measured.

    Args:
        summary: the table that `summary` returns.
        facts: the facts about each system; its kind names its counterpart in the paper.
        datasets: the experiment of each dataset that has a counterpart in the paper.

    Returns:
        One row per figure of the paper and system that is its counterpart: dataset, experiment, source, quantity
        (score, parameters, density), kind, system, task, metric, published, measured (mean over seeds) and difference.
        A figure without counterpart has one row with a blank system and measurement.
    """
    rows = []
    for dataset, name in datasets.items():
        experiment = experiments()[name]
        dataset_rows = summary[summary["dataset"] == dataset]
        measured = {(row["system"], row["task"]): row for row in rows_of(dataset_rows)}
        whole = [system for system in dataset_rows["system"].unique() if facts[system].tasks is None]
        for published in _published(experiment):
            counterparts = [system for system in whole if facts[system].kind == published["kind"]]
            for system in counterparts or [""]:
                measured_columns = _measured(measured, system, published)
                rows.append({"dataset": dataset, "experiment": name, **published, "system": system, **measured_columns})
    frame = pd.DataFrame(rows, columns=list(RECORD.columns))
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
    """The measured figure that corresponds to a published one, if there is one."""
    if published["quantity"] == "parameters":
        counts = [row["parameters"] for (name, _), row in measured.items() if name == system]
        return {"measured": counts[0] if counts else None, "metric": ""}
    row = measured.get((system, published["task"]))
    if row is None:
        return {"measured": None, "metric": ""}
    key = "density" if published["quantity"] == "density" else "mean"
    return {"measured": row[key], "metric": row["metric"] if key == "mean" else ""}


def _caption(rows: pd.DataFrame) -> str:
    sources = ", ".join(dict.fromkeys(rows["source"]))
    return f"Measured (mean over seeds), published by Sun et al. (2020), and the difference. Source: {sources}."


def _cells(table: pd.DataFrame, markup: Markup) -> Rows:
    """One row per system; three columns per task, two for the number of parameters."""
    scores = table[table["quantity"] == "score"]
    tasks = list(scores[["task", "metric"]].drop_duplicates().sort_values("task").itertuples(index=False, name=None))
    counted = (table["quantity"] == "parameters").any()
    header = ["system"]
    for task in tasks:
        header += [score_name(*task), "paper", "Δ"]
    header += ["parameters", "paper"] if counted else []
    rows = [[markup.escape(name) for name in header]]
    for system, block in table.groupby("system", sort=False):
        by_quantity = {(row["quantity"], row["task"]): row for row in rows_of(block)}
        cells = [str(system)]
        for task, _ in tasks:
            row = by_quantity.get(("score", task))
            shown = [number(row[key], SHOWN_DECIMALS) for key in ("measured", "published")] if row else ["", ""]
            cells += [*shown, signed(row["difference"]) if row else ""]
        if counted:
            row = by_quantity.get(("parameters", ""))
            cells += [thousands(round(row[key])) for key in ("measured", "published")] if row else ["", ""]
        rows.append([markup.escape(cell) for cell in cells])
    return rows
