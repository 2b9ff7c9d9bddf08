"""Tables as text: CSV with fixed decimals, pipe tables of Markdown, floats of LaTeX."""

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pandas as pd

SHOWN_DECIMALS = 2
"""Of scores in the tables for people; two means that read the same are both best."""

CSV_DECIMALS = dict.fromkeys(["value", "precision", "recall", "f1", "mean", "std", "min", "max", "difference"], 4)
CSV_DECIMALS |= {"without_leaked": 4}
CSV_DECIMALS |= dict.fromkeys(["lower", "upper", "detectable", "gain", "gain_std", "measured", "dev_score"], 4)
CSV_DECIMALS |= dict.fromkeys(["sparse_score", "hard_score", "with_score", "without_score"], 4)
CSV_DECIMALS |= dict.fromkeys(["published", "published_with", "published_without", "published_gain"], 4)
CSV_DECIMALS |= dict.fromkeys(["density", "lowest_density", "highest_density", "overlap"], 6)
CSV_DECIMALS |= dict.fromkeys(["chance", "chance_by_tensor", "overlap_with_start", "self_overlap"], 6)
CSV_DECIMALS |= dict.fromkeys(["training_error", "text_error"], 4)
CSV_DECIMALS |= {"target_density": 4, "published_overlap": 3, "seconds": 1}
CSV_DECIMALS |= dict.fromkeys([f"seconds_{part}" for part in ("start", "pruning", "selection", "training")], 1)


def csv_text(frame: pd.DataFrame) -> str:
    """The frame as CSV, with fixed decimals."""

    def fixed(name: str) -> list[str]:
        return ["" if pd.isna(value) else number(value, CSV_DECIMALS[name]) for value in frame[name]]

    columns = {name: fixed(name) for name in frame.columns if name in CSV_DECIMALS}
    return frame.assign(**columns).to_csv(index=False, lineterminator="\n")


def number(value: float, decimals: int, sign: str = "") -> str:
    """A number with fixed decimals; adding 0.0 turns a rounded -0.0 into 0.0."""
    return f"{round(value, decimals) + 0.0:{sign}.{decimals}f}"


@dataclass(frozen=True)
class Markup:
    """How a format writes text that has characters it would read as markup, and bold text."""

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
    """A difference in points as shown, with its sign; blank where it is missing."""
    return "" if math.isnan(difference) else number(difference, SHOWN_DECIMALS, sign="+").replace("-", "−")


def thousands(count: int) -> str:
    return f"{round(count / 1000)}k" if count >= 10_000 else str(count)


def span(counts: pd.Series) -> str:
    """One number, or the smallest and largest."""
    return str(counts.min()) if counts.nunique() == 1 else f"{counts.min()} to {counts.max()}"
