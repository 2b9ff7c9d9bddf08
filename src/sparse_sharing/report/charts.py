"""The charts of the report, as Vega-Lite specifications that the page draws."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import pandas as pd

from sparse_sharing.config.stage import STAGE
from sparse_sharing.report.results import LARGEST_AT_START

PALETTE = ("#0067a5", "#c04e00", "#00795a", "#a0478c", "#7a6100", "#4a4fb0", "#8f3b1b", "#4d6000")
DARK_PALETTE = ("#56b4e9", "#f0883e", "#2fc79a", "#dd94cb", "#e0c04a", "#a3a8ff", "#e08e6d", "#b5cc52")
"""Colours that stay apart for colour-blind readers: on light ground, and what they become on dark ground."""


ON_BLUE = {"condition": {"test": "datum.overlap > 0.62", "value": "#ffffff"}, "value": "#0b1a28"}
"""Text that can be read on the blue of a heat map."""

BAR = 24
"""Pixels that a bar takes, with the space around it."""

MOST_TASKS = 24
"""A figure shows so many tasks, the first; its data and the tables hold all, a page that drew all would not open."""


@dataclass(frozen=True)
class Panel:
    """One drawing: its title and its Vega-Lite specification, data included."""

    title: str
    spec: Mapping[str, Any]


@dataclass(frozen=True)
class Chart:
    """A figure of one or more panels, with what a reader needs to understand it and its data to take away."""

    name: str
    title: str
    caption: str
    panels: Sequence[Panel]
    data: pd.DataFrame
    legend: Sequence[str] = field(default=())
    """Names in the order of their colours; empty where colour says nothing."""


def differences(scores: pd.DataFrame, baseline: str, systems: Sequence[str]) -> Chart:
    """How many points each system gains or loses against the baseline, by task."""
    shown = scores[scores["difference"].notna()]
    shown = shown.assign(low=shown["difference"] + shown["min"] - shown["mean"])
    shown = shown.assign(high=shown["difference"] + shown["max"] - shown["mean"])
    if {"lower", "upper"} <= set(shown.columns):
        shown = shown.assign(low=shown["lower"].fillna(shown["low"]), high=shown["upper"].fillna(shown["high"]))
    compared = [system for system in systems if system in set(shown["system"])]
    axis = _quantitative("difference", f"points against {baseline}", zero=True)
    own = {"y": _nominal("system", compared), "color": _colour("system", systems)}
    bar = own | {"x": _quantitative("low", axis["title"], zero=True), "x2": {"field": "high"}}
    marks = [
        {"mark": {"type": "rule", "strokeDash": [4, 3]}, "data": {"values": [{}]}, "encoding": {"x": {"datum": 0}}},
        {"mark": {"type": "rule", "strokeWidth": 2}, "encoding": bar},
        {"mark": {"type": "point", "filled": True, "size": 90, "opacity": 1}, "encoding": own | {"x": axis}},
    ]
    panels = [
        _panel(task, part, {"layer": marks}, height=40 + 34 * len(compared))
        for task, part in islice(shown.groupby("task", sort=False), MOST_TASKS)
    ]
    columns = ["task", "system", "difference", "low", "high"]
    caption = f"Difference of the test score to {baseline}, in points. Right of the line: sharing helped. " + (
        "Bars: simultaneous 95 % interval." if "lower" in shown.columns else "Bars: range over the seeds."
    )
    return Chart("differences", "Did sharing help?", caption, panels, shown[columns])


def sizes(scores: pd.DataFrame, systems: Sequence[str]) -> Chart:
    """Parameters against the mean score."""
    own = scores[["system", "parameters", "mean"]]
    point = {"mark": {"type": "point", "filled": True, "size": 110, "opacity": 1}}
    label = {"mark": {"type": "text", "dy": -12, "fontSize": 12}, "encoding": {"text": {"field": "system"}}}
    size = {**_quantitative("parameters", "parameters", zero=True), "axis": {"format": "~s", "tickCount": 5}}
    encoding = {"x": size, "y": _quantitative("mean", "mean test score, %"), "color": _colour("system", systems)}
    panel = _panel("mean over the tasks", own, {"layer": [point, label], "encoding": encoding}, height=300)
    caption = (
        "Mean test score over the tasks against the size of the network: the union of the masks plus biases, without "
        "embeddings and heads. Up and to the left is better."
    )
    return Chart("parameters", "Parameters against score", caption, [panel], own)


def pruning_rounds(rounds: pd.DataFrame) -> Chart:
    """Dev score by density over the rounds of pruning, the chosen ones marked."""
    own = rounds.assign(
        line=[f"{start}, seed {seed}" for start, seed in zip(rounds["start"], rounds["seed"], strict=True)]
    )
    lines = list(dict.fromkeys(own["line"]))
    density = {
        **_quantitative("density", "density (log scale)"),
        "scale": {"type": "log", "reverse": True, "nice": False},
    }
    density["axis"] = {"format": ".0%", "values": [1, 0.7, 0.5, 0.35, 0.25, 0.18, 0.1, 0.05, 0.02]}
    encoding = {"x": density, "y": _quantitative("dev_score", "dev score, %"), "color": _colour("line", lines)}
    chosen = {
        "transform": [{"filter": "datum['chosen by'] != ''"}],
        "mark": {"type": "point", "shape": "diamond", "size": 190, "strokeWidth": 2.5, "filled": False},
    }
    marks = [{"mark": {"type": "line", "point": True}}, chosen]
    tooltip = ["round", "density", "dev_score", "chosen by", "line"]
    panels = [
        _panel(task, part, {"layer": marks, "encoding": encoding}, tooltip)
        for task, part in islice(own.groupby("task"), MOST_TASKS)
    ]
    caption = (
        "Best dev score of each round of iterative magnitude pruning, from the whole network on the left to the "
        "sparsest on the right. Diamonds: the rounds whose masks are used."
    )
    return Chart(
        "rounds", "Dev score over pruning rounds", caption, panels, own[["task", *tooltip]], lines if lines[1:] else ()
    )


def learning_curves(curves: pd.DataFrame, systems: Sequence[str]) -> Chart:
    """Dev score after each epoch, the mean over seeds."""
    mean = curves.groupby(["task", "system", "epoch"], sort=False, as_index=False)["score"].mean()
    encoding = {
        "x": {**_quantitative("epoch", "epoch"), "axis": {"tickMinStep": 1, "format": "d"}},
        "y": _quantitative("score", "dev score, %"),
        "color": _colour("system", systems),
    }
    tasks = sorted(set(mean["task"]), key=lambda task: (task == "mean", task))
    mark = {"mark": {"type": "line", "point": {"size": 25}}, "encoding": encoding}
    shown = [task for task in tasks if task != "mean"][:MOST_TASKS]
    panels = [_panel(task, mean[mean["task"] == task], mark) for task in shown]
    caption = (
        "Dev score after each epoch of the systems' own training, averaged over the seeds; the epochs of a warm-up "
        "come before."
    )
    return Chart("curves", "Learning curves", caption, panels, mean, systems)


def densities(layers: pd.DataFrame) -> Chart:
    """The share of weights that each task keeps, by layer and choice of masks."""
    tasks = sorted(set(layers["task"]))
    encoding = {
        "y": _nominal("layer", list(dict.fromkeys(layers["layer"]))),
        "yOffset": {"field": "task", "sort": tasks},
        "x": {
            **_quantitative("density", "density", zero=True),
            "scale": {"domain": [0, 1]},
            "axis": {"format": ".0%", "tickCount": 5},
        },
        "color": _colour("task", tasks),
    }
    panels = [
        _panel(choice, part, {"mark": {"type": "bar"}, "encoding": encoding}, height=30 + BAR * len(part))
        for choice, part in layers.groupby("choice", sort=False)
    ]
    caption = "Share of the prunable weights that each task's mask keeps, over all layers and in each."
    return Chart("densities", "Density by layer and task", caption, panels, layers, tasks)


def overlap_maps(overlaps: pd.DataFrame, choice: str) -> Chart:
    """Heat maps of the overlap of two tasks' masks, over all layers and in each, beside what it is compared with."""
    swapped = overlaps.rename(columns={"a": "b", "b": "a"})
    both = pd.concat([overlaps, swapped[swapped["a"] != swapped["b"]]], ignore_index=True)
    names = sorted(set(both["a"]), key=lambda name: (name == LARGEST_AT_START, name))
    colour = {
        "field": "overlap",
        "type": "quantitative",
        "scale": {"range": ["#eaf3fb", "#0b4a80"], "domain": [0, 1]},
        "legend": None,
    }
    text = {
        "mark": {"type": "text", "fontSize": 13},
        "encoding": {
            "text": {"field": "overlap", "format": ".2f"},
            "color": ON_BLUE,
        },
    }
    chance = {
        "mark": {"type": "text", "fontSize": 11, "dy": 16},
        "encoding": {
            "text": {"field": "label"},
            "color": ON_BLUE,
        },
    }
    both = both.assign(
        label=[f"chance {value:.2f}" if value == value else "" for value in both["chance_by_tensor"].astype(float)]
    )
    axes = {"x": _nominal("a", names) | {"axis": {"labelAngle": 0, "title": None}}, "y": _nominal("b", names)}
    marks = [{"mark": {"type": "rect"}, "encoding": {"color": colour}}, text, chance]
    tooltip = ["a", "b", "overlap", "chance", "chance_by_tensor"]
    panels = [
        _panel(layer, part, {"layer": marks, "encoding": axes}, tooltip, height=60 * part["b"].nunique() + 20)
        for layer, part in both.groupby("layer", sort=False)
    ]
    caption = (
        f"Choice {choice}: weights that both tasks keep over weights that either keeps. Below each figure, what "
        f"independent random masks with the same density in each tensor would have. '{LARGEST_AT_START}': the mask of "
        "as many of the largest starting weights, without any training on the task. On the diagonal, where it was "
        "measured: two prunings of the same task with another order of the data. An overlap above chance is no sign "
        "that tasks are related: masks cut from common starting weights overlap in any case."
    )
    return Chart("overlap", "Overlap of the masks", caption, panels, overlaps)


