"""From the scores of single models to tables: tidy results, scores per type, and a comparison of the systems."""

import json
import math
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from sparse_sharing.artifacts import load_json, write_text
from sparse_sharing.errors import ArtifactError

Order = Mapping[str, Sequence[str]]

SPLITS = ("dev", "test")
ORDER: Order = {"split": SPLITS, "metric": ("accuracy", "precision", "recall", "f1")}
MODEL = ["dataset", "system", "seed"]
RESULTS = [*MODEL, "task", "split", "metric", "value", "parameters", "density", "seconds"]
PER_TYPE = [*MODEL, "task", "type", "precision", "recall", "f1", "support"]
SUMMARY = ["dataset", "system", "task", "metric", "seeds", "mean", "std", "min", "max", "difference", "best"]
SUMMARY += ["parameters", "density"]

MEAN = "mean"
"""Task and metric of the summary's rows that average the tasks of a dataset."""

SHOWN_DECIMALS = 2
"""Of scores in the tables for people; two means that read the same are both best."""

CSV_DECIMALS = dict.fromkeys(["value", "precision", "recall", "f1", MEAN, "std", "min", "max", "difference"], 4)
CSV_DECIMALS |= {"density": 6, "seconds": 1}


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
        """The main metric was measured on both splits."""
        for split in SPLITS:
            if self.metric not in getattr(self, split):
                raise ValueError(f"the main metric '{self.metric}' is missing from '{split}'")
        return self


class ModelMetrics(_Section):
    """The content of a `metrics.json`: one evaluated model with its tasks, parameters and training time in seconds."""

    dataset: str
    system: str
    seed: int
    tasks: dict[str, TaskMetrics] = Field(min_length=1)
    parameters: int = Field(ge=0)
    seconds: float = Field(ge=0)


def read_metrics(path: Path) -> list[dict[str, Any]]:
    """Read a `metrics.json`, one row per task: the fields of TaskMetrics beside the task's name and its model's fields.

    The file is an artifact of the evaluation, or holds the same scores without spec and digest, so that results from
    elsewhere can join a table.

    Raises:
        ArtifactError: the file is missing or damaged, or a key is missing or has a value of the wrong type.
    """
    try:
        document = json.loads(path.read_bytes())
    except OSError as error:
        raise ArtifactError(f"{path}: cannot be read ({error.strerror}). Evaluate the model anew.") from error
    except (ValueError, RecursionError) as error:
        raise ArtifactError(f"{path}: is not JSON ({error}). Evaluate the model anew.") from error
    if isinstance(document, dict) and "details" in document:
        document = load_json(path, "metrics").details
    try:
        metrics = ModelMetrics.model_validate(document)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "the top level"
        raise ArtifactError(f"{path}: {place}: {first['msg']}. Evaluate the model anew, or mend the file.") from error
    model = metrics.model_dump(exclude={"tasks"})
    return [{**model, "task": task, **scores.model_dump()} for task, scores in metrics.tasks.items()]


def results(paths: Iterable[Path], order: Order | None = None) -> pd.DataFrame:
    """All scores, tidy: one row per dataset, system, seed, task, split and metric.

    Args:
        paths: the metrics of all models. Where a system has one model per task, its parameters and seconds are the
            sums over its models.
        order: names in the order of the configuration, under the keys dataset, system and task; names that are not
            listed follow alphabetically.

    Returns:
        The columns dataset, system, seed, task, split, metric, value (percent), parameters, density (of the task's
        mask) and seconds (of training).

    Raises:
        ArtifactError: there is no file, a file does not hold metrics, or two files hold the same task of one system
            and seed.
    """
    rows = [
        {**row, "split": split, "metric": metric, "value": value}
        for row in _read_all(paths)
        for split in SPLITS
        for metric, value in row[split].items()
    ]
    return _sorted(pd.DataFrame(rows, columns=RESULTS), [*MODEL, "task", "split", "metric"], order)


