"""The table `conflict`: cosines of the gradients of two tasks, by system, layer, part of the weights and epoch."""

from typing import Any

import pandas as pd

from sparse_sharing.pipeline.tables.conflict import RECORD
from sparse_sharing.results.drawing import Chart, colour, panel, quantitative, zero_line
from sparse_sharing.results.tables.inputs import RunInputs
from sparse_sharing.storage.artifacts import load_json, parts_of

KEYS = ["dataset", "system", "tasks", "layer", "part", "epoch"]
ALL_LAYERS = "all"


def build(run: RunInputs) -> pd.DataFrame:
    """The table of a run; systems without a measurement, such as single models, have no rows."""
    rows: list[dict[str, Any]] = []
    for (dataset, seed, system, _), path in zip(run.spec.models(), run.metrics, strict=True):
        found = load_json(path, "metrics").details
        with parts_of(path):
            identity = {"dataset": dataset, "system": system, "seed": seed}
            rows += [{**identity, **row} for row in found.get("conflict", ())]
    if not rows:
        return pd.DataFrame(columns=list(RECORD.columns))
    frame = pd.DataFrame(rows).astype({"cosine": float})
    places = {name: place for place, name in enumerate(run.systems)}
    frame = frame.sort_values("system", key=lambda names: names.map(places), kind="stable")
    groups = frame.groupby(KEYS, sort=False, as_index=False)
    table = groups.agg(
        seeds=("seed", "nunique"), weights=("weights", "mean"), cosine=("cosine", "mean"), std=("cosine", "std")
    )
    return table.assign(weights=table["weights"].round().astype(int))[list(RECORD.columns)]


def on_page(frame: pd.DataFrame) -> pd.DataFrame:
    """The rows of the last epoch of each system."""
    last = frame.groupby(["dataset", "system"])["epoch"].transform("max")
    return frame[frame["epoch"] == last]


def chart(conflict: pd.DataFrame) -> Chart:
    """The cosine over all layers after each epoch, a panel for each pair of tasks.

    Args:
        conflict: rows of `conflict.csv` of one dataset.
    """
    own = conflict[conflict["layer"] == ALL_LAYERS]
    own = own.assign(line=own["system"] + ", " + own["part"])
    names = list(dict.fromkeys(own["line"]))
    encoding = {
        "x": {**quantitative("epoch", "epoch"), "axis": {"tickMinStep": 1, "format": "d"}},
        "y": quantitative("cosine", "cosine of the gradients"),
        "color": colour("line", names),
    }
    parts = {"layer": [{"mark": {"type": "line", "point": {"size": 25}}}, zero_line()], "encoding": encoding}
    panels = [
        panel(str(tasks).replace("&", " and "), part, parts, ["line", "epoch", "cosine", "std", "weights"])
        for tasks, part in own.groupby("tasks", sort=False)
    ]
    caption = (
        "Cosine of the training gradients of two tasks after each epoch, over all layers, mean over the seeds. Shared: "
        "weights that both keep; private: weights that only one of them keeps."
    )
    return Chart("conflict", "Gradients of two tasks", caption, panels, conflict, names)