def unions(served: pd.DataFrame) -> Chart:
    """Which weights serve no, one, several or all tasks, by choice of masks."""
    sets = list(dict.fromkeys(served.sort_values("tasks", kind="stable")["serves"]))
    encoding = {
        "y": _nominal("serves", sets),
        "x": {
            **_quantitative("share", "share of the prunable weights", zero=True),
            "axis": {"format": ".0%", "tickCount": 5},
        },
        "color": {"field": "tasks", "type": "ordinal", "scale": {"scheme": "viridis"}, "legend": None},
    }
    label = {
        "mark": {"type": "text", "align": "left", "dx": 4},
        "encoding": {
            "text": {"field": "share", "format": ".1%"},
            "color": {"value": "currentColor"},
        },
    }
    marks = [{"mark": {"type": "bar"}}, label]
    panels = [
        _panel(
            choice, part, {"layer": marks, "encoding": encoding}, ["serves", "weights", "share"], height=BAR * len(sets)
        )
        for choice, part in served.groupby("choice", sort=False)
    ]
    caption = "The union of the masks, weight by weight: which are kept by no task, by one alone, by several, by all."
    return Chart("union", "Which weights serve which tasks", caption, panels, served)


def costs(measured: pd.DataFrame) -> Chart:
    """Time and memory by stage."""
    total = measured.groupby("stage", sort=False).agg(
        seconds=("seconds", "sum"), memory=("memory", "max"), jobs=("job", "size")
    )
    total = total.reset_index().assign(minutes=total["seconds"].to_numpy() / 60)
    stages = [name for name in STAGE if name in total["stage"].to_numpy()]
    bar = {"mark": {"type": "bar"}}
    tooltip = ["stage", "jobs", "minutes", "memory"]
    colour = {"value": PALETTE[0]}
    panels = [
        _panel(title, total, {**bar, "encoding": {"y": _nominal("stage", stages), "x": x, "color": colour}}, tooltip)
        for title, x in (
            ("time of all jobs", _quantitative("minutes", "minutes", zero=True)),
            ("largest memory of a job", _quantitative("memory", "megabytes", zero=True)),
        )
    ]
    caption = "Wall-clock time summed over the jobs of each stage, and the largest resident memory of one job."
    return Chart("costs", "Time and memory", caption, panels, total)


