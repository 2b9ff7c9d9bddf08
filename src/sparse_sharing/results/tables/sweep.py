"""The table `sweep`: sparse sharing at several densities, each equal for all tasks (Fig. 4)."""

from typing import Any

import pandas as pd

from sparse_sharing.pipeline.experiments import sweep_of
from sparse_sharing.pipeline.tables.sweep import RECORD
from sparse_sharing.results.drawing import GREY, Chart, colour, error_bars, panel, quantitative, records
from sparse_sharing.results.tables.inputs import RunInputs
from sparse_sharing.results.tables.measured import Measured, on_each_dataset

NAMES = {"warmup": "masks from the warm-up", "initial": "masks from the initial weights"}
WHOLE = "hard sharing"


def build(run: RunInputs) -> pd.DataFrame:
    """The table of a run."""
    return sweep(run.measured)


def sweep(measured: Measured) -> pd.DataFrame:
    """Sparse sharing with one density for all tasks (Fig. 4), and hard sharing: one row per system, densest first.

    Returns:
        The target density, the actual densities (mean, lowest and highest over tasks and seeds), the overlap of the
        masks of all tasks and that of independent masks, mean and std over seeds of the mean test score over tasks,
        and the score and overlap in the paper for this density.
    """
    rows = []
    wanted = sweep_of(measured.facts)
    for dataset, system in on_each_dataset(measured, list(wanted)):
        scores = measured.by_seed(dataset, system)
        system_rows = measured.results[
            (measured.results["dataset"] == dataset) & (measured.results["system"] == system)
        ]
        density, experiment = wanted[system], measured.experiment(dataset)
        point = experiment.sweep.at(density) if experiment and experiment.sweep else None
        rows.append(
            {
                "dataset": dataset,
                "system": system,
                "start": measured.facts[system].start,
                "target_density": density,
                "seeds": len(scores),
                "density": system_rows["density"].mean(),
                "lowest_density": system_rows["density"].min(),
                "highest_density": system_rows["density"].max(),
                **measured.overlap(dataset, system, measured.tasks[dataset]),
                "mean": scores.mean(axis=1).mean(),
                "std": scores.mean(axis=1).std(),
                "published": point.score if point else None,
                "published_overlap": point.overlap if point else None,
            }
        )
    return pd.DataFrame(rows, columns=list(RECORD.columns))


def chart(sweep: pd.DataFrame) -> Chart:
    """Mean test score and overlap of the masks by density (Fig. 4).

    Args:
        sweep: rows of `sweep.csv` of one dataset.
    """
    points = sweep.assign(line=sweep["start"].map(NAMES).where(sweep["target_density"] != 1, WHOLE))
    lines = list(dict.fromkeys(points["line"]))
    at_density = points.drop_duplicates("target_density").sort_values("density")
    scores = [
        {"mark": {"type": "line", "point": {"size": 60, "filled": True}}},
        error_bars("mean", "std", "mean test score, %"),
        *_dashed(at_density, "target_density", "published", "mean"),
    ]
    masked = points[points["line"] != WHOLE]
    overlaps = [
        {"mark": {"type": "line", "point": {"size": 60, "filled": True}}},
        *_dashed(at_density, "density", "chance_by_tensor", "overlap", dots=True),
        *_dashed(at_density, "target_density", "published_overlap", "overlap"),
    ]
    density = quantitative("density", "density of the mask of each task")
    density |= {"scale": {"zero": False, "reverse": True}, "axis": {"format": ".0%", "tickCount": 5}}
    common = {"x": density, "color": colour("line", lines)}
    score, overlap = (
        quantitative("mean", "mean test score, %"),
        quantitative("overlap", "overlap of all masks", zero=True),
    )
    panels = [
        panel("mean test score", points, {"layer": scores, "encoding": {**common, "y": score}}),
        panel("overlap of the masks", masked, {"layer": overlaps, "encoding": {**common, "y": overlap}}),
    ]
    caption = (
        "Left: mean test score over the tasks, mean over the seeds with its standard deviation. Right: overlap of the "
        "masks of all tasks; dotted: that of independent masks with the same density in each tensor."
    )
    if points["published"].notna().any():
        caption += " Dashed: the paper."
    return Chart("sweep", "Score and overlap by density", caption, panels, sweep, lines)


def _dashed(rows: pd.DataFrame, density: str, value: str, shown: str, dots: bool = False) -> list[dict[str, Any]]:
    """A grey line of another column, if it has values."""
    with_value = rows[rows[value].notna()]
    points = pd.DataFrame({"density": with_value[density], shown: with_value[value]})
    if not len(points):
        return []
    mark = {"type": "line", "color": GREY, "strokeDash": [2, 3] if dots else [6, 4]}
    return [{"data": {"values": list(records(points))}, "mark": mark, "encoding": {"color": {"value": GREY}}}]
