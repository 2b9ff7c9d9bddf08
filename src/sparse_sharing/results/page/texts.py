"""The texts and tables of the report: the lead, the facts, the scores."""

import subprocess
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd

from sparse_sharing.evaluation import statistics
from sparse_sharing.evaluation.statistics import NO_DIFFERENCE, NO_VERDICT, THESE_EQUAL
from sparse_sharing.pipeline.specs import ReportSpec
from sparse_sharing.results.page.page import Column, Section, Table, plain_table
from sparse_sharing.results.page.results import RunResults
from sparse_sharing.results.rows import distinct
from sparse_sharing.results.tables.costs import ALL
from sparse_sharing.results.tables.means import MEAN

CAPTIONS = {
    "data": "Sizes as read; unknown words and words with a vector as shares of the tokens of a split, in percent.",
    "spans": "The number of spans in each split after reading, to compare with published numbers.",
    "jobs": "Wall-clock seconds and peak resident memory, as measured by the workflow.",
    "spent": "Updates (optimizer steps on batches of a task) and tokens of the warm-up that a system starts from, of "
    "the prunings behind its masks, and of its training; dev scores: the number used to choose an epoch or a "
    "mask; processor "
    "seconds of all jobs. Means over the seeds. Costs that systems share are counted for each of them.",
}
UNKNOWN = "unknown"

AGAIN = "Repeat this run in the folder where it was started. Its settings, versions and digests are below."

MANY_DATASETS = 8
"""With more datasets, the lead counts the verdicts of all datasets together, and the page folds the datasets."""

MOST_JOBS = 200

MOST_NAMED = 5
"""How many comparisons of one verdict the lead names; if there are more, they are only counted."""

EQUAL = (NO_DIFFERENCE, THESE_EQUAL)
"""The verdicts without a better system."""

THESE_MODELS = "these models: "
"""The prefix of verdicts that apply only to trained models; omitted if a sentence says so for all."""

ENOUGH_SEEDS = 3
"""The number of seeds from which a comparison applies to systems, not only to the trained models."""


def lead(compared: pd.DataFrame | None, dataset: str, baseline: str) -> str:
    """A summary of the verdicts of a dataset: those against the baseline, or all if it is not a reference."""
    rows = pd.DataFrame() if compared is None else compared[compared["dataset"] == dataset]
    return _lead(rows, baseline)


def leads(compared: pd.DataFrame, datasets: Sequence[str], baseline: str) -> dict[str, str]:
    """The lead of each dataset by name, or of many datasets one for all together. Notes on all come last."""
    if len(datasets) > MANY_DATASETS:
        return {f"All {len(datasets)} datasets": _lead(compared, baseline)}
    by_dataset = {dataset: lead(compared, dataset, baseline) for dataset in datasets}
    about = _few_seeds(compared) if len(compared) else ""
    if not about or not all(text.endswith(about) for text in by_dataset.values()):
        return by_dataset
    last = list(by_dataset)[-1]
    return {dataset: text if dataset == last else text.removesuffix(about) for dataset, text in by_dataset.items()}


def _lead(compared: pd.DataFrame, baseline: str) -> str:
    if not len(compared):
        return "No systems are compared."
    against = compared[compared["reference"] == baseline]
    rows, whom = (against, f" with {baseline}") if len(against) else (compared, "")
    if about_models := _few_seeds(rows):
        rows = rows.assign(verdict=rows["verdict"].str.removeprefix(THESE_MODELS))
    return f"{_verdicts(rows, whom)}.{about_models}"


def _verdicts(rows: pd.DataFrame, whom: str) -> str:
    """How often each verdict occurs, and for which comparisons if they are few."""
    if len(rows) == 1:
        row = rows.iloc[0]
        return f"{row['system']} against {row['reference']}, {row['task']}: {row['verdict']}"
    if rows["verdict"].nunique() == 1:
        verdict = str(rows["verdict"].iloc[0])
        negated = verdict in (NO_VERDICT, *EQUAL)
        count = "any of the" if negated else "all"
        return f"{verdict[:1].upper()}{verdict[1:]} in {count} {len(rows)} comparisons{whom}"
    parts = {}
    for verdict, block in rows.groupby("verdict", sort=False):
        names = block["system"] + " on " + block["task"] + ("" if whom else " against " + block["reference"])
        named = verdict not in EQUAL and len(block) <= MOST_NAMED and block["dataset"].nunique() == 1
        parts[verdict] = f"{verdict} in {len(block)}" + (f" ({', '.join(names)})" if named else "")
    order = sorted(parts, key=(NO_VERDICT, *EQUAL).__contains__)
    return f"Of {len(rows)} comparisons{whom}: {', '.join(parts[verdict] for verdict in order)}"


def _few_seeds(rows: pd.DataFrame) -> str:
    """A note on comparisons with one or two seeds."""
    seeds = int(rows["seeds"].max())
    if seeds >= ENOUGH_SEEDS:
        return ""
    count = "one seed" if seeds == 1 else f"{seeds} seeds"
    return f" With {count}, the verdicts apply to these trained models only, not to the systems in general."


def facts(spec: ReportSpec, results: RunResults) -> dict[str, str]:
    """Facts at the top of the page."""
    seconds = float(results.costs["seconds"].sum())
    values = {
        "Datasets": ", ".join(spec.datasets),
        "Systems": str(len(spec.systems)),
        "Seeds": ", ".join(map(str, spec.seeds)),
        "Models trained": str(len(spec.models())),
    }
    if seconds:
        values["Time of all jobs"] = f"{seconds / 3600:.1f} h" if seconds >= 3600 else f"{seconds / 60:.0f} min"
    return values


