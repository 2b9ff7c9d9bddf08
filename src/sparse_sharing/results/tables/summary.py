"""The table `summary`: the systems compared by their means over seeds; also as Markdown and LaTeX."""

from collections.abc import Mapping

import pandas as pd

from sparse_sharing.pipeline.tables.summary import RECORD
from sparse_sharing.results.tables import documents as texts
from sparse_sharing.results.tables.inputs import RunInputs
from sparse_sharing.results.tables.markup import SHOWN_DECIMALS
from sparse_sharing.results.tables.means import MEAN, main_metric, task_means


def build(run: RunInputs) -> pd.DataFrame:
    """The table of a run."""
    return summary(run.table("results"), run.spec.baseline)


def documents(run: RunInputs) -> Mapping[str, str]:
    """The summary as text by file ending, with the further tables of each dataset."""
    return {"md": texts.markdown(run), "tex": texts.latex(run)}


def summary(results: pd.DataFrame, baseline: str = "single") -> pd.DataFrame:
    """Compare the systems by each task's main metric on test: one row per dataset, system and task, in their order.

    Datasets with several tasks also have rows of task "mean": the mean over tasks, for the seeds that have all.

    Args:
        results: the table that `results.results` returns.
        baseline: the system that the others are compared with.

    Returns:
        The columns dataset, system, task, metric ("f1" where the task has it, else "accuracy"; "mean"), seeds (their
        number), mean, std (sample deviation; missing for one seed), min and max over the seeds, difference (of the
        means to the baseline's; missing for the baseline and where it is absent), best (whether no system's mean on
        this task is higher, as shown), parameters, trained_parameters and density (means over the
        seeds).
    """
    scores = main_metric(results[results["split"] == "test"])
    scores = pd.concat([scores, task_means(scores)], ignore_index=True)
    columns = {name: ("value", name) for name in (MEAN, "std", "min", "max")}
    means = ("parameters", "trained_parameters", "density")
    columns = {"seeds": ("seed", "nunique")} | columns | {name: (name, "mean") for name in means}
    table = scores.groupby(["model", "dataset", "system", "task", "metric"], sort=False).agg(**columns).reset_index()
    table = table.sort_values("model", kind="stable", ignore_index=True)

    cell = ["dataset", "task", "metric"]
    reference = table.loc[table["system"] == baseline, [*cell, MEAN]].rename(columns={MEAN: "reference"})
    table = table.merge(reference, on=cell, how="left")
    table["difference"] = (table[MEAN] - table["reference"]).where(table["system"] != baseline)
    shown = pd.Series([round(float(mean), SHOWN_DECIMALS) for mean in table[MEAN]], index=table.index)
    table["best"] = shown == shown.groupby([table[name] for name in cell]).transform("max")
    for name in means[:2]:
        table[name] = table[name].round().astype(int)
    return table[list(RECORD.columns)]
