"""Tables as text: CSV with fixed decimals, pipe tables of Markdown, floats of LaTeX."""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from sparse_sharing.results.tables.means import MEAN

SHOWN_DECIMALS = 2
"""Decimals of scores in the summary; two means that are equal as shown are both best."""

Rows = list[list[str]]
"""The header and the rows of a table, as marked-up text."""


@dataclass(frozen=True)
class Section:
    """A section of the summary: a table on one dataset, with its caption in plain text and notes below it."""

    title: str
    caption: str
    rows: Rows
    notes: Sequence[str] = ()


def csv_text(frame: pd.DataFrame, columns: Mapping[str, int | None]) -> str:
    """A table as CSV.

    Args:
        frame: the table.
        columns: the decimals of its columns; others, and those with None, are written unchanged. Missing numbers are
            blank.
    """

    def fixed(name: str, decimals: int) -> list[str]:
        return ["" if pd.isna(value) else number(value, decimals) for value in frame[name]]

    decimals = {name: places for name, places in columns.items() if places is not None and name in frame}
    values = {name: fixed(name, places) for name, places in decimals.items()}
    return frame.assign(**values).to_csv(index=False, lineterminator="\n")


def number(value: float, decimals: int, sign: str = "") -> str:
    """A number with fixed decimals; adding 0.0 turns a rounded -0.0 into 0.0."""
    return f"{round(value, decimals) + 0.0:{sign}.{decimals}f}"


@dataclass(frozen=True)
class Markup:
    """How a format escapes text and marks bold text."""

    escape: Callable[[str], str]
    bold: str


LATEX_CHARACTERS = {character: f"\\{character}" for character in "&%$#_{}"} | {
    # a bracket or star after a row's end would be read as its option
    **{character: f"{{{character}}}" for character in "[]*"},
    **{"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"},
    **{"<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}"},
    **{"±": r"$\pm$", "Δ": r"$\Delta$", "−": "$-$"},
}
LATEX = Markup(lambda text: text.translate(str.maketrans(LATEX_CHARACTERS)), r"\textbf{{{}}}")
MARKDOWN = Markup(lambda text: re.sub(r"([\\`*_{}\[\]<>&|#$~])", r"\\\1", text), "**{}**")


def markdown_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A pipe table whose first column is text and whose others are numbers; cells are marked up already."""
    rule = [":---", *["---:"] * (len(header) - 1)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (header, rule, *rows))


def latex_table(caption: str, header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A wide float with rules of the package booktabs; the caption is plain text, cells are marked up already."""
    head, *body = [" & ".join(cells) + r" \\" for cells in (header, *rows)]
    return "\n".join(
        [
            r"\begin{table*}[tp]",
            r"\centering\footnotesize\setlength{\tabcolsep}{3pt}",
            rf"\caption{{{LATEX.escape(caption)}}}",
            rf"\begin{{tabular}}{{l{'r' * (len(header) - 1)}}}",
            *[r"\toprule", head, r"\midrule", *body, r"\bottomrule"],
            r"\end{tabular}",
            r"\end{table*}",
        ]
    )


def signed(difference: float) -> str:
    """A difference in points as shown, with its sign; blank if it is missing."""
    return "" if math.isnan(difference) else number(difference, SHOWN_DECIMALS, sign="+").replace("-", "−")


def thousands(count: int) -> str:
    return f"{round(count / 1000)}k" if count >= 10_000 else str(count)


def span(counts: pd.Series) -> str:
    """One number, or the smallest and largest."""
    return str(counts.min()) if counts.nunique() == 1 else f"{counts.min()} to {counts.max()}"


def score_name(task: str, metric: str) -> str:
    """The heading of a column of scores."""
    return MEAN if metric == MEAN else f"{task} {'F1' if metric == 'f1' else metric}"
