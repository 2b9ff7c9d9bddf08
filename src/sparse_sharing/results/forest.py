"""The comparisons of a dataset as a forest plot: one row per comparison, one axis in points, the verdict in words."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from sparse_sharing.evaluation.statistics import HELPED, HIGHER, HURT, LOWER, NO_VERDICT
from sparse_sharing.results.drawing import MOST_TASKS
from sparse_sharing.results.rows import rows_of
from sparse_sharing.results.tables.means import MEAN

LOOKS = {HELPED: "better", HIGHER: "better", HURT: "worse", LOWER: "worse", NO_VERDICT: "none"}
"""How the interval of a verdict is drawn; the others are drawn as equal."""

THESE_MODELS = "these models: "
"""The prefix of verdicts that apply only to the trained models."""

MARGIN = 0.04
"""Share of the axis that is free on each side."""

TICKS = 5
"""The most steps between ticks of an axis."""

WIDE = 5
"""An interval that is more than this many times as wide as the median one does not widen the axis, but leaves it."""


@dataclass(frozen=True)
class Bar:
    """A row of a forest plot.

    Attributes:
        system: the system that is compared.
        reference: the system it is compared with.
        verdict: in words, with the reason if there is none.
        look: `better`, `worse`, `equal` or `none`.
        difference: in points.
        interval: its ends in points; None: there is no interval.
    """

    system: str
    reference: str
    verdict: str
    look: str
    difference: float
    interval: tuple[float, float] | None

    @property
    def difference_text(self) -> str:
        """The difference with its sign."""
        return _signed(self.difference)

    @property
    def interval_text(self) -> str:
        """The ends of the interval; empty without one."""
        return "" if self.interval is None else f"[{_signed(self.interval[0])}, {_signed(self.interval[1])}]"


@dataclass(frozen=True)
class Group:
    """The rows of a forest plot that are about the same task."""

    title: str
    bars: Sequence[Bar]


@dataclass(frozen=True)
class Forest:
    """A forest plot; `axis` has the lowest and highest value, `ticks` the labels of the axis with their values."""

    name: str
    title: str
    caption: str
    groups: Sequence[Group]
    axis: tuple[float, float]
    ticks: Sequence[tuple[str, float]]
    data: pd.DataFrame

    def place(self, value: float) -> float:
        """Where a value is on the axis, in percent of its width; a value beyond an end of the axis is at this end."""
        low, high = self.axis
        return round(100 * (min(max(value, low), high) - low) / (high - low), 3)

    def beyond(self, bar: Bar) -> list[str]:
        """The sides on which the interval of a row goes beyond the axis: `left`, `right`."""
        if bar.interval is None:
            return []
        outside = {"left": bar.interval[0] < self.axis[0], "right": bar.interval[1] > self.axis[1]}
        return [side for side, is_outside in outside.items() if is_outside]


def forest(compared: pd.DataFrame) -> Forest:
    """The comparisons of one dataset, grouped by task, with the mean over the tasks last.

    Args:
        compared: rows of `comparisons.csv` of one dataset.
    """
    ticks = _ticks(*_range(compared))
    shorten = THESE_MODELS if _only_models(compared) else ""
    margin = MARGIN * (ticks[-1] - ticks[0])
    tasks = compared[["task", "metric"]].drop_duplicates()
    tasks = tasks.sort_values("metric", key=lambda metric: metric == MEAN, kind="stable")
    shown = [*tasks[tasks["metric"] != MEAN]["task"][:MOST_TASKS], *tasks[tasks["metric"] == MEAN]["task"]]
    groups = [
        Group(_task_name(task, rows["metric"].iloc[0]), [_bar(row, shorten) for row in rows_of(rows)])
        for task in shown
        for rows in [compared[compared["task"] == task]]
    ]
    labels = [(f"{tick:g}".replace("-", "−"), tick) for tick in ticks]
    axis = (ticks[0] - margin, ticks[-1] + margin)
    plot = Forest("forest", "Did sharing help?", _caption(compared), groups, axis, labels, compared)
    if any(plot.beyond(bar) for group in groups for bar in group.bars):
        return replace(plot, caption=f"{plot.caption} An arrow marks an interval that goes beyond the axis.")
    return plot


def _range(compared: pd.DataFrame) -> tuple[float, float]:
    """The lowest and highest value that the axis must have: zero, all differences and all but very wide intervals."""
    widths = compared["upper"] - compared["lower"]
    intervals = compared.loc[widths <= WIDE * widths.median(), ["lower", "upper"]]
    values = [0.0, *compared["difference"], *intervals["lower"], *intervals["upper"]]
    return min(values), max(values)


def _ticks(low: float, high: float) -> list[float]:
    """Round numbers from at most `low` to at least `high`, in equal steps."""
    if low == high:
        low, high = -1.0, 1.0
    span = high - low
    power = 10.0 ** math.floor(math.log10(span / TICKS))
    step = next(power * factor for factor in (1, 2, 2.5, 5, 10, 20) if span / (power * factor) <= TICKS)
    first, last = math.floor(round(low / step, 9)), math.ceil(round(high / step, 9))
    return [round(number * step, 9) + 0.0 for number in range(first, max(last, first + 1) + 1)]


def _caption(compared: pd.DataFrame) -> str:
    resampled = _counts(compared["unit_count"]) + f" test {', '.join(dict.fromkeys(compared['units']))}"
    seeds = _counts(compared["seeds"])
    about = (
        " The verdicts apply to these trained models only, not to the systems in general."
        if _only_models(compared)
        else ""
    )
    over = "one seed" if seeds == "1" else f"means over {seeds} seeds"
    family = compared["comparisons"].iloc[0]
    return (
        f"Difference of the test score in points, accuracy or F1 ({over}), with its 95 % interval. Right of the line, "
        f"the first system is better. The {family} intervals of this dataset are simultaneous; they are based on "
        f"{resampled}. A difference is a finding only if its interval does not contain zero.{about}"
    )


def _only_models(compared: pd.DataFrame) -> bool:
    """Whether every verdict applies only to the trained models, so that saying so once is enough."""
    verdicts = compared["verdict"][compared["verdict"] != NO_VERDICT]
    return len(verdicts) > 0 and bool(verdicts.str.startswith(THESE_MODELS).all())


def _counts(values: pd.Series) -> str:
    low, high = int(values.min()), int(values.max())
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"


def _task_name(task: str, metric: str) -> str:
    return "mean over the tasks" if metric == MEAN else f"{task}, {'F1' if metric == 'f1' else metric}"


def _bar(row: Mapping[str, Any], shorten: str) -> Bar:
    reason = row.get("reason")
    barred = row["verdict"] == NO_VERDICT and isinstance(reason, str)
    verdict = row["verdict"].removeprefix(shorten) + (f" ({reason})" if barred else "")
    interval = (row["lower"], row["upper"]) if row["lower"] == row["lower"] else None
    look = LOOKS.get(row["verdict"], "equal")
    return Bar(row["system"], row["reference"], verdict, look, row["difference"], interval)


def _signed(points: float) -> str:
    return f"{points:+.2f}".replace("-", "−")
