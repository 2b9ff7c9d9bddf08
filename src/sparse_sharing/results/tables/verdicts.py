"""The verdicts of a dataset in the summary: one row per system and reference, one column per task."""

from typing import Any

import pandas as pd

from sparse_sharing.evaluation.statistics import NO_DIFFERENCE, NO_VERDICT, SEEDS_FOR_SYSTEMS, THESE_EQUAL
from sparse_sharing.results.rows import rows_of
from sparse_sharing.results.tables.markup import SHOWN_DECIMALS, Markup, Rows, number, score_name, signed, span
from sparse_sharing.results.tables.means import MEAN


def caption(comparisons: pd.DataFrame) -> str:
    seeds, units = span(comparisons["seeds"]), ", ".join(dict.fromkeys(comparisons["units"]))
    resampled = f"{span(comparisons['unit_count'])} test {units}"
    over = "one seed" if seeds == "1" else f"means over {seeds} seeds"
    return (
        f"Difference to the other system in points ({over}) with its 95 % interval; the {len(comparisons)} intervals "
        f"of this dataset are simultaneous. {_covered(comparisons, resampled)} "
        "A verdict needs an interval without zero. "
        "Detectable: a true difference that would be found in 80 % of the runs."
    )


def _covered(comparisons: pd.DataFrame, resampled: str) -> str:
    """What the intervals cover: other test texts, and other trainings if there are enough seeds."""
    few = comparisons["seeds"] < SEEDS_FOR_SYSTEMS
    texts = f"other test texts (bootstrap over {resampled})"
    if not few.any():
        return f"The intervals cover other trainings and {texts}."
    rows = "" if few.all() else f" with fewer than {SEEDS_FOR_SYSTEMS} seeds"
    return (
        f"The intervals{rows} cover {texts}, but not other trainings: their verdicts apply to these trained "
        "models only. "
        f"Verdicts on systems need {SEEDS_FOR_SYSTEMS} seeds."
    )


def cells(comparisons: pd.DataFrame, markup: Markup) -> Rows:
    """One row per system and reference, one column per task, and one for their mean."""
    tasks = comparisons[["task", "metric"]].drop_duplicates().sort_values("task")
    tasks = tasks.sort_values("metric", key=lambda metric: metric == MEAN, kind="stable")
    tasks = list(tasks.itertuples(index=False, name=None))
    header = ["system", "against", *(score_name(*task) for task in tasks)]
    rows = [[markup.escape(name) for name in header]]
    for (reference, system), block in comparisons.groupby(["reference", "system"], sort=False):
        by_task = {(row["task"], row["metric"]): row for row in rows_of(block)}
        names = [markup.escape(str(name)) for name in (system, reference)]
        rows.append([*names, *(_verdict(by_task[task], markup) if task in by_task else "" for task in tasks)])
    return rows


def _verdict(row: dict[str, Any], markup: Markup) -> str:
    """The verdict, in bold if there is a difference, and the difference with its interval.

    Without a difference, it also has the detectable difference; without a verdict, the reason.
    """
    numbers = signed(row["difference"])
    if row["lower"] == row["lower"]:
        numbers += f" [{signed(row['lower'])}, {signed(row['upper'])}]"
    if row["verdict"] == NO_VERDICT:
        return markup.escape(f"{NO_VERDICT} ({row['reason']}), {numbers}")
    if row["verdict"] in (NO_DIFFERENCE, THESE_EQUAL):
        return markup.escape(f"{row['verdict']}, {numbers}, detectable {number(row['detectable'], SHOWN_DECIMALS)}")
    return markup.bold.format(markup.escape(row["verdict"])) + markup.escape(f", {numbers}")
