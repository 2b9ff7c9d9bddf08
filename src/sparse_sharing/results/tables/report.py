"""The tables that people read: a run's summary in CSV, Markdown and LaTeX."""

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pandas as pd

from sparse_sharing.evaluation.statistics import NO_DIFFERENCE, NO_VERDICT, SEEDS_FOR_SYSTEMS, THESE_EQUAL
from sparse_sharing.results.tables.costs import CAPTION, cost_cells
from sparse_sharing.results.tables.leaks import LEAKS_CAPTION, LEAKS_TITLE
from sparse_sharing.results.tables.marks import COLUMN, explanation, system_marks
from sparse_sharing.results.tables.markup import (
    LATEX,
    MARKDOWN,
    SHOWN_DECIMALS,
    Markup,
    csv_text,
    latex_table,
    markdown_table,
    number,
    signed,
    span,
    thousands,
)
from sparse_sharing.results.tables.means import MEAN
from sparse_sharing.storage.artifacts import write_text

Rows = list[list[str]]


def write_csv(table: pd.DataFrame, path: Path) -> None:
    """Write a table as CSV: scores with 4 decimals, densities and overlaps with 6; missing numbers are blank."""
    write_text(path, csv_text(table))


def write_summary_md(
    table: pd.DataFrame,
    path: Path,
    baseline: str = "single",
    verdicts: pd.DataFrame | None = None,
    paper: pd.DataFrame | None = None,
    notes: Sequence[str] = (),
    costs: pd.DataFrame | None = None,
    leaks: pd.DataFrame | None = None,
    text: Mapping[str, Sequence[str]] = MappingProxyType({}),
) -> None:
    """Write a summary as Markdown: a caption, then for each dataset its pipe tables.

    Args:
        table: as `summary` returns it.
        path: the file to write.
        baseline: the system that differences in the first table are to.
        verdicts: as `compare` returns it; none: no section on it.
        paper: as `beside_paper` returns it; none: no section on it.
        notes: known deviations from the paper, listed below its figures.
        costs: as `costs` returns it; none: no section on it.
        leaks: as `leaks` returns it; none: no section on it.
        text: for each dataset what a reader should know about its text.
    """
    blocks = [MARKDOWN.escape(_caption(table, baseline))]
    if table["dataset"].nunique() > MANY_DATASETS:
        header, *rows = _overview_cells(table, MARKDOWN)
        blocks += [f"## {OVERVIEW}", MARKDOWN.escape(OVERVIEW_CAPTION), markdown_table(header, rows)]
    for dataset, block in table.groupby("dataset", sort=False):
        header, *rows = _cells(block, MARKDOWN)
        blocks += [f"## {MARKDOWN.escape(str(dataset))}", markdown_table(header, rows)]
        blocks += [MARKDOWN.escape(explained)] if (explained := explanation(block)) else []
        for title, caption, (header, *rows) in _sections(str(dataset), verdicts, paper, costs, leaks, MARKDOWN):
            blocks += [f"### {title}", MARKDOWN.escape(caption), markdown_table(header, rows)]
            blocks += _listed(notes) if title == PAPER else []
        if found := text.get(str(dataset)):
            blocks += [f"### {TEXT}", *_listed(found)]
    write_text(path, "\n\n".join(blocks) + "\n")


def write_summary_tex(
    table: pd.DataFrame,
    path: Path,
    baseline: str = "single",
    verdicts: pd.DataFrame | None = None,
    paper: pd.DataFrame | None = None,
    notes: Sequence[str] = (),
    costs: pd.DataFrame | None = None,
    leaks: pd.DataFrame | None = None,
    text: Mapping[str, Sequence[str]] = MappingProxyType({}),
) -> None:
    """Write a summary as LaTeX: wide floats with captions; needs the package booktabs. Takes what the Markdown does."""
    blocks = ["% needs \\usepackage{booktabs}"]
    if table["dataset"].nunique() > MANY_DATASETS:
        header, *rows = _overview_cells(table, LATEX)
        blocks.append(latex_table(f"{OVERVIEW}. {OVERVIEW_CAPTION}", header, rows))
    for dataset, block in table.groupby("dataset", sort=False):
        header, *rows = _cells(block, LATEX)
        caption = f"{dataset}. {_caption(block, baseline)} {explanation(block)}".rstrip()
        if found := text.get(str(dataset)):
            caption += f" {TEXT}: {'; '.join(found)}."
        blocks.append(latex_table(caption, header, rows))
        for title, caption, (header, *rows) in _sections(str(dataset), verdicts, paper, costs, leaks, LATEX):
            whole = " ".join([caption, *(notes if title == PAPER else ())])
            blocks.append(latex_table(f"{dataset}. {title}. {whole}", header, rows))
    write_text(path, "\n\n".join(blocks) + "\n")


MANY_DATASETS = 8
"""From more on, one table of all datasets stands before those of each."""

OVERVIEW = "All datasets"
OVERVIEW_CAPTION = (
    "Mean over the tasks of a dataset, on test; bold: best of the dataset. Last row: mean over the datasets."
)


