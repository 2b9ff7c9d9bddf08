"""The table `pairs`: sparse sharing of two tasks, the overlap of their masks and the gain."""

from typing import Any

import pandas as pd

from sparse_sharing.pipeline.experiments import pairs_of
from sparse_sharing.pipeline.tables.pairs import RECORD
from sparse_sharing.results.drawing import Chart, colour, error_bars, panel, quantitative, zero_line
from sparse_sharing.results.tables.inputs import RunInputs
from sparse_sharing.results.tables.means import MEAN
from sparse_sharing.results.tables.measured import Measured, contrast, on_each_dataset


def build(run: RunInputs) -> pd.DataFrame:
    """The table of a run."""
    return pairs(run.measured)


def pairs(measured: Measured) -> pd.DataFrame:
    """Sparse sharing of two tasks: the overlap of their masks and the gain over hard sharing of the same tasks.

    Returns:
        One row per dataset, system, and task of the pair, and one of task "mean": the scores of the sparse and the hard
        system (means over seeds), the gain with its deviation over seeds, the overlap and that of independent masks,
        and the overlap and gain in the paper.
    """
    rows = []
    partners = dict(pairs_of(measured.facts))
    for dataset, sparse in on_each_dataset(measured, list(partners)):
        tasks, experiment = measured.facts[sparse].tasks or [], measured.experiment(dataset)
        point = experiment.pairs.at(tasks) if experiment and experiment.pairs else None
        for row in contrast(measured, dataset, sparse, partners[sparse], tasks):
            paper = point if row["task"] == MEAN else None
            rows.append(
                {
                    "dataset": dataset,
                    "tasks": "&".join(tasks),
                    "task": row["task"],
                    "sparse": sparse,
                    "hard": partners[sparse] or "",
                    "seeds": row["seeds"],
                    "sparse_score": row["first"],
                    "hard_score": row["second"],
                    "gain": row["difference"],
                    "gain_std": row["std"],
                    **measured.overlap(dataset, sparse, tasks),
                    "published_overlap": paper.overlap if paper else None,
                    "published_gain": paper.gain if paper else None,
                }
            )
    return pd.DataFrame(rows, columns=list(RECORD.columns))


def chart(pairs: pd.DataFrame) -> Chart:
    """Gain of sparse over hard sharing against the overlap of the two masks: a point for each pair.

    Args:
        pairs: rows of `pairs.csv` of one dataset.
    """
    means = pairs[(pairs["task"] == MEAN) & pairs["gain"].notna()]
    gain = quantitative("gain", "gain over hard sharing, points")
    names = list(dict.fromkeys(means["tasks"]))
    encoding = {"x": quantitative("overlap", "overlap of the two masks"), "y": gain, "color": colour("tasks", names)}
    published: dict[str, Any] = {"transform": [{"filter": "isValid(datum.published_gain)"}]}
    published["mark"] = {"type": "point", "filled": False, "size": 90}
    published["encoding"] = {
        "x": {**encoding["x"], "field": "published_overlap"},
        "y": {**gain, "field": "published_gain"},
    }
    marks = [
        zero_line(),
        error_bars("gain", "gain_std", gain["title"]),
        {"mark": {"type": "point", "filled": True, "size": 90, "opacity": 1}},
        published,
    ]
    caption = (
        "Mean gain over the two tasks of sparse over hard sharing, mean over the seeds with its standard deviation, "
        "against the overlap of the masks." + (" Hollow: the paper." if means["published_gain"].notna().any() else "")
    )
    drawn = panel("mean over the two tasks", means, {"layer": marks, "encoding": encoding}, height=345)
    return Chart("pairs", "Overlap against gain", caption, [drawn], pairs, names)
