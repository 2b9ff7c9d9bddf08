"""What the report says in words and tables: the lead, the facts, the scores."""

import subprocess
from dataclasses import replace
from pathlib import Path

import pandas as pd

from sparse_sharing import statistics
from sparse_sharing.config.specs import ReportSpec
from sparse_sharing.report.page import Column, Table, plain_table
from sparse_sharing.report.results import RunResults

CAPTIONS = {
    "types": "Precision, recall and F1 in percent for each span type, or each tag; support counts the gold ones.",
    "data": "Sizes as read; unknown words and words with a vector as shares of the tokens of a split, in percent.",
    "jobs": "Wall-clock seconds and peak resident memory, as the workflow has measured them.",
    "paper": "Published figures beside the measured ones; the difference in points.",
}
UNKNOWN = "unknown"


def lead(summary: pd.DataFrame, dataset: str, baseline: str) -> str:
    """One sentence on the best system of a dataset."""
    own = summary[summary["dataset"] == dataset]
    means = own[own["task"] == "mean"]
    means = means if len(means) else own
    best = means.loc[means["mean"].idxmax()]
    what = "mean over the tasks" if best["task"] == "mean" else f"score of {best['task']}"
    reference = means[means["system"] == baseline]
    text = f"{best['system']} has the highest {what} on test, {best['mean']:.2f} %"
    if best["system"] == baseline or not len(reference):
        return text + "."
    gain, share = best["difference"], best["parameters"] / max(1, reference["parameters"].iloc[0])
    return f"{text}, {_signed(gain)} points against {baseline}, with {share:.0%} of its parameters."


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
    table = plain_table("verdicts", "Helped, hurt, or no measurable difference", caption, compared[shown], 3)
    columns = [replace(column, title=VERDICT_COLUMNS[column.title]) for column in table.columns]
    marked = [place for place, verdict in enumerate(compared["verdict"]) if verdict in statistics.DIFFERENCES]
    verdict = shown.index("verdict")
    return replace(table, columns=columns, data=compared, best=frozenset((place, verdict) for place in marked))


def with_intervals(scores: pd.DataFrame, compared: pd.DataFrame | None, baseline: str) -> pd.DataFrame:
    """The scores with the simultaneous interval of their difference to the baseline, where there is one."""
    if compared is None or not {"lower", "upper"} <= set(compared.columns):
        return scores
    own = compared[compared["reference"] == baseline][["dataset", "system", "task", "lower", "upper"]]
    return scores.merge(own, on=["dataset", "system", "task"], how="left")


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
