"""The tables of a run as figures: the same bytes for the same table, readable in grey and to the colour-blind."""

import io
from collections.abc import Iterable
from itertools import cycle

import numpy as np
import pandas as pd
from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from sparse_sharing.evaluation.statistics import (
    HELPED,
    HIGHER,
    HURT,
    LOWER,
    NO_DIFFERENCE,
    NO_VERDICT,
    SEEDS_FOR_SYSTEMS,
    THESE_EQUAL,
)

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
"""Okabe and Ito's palette, told apart under every common kind of colour blindness."""

MARKERS = ("o", "s", "^", "D", "v", "P", "X")
GREY = "#555555"

STYLE = {
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#E5E5E5",
    "legend.frameon": False,
    "lines.linewidth": 1.4,
    "lines.markersize": 4.5,
    "svg.hashsalt": "sparse-sharing",
    "text.parse_math": False,
}

TITLE = 9

MEAN = "mean"
"""The task of rows that are the mean over tasks."""

PANEL = (3.4, 2.7)
"""Width and height of a panel in inches."""

MOST_TASKS = 6
MOST_PANELS = 24
"""Of datasets times tasks. A figure of more could not be read, would take minutes, and in the end be no image."""

VERDICT_LOOKS = {
    "better": (COLOURS[0], ">"),
    "worse": (COLOURS[1], "<"),
    NO_DIFFERENCE: (GREY, "o"),
    NO_VERDICT: (GREY, "x"),
}
"""Colour and marker of what a row says, of systems as of trained models."""

SHOWN_VERDICTS = {HELPED: "better", HIGHER: "better", HURT: "worse", LOWER: "worse", THESE_EQUAL: NO_DIFFERENCE}


def draw(name: str, table: pd.DataFrame) -> dict[str, bytes]:
    """A table of a run as a figure, in SVG and PNG by file ending; neither carries a date or a version.

    Args:
        name: comparisons, rounds, sweep, pairs or ablation.
        table: the table of that name, as the stage `tables` writes it.
    """
    contents = {}
    with style.context(["default", STYLE]):
        shown, left_out = bounded(table)
        figure = DRAWN[name](shown)
        if left_out:
            figure.suptitle(f"{left_out}; all stand in {name}.csv", fontsize=TITLE)
        for ending, metadata in (("svg", {"Date": None, "Creator": None}), ("png", {"Software": None})):
            stream = io.BytesIO()
            figure.savefig(stream, format=ending, dpi=160, metadata=metadata)
            contents[ending] = stream.getvalue()
    return contents


def bounded(table: pd.DataFrame) -> tuple[pd.DataFrame, str]:
    """The rows of the first tasks and datasets, as many as a figure can show, and which these are of how many."""
    tasks = [] if "task" not in table else [task for task in table["task"].unique() if task != MEAN]
    datasets = list(table["dataset"].unique())
    own = table[table["task"].isin([*tasks[:MOST_TASKS], MEAN])] if tasks else table
    count = MOST_PANELS // max(1, min(len(tasks), MOST_TASKS))
    own = own[own["dataset"].isin(datasets[:count])]
    said = [
        f"the first {most} of {len(names)} {what}"
        for what, names, most in (("datasets", datasets, count), ("tasks", tasks, MOST_TASKS))
        if len(names) > most
    ]
    return own, ", ".join(said).capitalize()


def comparisons(table: pd.DataFrame) -> Figure:
    """Forest plots of simultaneous 95 % intervals: a row of panels per dataset and reference."""
    blocks = list(table.groupby(["dataset", "reference"], sort=False))
    columns = max((block["task"].nunique() for _, block in blocks), default=1)
    rows = max((block["system"].nunique() for _, block in blocks), default=1)
    figure, grid = _panels(max(1, len(blocks)), columns, height=0.9 + 0.3 * rows, sharey="row")
    for ((dataset, reference), block), line in zip(blocks, grid, strict=False):
        systems = list(block["system"].unique())
        tasks = list(block[["task", "metric"]].drop_duplicates().itertuples(index=False, name=None))
        for (task, metric), axes in zip(tasks, line, strict=False):
            own = block[block["task"] == task]
            for row in own.itertuples():
                place = systems.index(row.system)
                colour, marker = VERDICT_LOOKS[SHOWN_VERDICTS.get(row.verdict, row.verdict)]
                axes.plot([row.lower, row.upper], [place, place], color=colour, solid_capstyle="butt", linewidth=2)
                axes.plot(row.difference, place, marker=marker, color=colour, markersize=6)
            axes.axvline(0, color=GREY, linewidth=0.8)
            axes.set_title(f"{dataset}: {task}", fontsize=TITLE)
            axes.set_xlabel(f"{_metric(metric)} minus that of {reference} (points)")
            axes.set_yticks(range(len(systems)), systems)
            axes.set_ylim(len(systems) - 0.4, -0.6)
            axes.xaxis.set_major_locator(MaxNLocator(5))
        _hide(line[len(tasks) :])
    handles = [
        Line2D([], [], color=colour, marker=marker, label=words, linewidth=2)
        for words, (colour, marker) in VERDICT_LOOKS.items()
        if words != NO_VERDICT or (table["verdict"] == NO_VERDICT).any()
    ]
    title = "95 % intervals that hold together over the dataset" + _of_models(table["seeds"])
    figure.legend(handles=handles, loc="outside lower center", ncols=2, title=title)
    return figure