def _panel(
    title: str,
    data: pd.DataFrame,
    parts: Mapping[str, Any],
    tooltip: Sequence[str] | None = None,
    height: int = 220,
) -> Panel:
    """A drawing of some rows, as wide as its place and so many pixels high."""
    fields = list(tooltip or data.columns)
    shown = [
        {"field": _escaped(name), "format": ".4~g"} if _is_real(data[name]) else {"field": _escaped(name)}
        for name in fields
        if name in data
    ]
    spec = _with_tooltip(parts, shown)
    values = list(_records(data))
    return Panel(
        title,
        {
            "data": {"values": values},
            "width": "container",
            "height": height,
            "description": title,
            **spec,
        },
    )


def _with_tooltip(parts: Mapping[str, Any], shown: list[dict[str, str]]) -> dict[str, Any]:
    """The tooltip on every layer that draws the panel's own rows."""
    if "layer" not in parts:
        return {**parts, "encoding": {**parts["encoding"], "tooltip": shown}}
    layers = [
        layer if "data" in layer else {**layer, "encoding": {**layer.get("encoding", {}), "tooltip": shown}}
        for layer in parts["layer"]
    ]
    return {**parts, "layer": layers}


def _records(data: pd.DataFrame) -> Iterator[dict[str, Any]]:
    for row in data.to_dict("records"):
        yield {key: None if isinstance(value, float) and value != value else value for key, value in row.items()}


def _is_real(column: pd.Series) -> bool:
    return pd.api.types.is_float_dtype(column)


def _escaped(name: str) -> str:
    """A field name that Vega does not read as a path."""
    return name.replace(".", "\\.").replace("[", "\\[").replace("]", "\\]")


def _quantitative(name: str, title: str, zero: bool = False) -> dict[str, Any]:
    return {
        "field": name,
        "type": "quantitative",
        "title": title,
        "scale": {"zero": zero},
        "axis": {"tickCount": 5, "labelOverlap": True},
    }


def _nominal(name: str, order: Sequence[str]) -> dict[str, Any]:
    return {"field": name, "type": "nominal", "sort": list(order), "title": None}


def _colour(name: str, order: Sequence[str]) -> dict[str, Any]:
    """One colour a name, the same in every panel; the legend stands outside the drawing."""
    colours = [PALETTE[index % len(PALETTE)] for index in range(len(order))]
    return {"field": name, "type": "nominal", "scale": {"domain": list(order), "range": colours}, "legend": None}
