"""The summary of a run in Markdown and in LaTeX: for each dataset a table of scores and further tables below it."""

import math
from collections.abc import Iterator, Sequence
from typing import Any

import pandas as pd

from sparse_sharing.results.rows import rows_of
from sparse_sharing.results.tables.annotations import footnotes
from sparse_sharing.results.tables.inputs import RunInputs, builder_of
from sparse_sharing.results.tables.marks import COLUMN, explanation, system_marks, with_marks
from sparse_sharing.results.tables.markup import (
    LATEX,
    MARKDOWN,
    SHOWN_DECIMALS,
    Markup,
    Rows,
    Section,
    latex_table,
    markdown_table,
    number,
    score_name,
    signed,
    span,
    thousands,
)
from sparse_sharing.results.tables.means import MEAN

MANY_DATASETS = 8
"""With more datasets, a table of all datasets comes first."""

OVERVIEW = "All datasets"
OVERVIEW_CAPTION = (
    "Mean over the tasks of a dataset, on test; bold: best of the dataset. Last row: mean over the datasets."
)
TEXT = "The text"


def markdown(run: RunInputs) -> str:
    """The summary in Markdown: a caption, then for each dataset its pipe tables."""
    table, baseline = _marked(run), run.spec.baseline
    blocks = [MARKDOWN.escape(_caption(table, baseline))]
    if table["dataset"].nunique() > MANY_DATASETS:
        header, *rows = _overview_cells(table, MARKDOWN)
        blocks += [f"## {OVERVIEW}", MARKDOWN.escape(OVERVIEW_CAPTION), markdown_table(header, rows)]
    for dataset, block in table.groupby("dataset", sort=False):
        header, *rows = _cells(block, MARKDOWN)
        blocks += [f"## {MARKDOWN.escape(str(dataset))}", markdown_table(header, rows)]
        blocks += [MARKDOWN.escape(explained)] if (explained := explanation(block)) else []
        for section in _sections(run, str(dataset), MARKDOWN):
            header, *rows = section.rows
            blocks += [f"### {section.title}", MARKDOWN.escape(section.caption), markdown_table(header, rows)]
            blocks += _listed(section.notes)
        if notes := run.notes.get(str(dataset)):
            blocks += [f"### {TEXT}", *_listed(notes)]
    blocks += [MARKDOWN.escape(note) for note in footnotes(run.spec)]
    return "\n\n".join(blocks) + "\n"


def latex(run: RunInputs) -> str:
    """The summary in LaTeX: wide floats with captions, which need the package booktabs."""
    table, baseline = _marked(run), run.spec.baseline
    blocks = ["% needs \\usepackage{booktabs}"]
    if table["dataset"].nunique() > MANY_DATASETS:
        header, *rows = _overview_cells(table, LATEX)
        blocks.append(latex_table(f"{OVERVIEW}. {OVERVIEW_CAPTION}", header, rows))
    for dataset, block in table.groupby("dataset", sort=False):
        header, *rows = _cells(block, LATEX)
        caption = f"{dataset}. {_caption(block, baseline)} {explanation(block)}".rstrip()
        if notes := run.notes.get(str(dataset)):
            caption += f" {TEXT}: {'; '.join(notes)}."
        blocks.append(latex_table(caption, header, rows))
        for section in _sections(run, str(dataset), LATEX):
            header, *rows = section.rows
            whole = " ".join([section.caption, *section.notes])
            blocks.append(latex_table(f"{dataset}. {section.title}. {whole}", header, rows))
    blocks += [LATEX.escape(note) for note in footnotes(run.spec)]
    return "\n\n".join(blocks) + "\n"


def _marked(run: RunInputs) -> pd.DataFrame:
    """The summary with a column of marks."""
    return with_marks(run.table("summary"), ("system",), run.marks, run.spec.seeds)


def _sections(run: RunInputs, dataset: str, markup: Markup) -> Iterator[Section]:
    """The further tables on a dataset, in the order of the tables."""
    for record in run.records:
        make = getattr(builder_of(record), "section", None)
        section = make(run, dataset, markup) if make is not None else None
        if section is not None:
            yield section


def _listed(notes: Sequence[str]) -> list[str]:
    """Notes as a list in Markdown; nothing where there is none."""
    return ["\n".join(f"- {MARKDOWN.escape(note)}" for note in notes)] if notes else []


