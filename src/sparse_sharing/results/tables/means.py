"""The main metric of each task, and its mean over tasks."""

import pandas as pd

from sparse_sharing.results.tables.scores import MODEL

MEAN = "mean"
"""The task and metric of rows with the mean over the tasks of a dataset."""


def main_metric(scores: pd.DataFrame) -> pd.DataFrame:
    """The rows of each task's main metric, with the place of their model among dataset and system pairs."""
    spans = (scores["metric"] == "f1").groupby([scores["dataset"], scores["task"]]).transform("any")
    main = scores[scores["metric"] == spans.map({True: "f1", False: "accuracy"})]
    return main.assign(model=main.groupby(["dataset", "system"], sort=False).ngroup())


def task_means(scores: pd.DataFrame) -> pd.DataFrame:
    """The mean over tasks of each model that has all tasks of its dataset, for datasets with several tasks."""
    tasks = scores.groupby("dataset")["task"].transform("nunique")
    means = scores.assign(tasks=tasks).groupby(["model", *MODEL, "tasks"], sort=False, as_index=False)
    means = means.agg(
        value=("value", "mean"),
        found=("task", "nunique"),
        parameters=("parameters", "first"),
        trained_parameters=("trained_parameters", "first"),
        density=("density", "mean"),
    )
    complete = means[(means["found"] == means["tasks"]) & (means["tasks"] > 1)]
    return complete.drop(columns=["tasks", "found"]).assign(task=MEAN, metric=MEAN)
