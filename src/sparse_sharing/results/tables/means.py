"""The systems compared by their means over seeds."""

import pandas as pd

from sparse_sharing.results.tables.markup import SHOWN_DECIMALS
from sparse_sharing.results.tables.scores import MODEL

SUMMARY = ["dataset", "system", "task", "metric", "seeds", "mean", "std", "min", "max", "difference", "best"]
SUMMARY += ["parameters", "density"]

MEAN = "mean"
"""Task and metric of the summary's rows that average the tasks of a dataset."""


def summary(results: pd.DataFrame, baseline: str = "single") -> pd.DataFrame:
    """Compare the systems by each task's main metric on test: one row per dataset, system and task, in given order.

    Datasets with several tasks have rows of task "mean" as well: the mean over tasks, of the seeds that have all.

    Args:
        results: as `results` returns it.
        baseline: the system that the others are compared with.

    Returns:
        The columns dataset, system, task, metric ("f1" where the task has it, else "accuracy"; "mean"), seeds (their
        number), mean, std (sample deviation; missing for one seed), min and max over the seeds, difference (of the
        means to the baseline's; missing for the baseline and where it is absent), best (whether no system's mean on
        this task is higher, as shown), parameters and density (means over the seeds).
    """
    scores = main_metric(results[results["split"] == "test"])
    scores = pd.concat([scores, task_means(scores)], ignore_index=True)
    columns = {name: ("value", name) for name in (MEAN, "std", "min", "max")}
    columns = {"seeds": ("seed", "nunique")} | columns | {name: (name, "mean") for name in ("parameters", "density")}
    table = scores.groupby(["model", "dataset", "system", "task", "metric"], sort=False).agg(**columns).reset_index()
    table = table.sort_values("model", kind="stable", ignore_index=True)

    cell = ["dataset", "task", "metric"]
    reference = table.loc[table["system"] == baseline, [*cell, MEAN]].rename(columns={MEAN: "reference"})
    table = table.merge(reference, on=cell, how="left")
    table["difference"] = (table[MEAN] - table["reference"]).where(table["system"] != baseline)
    shown = table[MEAN].map(lambda mean: round(mean, SHOWN_DECIMALS))
    table["best"] = shown == shown.groupby([table[name] for name in cell]).transform("max")
    table["parameters"] = table["parameters"].round().astype(int)
    return table[SUMMARY]


def main_metric(scores: pd.DataFrame) -> pd.DataFrame:
    """The rows of each task's main metric, with the place of their model among dataset and system pairs."""
    spans = (scores["metric"] == "f1").groupby([scores["dataset"], scores["task"]]).transform("any")
    main = scores[scores["metric"] == spans.map({True: "f1", False: "accuracy"})]
    return main.assign(model=main.groupby(["dataset", "system"], sort=False).ngroup())


def task_means(scores: pd.DataFrame) -> pd.DataFrame:
    """The mean over tasks of each model that has all tasks of its dataset, where these are several."""
    tasks = scores.groupby("dataset")["task"].transform("nunique")
    means = scores.assign(tasks=tasks).groupby(["model", *MODEL, "tasks"], sort=False, as_index=False)
    means = means.agg(
        value=("value", "mean"),
        found=("task", "nunique"),
        parameters=("parameters", "first"),
        density=("density", "mean"),
    )
    complete = means[(means["found"] == means["tasks"]) & (means["tasks"] > 1)]
    return complete.drop(columns=["tasks", "found"]).assign(task=MEAN, metric=MEAN)
