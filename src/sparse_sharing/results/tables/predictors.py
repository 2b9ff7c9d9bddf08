"""The table `predictors`: do overlap of masks and affinity predict who helps whom?"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from sparse_sharing.evaluation.correlation import GROUPS_FOR_CORRELATION, rank_correlation
from sparse_sharing.evaluation.statistics import NO_VERDICT, RESAMPLES, generator
from sparse_sharing.pipeline.experiments import SystemFacts
from sparse_sharing.pipeline.tables.predictors import RECORD
from sparse_sharing.results.tables.inputs import RunInputs

KEYS = ["kind", "choice", "reference"]
"""Systems that are equal in these columns form a group; the choice is the one whose masks are compared."""

PREDICTORS = ("overlap", "chance_by_tensor", "overlap minus chance_by_tensor", "affinity")


def build(run: RunInputs) -> pd.DataFrame:
    """The table of a run."""
    return predictors(run.table("transfer"), run.spec.facts)


def predictors(transferred: pd.DataFrame, facts: Mapping[str, SystemFacts], resamples: int = RESAMPLES) -> pd.DataFrame:
    """How well each predictor in the table `transfer` ranks the differences.

    Pairs of tasks without a verdict on both tasks are skipped. Both directions of a pair are drawn together.

    Returns:
        A row for each dataset, kind of system and predictor: `pairs` of tasks, the rank correlation with its interval,
        or the reason why there is none.
    """
    rows: list[dict[str, Any]] = []
    for dataset, dataset_rows in _with_predictors(transferred, facts).groupby("dataset", sort=False):
        groups = [
            (dict(zip(KEYS, keys, strict=True)), predictor, rows_of_kind)
            for keys, rows_of_kind in dataset_rows.groupby(KEYS, sort=False, dropna=False)
            for predictor in PREDICTORS
            if rows_of_kind[predictor].notna().any()
        ]
        for keys, predictor, rows_of_kind in groups:
            correlation = _correlated(
                rows_of_kind, predictor, len(groups), generator(str(dataset), "predictors"), resamples
            )
            rows.append({"dataset": dataset, **keys, "predictor": predictor, "comparisons": len(groups), **correlation})
    return pd.DataFrame(rows, columns=list(RECORD.columns))


def _with_predictors(transferred: pd.DataFrame, facts: Mapping[str, SystemFacts]) -> pd.DataFrame:
    numbers = {name: transferred[name].astype(float) for name in ("overlap", "chance_by_tensor", "affinity")}
    return transferred.assign(
        **numbers,
        **{"overlap minus chance_by_tensor": numbers["overlap"] - numbers["chance_by_tensor"]},
        kind=[facts[system].kind for system in transferred["system"]],
        turn=transferred["task"] > transferred["partner"],
        pair=["&".join(sorted(tasks)) for tasks in zip(transferred["task"], transferred["partner"], strict=True)],
    )


def _correlated(
    rows: pd.DataFrame, predictor: str, comparisons: int, random: np.random.Generator, resamples: int
) -> dict[str, Any]:
    """The columns `pairs` to `reason` of one row."""
    usable = rows[rows["verdict"] != NO_VERDICT]
    means = usable.groupby(["pair", "turn"])[[predictor, "difference"]].mean().unstack("turn").dropna()
    if len(means) < GROUPS_FOR_CORRELATION:
        return {"pairs": len(means), "reason": f"a correlation needs {GROUPS_FOR_CORRELATION} pairs of tasks"}
    first, second = (means[name].to_numpy(float) for name in (predictor, "difference"))
    correlation, lower, upper = rank_correlation(first, second, comparisons, random, resamples)
    reason = "all values are equal" if np.isnan(correlation) else ""
    return {"pairs": len(means), "correlation": correlation, "lower": lower, "upper": upper, "reason": reason}
