"""The comparisons of a dataset as a forest plot: one row a comparison, one axis of points, the verdict in words."""

import pandas as pd
from matplotlib.ticker import MaxNLocator

from sparse_sharing.evaluation.statistics import HELPED, HIGHER, HURT, LOWER, NO_VERDICT
from sparse_sharing.results.page.charts import MOST_TASKS
from sparse_sharing.results.page.page import Bar, Forest, Group
from sparse_sharing.results.tables.means import MEAN

LOOKS = {HELPED: "better", HIGHER: "better", HURT: "worse", LOWER: "worse", NO_VERDICT: "none"}
"""How the interval of a verdict is drawn; the others are drawn as equal."""

MARGIN = 0.04
"""Share of the axis that is free on each side."""


def forest(compared: pd.DataFrame) -> Forest:
    """The comparisons of one dataset, grouped by task, with the mean over the tasks last.

    Args:
        compared: rows of `comparisons.csv` of one dataset.
    """
    ends = compared[["difference", "lower", "upper"]].stack()
    ticks = MaxNLocator(4).tick_values(min(ends.min(), 0), max(ends.max(), 0))
    low, high = float(ticks[0]), float(ticks[-1])
    margin = MARGIN * (high - low)
    axis = (low - margin, high + margin)
    tasks = compared[["task", "metric"]].drop_duplicates()
    tasks = tasks.sort_values("metric", key=lambda metric: metric == MEAN, kind="stable")
    shown = [*tasks[tasks["metric"] != MEAN]["task"][:MOST_TASKS], *tasks[tasks["metric"] == MEAN]["task"]]
    groups = [
        Group(_task_name(task, rows["metric"].iloc[0]), [_bar(row, axis) for row in rows.to_dict("records")])
        for task in shown
        for rows in [compared[compared["task"] == task]]
    ]
    marks = [(f"{tick:g}".replace("-", "−"), _place(float(tick), axis)) for tick in ticks]
    return Forest("forest", "Did sharing help?", _caption(compared), groups, marks, _place(0, axis), compared)


def _caption(compared: pd.DataFrame) -> str:
    resampled = _counts(compared["unit_count"]) + f" test {', '.join(dict.fromkeys(compared['units']))}"
    seeds = _counts(compared["seeds"])
    over = "one seed" if seeds == "1" else f"means over {seeds} seeds"
    return (
        f"Difference of the test score in points, accuracy or F1 ({over}), with its 95 % interval. Right of the line, "
        f"the first system is better. The {len(compared)} intervals of this dataset hold together; they are based on "
        f"{resampled}. A difference counts only if its interval does not contain zero."
    )


def _counts(values: pd.Series) -> str:
    low, high = int(values.min()), int(values.max())
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"


def _task_name(task: str, metric: str) -> str:
    return "mean over the tasks" if metric == MEAN else f"{task}, {'F1' if metric == 'f1' else metric}"


def _bar(row: dict, axis: tuple[float, float]) -> Bar:
    known = row["lower"] == row["lower"]
    ends = [row["lower"], row["upper"]] if known else [row["difference"]] * 2
    start, end = (_place(value, axis) for value in ends)
    numbers = _signed(row["difference"])
    interval = f"[{_signed(row['lower'])}, {_signed(row['upper'])}]" if known else ""
    reason = row.get("reason")
    verdict = row["verdict"] + (f" ({reason})" if row["verdict"] == NO_VERDICT and isinstance(reason, str) else "")
    look = LOOKS.get(row["verdict"], "equal")
    point = _place(row["difference"], axis)
    return Bar(row["system"], row["reference"], verdict, look, numbers, interval, start, end - start, point)


def _place(value: float, axis: tuple[float, float]) -> float:
    """Where a value is on the axis, in percent of its width."""
    return round(100 * (value - axis[0]) / (axis[1] - axis[0]), 3)


def _signed(points: float) -> str:
    return f"{points:+.2f}".replace("-", "−")
