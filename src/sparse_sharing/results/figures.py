"""Draws the charts of a run as SVG and PNG files, from the same descriptions as the page.

The same table gives the same bytes on one machine; labels are set in the fonts that the machine has.
"""

import textwrap
from collections.abc import Sequence
from typing import Any

import pandas as pd
import vl_convert

from sparse_sharing.pipeline.tables.record import TableRecord
from sparse_sharing.results.drawing import AXIS, GREY, PALETTE, Chart, Panel
from sparse_sharing.results.forest import Forest, Group
from sparse_sharing.results.tables.inputs import builder_of
from sparse_sharing.results.tables.means import MEAN

Specification = dict[str, Any]
"""A specification of Vega-Lite."""

MOST_TASKS = 6
MOST_PANELS = 24
"""The most datasets times tasks in a figure: with more it would be unreadable."""

WIDTH = 250
"""Width and height of the inside of a panel, in pixels."""

COLUMNS = 3
"""Panels side by side."""

PIXELS = 2
"""Pixels of a PNG file per pixel of the drawing, in each direction."""

LINE = 110
"""Characters in a line of a caption."""

CONFIG: Specification = {
    "background": "white",
    "font": "Liberation Sans, Arial, sans-serif",
    "view": {"stroke": None},
    "axis": {"labelFontSize": 11, "titleFontSize": 11, "titleFontWeight": "normal", "gridColor": "#e5e5e5"},
    "title": {"anchor": "start", "fontSize": 12},
    "legend": {
        "orient": "bottom",
        "title": None,
        "labelFontSize": 11,
        "symbolOpacity": 1,
        "columns": 4,
        "labelLimit": 400,
    },
    "line": {"strokeWidth": 2},
}

LOOKS = {
    "better": ("better", PALETTE[2], "triangle-right"),
    "worse": ("worse", PALETTE[1], "square"),
    "equal": ("no measurable difference", GREY, "circle"),
    "none": ("no verdict", GREY, "cross"),
}
"""For each look of a row of a forest plot: its words, colour and point."""


def draw(record: TableRecord, table: pd.DataFrame) -> dict[str, bytes]:
    """The figure of a table, in SVG and PNG by file ending.

    Args:
        record: the record of the table.
        table: the table, as the stage `tables` has written it.
    """
    shown, left_out = bounded(table)
    charts = [(str(name), builder_of(record).chart(rows)) for name, rows in shown.groupby("dataset", sort=False)]
    specification = figure(charts, f"{left_out}; {record.name}.csv has all" if left_out else "")
    svg = vl_convert.vegalite_to_svg(specification)
    return {"svg": svg.encode(), "png": vl_convert.svg_to_png(svg, scale=PIXELS)}


def bounded(table: pd.DataFrame) -> tuple[pd.DataFrame, str]:
    """The rows of as many tasks and datasets as a figure can show, and a note on how many are shown."""
    tasks = [] if "task" not in table else [task for task in table["task"].unique() if task != MEAN]
    datasets = list(table["dataset"].unique())
    shown = table[table["task"].isin([*tasks[:MOST_TASKS], MEAN])] if tasks else table
    count = MOST_PANELS // max(1, min(len(tasks), MOST_TASKS))
    shown = shown[shown["dataset"].isin(datasets[:count])]
    said = [
        f"the first {most} of {len(names)} {what}"
        for what, names, most in (("datasets", datasets, count), ("tasks", tasks, MOST_TASKS))
        if len(names) > most
    ]
    return shown, ", ".join(said).capitalize()


def figure(charts: Sequence[tuple[str, Chart | Forest]], note: str = "") -> Specification:
    """One specification of the charts of several datasets, one below the other."""
    blocks = [_block(dataset, chart) for dataset, chart in charts]
    title = {"title": {"text": note, "fontWeight": "normal"}} if note else {}
    return {**title, "vconcat": blocks, "config": CONFIG, "padding": 12}


def _block(dataset: str, chart: Chart | Forest) -> Specification:
    """The panels of one dataset below its name and caption; one legend for all."""
    if isinstance(chart, Forest):
        panels = [_of_group(chart, group) for group in chart.groups]
    else:
        panels = [_of_panel(panel, bool(chart.legend)) for panel in chart.panels]
    heading = {"text": f"{dataset}: {chart.title}", "subtitle": _lines(chart.caption), "fontSize": 14, "offset": 14}
    shared = {"scale": {"color": "shared", "shape": "shared"}}
    return {"title": heading, "concat": panels, "columns": COLUMNS, "spacing": 28, "resolve": shared}


def _of_panel(panel: Panel, legend: bool) -> Specification:
    """A panel of a chart at the size of a figure."""
    parts = dict(panel.parts)
    encoding = dict(parts["encoding"])
    if legend and "color" in encoding:
        encoding["color"] = {key: value for key, value in encoding["color"].items() if key != "legend"}
    return {**parts, "encoding": encoding, "title": panel.title, "width": WIDTH, "height": panel.height - AXIS}


def _of_group(plot: Forest, group: Group) -> Specification:
    """The comparisons of one task: a rule from end to end of each interval, a point at the difference."""
    rows = [
        {
            "row": f"{bar.system} against {bar.reference}",
            "difference": bar.difference,
            "lower": max(bar.interval[0], plot.axis[0]) if bar.interval else None,
            "upper": min(bar.interval[1], plot.axis[1]) if bar.interval else None,
            "verdict": LOOKS[bar.look][0],
            **{side: plot.axis[side == "right"] for side in plot.beyond(bar)},
        }
        for bar in group.bars
    ]
    verdicts, colours, shapes = zip(*LOOKS.values(), strict=True)
    ticks = {"values": [value for _, value in plot.ticks]}
    place = {"field": "difference", "type": "quantitative", "title": "points", "axis": ticks}
    place["scale"] = {"domain": list(plot.axis), "nice": False}
    colour = {"field": "verdict", "type": "nominal", "scale": {"domain": verdicts, "range": colours}}
    shape = {"field": "verdict", "type": "nominal", "scale": {"domain": verdicts, "range": shapes}}
    order = list(dict.fromkeys(row["row"] for row in rows))
    zero = {"data": {"values": [{}]}, "mark": {"type": "rule"}}
    zero["encoding"] = {"x": {"datum": 0}, "y": {"value": 0}, "y2": {"value": "height"}, "color": {"value": GREY}}
    interval = {
        "mark": {"type": "rule", "strokeWidth": 2},
        "transform": [{"filter": "isValid(datum.lower)"}],
        "encoding": {"x": {**place, "field": "lower"}, "x2": {"field": "upper"}},
    }
    point = {"mark": {"type": "point", "filled": True, "size": 70, "opacity": 1}}
    point["encoding"] = {"x": place, "shape": shape}
    names = {"field": "row", "type": "nominal", "sort": order, "title": None, "axis": {"labelLimit": 320}}
    return {
        "data": {"values": rows},
        "title": group.title,
        "width": WIDTH,
        "height": {"step": 22},
        "layer": [zero, interval, *(_arrows(side, place) for side in ("left", "right")), point],
        "encoding": {"y": names, "color": colour},
    }


def _arrows(side: str, place: Specification) -> Specification:
    """An arrow at the end of the axis for each interval that goes beyond it on a side."""
    return {
        "mark": {"type": "point", "shape": f"triangle-{side}", "filled": True, "size": 40, "opacity": 1},
        "transform": [{"filter": f"isValid(datum.{side})"}],
        "encoding": {"x": {**place, "field": side}},
    }


def _lines(text: str) -> list[str]:
    """A text broken into lines that are not wider than a figure."""
    return textwrap.wrap(text, LINE)
