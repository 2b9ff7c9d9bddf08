"""The page: sections of tables and charts in one self-contained HTML file."""

import base64
import gzip
import html
import json
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import jinja2
import pandas as pd
import vl_convert

from sparse_sharing.results.drawing import DARK_PALETTE, PALETTE, Chart
from sparse_sharing.results.forest import Forest

TEMPLATES = files("sparse_sharing.results.page") / "templates"

_inside_name = re.compile(r"(?<=\w)([_/-])(?=[^\W\d_])")


@dataclass(frozen=True)
class Column:
    """A column of a table: its heading, its values as text, and whether they are numbers and sorted as such."""

    title: str
    cells: Sequence[str]
    numeric: bool


@dataclass(frozen=True)
class Table:
    """A table of the page, with its rows for download as CSV."""

    name: str
    title: str
    caption: str
    columns: Sequence[Column]
    data: pd.DataFrame
    best: frozenset[tuple[int, int]] = frozenset()
    folded: bool = False
    """Whether a reader must open the table to see it."""

    @property
    def rows(self) -> list[list[dict[str, Any]]]:
        """The cells by row, each with its text, whether it is a number, and whether it is the best."""
        count = len(self.columns[0].cells) if self.columns else 0
        return [
            [
                {
                    "text": column.cells[row],
                    "numeric": column.numeric,
                    "best": (row, place) in self.best,
                }
                for place, column in enumerate(self.columns)
            ]
            for row in range(count)
        ]


@dataclass(frozen=True)
class Section:
    """A section of the page, with a link at the top; `commands` are sentences, each with its command.

    A folded section shows only its title until a reader opens it.
    """

    name: str
    title: str
    items: Sequence[Table | Chart | Forest]
    text: str = ""
    commands: Sequence[tuple[str, str]] = ()
    folded: bool = False


@dataclass(frozen=True)
class Page:
    """The content of the template."""

    title: str
    lead: Mapping[str, str]
    sections: Sequence[Section]
    facts: Mapping[str, str]
    details: Mapping[str, str]
    commands: Sequence[tuple[str, str]] = ()
    warnings: Sequence[str] = ()


def plain_table(
    name: str, title: str, caption: str, data: pd.DataFrame, decimals: int = 2, signed: Collection[str] = ()
) -> Table:
    """A table with numbers in fixed decimals, blanks for missing ones, and signs in the columns `signed`."""
    columns = []
    for heading in data.columns:
        values = data[heading].tolist()
        numeric = pd.api.types.is_numeric_dtype(data[heading]) and not pd.api.types.is_bool_dtype(data[heading])
        cells = [_text(value, decimals, "+" if heading in signed else "") for value in values]
        columns.append(Column(str(heading), cells, numeric))
    return Table(name, title, caption, columns, data)


def render(page: Page, library: str) -> str:
    """The page as HTML; `library` is the JavaScript that draws Vega-Lite charts."""
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["in_script"] = in_script
    environment.filters["breakable"] = breakable
    environment.tests["forest"] = lambda item: isinstance(item, Forest)
    environment.tests["chart"] = lambda item: isinstance(item, Chart)
    template = environment.from_string(_template("report.html"))
    return template.render(
        page=page,
        palette=PALETTE,
        dark=dict(zip(PALETTE, DARK_PALETTE, strict=True)),
        style=_template("report.css"),
        script=_template("report.js"),
        library=library.replace("</script", "<\\/script"),
        specs=lambda chart: packed(json.dumps([panel.on_page for panel in chart.panels], default=_plain)),
        csv=lambda item: packed(item.data.to_csv(index=False, lineterminator="\n")),
    )


def drawing_library() -> str:
    """The JavaScript that draws Vega-Lite charts, as the function `vegaEmbed`."""
    return vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;")


def packed(text: str) -> str:
    """A text as gzip in base64: data for download are most of a page, and are decoded only on demand."""
    return base64.b64encode(gzip.compress(text.encode(), mtime=0)).decode("ascii")


def breakable(text: str) -> str:
    """The text as markup with possible line breaks after underscores, hyphens and slashes: long names have no
    spaces.
    """
    return _inside_name.sub(r"\1<wbr>", html.escape(text))


def in_script(value: object) -> str:
    """A value as JSON that cannot end the script element that contains it."""
    text = json.dumps(value, ensure_ascii=False, default=_plain, allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026").replace("\u2028", "\\u2028")


def _plain(value: Any) -> object:
    """Numbers of numpy as numbers of Python."""
    return value.item()


def _template(name: str) -> str:
    return (TEMPLATES / name).read_text(encoding="utf-8")


def _text(value: Any, decimals: int, sign: str) -> str:
    if value is None or value != value:
        return ""
    if isinstance(value, float):
        return f"{value:{sign},.{decimals}f}".replace("-", "−")
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)
