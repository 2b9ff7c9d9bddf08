"""The table `rounds`: the rounds of pruning with their dev scores (Fig. 3)."""

from collections.abc import Mapping
from itertools import islice
from typing import Any

import pandas as pd

from sparse_sharing.results.drawing import GREY, MOST_TASKS, Chart, colour, panel, quantitative, records
from sparse_sharing.results.rows import rows_of
from sparse_sharing.results.tables.inputs import RunInputs
from sparse_sharing.results.tables.published import experiments

STARTS = {"warmup": "from the warm-up", "initial": "from the initial weights"}
"""The names of the starts of prunings in charts."""


def build(run: RunInputs) -> pd.DataFrame:
    """The table of a run."""
    chosen = run.selections("choice")
    # The rounds of named prunings are not in the table.
    chosen = chosen[~chosen["choice"].isin(run.spec.named_prunings or {})]
    return rounds(run.prunings, chosen, run.spec.paper or {})


def rounds(pruned: pd.DataFrame, chosen: pd.DataFrame, paper: Mapping[str, str]) -> pd.DataFrame:
    """All rounds of pruning with their dev scores (Fig. 3).

    Args:
        pruned: the rounds of every pruning, under its dataset, seed, start and task.
        chosen: the round of every choice of masks, under its dataset, seed, start, choice and task.
        paper: the experiment of each dataset that has a counterpart in the paper.

    Returns:
        The rows of `pruned` with two more columns: the choices that took this round, separated by spaces, and the dev
        score in the paper for this density.
    """
    keys = ["dataset", "seed", "start", "task", "round"]
    names = chosen.astype(str).groupby(keys)["choice"].agg(lambda column: " ".join(sorted(column)))
    places = pd.MultiIndex.from_frame(pruned[keys].astype(str))

    def published(row: dict[str, Any]) -> float | None:
        curves = experiments()[paper[row["dataset"]]].rounds if row["dataset"] in paper else None
        return curves.at(row["task"], float(row["density"])) if curves else None

    taken = names.reindex(places).fillna("").to_numpy()
    return pruned.assign(
        chosen=taken, published=pd.Series([published(row) for row in rows_of(pruned)], index=pruned.index, dtype=float)
    )


def chart(rounds: pd.DataFrame) -> Chart:
    """Change of the dev score by density over the rounds of pruning, with the spread over seeds (Fig. 3).

    Args:
        rounds: rows of `rounds.csv` of one dataset.
    """
    of_line = ["task", "start", "seed"]
    whole = rounds.sort_values("round").groupby(of_line)["dev_score"].transform("first")
    changes = rounds.assign(change=rounds["dev_score"] - whole, start=rounds["start"].map(STARTS))
    mean = changes.groupby(["task", "start", "round"], sort=False, as_index=False).agg(
        density=("density", "mean"),
        change=("change", "mean"),
        lowest=("change", "min"),
        highest=("change", "max"),
        dev_score=("dev_score", "mean"),
    )
    starts = list(dict.fromkeys(mean["start"]))
    paper = _published(changes)
    low = min([float(mean["lowest"].min()), 0.0, *paper["change"]])
    high = max([float(mean["highest"].max()), 0.0, *paper["change"]])
    change = quantitative("change", "points against the whole network")
    change["scale"] = {"domain": [low, high] if low < high else [-1, 1], "nice": True}
    density = {**quantitative("density", "density (log scale)")}
    density["scale"] = {"type": "log", "reverse": True, "nice": False}
    density["axis"] = {"format": ".0%", "values": [1, 0.7, 0.5, 0.35, 0.25, 0.18, 0.1, 0.05, 0.02]}
    encoding = {"x": density, "y": change, "color": colour("start", starts)}
    spread = {"y": {**change, "field": "lowest"}, "y2": {"field": "highest"}}
    tooltip = ["round", "density", "change", "lowest", "highest", "dev_score", "start"]
    panels = []
    for task, part in islice(mean.groupby("task"), MOST_TASKS):
        chosen = changes[(changes["task"] == task) & changes["chosen"].notna() & (changes["chosen"] != "")]
        picked: dict[str, Any] = {"data": {"values": list(records(chosen[["density", "change", "start"]]))}}
        picked["mark"] = {"type": "point", "shape": "diamond", "size": 190, "strokeWidth": 2.5, "filled": False}
        marks: list[dict[str, Any]] = [
            {"mark": {"type": "area", "opacity": 0.2}, "encoding": spread},
            {"mark": {"type": "line", "point": True}},
            picked,
        ]
        if len(published := paper[paper["task"] == task]):
            dashed = {"type": "line", "strokeDash": [5, 4], "color": GREY}
            marks.append(
                {
                    "data": {"values": list(records(published[["density", "change"]]))},
                    "mark": dashed,
                    "encoding": {"color": {"value": GREY}},
                }
            )
        panels.append(panel(str(task), part, {"layer": marks, "encoding": encoding}, tooltip))
    caption = (
        "Best dev score of each round of iterative magnitude pruning as a difference to that of the whole network, "
        "mean over the seeds, on one scale for all tasks. Band: lowest and highest seed. Diamonds: the rounds whose "
        "masks are used, for each seed." + (" Dashed: the paper." if len(paper) else "")
    )
    return Chart("rounds", "Dev score over pruning rounds", caption, panels, rounds, starts)


def _published(rounds: pd.DataFrame) -> pd.DataFrame:
    """The curves of the paper as changes from their first round: columns task, density, change."""
    published = rounds[rounds["published"].notna()].sort_values("round").drop_duplicates(["task", "round"])
    first = published.groupby("task")["published"].transform("first")
    return published.assign(change=published["published"] - first)[["task", "density", "change"]]
