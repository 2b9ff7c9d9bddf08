"""What the tables of diagnostics share, which models measure after each epoch and `metrics.json` carries."""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from sparse_sharing.results.drawing import quantitative
from sparse_sharing.results.tables.inputs import RunInputs
from sparse_sharing.storage.artifacts import load_json, parts_of

EPOCH_AXIS = {**quantitative("epoch", "epoch"), "axis": {"tickMinStep": 1, "format": "d"}}
"""The axis of a chart over epochs."""


def measured_rows(run: RunInputs, name: str) -> list[dict[str, Any]]:
    """The rows of a diagnostic of all models, with dataset, system and seed; models without it have no rows."""
    rows: list[dict[str, Any]] = []
    for (dataset, seed, system, _), path in zip(run.spec.models(), run.metrics, strict=True):
        details = load_json(path, "metrics").details
        with parts_of(path):
            identity = {"dataset": dataset, "system": system, "seed": seed}
            rows += [{**identity, **row} for row in details.get(name, ())]
    return rows


def in_order_of_systems(frame: pd.DataFrame, systems: Sequence[str]) -> pd.DataFrame:
    """The rows sorted by system, in the order of `systems`; rows of one system keep their order."""
    places = {name: place for place, name in enumerate(systems)}
    return frame.sort_values("system", key=lambda names: names.map(places), kind="stable")


def last_epochs(frame: pd.DataFrame) -> pd.DataFrame:
    """The rows of the last epoch of each system."""
    last = frame.groupby(["dataset", "system"])["epoch"].transform("max")
    return frame[frame["epoch"] == last]
