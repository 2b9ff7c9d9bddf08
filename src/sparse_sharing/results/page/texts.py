"""What the report says in words and tables: the lead, the facts, the scores."""

import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd

from sparse_sharing.evaluation import statistics
from sparse_sharing.evaluation.statistics import NO_DIFFERENCE, NO_VERDICT, THESE_EQUAL
from sparse_sharing.pipeline.specs import ReportSpec
from sparse_sharing.results.page.page import Column, Table, plain_table
from sparse_sharing.results.page.results import RunResults
from sparse_sharing.results.tables.costs import ALL
from sparse_sharing.results.tables.marks import COLUMN, explanation, system_marks

CAPTIONS = {
    "data": "Sizes as read; unknown words and words with a vector as shares of the tokens of a split, in percent.",
    "jobs": "Wall-clock seconds and peak resident memory, as the workflow has measured them.",
    "spent": "Updates (optimizer steps on batches of a task) and tokens of the warm-up that a system starts from, of "
    "the prunings behind its masks, and of its training; dev scores: how many chose an epoch or a mask; processor "
    "seconds of all jobs. Means over the seeds. What systems share is counted for each of them.",
    "paper": "Published figures beside the measured ones; the difference in points.",
}
UNKNOWN = "unknown"

AGAIN = (
    "Repeat this run with its configuration file (without --configfile for the default run). Its settings, versions "
    "and digests are below."
)


MOST_NAMED = 5
"""Comparisons of one verdict that the lead names; beyond, they are only counted."""

EQUAL = (NO_DIFFERENCE, THESE_EQUAL)
"""The verdicts that name no better system."""

THESE_MODELS = "these models: "
"""What a verdict begins with that is about trained models; left out where a sentence says so for all."""

ENOUGH_SEEDS = 3
"""From so many seeds on a comparison says something about systems, not only about the models that were trained."""


def lead(compared: pd.DataFrame | None, dataset: str, baseline: str) -> str:
    """What the verdicts of a dataset come to: those against the baseline, or all where it is no reference."""
    own = pd.DataFrame() if compared is None else compared[compared["dataset"] == dataset]
    if not len(own):
        return "No two systems are compared."
    against = own[own["reference"] == baseline]
    rows, whom = (against, f" with {baseline}") if len(against) else (own, "")
    if about_models := _few_seeds(rows):
        rows = rows.assign(verdict=rows["verdict"].str.removeprefix(THESE_MODELS))
    return f"{_verdicts(rows, whom)}.{about_models}"


def _verdicts(rows: pd.DataFrame, whom: str) -> str:
    """How often each verdict was reached, and by whom, where they are few."""
    if len(rows) == 1:
        row = rows.iloc[0]
        return f"{row['system']} against {row['reference']}, {row['task']}: {row['verdict']}"
    if rows["verdict"].nunique() == 1:
        verdict = str(rows["verdict"].iloc[0])
        return f"{verdict[:1].upper()}{verdict[1:]} in each of the {len(rows)} comparisons{whom}"
    parts = {}
    for verdict, block in rows.groupby("verdict", sort=False):
        names = block["system"] + " on " + block["task"] + ("" if whom else " against " + block["reference"])
        named = verdict not in EQUAL and len(block) <= MOST_NAMED
        parts[verdict] = f"{verdict} in {len(block)}" + (f" ({', '.join(names)})" if named else "")
    order = sorted(parts, key=(NO_VERDICT, *EQUAL).__contains__)
    return f"Of {len(rows)} comparisons{whom}: {', '.join(parts[verdict] for verdict in order)}"


def _few_seeds(rows: pd.DataFrame) -> str:
    """What a comparison with one seed or two is about."""
    seeds = int(rows["seeds"].max())
    if seeds >= ENOUGH_SEEDS:
        return ""
    count = "one seed" if seeds == 1 else f"{seeds} seeds"
    return f" With {count} this is about these trained models, not about the systems."


def warnings(tables: Mapping[str, pd.DataFrame], text: Mapping[str, Sequence[str]]) -> list[str]:
    """What speaks against believing the scores: marks of systems, leaked sentences, notes on the text by dataset."""
    summary = tables["summary"]
    summary = summary.assign(**{COLUMN: summary[COLUMN].astype(object).fillna("")})
    lines = [
        f"{dataset}, {system}: {marks}."
        for (dataset, system), rows in summary.groupby(["dataset", "system"], sort=False)
        if (marks := system_marks(rows))
    ]
    lines += [explained] if (explained := explanation(summary)) else []
    lines += [
        f"{row['dataset']}: {row['leaked']} of {row['sentences']} test sentences of {row['task']} also occur in the "
        "training or dev text; a table below shows the scores without them."
        for row in tables["leaks"].drop_duplicates(["dataset", "task"]).to_dict("records")
    ]
    return [*lines, *(f"{dataset}: {note}." for dataset, notes in text.items() for note in notes)]


def facts(spec: ReportSpec, results: RunResults) -> dict[str, str]:
    """Figures at the head of the page."""
    seconds = float(results.costs["seconds"].sum())
    known = {
        "Datasets": ", ".join(spec.datasets),
        "Systems": str(len(spec.systems)),
        "Seeds": ", ".join(map(str, spec.seeds)),
        "Models trained": str(len(spec.models())),
    }
    if seconds:
        known["Time of all jobs"] = f"{seconds / 3600:.1f} h" if seconds >= 3600 else f"{seconds / 60:.0f} min"
    return known