def _overview_cells(table: pd.DataFrame, markup: Markup) -> Rows:
    """One row per dataset, one column per system, and the means of the systems that have a score everywhere."""
    tasks = table.groupby("dataset")["task"].transform("nunique")
    own = table[(table["task"] == MEAN) | (tasks == 1)]
    systems, datasets = list(own["system"].unique()), list(own["dataset"].unique())
    found = {(row["dataset"], row["system"]): row for row in own.to_dict("records")}

    def cell(dataset: str, system: str) -> str:
        row = found.get((dataset, system))
        return "" if row is None else _mean(row, markup)

    rows = [[markup.escape(str(name)) for name in ("dataset", *systems)]]
    rows += [[markup.escape(str(name)), *(cell(name, system) for system in systems)] for name in datasets]
    means = own.pivot(index="dataset", columns="system", values=MEAN)[systems].mean(skipna=False)
    return [*rows, [MEAN, *("" if math.isnan(mean) else number(mean, SHOWN_DECIMALS) for mean in means)]]


VERDICTS, PAPER, COST, TEXT = "Verdicts", "The paper beside ours", "Cost", "The text"


def _listed(notes: Sequence[str]) -> list[str]:
    """Notes as a list in Markdown; nothing where there is none."""
    return ["\n".join(f"- {MARKDOWN.escape(note)}" for note in notes)] if notes else []


def _sections(
    dataset: str,
    verdicts: pd.DataFrame | None,
    paper: pd.DataFrame | None,
    costs: pd.DataFrame | None,
    leaks: pd.DataFrame | None,
    markup: Markup,
) -> Iterator[tuple[str, str, Rows]]:
    """Title, caption and cells of the further tables of a dataset."""
    if verdicts is not None and len(own := verdicts[verdicts["dataset"] == dataset]):
        yield VERDICTS, _verdict_caption(own), _verdict_cells(own, markup)
    if paper is not None and len(own := paper[(paper["dataset"] == dataset) & paper["measured"].notna()]):
        yield PAPER, _paper_caption(own), _paper_cells(own, markup)
    if costs is not None and len(own := costs[costs["dataset"] == dataset]):
        yield COST, CAPTION, [[markup.escape(cell) for cell in row] for row in cost_cells(own)]
    if leaks is not None and len(own := leaks[leaks["dataset"] == dataset]):
        yield LEAKS_TITLE, LEAKS_CAPTION, _leak_cells(own, markup)


def _caption(table: pd.DataFrame, baseline: str) -> str:
    """What the numbers of a table for people are."""
    seeds = span(table["seeds"])
    spread = "one seed" if seeds == "1" else f"mean ± sample standard deviation over {seeds} seeds"
    difference = f"Δ: difference to {baseline}. " if table["difference"].notna().any() else ""
    return (
        f"Test split: accuracy or span F1 in percent, {spread}. {difference}Bold: best. "
        "Parameters: union of the masks plus biases, without embeddings and heads. "
        "Density: kept share of the prunable weights in percent, in the order of the tasks."
    )


def _cells(block: pd.DataFrame, markup: Markup) -> Rows:
    """The header and the rows of one dataset's table, as marked-up text; one row per system."""
    tasks = block[["task", "metric"]].drop_duplicates().sort_values("metric", key=lambda m: m == MEAN, kind="stable")
    tasks = list(tasks.itertuples(index=False, name=None))
    compared, uneven = block["difference"].notna().any(), block["seeds"].nunique() > 1
    header = ["system"]
    for task, metric in tasks:
        header.append(_score_name(task, metric))
        header += ["Δ"] if compared else []
    marked = COLUMN in block and block[COLUMN].any()
    header += [*(["seeds"] if uneven else []), "parameters", "density", *([COLUMN] if marked else [])]
    rows = [[markup.escape(name) for name in header]]
    for system, scores in block.groupby("system", sort=False):
        by_task = {(row["task"], row["metric"]): row for row in scores.to_dict("records")}
        cells = [markup.escape(str(system))]
        for task in tasks:
            row = by_task.get(task)
            cells.append(_score(row, markup) if row else "")
            cells += [markup.escape(signed(row["difference"]) if row else "")] if compared else []
        densities = [by_task[task]["density"] if task in by_task else None for task in tasks if task[1] != MEAN]
        cells += [span(scores["seeds"])] if uneven else []
        cells += [thousands(scores["parameters"].iloc[-1]), _densities(densities)]
        rows.append([*cells, *([markup.escape(system_marks(scores))] if marked else [])])
    return rows


def _verdict_caption(own: pd.DataFrame) -> str:
    seeds, units = span(own["seeds"]), ", ".join(dict.fromkeys(own["units"]))
    resampled = f"{span(own['unit_count'])} test {units}"
    over = "one seed" if seeds == "1" else f"means over {seeds} seeds"
    return (
        f"Difference to the other system in points ({over}) with its 95 % interval; the {len(own)} intervals of this "
        f"dataset hold together. {_covered(own, resampled)} There is a verdict where the interval leaves zero out. "
        "Detectable: a true difference that would be found in 80 % of the runs."
    )