def _of_models(seeds: pd.Series) -> str:
    """What must be said of a figure whose intervals do not cover other trainings."""
    few = seeds < SEEDS_FOR_SYSTEMS
    return ";\nthese trained models only" if few.all() else ";\nsome of trained models only" if few.any() else ""


def rounds(table: pd.DataFrame) -> Figure:
    """Dev score over the rounds of pruning (Fig. 3): a panel per dataset, start and task, a line per seed."""
    blocks = list(table.groupby(["dataset", "start", "task"], sort=False))
    tasks = max(1, table.groupby(["dataset", "start"])["task"].nunique().max())
    figure, grid = _panels(-(-len(blocks) // tasks), tasks)
    for ((dataset, start, task), block), axes in zip(blocks, grid.flat, strict=False):
        for (seed, curve), colour, marker in zip(
            block.groupby("seed", sort=False), cycle(COLOURS), cycle(MARKERS), strict=False
        ):
            axes.plot(curve["round"], curve["dev_score"], color=colour, marker=marker, label=f"seed {seed}")
            chosen = curve[curve["chosen"].notna()]
            axes.plot(
                chosen["round"], chosen["dev_score"], "o", markersize=11, markerfacecolor="none",
                markeredgecolor=colour, markeredgewidth=1.6,
            )  # fmt: skip
        published = block[block["published"].notna()].drop_duplicates("round")
        if len(published):
            axes.plot(published["round"], published["published"], "--", color=GREY, label="paper")
        axes.set_title(f"{dataset}: {task}, {START_NAMES[start]}", fontsize=TITLE)
        axes.set_xlabel("round of pruning (density in %)")
        axes.set_ylabel("dev score (%)")
        _label_rounds(axes, block.drop_duplicates("round"))
    _hide(grid.flat[len(blocks) :])
    handles, labels = _labels(grid.flat)
    ring = Line2D([], [], marker="o", markersize=11, markerfacecolor="none", color=GREY, linestyle="", label="chosen")
    figure.legend([*handles, ring], [*labels, "chosen round"], loc="outside lower center", ncols=6)
    return figure


START_NAMES = {"warmup": "from θ(w)", "initial": "from θ(0)"}


def sweep(table: pd.DataFrame) -> Figure:
    """Mean test score and overlap by density, equal for all tasks (Fig. 4): a row of two panels per dataset."""
    blocks = list(table.groupby("dataset", sort=False))
    figure, grid = _panels(len(blocks), 2)
    for (dataset, block), (scores, overlaps) in zip(blocks, grid, strict=True):
        whole = block["target_density"] == 1
        for _, row in block[whole].iterrows():
            spread = 0 if pd.isna(row["std"]) else row["std"]
            scores.errorbar(100, row["mean"], yerr=spread, fmt="*", color=COLOURS[1], markersize=9, label=row["system"])
        lines = block[~whole].groupby("start", sort=False)
        for (start, line), colour, marker in zip(lines, COLOURS, MARKERS, strict=False):
            density, look = 100 * line["density"], {"color": colour, "marker": marker, "label": START_NAMES[start]}
            scores.errorbar(density, line["mean"], yerr=line["std"].fillna(0), capsize=2, **look)
            overlaps.plot(density, line["overlap"], **look)
        chance = block.drop_duplicates("target_density").sort_values("density")
        label = "independent masks, densities by tensor"
        overlaps.plot(100 * chance["density"], chance["chance_by_tensor"], ":", color=COLOURS[-1], label=label)
        for axes, column in ((scores, "published"), (overlaps, "published_overlap")):
            paper = block[block[column].notna()].drop_duplicates("target_density")
            if len(paper):
                axes.plot(100 * paper["target_density"], paper[column], "--", color=GREY, label="paper")
            axes.set_xlabel("density of each task's mask (%)")
            axes.invert_xaxis()
        scores.set_title(f"{dataset}: score", fontsize=TITLE)
        scores.set_ylabel("mean test score over tasks (%)")
        overlaps.set_title(f"{dataset}: masks", fontsize=TITLE)
        overlaps.set_ylabel("overlap of all masks")
        overlaps.set_ylim(bottom=0)
    _legend_of_seeds(figure, grid, 4)
    return figure


def pairs(table: pd.DataFrame) -> Figure:
    """Gain of sparse over hard sharing against the overlap of the two masks: a panel per dataset, a point per pair."""
    means = table[(table["task"] == "mean") & table["gain"].notna()]
    blocks = list(means.groupby("dataset", sort=False))
    looks = dict(zip(means["tasks"].unique(), cycle(zip(COLOURS, MARKERS, strict=True)), strict=False))
    figure, grid = _panels(1, max(1, len(blocks)), width=4.4)
    for (dataset, block), axes in zip(blocks, grid.flat, strict=False):
        for row in block.to_dict("records"):
            colour, marker = looks[row["tasks"]]
            spread = 0 if pd.isna(row["gain_std"]) else row["gain_std"]
            axes.errorbar(
                row["overlap"], row["gain"], yerr=spread, fmt=marker, color=colour, capsize=2, label=row["tasks"]
            )
            if pd.notna(row["published_gain"]):
                place = row["published_overlap"], row["published_gain"]
                axes.plot(*place, marker, color=colour, markerfacecolor="none", label=f"{row['tasks']}, paper")
        axes.axhline(0, color=GREY, linewidth=0.8)
        axes.margins(x=0.1, y=0.15)
        axes.set_title(dataset, fontsize=TITLE)
        axes.set_xlabel("overlap of the two masks")
        axes.set_ylabel("gain over hard sharing (points)")
    _legend_of_seeds(figure, grid, 2)
    return figure


def ablation(table: pd.DataFrame) -> Figure:
    """What warm-up adds to sparse sharing (Table 8): a panel per dataset and pair of systems, a point per task."""
    blocks = list(table.groupby(["dataset", "with_warmup", "without_warmup"], sort=False))
    figure, grid = _panels(1, max(1, len(blocks)))
    for ((dataset, warm, cold), block), axes in zip(blocks, grid.flat, strict=False):
        tasks = range(len(block))
        axes.errorbar(
            tasks, block["difference"], yerr=block["std"].fillna(0), fmt="o", color=COLOURS[0], capsize=2, label="ours"
        )
        paper = block["published_with"] - block["published_without"]
        if paper.notna().any():
            axes.plot(tasks, paper, "s", color=GREY, markerfacecolor="none", label="paper")
        axes.axhline(0, color=GREY, linewidth=0.8)
        axes.set_xticks(list(tasks), block["task"])
        axes.margins(x=0.15)
        axes.set_title(f"{dataset}: {warm}\nminus {cold}", fontsize=TITLE)
        axes.set_ylabel("gain by warm-up (points)")
    _legend_of_seeds(figure, grid, 2)
    return figure


def _panels(
    rows: int, columns: int, width: float = PANEL[0], height: float = PANEL[1], **options: object
) -> tuple[Figure, np.ndarray]:
    """A figure with a grid of panels [rows, columns] of a width and height in inches, and room for a legend below."""
    figure = Figure(figsize=(width * columns, height * rows + 0.6), layout="constrained")
    return figure, figure.subplots(rows, columns, squeeze=False, **options)


def _hide(axes: Iterable[Axes]) -> None:
    for panel in axes:
        panel.set_visible(False)


def _labels(axes: Iterable[Axes]) -> tuple[list, list[str]]:
    """Handles and labels of all panels, each label once."""
    found = {}
    for panel in axes:
        for handle, label in zip(*panel.get_legend_handles_labels(), strict=True):
            found.setdefault(label, handle)
    return list(found.values()), list(found)


def _legend_of_seeds(figure: Figure, grid: np.ndarray, columns: int) -> None:
    """The legend of a figure whose points are means over seeds."""
    title = "means over seeds; bars: standard deviation"
    figure.legend(*_labels(grid.flat), loc="outside lower center", ncols=columns, title=title)


def _label_rounds(axes: Axes, rows: pd.DataFrame) -> None:
    """Some rounds with their densities below them."""
    shown = rows.iloc[:: max(1, len(rows) // 5)]
    axes.set_xticks(
        shown["round"], [f"{k}\n({100 * d:.0f})" for k, d in zip(shown["round"], shown["density"], strict=True)]
    )


def _metric(name: str) -> str:
    return "F1" if name == "f1" else name


DRAWN = {"comparisons": comparisons, "rounds": rounds, "sweep": sweep, "pairs": pairs, "ablation": ablation}
"""How each figure is drawn."""
