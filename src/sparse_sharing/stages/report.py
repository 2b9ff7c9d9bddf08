"""Stage `report`: show a finished run on one self-contained HTML page."""

import json
import os
import platform
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import pandas as pd
import vl_convert
import yaml

from sparse_sharing import __version__
from sparse_sharing.masks.files import read_selection
from sparse_sharing.pipeline import layout
from sparse_sharing.pipeline.specs import ReportSpec
from sparse_sharing.results.page import charts, machine, texts
from sparse_sharing.results.page.best import best_model
from sparse_sharing.results.page.drawing import Chart
from sparse_sharing.results.page.forest import forest
from sparse_sharing.results.page.page import Page, Section, Table, plain_table, render
from sparse_sharing.results.page.results import (
    RunResults,
    layer_densities,
    overlaps,
    read_run,
    reference_overlaps,
    served,
)
from sparse_sharing.results.page.tables import overlap_table, system_table, type_table
from sparse_sharing.results.tables.leaks import LEAKS_CAPTION, LEAKS_TITLE, text_notes
from sparse_sharing.stages.tables import prepared
from sparse_sharing.storage.artifacts import write_text

EXPERIMENTS = {
    "paper": "The paper beside ours",
    "sweep": "Density sweep: equal density for all tasks",
    "pairs": "Pairs of tasks: overlap against gain",
    "ablation": "With and without warm-up",
}
"""Tables that a run has where its configuration holds the experiment."""


def run(spec: ReportSpec, run_folder: Path, output: Path) -> None:
    """Read the run in `run_folder` and write the page `output`.

    Raises:
        ArtifactError: A file of the run is missing or damaged.
    """
    results = read_run(spec, run_folder)
    systems = list(dict.fromkeys(results.tables["summary"]["system"]))
    best = list(best_models(results.tables["results"], run_folder))
    sections = [
        Section("systems", "Systems", [system_table(spec, systems)]),
        *dataset_sections(spec, run_folder, results, systems),
        *([Section("models", "Best models", [], commands=best)] if best else []),
        *experiment_sections(results),
        *other_sections(results),
    ]
    notes = {dataset: text_notes(prepared(run_folder, dataset)) for dataset in spec.datasets}
    page = Page(
        title=spec.run,
        lead={dataset: texts.lead(results.tables["comparisons"], dataset, spec.baseline) for dataset in spec.datasets},
        sections=sections,
        facts={**texts.facts(spec, results), **machine.facts(run_folder)},
        details=provenance(spec, results),
        commands=[(texts.AGAIN, f"snakemake --cores {os.cpu_count()} all --configfile CONFIGURATION.yaml")],
        warnings=[*texts.synthetic(results.data), *texts.warnings(results.tables, notes)],
    )
    write_text(output, render(page, vl_convert.javascript_bundle()))


def dataset_sections(spec: ReportSpec, folder: Path, results: RunResults, systems: Sequence[str]) -> Iterator[Section]:
    """For each dataset: verdicts, scores, scores by type, learning curves, pruning, masks."""
    for dataset in spec.datasets:
        own = {name: frame[frame["dataset"] == dataset] for name, frame in results.tables.items() if "dataset" in frame}
        scores = own["summary"]
        tasks, means = scores[scores["task"] != "mean"], scores[scores["task"] == "mean"]
        items = []
        if len(own["comparisons"]):
            items += [forest(own["comparisons"]), texts.verdict_table(own["comparisons"].drop(columns="dataset"))]
        items.append(texts.score_table(scores))
        items.append(type_table(own["per_type"].drop(columns="dataset"), systems, spec.baseline))
        if len(own["leaks"]):
            items.append(plain_table("leaks", LEAKS_TITLE, LEAKS_CAPTION, own["leaks"].drop(columns="dataset")))
        items.append(charts.sizes(means if len(means) else tasks, systems))
        curves = results.curves[results.curves["dataset"] == dataset]
        items.append(charts.learning_curves(curves, systems))
        rounds = results.rounds[results.rounds["dataset"] == dataset]
        if len(rounds):
            items.append(charts.pruning_rounds(rounds))
        items += mask_items(spec, folder, dataset, results.tables["masks"])
        yield Section(f"dataset-{dataset}", dataset, items, left_out(spec.datasets[dataset]))


