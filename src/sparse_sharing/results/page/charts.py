"""The charts of the report, as Vega-Lite specifications that the page draws."""

from collections.abc import Sequence

import pandas as pd

from sparse_sharing.pipeline.stage import STAGE
from sparse_sharing.results.drawing import AXIS, MOST_TASKS, PALETTE, Chart, colour, dash, nominal, panel, quantitative
from sparse_sharing.results.page.results import LARGEST_AT_START

ON_BLUE = {"condition": {"test": "datum.overlap > 0.62", "value": "#ffffff"}, "value": "#0b1a28"}
"""The colour of text that is readable on the blue of a heat map."""

BAR = 24
"""Pixels that a bar takes, with the space around it."""

SLANTED = 80
"""Pixels that an axis with slanted labels takes."""

LONGEST_LABEL = 130
"""Pixels of a name beside a point; a longer name is cut."""

BESIDE, LINE = 0.25, 0.05
"""What the name of a point takes of the width and height of a drawing."""

FEW_EPOCHS = 10
"""So few epochs have a tick each: an axis of few whole numbers would else repeat them."""


def sizes(scores: pd.DataFrame, systems: Sequence[str]) -> Chart:
    """Parameters against the mean score."""
    points = scores[["system", "parameters", "mean"]]
    placed = _with_labels_apart(points)
    point = {"mark": {"type": "point", "filled": True, "size": 110, "opacity": 1}}
    score = quantitative("mean", "mean test score, %")
    labels = [
        {
            "mark": {"type": "text", "align": align, "dx": away, "fontSize": 12, "limit": LONGEST_LABEL},
            "transform": [{"filter": f"{'' if align == 'left' else '!'}datum.is_left"}],
            "encoding": {"text": {"field": "system"}, "y": {**score, "field": "label"}},
        }
        for align, away in (("left", 9), ("right", -9))
    ]
    size = {**quantitative("parameters", "parameters", zero=True), "axis": {"format": "~s", "tickCount": 5}}
    encoding = {"x": size, "y": score, "color": colour("system", systems)}
    parts = {"layer": [point, *labels], "encoding": encoding}
    drawn = panel("mean over the tasks", placed, parts, ["system", "parameters", "mean"], height=345)
    caption = (
        "Mean test score over the tasks against the size of the network: the union of the masks plus biases, without "
        "embeddings and heads. Up and to the left is better."
    )
    return Chart("parameters", "Parameters against score", caption, [drawn], points)


def _with_labels_apart(points: pd.DataFrame) -> pd.DataFrame:
    """Points with the height of their names, `label`, so that names do not overlap, and with `is_left`.

    Points in the left part of the drawing have their names to the right, others to the left. A name is beside its
    point, or just above the name of another point near it.
    """
    counts, scores = points["parameters"].tolist(), points["mean"].tolist()
    gap = LINE * max(max(scores) - min(scores), 1.0)
    heights: dict[int, float] = {}
    for index in sorted(range(len(scores)), key=scores.__getitem__):
        near = [
            height for other, height in heights.items() if abs(counts[other] - counts[index]) < BESIDE * max(counts)
        ]
        heights[index] = max([scores[index], *(height + gap for height in near)])
    labels = [heights[index] for index in range(len(scores))]
    return points.assign(label=labels, is_left=points["parameters"] <= 0.7 * max(counts))


