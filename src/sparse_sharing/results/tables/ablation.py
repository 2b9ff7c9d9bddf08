"""The table `ablation`: the gain of sparse sharing by the warm-up (Table 8)."""

import pandas as pd

from sparse_sharing.pipeline.experiments import ablation_of
from sparse_sharing.pipeline.tables.ablation import RECORD
from sparse_sharing.results.drawing import GREY, PALETTE, Chart, error_bars, nominal, panel, quantitative, zero_line
from sparse_sharing.results.tables.inputs import RunInputs
from sparse_sharing.results.tables.measured import Measured, contrast, on_each_dataset


def build(run: RunInputs) -> pd.DataFrame:
    """The table of a run."""
    return ablation(run.measured)


def ablation(measured: Measured) -> pd.DataFrame:
    """Sparse sharing with and without warm-up, equal otherwise (Table 8).

    Returns:
        One row per dataset, pair of systems and task, and one of task "mean": both scores (means over seeds), their
        difference with its deviation over seeds, and both scores in the paper.
    """
    rows = []
    partners = dict(ablation_of(measured.facts))
    for dataset, warm in on_each_dataset(measured, list(partners)):
        cold, warm_facts = partners[warm], measured.facts[warm]
        experiment = measured.experiment(dataset) if warm_facts.kind == "sparse" and warm_facts.tasks is None else None
        for row in contrast(measured, dataset, warm, cold, warm_facts.tasks or measured.tasks[dataset]):
            rows.append(
                {
                    "dataset": dataset,
                    "choice": warm_facts.choice,
                    "task": row["task"],
                    "with_warmup": warm,
                    "without_warmup": cold,
                    "seeds": row["seeds"],
                    "with_score": row["first"],
                    "without_score": row["second"],
                    "difference": row["difference"],
                    "std": row["std"],
                    "published_with": experiment.score("sparse", row["task"]) if experiment else None,
                    "published_without": experiment.score("sparse_no_warmup", row["task"]) if experiment else None,
                }
            )
    return pd.DataFrame(rows, columns=list(RECORD.columns))


def chart(ablation: pd.DataFrame) -> Chart:
    """The gain of sparse sharing by the warm-up: a panel for each pair of systems, a point for each task.

    Args:
        ablation: rows of `ablation.csv` of one dataset.
    """
    gains = ablation.assign(published=ablation["published_with"] - ablation["published_without"])
    gain = quantitative("difference", "gain by the warm-up, points")
    published = {
        "transform": [{"filter": "isValid(datum.published)"}],
        "encoding": {"y": {**gain, "field": "published"}},
    }
    published["mark"] = {"type": "point", "shape": "square", "filled": False, "size": 90, "color": GREY}
    marks = [
        zero_line(),
        error_bars("difference", "std", gain["title"]),
        {"mark": {"type": "point", "filled": True, "size": 90, "opacity": 1, "color": PALETTE[0]}},
        published,
    ]
    panels = []
    for (warm, cold), rows in gains.groupby(["with_warmup", "without_warmup"], sort=False):
        tasks = {**nominal("task", list(rows["task"])), "axis": {"labelAngle": 0}}
        panels.append(panel(f"{warm} minus {cold}", rows, {"layer": marks, "encoding": {"x": tasks, "y": gain}}))
    caption = "Test score with minus without the multi-task warm-up, mean over the seeds with its standard deviation."
    if gains["published"].notna().any():
        caption += " Squares: the paper."
    return Chart("ablation", "Gain by the warm-up", caption, panels, ablation)
