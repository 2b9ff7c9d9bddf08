"""The table `affinity`: how a step of each task changes the loss of each other, by system and epoch."""

import pandas as pd

from sparse_sharing.pipeline.tables.affinity import RECORD
from sparse_sharing.results.drawing import Chart, colour, panel, quantitative, zero_line
from sparse_sharing.results.tables.diagnostics import EPOCH_AXIS, in_order_of_systems, last_epochs, measured_rows
from sparse_sharing.results.tables.inputs import RunInputs

KEYS = ["dataset", "system", "task", "partner", "epoch"]

on_page = last_epochs


def build(run: RunInputs) -> pd.DataFrame:
    """The table of a run; systems without a measurement, such as single models, have no rows."""
    return over_seeds(pd.DataFrame(measured_rows(run, "affinity")), run.systems)


def over_seeds(measured: pd.DataFrame, systems: list[str]) -> pd.DataFrame:
    """Means over the seeds, the systems in their order.

    Args:
        measured: a row for each dataset, system, seed, task, partner and epoch, with loss and affinity.
        systems: the systems in the order of the rows.
    """
    if not len(measured):
        return pd.DataFrame(columns=list(RECORD.columns))
    frame = in_order_of_systems(measured.astype({"affinity": float}), systems)
    groups = frame.groupby(KEYS, sort=False, as_index=False)
    table = groups.agg(
        seeds=("seed", "nunique"), loss=("loss", "mean"), affinity=("affinity", "mean"), std=("affinity", "std")
    )
    return table[list(RECORD.columns)]


def one_training(affinity: pd.DataFrame) -> pd.DataFrame:
    """For each dataset, task and partner the affinity in one joint training, mean over its epochs.

    It is the system that trains the most tasks together; of several, the first in the order of the tables.

    Returns:
        The columns dataset, task, partner, affinity_of (the system) and affinity.
    """
    sizes = affinity.groupby(["dataset", "system"], sort=False)["task"].nunique()
    keys = ["dataset", "system", "task", "partner"]
    means = affinity.groupby(keys, sort=False, as_index=False)["affinity"].mean()
    tasks = [sizes[dataset, system] for dataset, system in zip(means["dataset"], means["system"], strict=True)]
    means = means.assign(tasks=tasks).sort_values("tasks", ascending=False, kind="stable")
    first = means.drop_duplicates(["dataset", "task", "partner"]).drop(columns="tasks")
    return first.rename(columns={"system": "affinity_of"})


def chart(affinity: pd.DataFrame) -> Chart:
    """The affinity of each partner after each epoch in the joint training of most tasks, a panel for each task.

    Args:
        affinity: rows of `affinity.csv` of one dataset.
    """
    sizes = affinity.groupby("system", sort=False)["task"].nunique()
    system = str(sizes.idxmax()) if len(sizes) else ""
    shown = affinity[affinity["system"] == system]
    names = list(dict.fromkeys(shown["partner"]))
    encoding = {
        "x": EPOCH_AXIS,
        "y": quantitative("affinity", "affinity"),
        "color": colour("partner", names),
    }
    parts = {"layer": [{"mark": {"type": "line", "point": {"size": 25}}}, zero_line()], "encoding": encoding}
    panels = [
        panel(f"loss of {task}", rows, parts, ["partner", "epoch", "affinity", "std", "loss"])
        for task, rows in shown.groupby("task", sort=False)
    ]
    caption = (
        f"The share by which a step of each partner (colour) would lower the loss of a task, by epoch of {system}, "
        "mean over the seeds. For scale, the task itself is one of the partners."
    )
    return Chart("affinity", "Affinity of tasks", caption, panels, affinity, names)