def best_models(results: pd.DataFrame, folder: Path) -> Iterator[tuple[str, str]]:
    """The best model of each dataset on dev, with the command that tags with it."""
    for dataset, own in results.groupby("dataset", sort=False):
        best = best_model(own, folder)
        if best is not None:
            count = len(best.folders)
            several = f" It has {count} models, one for each task; the command names the first." if count > 1 else ""
            sentence = f"{dataset}: the best system on dev is {best.system}, with a mean of {best.score:.2f} %."
            yield f"{sentence}{several} Tag a sentence with it:", best.tag_command


def left_out(tasks: Sequence[str]) -> str:
    """What the figures of a dataset do not show."""
    if len(tasks) <= charts.MOST_TASKS:
        return ""
    return (
        f"The figures show the first {charts.MOST_TASKS} of {len(tasks)} tasks; the tables on this page, and those "
        "beside it in the folder tables, hold all."
    )


def mask_items(spec: ReportSpec, folder: Path, dataset: str, table: pd.DataFrame) -> list[Table | Chart]:
    """What the chosen masks share, averaged over the seeds; `table` is the table `masks`."""
    frames: Mapping[str, list[pd.DataFrame]] = {"layers": [], "overlaps": [], "served": []}
    for name, seed, start, choice in spec.selections():
        if name != dataset:
            continue
        path = layout.below(folder, layout.SELECT, dataset=dataset, seed=seed, start=start, choice=choice)
        masks = read_selection(path / "masks.safetensors", None)
        label = f"{choice}, from {start}"
        shown = dict(list(masks.items())[: charts.MOST_TASKS])
        identity = {"dataset": dataset, "seed": seed, "start": start, "choice": choice}
        own = table[(table[list(identity)] == pd.Series(identity)).all(axis=1) & table["task"].isin(list(shown))]
        compared = pd.concat([overlaps(shown), reference_overlaps(own)], ignore_index=True)
        for name, frame in zip(frames, (layer_densities(shown), compared, served(masks)), strict=True):
            frames[name].append(frame.assign(choice=label))
    if not frames["layers"]:
        return []
    mean = {name: _over_seeds(pd.concat(parts, ignore_index=True)) for name, parts in frames.items()}
    maps = [charts.overlap_maps(part, str(choice)) for choice, part in mean["overlaps"].groupby("choice", sort=False)]
    return [overlap_table(mean["overlaps"]), *maps, charts.densities(mean["layers"]), charts.unions(mean["served"])]


def experiment_sections(results: RunResults) -> Iterator[Section]:
    """The tables of the experiments that this run holds."""
    for name, title in EXPERIMENTS.items():
        frame = results.tables.get(name)
        if frame is not None and len(frame):
            yield Section(name, title, [plain_table(name, title, texts.CAPTIONS.get(name, ""), frame)])


def other_sections(results: RunResults) -> Iterator[Section]:
    """The text, and what the run cost."""
    yield Section(
        "data",
        "Data",
        [plain_table("data", "The text", texts.CAPTIONS["data"], results.data.drop(columns="synthetic"))],
    )
    items = []
    if (spent := results.tables.get("costs")) is not None and len(spent):
        items.append(texts.cost_table(spent))
    if len(results.costs):
        jobs = results.costs.rename(columns={"memory": "memory MB"})
        every_job = plain_table("jobs", "Every job", texts.CAPTIONS["jobs"], jobs, 1)
        items += [charts.costs(results.costs), replace(every_job, folded=True)]
    if items:
        yield Section("costs", "Cost", items)


def provenance(spec: ReportSpec, results: RunResults) -> dict[str, str]:
    """What a reader needs to make the same numbers again, as text."""
    packages = ("torch", "numpy", "pandas", "safetensors", "seqeval", "snakemake")
    versions = {"sparse-sharing": __version__, "python": platform.python_version()}
    versions |= {name: version(name) for name in packages}
    revision = texts.git_revision(Path(__file__).parent)
    files = {name: results.provenance[name] for name in ("files", "metrics") if name in results.provenance}
    return {
        "Settings of every stage (first seed), as its files carry them": yaml.safe_dump(
            dict(results.settings), sort_keys=False, allow_unicode=True
        ),
        "Versions": yaml.safe_dump(versions | {"revision": revision}, sort_keys=False),
        "Digests (SHA-256) of the tables and of the metrics behind them": json.dumps(files, indent=1),
    }


def _over_seeds(frame: pd.DataFrame) -> pd.DataFrame:
    """The mean of the figures over rows that agree in all names."""
    keys = [name for name in frame.columns if not pd.api.types.is_numeric_dtype(frame[name]) or name == "tasks"]
    return frame.groupby(keys, sort=False, as_index=False).mean()
