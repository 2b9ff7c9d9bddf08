"""The table `paper`: the figures that the paper prints beside those of a run."""

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
    own = run.rows_of("paper", dataset)
    own = own[own["measured"].notna()]
    if not len(own):
        return None
    return Section(TITLE, _caption(own), _cells(own, markup), run.spec.paper_notes or ())


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
        measured = {(row["system"], row["task"]): row for row in rows_of(own)}
        whole = [system for system in own["system"].unique() if facts[system].tasks is None]
        for published in _published(experiment):
            counterparts = [system for system in whole if facts[system].kind == published["kind"]]
            for system in counterparts or [""]:
                found = _measured(measured, system, published)
                rows.append({"dataset": dataset, "experiment": name, **published, "system": system, **found})
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
    """Our figure in the place of a published one, where there is one."""
    if published["quantity"] == "parameters":
        own = [row["parameters"] for (name, _), row in measured.items() if name == system]
        return {"measured": own[0] if own else None, "metric": ""}
    row = measured.get((system, published["task"]))
    if row is None:
        return {"measured": None, "metric": ""}
    key = "density" if published["quantity"] == "density" else "mean"
    return {"measured": row[key], "metric": row["metric"] if key == "mean" else ""}


def _caption(own: pd.DataFrame) -> str:
    sources = ", ".join(dict.fromkeys(own["source"]))
    return f"Ours (means over seeds), the figure that Sun et al. (2020) print, and the difference. Source: {sources}."


def _cells(own: pd.DataFrame, markup: Markup) -> Rows:
    """One row per system; three columns per task, two for the number of parameters."""
    scores = own[own["quantity"] == "score"]
    tasks = list(scores[["task", "metric"]].drop_duplicates().sort_values("task").itertuples(index=False, name=None))
    counted = (own["quantity"] == "parameters").any()
    header = ["system"]
    for task in tasks:
        header += [score_name(*task), "paper", "Δ"]
    header += ["parameters", "paper"] if counted else []
    rows = [[markup.escape(name) for name in header]]
    for system, block in own.groupby("system", sort=False):
        found = {(row["quantity"], row["task"]): row for row in rows_of(block)}
        cells = [str(system)]
        for task, _ in tasks:
            row = found.get(("score", task))
            shown = [number(row[key], SHOWN_DECIMALS) for key in ("measured", "published")] if row else ["", ""]
            cells += [*shown, signed(row["difference"]) if row else ""]
        if counted:
            row = found.get(("parameters", ""))
            cells += [thousands(round(row[key])) for key in ("measured", "published")] if row else ["", ""]
        rows.append([markup.escape(cell) for cell in cells])
    return rows