def per_type(paths: Iterable[Path], order: Order | None = None) -> pd.DataFrame:
    """Test scores per span type, or per tag: one row per dataset, system, seed, task and type.

    Takes and raises what `results` does. The columns are dataset, system, seed, task, type, precision, recall, f1
    (percent) and support (how many there are in gold).
    """
    rows = [{**row, "type": kind, **scores} for row in _read_all(paths) for kind, scores in row["per_type"].items()]
    return _sorted(pd.DataFrame(rows, columns=PER_TYPE), [*MODEL, "task", "type"], order)


def summary(results: pd.DataFrame, baseline: str = "single") -> pd.DataFrame:
    """Compare the systems by each task's main metric on test: one row per dataset, system and task, in given order.

    Datasets with several tasks have rows of task "mean" as well: the mean over tasks, of the seeds that have all.

    Args:
        results: as `results` returns it.
        baseline: the system that the others are compared with.

    Returns:
        The columns dataset, system, task, metric ("f1" where the task has it, else "accuracy"; "mean"), seeds (their
        number), mean, std (sample deviation; missing for one seed), min and max over the seeds, difference (of the
        means to the baseline's; missing for the baseline and where it is absent), best (whether no system's mean on
        this task is higher, as shown), parameters and density (means over the seeds).
    """
    scores = _main_metric(results[results["split"] == "test"])
    scores = pd.concat([scores, _task_means(scores)], ignore_index=True)
    columns = {name: ("value", name) for name in (MEAN, "std", "min", "max")}
    columns = {"seeds": ("seed", "nunique")} | columns | {name: (name, "mean") for name in ("parameters", "density")}
    table = scores.groupby(["model", "dataset", "system", "task", "metric"], sort=False).agg(**columns).reset_index()
    table = table.sort_values("model", kind="stable", ignore_index=True)

    cell = ["dataset", "task", "metric"]
    reference = table.loc[table["system"] == baseline, [*cell, MEAN]].rename(columns={MEAN: "reference"})
    table = table.merge(reference, on=cell, how="left")
    table["difference"] = (table[MEAN] - table["reference"]).where(table["system"] != baseline)
    shown = table[MEAN].map(lambda mean: round(mean, SHOWN_DECIMALS))
    table["best"] = shown == shown.groupby([table[name] for name in cell]).transform("max")
    table["parameters"] = table["parameters"].round().astype(int)
    return table[SUMMARY]


def write_results(frame: pd.DataFrame, path: Path) -> None:
    """Write tidy results, or scores per type, as CSV: scores with 4 decimals, densities with 6."""
    write_text(path, _csv(frame))


def write_summary_csv(table: pd.DataFrame, path: Path) -> None:
    """Write a summary as CSV: plain numbers, missing ones blank."""
    write_text(path, _csv(table))


def write_summary_md(table: pd.DataFrame, path: Path, baseline: str = "single") -> None:
    """Write a summary as Markdown: a caption, then one pipe table per dataset."""
    escape = MARKDOWN.escape
    blocks = [escape(_caption(table, baseline))]
    for dataset, block in table.groupby("dataset", sort=False):
        header, *rows = _cells(block, MARKDOWN)
        rule = [":---", *["---:"] * (len(header) - 1)]
        lines = [f"| {' | '.join(cells)} |" for cells in (header, rule, *rows)]
        blocks += [f"## {escape(str(dataset))}", "\n".join(lines)]
    write_text(path, "\n\n".join(blocks) + "\n")


def write_summary_tex(table: pd.DataFrame, path: Path, baseline: str = "single") -> None:
    """Write a summary as LaTeX: one wide float per dataset, with the caption; needs the package booktabs."""
    blocks = ["% needs \\usepackage{booktabs}"]
    for dataset, block in table.groupby("dataset", sort=False):
        header, *rows = _cells(block, LATEX)
        body = [" & ".join(cells) + r" \\" for cells in (header, *rows)]
        lines = [
            r"\begin{table*}[tp]",
            r"\centering\footnotesize\setlength{\tabcolsep}{3pt}",
            rf"\caption{{{LATEX.escape(f'{dataset}. {_caption(block, baseline)}')}}}",
            rf"\begin{{tabular}}{{l{'r' * (len(header) - 1)}}}",
            *[r"\toprule", body[0], r"\midrule", *body[1:], r"\bottomrule"],
            r"\end{tabular}",
            r"\end{table*}",
        ]
        blocks.append("\n".join(lines))
    write_text(path, "\n\n".join(blocks) + "\n")


