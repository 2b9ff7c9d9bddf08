"""The parts of all charts: panels, axes, colours and tooltips of Vega-Lite specifications."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from sparse_sharing.results.rows import rows_of

PALETTE = ("#0067a5", "#c04e00", "#00795a", "#a0478c", "#7a6100", "#4a4fb0", "#8f3b1b", "#4d6000")
DARK_PALETTE = ("#56b4e9", "#f0883e", "#2fc79a", "#dd94cb", "#e0c04a", "#a3a8ff", "#e08e6d", "#b5cc52")
"""Colours that colour-blind readers can distinguish, on a light background and on a dark one."""

GREY = "#6b7785"
"""The colour of the paper's figures, on a light and on a dark background."""

AXIS = 45
"""Pixels that a horizontal axis takes: its labels, its title and the padding of the drawing."""


MOST_TASKS = 24
"""Figures show only the first tasks; their data and the tables have all. A page with all would be too large to open."""


@dataclass(frozen=True)
class Panel:
    """One drawing.

    Attributes:
        title: its heading.
        parts: its Vega-Lite specification, data included, but for its size.
        height: of the drawing in pixels, axes included.
    """

    title: str
    parts: Mapping[str, Any]
    height: int

    @property
    def on_page(self) -> dict[str, Any]:
        """The specification of a drawing that fills the width of its place, with exactly the reserved height."""
        size = {"width": "container", "height": self.height, "autosize": {"type": "fit", "contains": "padding"}}
        return {**size, "description": self.title, **self.parts}


@dataclass(frozen=True)
class Chart:
    """A figure of one or more panels, with its caption and its data for download."""

    name: str
    title: str
    caption: str
    panels: Sequence[Panel]
    data: pd.DataFrame
    legend: Sequence[str] = field(default=())
    """Names in the order of their colours; empty if colour has no meaning."""
    folded: bool = False
    """Whether a reader must open the chart to see it."""


def panel(
    title: str,
    data: pd.DataFrame,
    parts: Mapping[str, Any],
    tooltip: Sequence[str] | None = None,
    height: int = 265,
) -> Panel:
    """A drawing of some rows, as wide as its card; `height` in pixels counts the axes too, so the page can reserve it.

    Args:
        title: the heading of the panel.
        data: the rows to draw.
        parts: the marks and encodings of the specification.
        tooltip: the columns that a tooltip shows; all columns if None.
        height: of the whole drawing, in pixels.
    """
    fields = list(tooltip or data.columns)
    shown = [
        {"field": _escaped(name), "format": ".4~g"} if _is_real(data[name]) else {"field": _escaped(name)}
        for name in fields
        if name in data
    ]
    return Panel(title, {"data": {"values": list(records(data))}, **_with_tooltip(parts, shown)}, height)


def _with_tooltip(parts: Mapping[str, Any], shown: list[dict[str, str]]) -> dict[str, Any]:
    """The tooltip on every layer that draws the panel's own rows."""
    if "layer" not in parts:
        return {**parts, "encoding": {**parts["encoding"], "tooltip": shown}}
    layers = [
        layer if "data" in layer else {**layer, "encoding": {**layer.get("encoding", {}), "tooltip": shown}}
        for layer in parts["layer"]
    ]
    return {**parts, "layer": layers}


def records(data: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """The rows of a table for Vega-Lite, with null for missing numbers."""
    for row in rows_of(data):
        yield {key: None if isinstance(value, float) and value != value else value for key, value in row.items()}


def _is_real(column: pd.Series) -> bool:
    return pd.api.types.is_float_dtype(column)


def _escaped(name: str) -> str:
    """A field name that Vega does not read as a path."""
    return name.replace(".", "\\.").replace("[", "\\[").replace("]", "\\]")


def quantitative(name: str, title: str, zero: bool = False) -> dict[str, Any]:
    return {
        "field": name,
        "type": "quantitative",
        "title": title,
        "scale": {"zero": zero},
        "axis": {"tickCount": 5, "labelOverlap": True},
    }


def nominal(name: str, order: Sequence[str]) -> dict[str, Any]:
    return {"field": name, "type": "nominal", "sort": list(order), "title": None}


def colour(name: str, order: Sequence[str]) -> dict[str, Any]:
    """One colour per name, the same in every panel; the legend is outside the drawing."""
    colours = [PALETTE[index % len(PALETTE)] for index in range(len(order))]
    return {"field": name, "type": "nominal", "scale": {"domain": list(order), "range": colours}, "legend": None}


def dash(name: str, order: Sequence[str]) -> dict[str, Any]:
    """Whole lines for the names that the palette has colours for, and dashed lines for those that repeat a colour."""
    lines = [[1, 0] if index < len(PALETTE) else [5, 3] for index in range(len(order))]
    return {"field": name, "type": "nominal", "scale": {"domain": list(order), "range": lines}, "legend": None}


def error_bars(name: str, spread: str, title: str) -> dict[str, Any]:
    """Rules from a value minus its spread to the value plus its spread; none if the spread is missing."""
    return {
        "transform": [
            {"filter": f"isValid(datum['{spread}'])"},
            {"calculate": f"datum['{name}'] - datum['{spread}']", "as": "lower end"},
            {"calculate": f"datum['{name}'] + datum['{spread}']", "as": "upper end"},
        ],
        "mark": {"type": "rule", "strokeWidth": 1.5},
        "encoding": {"y": {**quantitative("lower end", title)}, "y2": {"field": "upper end"}},
    }


def zero_line() -> dict[str, Any]:
    """A line where a difference is zero."""
    across = {"x": {"value": 0}, "x2": {"value": "width"}, "y": {"datum": 0}, "color": {"value": GREY}}
    return {"data": {"values": [{}]}, "mark": {"type": "rule", "strokeDash": [4, 3]}, "encoding": across}
