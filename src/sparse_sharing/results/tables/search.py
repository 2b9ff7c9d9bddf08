"""The table `search`: the trials of searches for densities, and which of them are on the Pareto front."""

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from sparse_sharing.masks.search import Standing, best_of, front
from sparse_sharing.pipeline import layout
from sparse_sharing.pipeline.tables.search import RECORD
from sparse_sharing.results.drawing import Chart, colour, panel, quantitative
from sparse_sharing.results.tables.inputs import RunInputs
from sparse_sharing.results.tables.self_overlap import SELECTION
from sparse_sharing.storage.artifacts import load_json, parts_of


def build(run: RunInputs) -> pd.DataFrame:
    """The table of a run: a row for each trial of each rung, in the order of the trials."""
    rows: list[dict[str, Any]] = []
    for values in run.spec.searches():
        identity = dict(zip(SELECTION, values, strict=True))
        path = layout.below(run.folder, f"{layout.SEARCH}/search.json", **identity)
        details = load_json(path, "search").details
        with parts_of(path):
            rows += [{**identity, **row} for row in _rows(details)]
    return pd.DataFrame(rows, columns=list(RECORD.columns))


def _rows(details: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The rows of one search."""
    trials = details["trials"]
    for number, rung in enumerate(details["rungs"], start=1):
        standings = [
            Standing(trial["number"], trial["mean"], trials[trial["number"]]["parameters"]) for trial in rung["trials"]
        ]
        survivors = {standing.number for standing in best_of(standings, (len(standings) + 1) // 2)}
        for standing, on_front in zip(standings, front(standings), strict=True):
            densities = trials[standing.number]["densities"]
            yield {
                "rung": number,
                "epochs": rung["epochs"],
                "densities": ", ".join(f"{task} {density:.2f}" for task, density in sorted(densities.items())),
                "parameters": standing.parameters,
                "dev": standing.score,
                "kept": int(standing.number in survivors),
                "front": int(on_front),
            }


def chart(search: pd.DataFrame) -> Chart:
    """Mean dev score against stored parameters of every trial, with the Pareto front of each rung.

    Args:
        search: rows of `search.csv` of one dataset.
    """
    points = search.assign(
        trained=search["epochs"].map(lambda epochs: "1 epoch" if epochs == 1 else f"{epochs} epochs"),
        line=search["seed"].astype(str) + " " + search["rung"].astype(str),
    )
    names = list(dict.fromkeys(points["trained"]))
    encoding = {
        "x": quantitative("parameters", "stored parameters of all tasks"),
        "y": quantitative("dev", "best mean dev score so far, %"),
        "color": colour("trained", names),
    }
    layers = [
        {"mark": {"type": "point", "filled": True, "size": 45}},
        {
            "transform": [{"filter": "datum.front == 1"}],
            "mark": {"type": "line"},
            "encoding": {"detail": {"field": "line"}},
        },
    ]
    tooltip = ["densities", "parameters", "dev", "trained", "seed"]
    panels = [
        panel(f"{choice}, from {start}", part, {"layer": layers, "encoding": encoding}, tooltip)
        for (choice, start), part in points.groupby(["choice", "start"], sort=False)
    ]
    caption = (
        "Every combination that a search has trained; combinations of one colour had the same number of epochs. "
        "Lines: the Pareto front of each seed among these. Up and to the left is better."
    )
    return Chart("search", "Stored parameters against dev score", caption, panels, search, names)