def _read_all(paths: Iterable[Path]) -> list[dict[str, Any]]:
    """The rows of all files; parameters and seconds are those of the whole system, summed over its models."""
    rows, origin = [], {}
    parameters, seconds = defaultdict(int), defaultdict(list)
    for path in sorted(map(Path, paths)):
        found = read_metrics(path)
        model = tuple(found[0][key] for key in MODEL)
        parameters[model] += found[0]["parameters"]
        seconds[model].append(found[0]["seconds"])
        for row in found:
            if first := origin.get(key := (*model, row["task"])):
                name = ", ".join(f"{field} '{row[field]}'" for field in [*MODEL, "task"])
                raise ArtifactError(f"{path}: {name} stands in {first} as well. Give each model's metrics once.")
            origin[key] = path
            rows.append(row)
    if not rows:
        raise ArtifactError("There are no metrics to tabulate: give the metrics.json of at least one evaluated model.")
    for row in rows:
        model = tuple(row[key] for key in MODEL)
        row |= {"parameters": parameters[model], "seconds": math.fsum(seconds[model])}
    return rows


def _sorted(frame: pd.DataFrame, columns: list[str], order: Order | None) -> pd.DataFrame:
    """Sort by columns: names that an order lists as they stand there, then the others by value."""
    known = {**ORDER, **(order or {})}

    def rank(column: pd.Series) -> pd.Series:
        names = dict.fromkeys([*known.get(column.name, ()), *sorted(column.unique())])
        return column.map({name: place for place, name in enumerate(names)})

    return frame.sort_values(columns, key=rank, kind="stable", ignore_index=True)


def _main_metric(scores: pd.DataFrame) -> pd.DataFrame:
    """The rows of each task's main metric, with the place of their model among dataset and system pairs."""
    spans = (scores["metric"] == "f1").groupby([scores["dataset"], scores["task"]]).transform("any")
    main = scores[scores["metric"] == spans.map({True: "f1", False: "accuracy"})]
    return main.assign(model=main.groupby(["dataset", "system"], sort=False).ngroup())


def _task_means(scores: pd.DataFrame) -> pd.DataFrame:
    """The mean over tasks of each model that has all tasks of its dataset, where these are several."""
    tasks = scores.groupby("dataset")["task"].transform("nunique")
    means = scores.assign(tasks=tasks).groupby(["model", *MODEL, "tasks"], sort=False, as_index=False)
    means = means.agg(
        value=("value", "mean"),
        found=("task", "nunique"),
        parameters=("parameters", "first"),
        density=("density", "mean"),
    )
    complete = means[(means["found"] == means["tasks"]) & (means["tasks"] > 1)]
    return complete.drop(columns=["tasks", "found"]).assign(task=MEAN, metric=MEAN)


def _csv(frame: pd.DataFrame) -> str:
    """The frame as CSV, with fixed decimals."""

    def fixed(name: str) -> list[str]:
        return ["" if math.isnan(number) else _number(number, CSV_DECIMALS[name]) for number in frame[name]]

    columns = {name: fixed(name) for name in frame.columns if name in CSV_DECIMALS}
    return frame.assign(**columns).to_csv(index=False, lineterminator="\n")


def _number(value: float, decimals: int, sign: str = "") -> str:
    """A number with fixed decimals; adding 0.0 turns a rounded -0.0 into 0.0."""
    return f"{round(value, decimals) + 0.0:{sign}.{decimals}f}"