def _overview_cells(table: pd.DataFrame, markup: Markup) -> Rows:
    """One row per dataset, one column per system, and the means of the systems that have a score everywhere."""
    tasks = table.groupby("dataset")["task"].transform("nunique")
    mean_rows = table[(table["task"] == MEAN) | (tasks == 1)]
    systems, datasets = list(mean_rows["system"].unique()), list(mean_rows["dataset"].unique())
    rows_by_key = {(row["dataset"], row["system"]): row for row in rows_of(mean_rows)}

    def cell(dataset: str, system: str) -> str:
        row = rows_by_key.get((dataset, system))
        return "" if row is None else _mean(row, markup)

    rows = [[markup.escape(str(name)) for name in ("dataset", *systems)]]
    rows += [[markup.escape(str(name)), *(cell(name, system) for system in systems)] for name in datasets]
    means = mean_rows.pivot(index="dataset", columns="system", values=MEAN)[systems].mean(skipna=False)
    return [*rows, [MEAN, *("" if math.isnan(mean) else number(mean, SHOWN_DECIMALS) for mean in means)]]


def _caption(table: pd.DataFrame, baseline: str) -> str:
    """The caption of a table of scores."""
    seeds = span(table["seeds"])
    spread = "one seed" if seeds == "1" else f"mean ± sample standard deviation over {seeds} seeds"
    difference = f"Δ: difference to {baseline}. " if table["difference"].notna().any() else ""
    return (
        f"Test split: accuracy or span F1 in percent, {spread}. {difference}Bold: best. "
        "Parameters: union of the masks plus biases and other weights of single tasks, without embeddings and heads. "
        "Density: kept share of the prunable weights in percent, in the order of the tasks."
    )


def _cells(block: pd.DataFrame, markup: Markup) -> Rows:
    """The header and the rows of one dataset's table, as marked-up text; one row per system."""
    tasks = block[["task", "metric"]].drop_duplicates().sort_values("metric", key=lambda m: m == MEAN, kind="stable")
    tasks = list(tasks.itertuples(index=False, name=None))
    compared, uneven = block["difference"].notna().any(), block["seeds"].nunique() > 1
    header = ["system"]
    for task, metric in tasks:
        header.append(score_name(task, metric))
        header += ["Δ"] if compared else []
    marked = COLUMN in block and block[COLUMN].any()
    frozen = (block["trained_parameters"] != block["parameters"]).any()
    header += [
        *(["seeds"] if uneven else []),
        "parameters",
        *(["trained"] if frozen else []),
        "density",
        *([COLUMN] if marked else []),
    ]
    rows = [[markup.escape(name) for name in header]]
    for system, scores in block.groupby("system", sort=False):
        by_task = {(row["task"], row["metric"]): row for row in rows_of(scores)}
        cells = [markup.escape(str(system))]
        for task in tasks:
            row = by_task.get(task)
            cells.append(_score(row, markup) if row else "")
            cells += [markup.escape(signed(row["difference"]) if row else "")] if compared else []
        densities = [by_task[task]["density"] if task in by_task else None for task in tasks if task[1] != MEAN]
        cells += [span(scores["seeds"])] if uneven else []
        cells += [thousands(scores["parameters"].iloc[-1])]
        cells += [thousands(scores["trained_parameters"].iloc[-1])] if frozen else []
        cells += [_densities(densities)]
        rows.append([*cells, *([markup.escape(system_marks(scores))] if marked else [])])
    return rows


def _score(row: dict[str, Any], markup: Markup) -> str:
    mean = _mean(row, markup)
    return mean if math.isnan(row["std"]) else mean + markup.escape(f" ± {number(row['std'], SHOWN_DECIMALS)}")


def _mean(row: dict[str, Any], markup: Markup) -> str:
    mean = number(row[MEAN], SHOWN_DECIMALS)
    return markup.bold.format(mean) if row["best"] else mean


def _densities(densities: list[float | None]) -> str:
    """Percentages, one per task, or one for all if they are equal; a dash for a task without a result."""
    shown = ["–" if density is None else number(100 * density, 2) for density in densities]
    return shown[0] if len(set(shown)) == 1 else " / ".join(shown)
