"""Reads the files of a finished run as tables for the report: scores, learning curves, rounds, masks, costs."""

import csv
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import pandas as pd
import torch

from sparse_sharing.config.corpora import SPLITS
from sparse_sharing.errors import ArtifactError
from sparse_sharing.masks.analysis import compare
from sparse_sharing.masks.mask import Mask
from sparse_sharing.pipeline import layout
from sparse_sharing.pipeline.provenance import stored_spec
from sparse_sharing.pipeline.specs import ReportSpec
from sparse_sharing.pipeline.stage import STAGE, STAGES
from sparse_sharing.pipeline.tables import tables_of
from sparse_sharing.results.rows import rows_of
from sparse_sharing.storage.artifacts import file_digest, load_json, parts_of, remedy
from sparse_sharing.text.summary import read_summary

ALL_LAYERS = "all layers"
LARGEST_AT_START = "largest at start"
"""The name of the mask of the largest starting weights; no task can have this name."""
CURVES = ("dataset", "seed", "system", "model", "task", "epoch", "score", "best")
MOST_SUBSETS = 5
"""With up to this many tasks, weights are counted per set of tasks that keep them; with more, per number of tasks."""


@dataclass(frozen=True)
class RunResults:
    """The tables of a run; a table that this run does not have is empty.

    Attributes:
        tables: the files of the stage `tables` by name without suffix.
        curves: dev score by dataset, seed, system, task and epoch; and which epoch was kept.
        data: sizes of the text by dataset, split and corpus.
        spans: the number of spans in each split by dataset, corpus, task and type.
        costs: seconds and peak memory by stage and job, as measured by the workflow.
        settings: the settings of each stage, by stage and job of the first seed.
        provenance: digests and versions behind the tables.
    """

    tables: Mapping[str, pd.DataFrame]
    curves: pd.DataFrame
    data: pd.DataFrame
    spans: pd.DataFrame
    costs: pd.DataFrame
    settings: Mapping[str, Any]
    provenance: Mapping[str, Any]


def read_run(spec: ReportSpec, folder: Path) -> RunResults:
    """Read everything that the report shows from the folder of a run.

    Raises:
        ArtifactError: A file is missing or damaged.
    """
    # Only the tables of this configuration: the folder may have tables of an earlier one.
    tables = {record.name: _read_csv(folder / "tables" / f"{record.name}.csv") for record in tables_of(spec)}
    summaries = {
        dataset: read_summary(layout.below(folder, layout.DATA, dataset=dataset), tasks)
        for dataset, tasks in spec.datasets.items()
    }
    return RunResults(
        tables=tables,
        curves=_curves(spec, folder),
        data=_data(summaries, folder),
        spans=span_counts(summaries),
        costs=_costs(spec, folder),
        settings=_settings(spec, folder),
        provenance=load_json(folder / "tables" / "provenance.json", "tables").details,
    )


def overlaps(masks: Mapping[str, Mask]) -> pd.DataFrame:
    """The overlap of each pair of tasks, over all layers and in each, and of independent masks (equation 4).

    `chance` is that of masks of the same densities, `chance_by_tensor` of masks of the same densities in each tensor.
    """
    rows = []
    for layer, parts in _by_layer(masks).items():
        for first, second in combinations(parts, 2):
            rows.append({"layer": layer, "a": first, "b": second, **asdict(compare([parts[first], parts[second]]))})
    return pd.DataFrame(rows, columns=["layer", "a", "b", "overlap", "chance", "chance_by_tensor"])


def reference_overlaps(chosen: pd.DataFrame) -> pd.DataFrame:
    """The reference overlaps, as rows like those of `overlaps`.

    Args:
        chosen: rows of the table `masks` with `task`, `overlap_with_start` and, where the run has it, `self_overlap`.
    """
    columns = {"overlap_with_start": LARGEST_AT_START, "self_overlap": None}
    rows = [
        {"layer": ALL_LAYERS, "a": row["task"], "b": other or row["task"], "overlap": float(row[name])}
        for row in rows_of(chosen)
        for name, other in columns.items()
        if pd.notna(row.get(name))
    ]
    return pd.DataFrame(rows, columns=["layer", "a", "b", "overlap"])