def score_table(scores: pd.DataFrame) -> Table:
    """The systems of one dataset: test score of each task and their mean, parameters, density."""
    systems = list(dict.fromkeys(scores["system"]))
    tasks = scores[["task", "metric"]].drop_duplicates()
    tasks = list(tasks.sort_values("task", key=lambda task: task == "mean", kind="stable").itertuples(index=False))
    columns = [Column("system", systems, False)]
    best = set()
    for task, metric in tasks:
        rows = scores[scores["task"] == task].set_index("system")
        title = "mean" if task == "mean" else f"{task} {'F1' if metric == 'f1' else metric}"
        system_rows = [rows.loc[system] if system in rows.index else None for system in systems]
        best |= {(place, len(columns)) for place, row in enumerate(system_rows) if row is not None and row["best"]}
        columns.append(Column(title, [_score(row) for row in system_rows], True))
        if scores["difference"].notna().any():
            points = [_value(row, "difference") for row in system_rows]
            columns.append(Column("Δ", [_signed(p) if p == p else "" for p in points], True))
    sizes = scores.groupby("system", sort=False)["parameters"].first()[systems]
    columns.append(Column("parameters", [f"{int(size):,}" for size in sizes], True))
    trained = scores.groupby("system", sort=False)["trained_parameters"].first()[systems]
    if (trained != sizes).any():
        columns.append(Column("trained", [f"{int(size):,}" for size in trained], True))
    densities = scores[scores["task"] != "mean"].groupby("system", sort=False)["density"].mean()[systems]
    columns.append(Column("density", [f"{share:.1%}" for share in densities], True))
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
"""The columns of the comparisons that the page shows, the decisive ones first, and their headings."""


def verdict_table(compared: pd.DataFrame) -> Table:
    """Whether sharing helped or hurt each task, with intervals."""
    caption = (
        "Each system against a reference: the verdict, the difference in points with its 95 % interval. The intervals "
        "of a dataset are simultaneous; a verdict needs an interval without zero. Detectable: a true difference "
        "that would be found in 80 % of the runs. Verdicts on 'these models' do not cover other trainings."
    )
    shown = [name for name in VERDICT_COLUMNS if name in compared and compared[name].notna().any()]
    table = plain_table("verdicts", "All numbers of the comparisons", caption, compared[shown], 3)
    columns = [replace(column, title=VERDICT_COLUMNS[column.title]) for column in table.columns]
    marked = [place for place, verdict in enumerate(compared["verdict"]) if verdict in statistics.DIFFERENCES]
    verdict = shown.index("verdict")
    best = frozenset((place, verdict) for place in marked)
    return replace(table, columns=columns, data=compared, best=best, folded=True)


def cost_table(spent: pd.DataFrame) -> Table:
    """The cost of each system over all its tasks; the CSV file also has each task."""
    shown = spent[spent["task"] == ALL].drop(columns=["task", "seeds"]).dropna(axis="columns", how="all")
    shown = shown.rename(columns={name: name.replace("_", " ") for name in shown})
    return replace(plain_table("spent", "Budget and cost", CAPTIONS["spent"], shown, 0), data=spent)


def jobs_table(jobs: pd.DataFrame) -> Table:
    """All jobs with their time and memory, or those that took longest; the CSV file has all."""
    if len(jobs) <= MOST_JOBS:
        return replace(plain_table("jobs", "Every job", CAPTIONS["jobs"], jobs, 1), folded=True)
    longest = jobs.nlargest(MOST_JOBS, "seconds")
    title = f"The {MOST_JOBS} jobs that took longest, of {len(jobs):,}"
    return replace(plain_table("jobs", title, CAPTIONS["jobs"], longest, 1), data=jobs, folded=True)


def overview(summary: pd.DataFrame) -> Section:
    """All datasets in one table: the mean test score over the tasks of each, one column per system."""
    tasks = summary.groupby("dataset")["task"].transform("nunique")
    means = summary[(summary["task"] == MEAN) | (tasks == 1)]
    systems = distinct(means["system"])
    scores = means.pivot(index="dataset", columns="system", values="mean").reindex(distinct(means["dataset"]))[systems]
    cells = [[f"{score:.2f}" if score == score else "" for score in scores[system]] for system in systems]
    best = scores.round(2).eq(scores.round(2).max(axis=1), axis=0)
    marked = {(row, column + 1) for row, column in zip(*best.to_numpy().nonzero(), strict=True)}
    columns = [Column("dataset", [str(name) for name in scores.index], False)]
    columns += [Column(system, values, True) for system, values in zip(systems, cells, strict=True)]
    caption = "Mean test score over the tasks of each dataset in percent. Marked: best. Names are links to the details."
    table = Table("overview", "Mean scores", caption, columns, means, frozenset(marked))
    return Section("overview", "All datasets", [table])


def git_revision(folder: Path) -> str:
    """The commit of the files of a folder; empty if it is unknown."""
    command = ["git", "-C", str(folder), "describe", "--always", "--dirty", "--abbrev=12"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return UNKNOWN
    return done.stdout.strip() or UNKNOWN


def _signed(points: float) -> str:
    return f"{points:+.2f}".replace("-", "−")


def _value(row: pd.Series | None, name: str) -> float:
    return float("nan") if row is None else float(row[name])


def _score(row: pd.Series | None) -> str:
    if row is None:
        return ""
    return f"{row['mean']:.2f}" + (f" ± {row['std']:.2f}" if row["std"] == row["std"] else "")