@dataclass(frozen=True)
class _Markup:
    """How a format writes text that has characters it would read as markup, and bold text."""

    escape: Callable[[str], str]
    bold: str


LATEX_CHARACTERS = {character: f"\\{character}" for character in "&%$#_{}"} | {
    # a bracket or star after a row's end would be read as its option
    **{character: f"{{{character}}}" for character in "[]*"},
    **{"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"},
    **{"<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}"},
    **{"±": r"$\pm$", "Δ": r"$\Delta$", "−": "$-$"},
}
LATEX = _Markup(lambda text: text.translate(str.maketrans(LATEX_CHARACTERS)), r"\textbf{{{}}}")
MARKDOWN = _Markup(lambda text: re.sub(r"([\\`*_{}\[\]<>&|#$~])", r"\\\1", text), "**{}**")


def _caption(table: pd.DataFrame, baseline: str) -> str:
    """What the numbers of a table for people are."""
    seeds = _span(table["seeds"])
    spread = "one seed" if seeds == "1" else f"mean ± sample standard deviation over {seeds} seeds"
    difference = f"Δ: difference to {baseline}. " if table["difference"].notna().any() else ""
    return (
        f"Test split: accuracy or span F1 in percent, {spread}. {difference}Bold: best. "
        "Parameters: union of the masks plus biases, without embeddings and heads. "
        "Density: kept share of the prunable weights in percent, in the order of the tasks."
    )


def _cells(block: pd.DataFrame, markup: _Markup) -> list[list[str]]:
    """The header and the rows of one dataset's table, as marked-up text; one row per system."""
    tasks = block[["task", "metric"]].drop_duplicates().sort_values("metric", key=lambda m: m == MEAN, kind="stable")
    tasks = list(tasks.itertuples(index=False, name=None))
    compared, uneven = block["difference"].notna().any(), block["seeds"].nunique() > 1
    header = ["system"]
    for task, metric in tasks:
        header.append(MEAN if metric == MEAN else f"{task} {'F1' if metric == 'f1' else metric}")
        header += ["Δ"] if compared else []
    header += [*(["seeds"] if uneven else []), "parameters", "density"]
    rows = [[markup.escape(name) for name in header]]
    for system, scores in block.groupby("system", sort=False):
        by_task = {(row["task"], row["metric"]): row for row in scores.to_dict("records")}
        cells = [markup.escape(str(system))]
        for task in tasks:
            row = by_task.get(task)
            cells.append(_score(row, markup) if row else "")
            cells += [markup.escape(_difference(row))] if compared else []
        densities = [by_task[task]["density"] if task in by_task else None for task in tasks if task[1] != MEAN]
        cells += [_span(scores["seeds"])] if uneven else []
        rows.append([*cells, _thousands(scores["parameters"].iloc[-1]), _densities(densities)])
    return rows


def _score(row: dict[str, Any], markup: _Markup) -> str:
    mean = _number(row[MEAN], SHOWN_DECIMALS)
    mean = markup.bold.format(mean) if row["best"] else mean
    return mean if math.isnan(row["std"]) else mean + markup.escape(f" ± {_number(row['std'], SHOWN_DECIMALS)}")


def _difference(row: dict[str, Any] | None) -> str:
    if row is None or math.isnan(row["difference"]):
        return ""
    return _number(row["difference"], SHOWN_DECIMALS, sign="+").replace("-", "−")


def _densities(densities: list[float | None]) -> str:
    """Percentages, one per task, or one for all if they are the same; a dash for a task without result."""
    shown = ["–" if density is None else _number(100 * density, 2) for density in densities]
    return shown[0] if len(set(shown)) == 1 else " / ".join(shown)


def _thousands(count: int) -> str:
    return f"{round(count / 1000)}k" if count >= 10_000 else str(count)


def _span(counts: pd.Series) -> str:
    """One number, or the smallest and largest."""
    return str(counts.min()) if counts.nunique() == 1 else f"{counts.min()} to {counts.max()}"