def learning_curves(curves: pd.DataFrame, systems: Sequence[str]) -> Chart:
    """Dev score after each epoch, the mean over seeds; of the systems, those that have curves come first."""
    mean = curves.groupby(["task", "system", "epoch"], sort=False, as_index=False).agg({"score": "mean"})
    epochs = sorted(set(mean["epoch"].tolist()))
    ticks = {"values": epochs} if len(epochs) <= FEW_EPOCHS else {"tickMinStep": 1}
    encoding = {
        "x": {**quantitative("epoch", "epoch"), "axis": {"format": "d", **ticks}},
        "y": quantitative("score", "dev score, %"),
        "color": colour("system", systems),
        "strokeDash": dash("system", systems),
    }
    tasks = sorted(set(mean["task"]), key=lambda task: (task == "mean", task))
    mark = {"mark": {"type": "line", "point": {"size": 25}}, "encoding": encoding}
    shown = [task for task in tasks if task != "mean"][:MOST_TASKS]
    panels = [panel(task, mean[mean["task"] == task], mark) for task in shown]
    caption = (
        "Dev score after each epoch of the systems' own training, averaged over the seeds; the epochs of a warm-up "
        "come before."
    )
    trained = set(curves["system"])
    legend = [system for system in systems if system in trained]
    return Chart("curves", "Learning curves", caption, panels, mean, legend)


def densities(layers: pd.DataFrame) -> Chart:
    """The share of weights that each task keeps, by layer and choice of masks."""
    tasks = sorted(set(layers["task"]))
    encoding = {
        "y": nominal("layer", list(dict.fromkeys(layers["layer"]))),
        "yOffset": {"field": "task", "sort": tasks},
        "x": {
            **quantitative("density", "density", zero=True),
            "scale": {"domain": [0, 1]},
            "axis": {"format": ".0%", "tickCount": 5},
        },
        "color": colour("task", tasks),
    }
    panels = [
        panel(str(choice), part, {"mark": {"type": "bar"}, "encoding": encoding}, height=AXIS + BAR * len(part))
        for choice, part in layers.groupby("choice", sort=False)
    ]
    caption = "Share of the prunable weights that each task's mask keeps, over all layers and in each."
    return Chart("densities", "Density by layer and task", caption, panels, layers, tasks, folded=True)


def overlap_maps(overlaps: pd.DataFrame, choice: str) -> Chart:
    """Heat maps of the overlap of two tasks' masks, over all layers and in each, and of reference overlaps."""
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
    axes = {"x": nominal("a", names) | {"axis": {"labelAngle": -30, "title": None}}, "y": nominal("b", names)}
    marks = [{"mark": {"type": "rect"}, "encoding": {"color": colour}}, text]
    tooltip = ["a", "b", "overlap", "chance", "chance_by_tensor"]
    panels = [
        panel(str(layer), part, {"layer": marks, "encoding": axes}, tooltip, height=SLANTED + 60 * part["b"].nunique())
        for layer, part in both.groupby("layer", sort=False)
    ]
    caption = (
        "Weights that both tasks keep, as a share of the weights that either keeps; the table above has the same "
        "figures and those of random masks."
    )
    return Chart("overlap", f"Heat maps of the overlap, choice {choice}", caption, panels, overlaps, folded=True)


def unions(served: pd.DataFrame) -> Chart:
    """The shares of weights that no, one, several or all tasks keep, by choice of masks."""
    sets = list(dict.fromkeys(served.sort_values("tasks", kind="stable")["serves"]))
    encoding = {
        "y": nominal("serves", sets),
        "x": {
            **quantitative("share", "share of the prunable weights", zero=True),
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
        panel(
            str(choice),
            part,
            {"layer": marks, "encoding": encoding},
            ["serves", "weights", "share"],
            height=AXIS + BAR * len(sets),
        )
        for choice, part in served.groupby("choice", sort=False)
    ]
    caption = "The prunable weights by the tasks that keep them: no task, only one task, several tasks, all tasks."
    return Chart("union", "Which tasks keep which weights", caption, panels, served, folded=True)


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
        panel(title, total, {**bar, "encoding": {"y": nominal("stage", stages), "x": x, "color": colour}}, tooltip)
        for title, x in (
            ("time of all jobs", quantitative("minutes", "minutes", zero=True)),
            ("largest memory of a job", quantitative("memory", "megabytes", zero=True)),
        )
    ]
    caption = "Wall-clock time summed over the jobs of each stage, and the largest resident memory of one job."
    return Chart("costs", "Time and memory", caption, panels, total)
