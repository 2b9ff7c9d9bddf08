"""The table `conflict`: cosines of the gradients of two tasks, by system, layer, part of the weights and epoch."""

import pandas as pd

from sparse_sharing.masks.layers import ALL_LAYERS
from sparse_sharing.pipeline.tables.conflict import RECORD
from sparse_sharing.results.drawing import Chart, colour, panel, quantitative, zero_line
from sparse_sharing.results.tables.diagnostics import EPOCH_AXIS, in_order_of_systems, last_epochs, measured_rows
from sparse_sharing.results.tables.inputs import RunInputs

KEYS = ["dataset", "system", "tasks", "layer", "part", "epoch"]

on_page = last_epochs


def build(run: RunInputs) -> pd.DataFrame:
    """The table of a run; systems without a measurement, such as single models, have no rows."""
    rows = measured_rows(run, "conflict")
    if not rows:
        return pd.DataFrame(columns=list(RECORD.columns))
    frame = in_order_of_systems(pd.DataFrame(rows).astype({"cosine": float}), run.systems)
    groups = frame.groupby(KEYS, sort=False, as_index=False)
    table = groups.agg(
        seeds=("seed", "nunique"), weights=("weights", "mean"), cosine=("cosine", "mean"), std=("cosine", "std")
    )
    return table.assign(weights=table["weights"].round().astype(int))[list(RECORD.columns)]


def chart(conflict: pd.DataFrame) -> Chart:
    """The cosine over all layers after each epoch, a panel for each pair of tasks.

    Args:
        conflict: rows of `conflict.csv` of one dataset.
    """
    shown = conflict[conflict["layer"] == ALL_LAYERS]
    shown = shown.assign(line=shown["system"] + ", " + shown["part"])
    names = list(dict.fromkeys(shown["line"]))
    encoding = {
        "x": EPOCH_AXIS,
        "y": quantitative("cosine", "cosine of the gradients"),
        "color": colour("line", names),
    }
    parts = {"layer": [{"mark": {"type": "line", "point": {"size": 25}}}, zero_line()], "encoding": encoding}
    panels = [
        panel(str(tasks).replace("&", " and "), part, parts, ["line", "epoch", "cosine", "std", "weights"])
        for tasks, part in shown.groupby("tasks", sort=False)
    ]
    caption = (
        "Cosine of the training gradients of two tasks after each epoch, over all layers, mean over the seeds. Shared: "
        "weights that both keep; private: weights that only one of them keeps."
    )
    return Chart("conflict", "Gradients of two tasks", caption, panels, conflict, names)