def score_table(scores: pd.DataFrame) -> Table:
    """The systems of one dataset: test score of each task and their mean, parameters, density."""
    systems = list(dict.fromkeys(scores["system"]))
    tasks = scores[["task", "metric"]].drop_duplicates()
    tasks = list(tasks.sort_values("task", key=lambda task: task == "mean", kind="stable").itertuples(index=False))
    columns = [Column("system", systems, systems, False)]
    best = set()
    for task, metric in tasks:
        rows = scores[scores["task"] == task].set_index("system")
        title = "mean" if task == "mean" else f"{task} {'F1' if metric == 'f1' else metric}"
        own = [rows.loc[system] if system in rows.index else None for system in systems]
        best |= {(place, len(columns)) for place, row in enumerate(own) if row is not None and row["best"]}
        columns.append(_numbers(title, [_score(row) for row in own], [_value(row, "mean") for row in own]))
        if scores["difference"].notna().any():
            points = [_value(row, "difference") for row in own]
            columns.append(_numbers("Δ", [_signed(p) if p == p else "" for p in points], points))
    sizes = scores.groupby("system", sort=False)["parameters"].first()[systems]
    columns.append(_numbers("parameters", [f"{int(size):,}" for size in sizes], list(sizes)))
    kept = scores[scores["task"] != "mean"].groupby("system", sort=False)["density"].mean()[systems]
    columns.append(_numbers("density", [f"{share:.1%}" for share in kept], list(kept)))
    seeds = int(scores["seeds"].max())
    spread = "one seed" if seeds == 1 else f"mean ± sample standard deviation over {seeds} seeds"
    caption = (
        f"Accuracy or span F1 on the test split in percent, {spread}. Δ: points against the baseline. Marked: best. "
        "Parameters: union of the masks plus biases. Density: mean over the tasks."
    )
    return Table("scores", "Test scores", caption, columns, scores, frozenset(best))


VERDICT_COLUMNS = {
    "system": "system",
    "reference": "against",
    "task": "task",
    "verdict": "verdict",
    "difference": "points",
    "lower": "from",
    "upper": "to",
    "detectable": "detectable",
    "seeds": "seeds",
    "units": "resampled",
    "reason": "reason",
    "marks": "marks",
}
"""The columns of the comparisons that the page shows, what decides first, and what they are called there."""


def verdict_table(compared: pd.DataFrame) -> Table:
    """Whether sharing helped or hurt each task, with the uncertainty."""
    caption = (
        "Each system against a reference: the verdict, the difference in points with its 95 % interval. The intervals "
        "of a dataset hold together, and there is a verdict where one leaves zero out. Detectable: a true difference "
        "that would be found in 80 % of the runs. Words about 'these models' cover no other trainings."
    )
    shown = [name for name in VERDICT_COLUMNS if name in compared and compared[name].notna().any()]
    table = plain_table("verdicts", "All figures of the comparisons", caption, compared[shown], 3)
    columns = [replace(column, title=VERDICT_COLUMNS[column.title]) for column in table.columns]
    marked = [place for place, verdict in enumerate(compared["verdict"]) if verdict in statistics.DIFFERENCES]
    verdict = shown.index("verdict")
    best = frozenset((place, verdict) for place in marked)
    return replace(table, columns=columns, data=compared, best=best, folded=True)


def cost_table(spent: pd.DataFrame) -> Table:
    """What each system has cost over all its tasks; the CSV file has each task too."""
    shown = spent[spent["task"] == ALL].drop(columns=["task", "seeds"]).dropna(axis="columns", how="all")
    shown = shown.rename(columns={name: name.replace("_", " ") for name in shown})
    return replace(plain_table("spent", "Budget and cost", CAPTIONS["spent"], shown, 0), data=spent)


def synthetic(data: pd.DataFrame) -> list[str]:
    """A sentence on the datasets whose text the demo has generated."""
    found = dict.fromkeys(data[data["synthetic"]]["dataset"]) if len(data) else {}
    if not found:
        return []
    return [
        f"{', '.join(found)}: synthetic demo text, generated from templates. Scores on it say nothing about real text."
    ]


def git_revision(folder: Path) -> str:
    """The commit that a folder's files are of, where that can be told."""
    command = ["git", "-C", str(folder), "describe", "--always", "--dirty", "--abbrev=12"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return UNKNOWN
    return done.stdout.strip() or UNKNOWN


def _numbers(title: str, cells: list[str], values: list[float]) -> Column:
    return Column(title, cells, [float("-inf") if value != value else float(value) for value in values], True)


def _signed(points: float) -> str:
    return f"{points:+.2f}".replace("-", "−")


def _value(row: pd.Series | None, name: str) -> float:
    return float("nan") if row is None else float(row[name])


def _score(row: pd.Series | None) -> str:
    if row is None:
        return ""
    return f"{row['mean']:.2f}" + (f" ± {row['std']:.2f}" if row["std"] == row["std"] else "")