def served(masks: Mapping[str, Mask]) -> pd.DataFrame:
    """How many prunable weights are kept by which tasks: one row for each set of tasks, or each number of tasks."""
    counts: dict[str, tuple[int, int]] = {}
    total = torch.stack([mask.keep for mask in masks.values()]).sum(0)
    size = total.numel()
    for number in range(len(masks) + 1):
        together = total == number
        if len(masks) > MOST_SUBSETS or number in (0, len(masks)):
            counts[_set_name(number, len(masks))] = (number, int(together.sum()))
            continue
        for group in combinations(masks, number):
            keep = together.clone()
            for task in group:
                keep &= masks[task].keep
            counts["only " + " + ".join(group)] = (number, int(keep.sum()))
    rows = [{"serves": name, "tasks": n, "weights": w, "share": w / max(1, size)} for name, (n, w) in counts.items()]
    return pd.DataFrame(rows)


def layer_densities(masks: Mapping[str, Mask]) -> pd.DataFrame:
    """The share of kept weights by task and layer."""
    rows = [
        {"layer": layer, "task": task, "density": mask.density}
        for layer, parts in _by_layer(masks).items()
        for task, mask in parts.items()
    ]
    return pd.DataFrame(rows)


def _by_layer(masks: Mapping[str, Mask]) -> dict[str, dict[str, Mask]]:
    """The masks of all tasks, whole and cut into layers."""
    layers: dict[str, dict[str, Mask]] = {ALL_LAYERS: dict(masks)}
    for task, mask in masks.items():
        for layer, part in mask.by_layer().items():
            layers.setdefault(layer, {})[task] = part
    return layers


def _set_name(number: int, tasks: int) -> str:
    if number in (0, tasks):
        return "no task" if number == 0 else "all tasks"
    return "1 task" if number == 1 else f"{number} tasks"


def _curves(spec: ReportSpec, folder: Path) -> pd.DataFrame:
    columns: dict[str, list[Any]] = {name: [] for name in CURVES}
    for dataset, seed, system, model in spec.models():
        path = layout.below(folder, layout.MODEL, dataset=dataset, seed=seed, system=system, model=model)
        history = _read_columns(path / "history.csv", ",")
        with parts_of(path / "history.csv"):
            for name in [name for name in history if name.startswith("dev ")]:
                identity = (dataset, seed, system, model, name.removeprefix("dev "))
                for column, value in zip(columns, identity, strict=False):
                    columns[column] += [value] * len(history[name])
                columns["epoch"] += map(int, history["epoch"])
                columns["score"] += [float(score or "nan") for score in history[name]]
                columns["best"] += map(int, history["best"])
    return pd.DataFrame(columns)


def _settings(spec: ReportSpec, folder: Path) -> dict[str, Any]:
    """The settings of each stage, as stored in the files of the first seed."""
    seed = spec.seeds[0]
    jobs: dict[str, tuple[str, dict[str, object]]] = {}
    for dataset in spec.datasets:
        jobs[f"prepare {dataset}"] = ("prepare", {"dataset": dataset})
        for task in spec.datasets[dataset]:
            jobs[f"prepare {dataset} {task}"] = ("prepare_task", {"dataset": dataset, "task": task})
    for dataset, job_seed, start, task in spec.prunings():
        if job_seed == seed:
            identity = {"dataset": dataset, "seed": seed, "start": start, "task": task}
            jobs[f"start {dataset} {start}"] = ("warmup", identity)
            jobs[f"prune {dataset} {start} {task}"] = ("prune", identity)
    for dataset, job_seed, start, pruning, task in spec.prunings_named():
        if job_seed == seed:
            identity = {"dataset": dataset, "seed": seed, "start": start, "pruning": pruning, "task": task}
            jobs[f"start {dataset} {start}"] = ("warmup", identity)
            jobs[f"prune_named {dataset} {start} {pruning} {task}"] = ("prune_named", identity)
    for dataset, job_seed, start, choice in spec.selections():
        if job_seed == seed:
            identity = {"dataset": dataset, "seed": seed, "start": start, "choice": choice}
            jobs[f"select {dataset} {start} {choice}"] = ("select", identity)
            if choice in (spec.searched or ()):
                jobs[f"search {dataset} {start} {choice}"] = ("search", identity)
    for dataset, job_seed, system, model in spec.models():
        if job_seed == seed:
            identity = {"dataset": dataset, "seed": seed, "system": system, "model": model}
            jobs[f"train {dataset} {system} {model}"] = ("train", identity)
            jobs[f"evaluate {dataset} {system} {model}"] = ("evaluate", identity)
    job_specs = {name: stored_spec(_carrier(folder, *job)) for name, job in jobs.items()}
    return {name: job_spec for name, job_spec in job_specs.items() if job_spec is not None}