def _covered(own: pd.DataFrame, resampled: str) -> str:
    """What the intervals cover: other test texts, and other trainings where there are seeds enough."""
    few = own["seeds"] < SEEDS_FOR_SYSTEMS
    texts = f"other test texts (bootstrap over {resampled})"
    if not few.any():
        return f"The intervals cover other trainings and {texts}."
    rows = "" if few.all() else f" with fewer than {SEEDS_FOR_SYSTEMS} seeds"
    return (
        f"The intervals{rows} cover {texts}, but no other trainings: their words are about these trained models, not "
        f"about the systems; that takes {SEEDS_FOR_SYSTEMS} seeds."
    )


def _verdict_cells(own: pd.DataFrame, markup: Markup) -> Rows:
    """One row per system and reference, one column per task, and one for their mean."""
    tasks = own[["task", "metric"]].drop_duplicates().sort_values("task")
    tasks = tasks.sort_values("metric", key=lambda metric: metric == MEAN, kind="stable")
    tasks = list(tasks.itertuples(index=False, name=None))
    header = ["system", "against", *(_score_name(*task) for task in tasks)]
    rows = [[markup.escape(name) for name in header]]
    for (reference, system), block in own.groupby(["reference", "system"], sort=False):
        by_task = {(row["task"], row["metric"]): row for row in block.to_dict("records")}
        names = [markup.escape(str(name)) for name in (system, reference)]
        rows.append([*names, *(_verdict(by_task[task], markup) if task in by_task else "" for task in tasks)])
    return rows


def _verdict(row: dict[str, Any], markup: Markup) -> str:
    """The verdict, in bold where there is a difference, and the difference with its interval.

    What could have been detected stands where nothing was; the reason where there is no verdict.
    """
    numbers = signed(row["difference"])
    if row["lower"] == row["lower"]:
        numbers += f" [{signed(row['lower'])}, {signed(row['upper'])}]"
    if row["verdict"] == NO_VERDICT:
        return markup.escape(f"{NO_VERDICT} ({row['reason']}), {numbers}")
    if row["verdict"] in (NO_DIFFERENCE, THESE_EQUAL):
        return markup.escape(f"{row['verdict']}, {numbers}, detectable {number(row['detectable'], SHOWN_DECIMALS)}")
    return markup.bold.format(markup.escape(row["verdict"])) + markup.escape(f", {numbers}")


def _leak_cells(own: pd.DataFrame, markup: Markup) -> Rows:
    """One row per system and task."""
    rows = [["system", "task", "sentences", "leaked", "all", "without leaked", "Δ"]]
    for row in own.to_dict("records"):
        scores = [number(row[key], SHOWN_DECIMALS) for key in ("value", "without_leaked")]
        sizes = [str(row["sentences"]), str(row["leaked"])]
        rows.append(
            [row["system"], _score_name(row["task"], row["metric"]), *sizes, *scores, signed(row["difference"])]
        )
    return [[markup.escape(cell) for cell in row] for row in rows]


def _paper_caption(own: pd.DataFrame) -> str:
    sources = ", ".join(dict.fromkeys(own["source"]))
    return f"Ours (means over seeds), the figure that Sun et al. (2020) print, and the difference. Source: {sources}."


def _paper_cells(own: pd.DataFrame, markup: Markup) -> Rows:
    """One row per system; three columns per task, two for the number of parameters."""
    scores = own[own["quantity"] == "score"]
    tasks = list(scores[["task", "metric"]].drop_duplicates().sort_values("task").itertuples(index=False, name=None))
    counted = (own["quantity"] == "parameters").any()
    header = ["system"]
    for task in tasks:
        header += [_score_name(*task), "paper", "Δ"]
    header += ["parameters", "paper"] if counted else []
    rows = [[markup.escape(name) for name in header]]
    for system, block in own.groupby("system", sort=False):
        found = {(row["quantity"], row["task"]): row for row in block.to_dict("records")}
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


def _score_name(task: str, metric: str) -> str:
    return MEAN if metric == MEAN else f"{task} {'F1' if metric == 'f1' else metric}"


def _score(row: dict[str, Any], markup: Markup) -> str:
    mean = _mean(row, markup)
    return mean if math.isnan(row["std"]) else mean + markup.escape(f" ± {number(row['std'], SHOWN_DECIMALS)}")


def _mean(row: dict[str, Any], markup: Markup) -> str:
    mean = number(row[MEAN], SHOWN_DECIMALS)
    return markup.bold.format(mean) if row["best"] else mean


def _densities(densities: list[float | None]) -> str:
    """Percentages, one per task, or one for all if they are the same; a dash for a task without result."""
    shown = ["–" if density is None else number(100 * density, 2) for density in densities]
    return shown[0] if len(set(shown)) == 1 else " / ".join(shown)
