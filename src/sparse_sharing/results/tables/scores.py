"""The scores of single models, and the order of names in tables."""

import json
import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from sparse_sharing.errors import ArtifactError
from sparse_sharing.storage.artifacts import load_json

Order = Mapping[str, Sequence[str]]

SPLITS = ("dev", "test")
ORDER: Order = {"split": SPLITS, "metric": ("accuracy", "precision", "recall", "f1")}
MODEL = ["dataset", "system", "seed"]


class _Section(BaseModel):
    model_config = ConfigDict(strict=True, allow_inf_nan=False)


class TypeScore(_Section):
    """The scores of one span type, or of one tag."""

    precision: float
    recall: float
    f1: float
    support: int = Field(ge=0)


class TaskMetrics(_Section):
    """The scores of one task: metrics by name on dev and test, and on test per type; all in percent."""

    metric: Literal["accuracy", "f1"]
    dev: dict[str, float]
    test: dict[str, float]
    per_type: dict[str, TypeScore]
    density: float = Field(ge=0, le=1)

    @model_validator(mode="after")
    def check(self) -> "TaskMetrics":
        """Check that the main metric was measured on both splits."""
        for split in SPLITS:
            if self.metric not in getattr(self, split):
                raise ValueError(f"the main metric '{self.metric}' is missing from '{split}'")
        return self


class Training(_Section):
    """Facts about a training, see `marks.TrainingFacts`; further keys are for other readers."""

    best_epoch: int = Field(ge=1)
    epochs: int = Field(ge=1)
    planned_epochs: int = Field(ge=1)
    best_dev: dict[str, float]


class ModelMetrics(_Section):
    """The content of a `metrics.json`: one evaluated model with its tasks, parameters and training time in seconds.

    If `trained_parameters` is None, all parameters were trained.

    Metrics of earlier versions, or from elsewhere, have no facts about the training.
    """

    dataset: str
    system: str
    seed: int
    tasks: dict[str, TaskMetrics] = Field(min_length=1)
    parameters: int = Field(ge=0)
    trained_parameters: int | None = Field(default=None, ge=0)
    seconds: float = Field(ge=0)
    training: Training | None = None


def read_metrics(path: Path) -> list[dict[str, Any]]:
    """Read a `metrics.json`, one row per task: the fields of TaskMetrics beside the task's name and its model's fields.

    The file is an artifact of the evaluation, or has the same scores without spec and digest, so that results from
    elsewhere can be added to a table.

    Raises:
        ArtifactError: the file is missing or damaged, or a key is missing or has a value of the wrong type.
    """
    try:
        document = json.loads(path.read_bytes())
    except OSError as error:
        raise ArtifactError(f"{path}: cannot be read ({error.strerror}). Evaluate the model again.") from error
    except (ValueError, RecursionError) as error:
        raise ArtifactError(f"{path}: is not valid JSON ({error}). Evaluate the model again.") from error
    if isinstance(document, dict) and "details" in document:
        document = load_json(path, "metrics").details
    try:
        metrics = ModelMetrics.model_validate(document)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "the top level"
        raise ArtifactError(
            f"{path}: {place}: {first['msg']}. Evaluate the model again, or correct the file."
        ) from error
    model = metrics.model_dump(exclude={"tasks"})
    if metrics.trained_parameters is None:
        model["trained_parameters"] = metrics.parameters
    return [{**model, "task": task, **scores.model_dump()} for task, scores in metrics.tasks.items()]


def read_all(paths: Iterable[Path]) -> list[dict[str, Any]]:
    """The tasks of all models: the rows of `read_metrics`, in the order of the sorted paths, with `path` beside.

    Parameters and seconds are those of the whole system, summed over its models if it has one per task.

    Raises:
        ArtifactError: There is no file, a file does not contain metrics, or two files have the same task of one system
            and seed.
    """
    rows: list[dict[str, Any]] = []
    origin: dict[tuple[Any, ...], Path] = {}
    parameters: dict[tuple[Any, ...], int] = defaultdict(int)
    trained: dict[tuple[Any, ...], int] = defaultdict(int)
    seconds: dict[tuple[Any, ...], list[float]] = defaultdict(list)
    for path in sorted(map(Path, paths)):
        task_rows = read_metrics(path)
        model = tuple(task_rows[0][key] for key in MODEL)
        parameters[model] += task_rows[0]["parameters"]
        trained[model] += task_rows[0]["trained_parameters"]
        seconds[model].append(task_rows[0]["seconds"])
        for row in task_rows:
            if first := origin.get(key := (*model, row["task"])):
                name = ", ".join(f"{field} '{row[field]}'" for field in [*MODEL, "task"])
                raise ArtifactError(
                    f"{path}: {name} is also in {first}. Expected each model's metrics once; remove one of the files."
                )
            origin[key] = path
            rows.append({**row, "path": path})
    if not rows:
        raise ArtifactError(
            "There are no metrics to tabulate; expected the metrics.json of at least one evaluated model."
        )
    for row in rows:
        model = tuple(row[key] for key in MODEL)
        row |= {"parameters": parameters[model], "trained_parameters": trained[model]}
        row["seconds"] = math.fsum(seconds[model])
    return rows


def in_order(frame: pd.DataFrame, columns: list[str], order: Order | None) -> pd.DataFrame:
    """Sort by columns: names in `order` in that order, then the others by value."""
    orders = {**ORDER, **(order or {})}

    def rank(column: pd.Series) -> pd.Series:
        names = dict.fromkeys([*orders.get(str(column.name), ()), *sorted(column.unique())])
        return column.map({name: place for place, name in enumerate(names)})

    return frame.sort_values(columns, key=rank, kind="stable", ignore_index=True)