def _carrier(folder: Path, stage: str, identity: Mapping[str, object]) -> Path:
    """The file of a job that stores its spec."""
    record = STAGE[stage]
    if record.carrier is None:
        raise ValueError(f"no output of '{stage}' stores its spec")
    return layout.below(folder, f"{record.folder}/{record.carrier.file}", **identity)


def span_counts(summaries: Mapping[str, Mapping[str, Any]]) -> pd.DataFrame:
    """How many spans each split has: a row for each dataset, corpus, task and type, a column for each split.

    Args:
        summaries: of the text of each dataset, as `read_summary` returns them.
    """
    counts: dict[tuple[str, str, str, str], dict[str, int]] = {}
    for dataset, summary in summaries.items():
        for split, values in summary["splits"].items():
            for corpus, read in values["corpora"].items():
                for task, types in read.get("spans", {}).items():
                    for name, count in types.items():
                        counts.setdefault((dataset, corpus, task, name), {})[split] = count
    rows = [
        dict(zip(("dataset", "corpus", "task", "type"), key, strict=True))
        | {split: by_split.get(split, 0) for split in SPLITS}
        for key, by_split in counts.items()
    ]
    return pd.DataFrame(rows, columns=["dataset", "corpus", "task", "type", *SPLITS])


def _data(summaries: Mapping[str, Mapping[str, Any]], folder: Path) -> pd.DataFrame:
    rows = []
    demo = {file_digest(path) for path in layout.below(folder, layout.DEMO_FOLDER).rglob("*.txt")}
    for dataset, summary in summaries.items():
        for split, values in summary["splits"].items():
            covered = values["vector_coverage"]
            for corpus, read in values["corpora"].items():
                row = {"dataset": dataset, "corpus": corpus, "split": split}
                row |= {"sentences": read["sentences"], "tokens": read["tokens"]}
                row |= {"repairs": sum(read.get("repairs", {}).values())}
                row |= {"unknown words %": 100 * values["unknown_words"]}
                row |= {"words with a vector %": 100 * (covered["exact"] + covered["lower_cased"])}
                rows.append(
                    row | {"file": read.get("file", read.get("cut", "")), "synthetic": read.get("sha256") in demo}
                )
    return pd.DataFrame(rows)


def _costs(spec: ReportSpec, folder: Path) -> pd.DataFrame:
    """Seconds and peak memory of every job that the workflow has measured."""
    rows = []
    for path in sorted((folder / "benchmarks").rglob("*.tsv")):
        job = path.relative_to(folder / "benchmarks").with_suffix("").as_posix()
        if (stage := _stage_of(spec, job)) is not None:
            measured = _read_columns(path, "\t")
            with parts_of(path):
                row = {"stage": stage, "job": job, "seconds": float(measured["s"][-1])}
                rows.append(row | {"memory": measured["max_rss"][-1]})
    frame = pd.DataFrame(rows, columns=["stage", "job", "seconds", "memory"])
    return frame.assign(memory=pd.to_numeric(frame["memory"], errors="coerce"))


def _stage_of(spec: ReportSpec, job: str) -> str | None:
    """The stage of a job; None for a job of an earlier configuration of the run."""
    valid_values = {"dataset": set(spec.datasets), "seed": set(map(str, spec.seeds)), "system": set(spec.systems)}
    valid_values["task"] = {task for tasks in spec.datasets.values() for task in tasks}
    for stage in STAGES:
        identity = stage.identity_in(job)
        if identity and all(value in valid_values.get(name, {value}) for name, value in identity.items()):
            return stage.name
    return None


def _read_columns(path: Path, separator: str) -> dict[str, list[str]]:
    """A small table by column, as text: a run has thousands of them, and pandas takes milliseconds for each."""
    try:
        header, *rows = csv.reader(path.read_text(encoding="utf-8").splitlines(), delimiter=separator)
        columns: list[list[str]] = (
            [list(column) for column in zip(*rows, strict=True)] if rows else [[] for _ in header]
        )
        return dict(zip(header, columns, strict=True))
    except (OSError, ValueError) as error:
        raise ArtifactError(f"{path}: cannot be read as a table ({error}). {remedy(path)}") from error


def _read_csv(path: Path) -> pd.DataFrame:
    try:
        return pd.read_csv(path, keep_default_na=False, na_values=[""])
    except (OSError, ValueError) as error:
        raise ArtifactError(f"{path}: is missing or damaged ({error}). {remedy(path)}") from error
