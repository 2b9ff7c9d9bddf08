"""Stage `report`: show a finished run on one self-contained HTML page."""

import json
import os
import platform
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import pandas as pd
import yaml

from sparse_sharing import __version__
from sparse_sharing.masks.files import read_selection
from sparse_sharing.pipeline import layout
from sparse_sharing.pipeline.specs import ReportSpec
from sparse_sharing.pipeline.tables import tables_of
from sparse_sharing.results.drawing import MOST_TASKS, Chart
from sparse_sharing.results.forest import forest
from sparse_sharing.results.page import charts, machine, texts
from sparse_sharing.results.page.best import best_model
from sparse_sharing.results.page.cautions import cautions
from sparse_sharing.results.page.page import Page, Section, Table, drawing_library, plain_table, render
from sparse_sharing.results.page.results import (
    RunResults,
    layer_densities,
    overlaps,
    read_run,
    reference_overlaps,
    served,
)
from sparse_sharing.results.page.tables import overlap_table, system_table, type_table
from sparse_sharing.results.tables.inputs import RunInputs, builder_of
from sparse_sharing.results.tables.leaks import LEAKS_CAPTION, LEAKS_TITLE
from sparse_sharing.results.tables.rounds import STARTS
from sparse_sharing.results.tables.rounds import chart as pruning_rounds
from sparse_sharing.storage.artifacts import write_text

NO_MASKS = (
    "With this many datasets the page has no figures of masks; their densities and overlaps are in tables/masks.csv "
    "and tables/overlap.csv."
)

DUMPER = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
"""The fast dumper, if PyYAML was built with it."""


def run(spec: ReportSpec, run_folder: Path, output: Path, configuration: str | None = None) -> None:
    """Read the run in `run_folder` and write the page `output`.

    Args:
        spec: the spec of the report.
        run_folder: the folder of the run.
        output: the file to write.
        configuration: the configuration file of the run, as the user named it; None: the default run.

    Raises:
        ArtifactError: A file of the run is missing or damaged.
    """
    results = read_run(spec, run_folder)
    systems = list(dict.fromkeys(results.tables["summary"]["system"]))
    best, many = list(best_models(results.tables["results"], run_folder)), len(spec.datasets) > texts.MANY_DATASETS
    sections = [
        Section("systems", "Systems", [system_table(spec, systems)]),
        *([texts.overview(results.tables["summary"])] if many else []),
        *dataset_sections(spec, run_folder, results, systems),
        *([Section("models", "Best models", [], commands=best, folded=many)] if best else []),
        *experiment_sections(spec, results),
        *other_sections(results),
    ]
    notes = RunInputs(spec, run_folder).notes
    page = Page(
        title=spec.run,
        lead=texts.leads(results.tables["comparisons"], list(spec.datasets), spec.baseline),
        sections=sections,
        facts={**texts.facts(spec, results), **machine.facts(run_folder)},
        details=provenance(spec, results),
        commands=[(texts.AGAIN, again(configuration))],
        warnings=cautions(results.tables, notes, results.data),
    )
    write_text(output, render(page, drawing_library()))


def again(configuration: str | None) -> str:
    """The command that repeats a run."""
    named = f" {shlex.quote(configuration)}" if configuration else ""
    return f"sparse-sharing run{named} --cores {os.cpu_count()}"


def dataset_sections(spec: ReportSpec, folder: Path, results: RunResults, systems: Sequence[str]) -> Iterator[Section]:
    """For each dataset: verdicts, scores, scores by type, learning curves, pruning, masks."""
    for dataset in spec.datasets:
        tables = {
            name: frame[frame["dataset"] == dataset] for name, frame in results.tables.items() if "dataset" in frame
        }
        scores = tables["summary"]
        tasks, means = scores[scores["task"] != "mean"], scores[scores["task"] == "mean"]
        items = []
        if len(tables["comparisons"]):
            items += [forest(tables["comparisons"]), texts.verdict_table(tables["comparisons"].drop(columns="dataset"))]
        items.append(texts.score_table(scores))
        items.append(type_table(tables["per_type"].drop(columns="dataset"), systems, spec.baseline))
        if len(tables["leaks"]):
            items.append(plain_table("leaks", LEAKS_TITLE, LEAKS_CAPTION, tables["leaks"].drop(columns="dataset")))
        curves = results.curves[results.curves["dataset"] == dataset]
        # Colours are few: those that are easiest to distinguish are for systems with curves.
        in_colour = sorted(systems, key=lambda system: system not in set(curves["system"]))
        items.append(charts.sizes(means if len(means) else tasks, in_colour))
        items.append(charts.learning_curves(curves, in_colour))
        if len(rounds := tables.get("rounds", pd.DataFrame())):
            items.append(pruning_rounds(rounds))
        many = len(spec.datasets) > texts.MANY_DATASETS
        items += [] if many else mask_items(spec, folder, dataset, results.tables["masks"])
        text = f"{left_out(spec.datasets[dataset])}{NO_MASKS if many else ''}"
        yield Section(f"dataset-{dataset}", dataset, items, text, folded=many)


def best_models(results: pd.DataFrame, folder: Path) -> Iterator[tuple[str, str]]:
    """The best model of each dataset on dev, with the command that tags with it."""
    for dataset, rows in results.groupby("dataset", sort=False):
        best = best_model(rows, folder)
        if best is not None:
            count = len(best.folders)
            several = f" It has {count} models, one for each task; the command uses the first." if count > 1 else ""
            sentence = f"{dataset}: the best system on dev is {best.system}, with a mean of {best.score:.2f} %."
            yield f"{sentence}{several} Tag a sentence with it:", best.tag_command


def left_out(tasks: Sequence[str]) -> str:
    """A note on the tasks that the figures of a dataset do not show."""
    if len(tasks) <= MOST_TASKS:
        return ""
    return (
        f"The figures show the first {MOST_TASKS} of {len(tasks)} tasks; the tables on this page and in the "
        "folder tables have all. "
    )


def mask_items(spec: ReportSpec, folder: Path, dataset: str, table: pd.DataFrame) -> list[Table | Chart]:
    """Tables and charts of the chosen masks, averaged over the seeds; `table` is the table `masks`."""
    chosen = dict(list(table[table["dataset"] == dataset].groupby(["seed", "start", "choice"])))
    frames: Mapping[str, list[pd.DataFrame]] = {"layers": [], "overlaps": [], "served": []}
    for name, seed, start, choice in spec.selections():
        if name != dataset:
            continue
        path = layout.below(folder, layout.SELECT, dataset=dataset, seed=seed, start=start, choice=choice)
        masks = read_selection(path / "masks.safetensors")
        label = f"{choice}, {STARTS[start]}"
        shown = dict(list(masks.items())[:MOST_TASKS])
        selection = chosen.get((seed, start, choice), table[:0])
        compared = [overlaps(shown), reference_overlaps(selection[selection["task"].isin(list(shown))])]
        compared = pd.concat(compared, ignore_index=True)
        for name, frame in zip(frames, (layer_densities(shown), compared, served(masks)), strict=True):
            frames[name].append(frame.assign(choice=label))
    if not frames["layers"]:
        return []
    mean = {name: _over_seeds(pd.concat(parts, ignore_index=True)) for name, parts in frames.items()}
    maps = [charts.overlap_maps(part, str(choice)) for choice, part in mean["overlaps"].groupby("choice", sort=False)]
    return [overlap_table(mean["overlaps"]), *maps, charts.densities(mean["layers"]), charts.unions(mean["served"])]


def experiment_sections(spec: ReportSpec, results: RunResults) -> Iterator[Section]:
    """The tables with their own section: those of the experiments in this run."""
    for record in tables_of(spec):
        frame = results.tables[record.name]
        if record.title is None or not len(frame):
            continue
        drawn = frame.groupby("dataset", sort=False) if record.has_figure(spec) else ()
        plots = [replace(builder_of(record).chart(rows), title=str(dataset)) for dataset, rows in drawn]
        on_page = getattr(builder_of(record), "on_page", None)
        shown = frame if on_page is None else on_page(frame)
        table = plain_table(record.name, record.title, record.caption, shown)
        yield Section(record.name, record.title, [*plots, table])


def other_sections(results: RunResults) -> Iterator[Section]:
    """The sections on the text and on the costs of the run."""
    sizes = [plain_table("data", "The text", texts.CAPTIONS["data"], results.data.drop(columns="synthetic"))]
    if len(results.spans):
        spans = plain_table("spans", "Spans of each type", texts.CAPTIONS["spans"], results.spans)
        sizes.append(replace(spans, folded=True))
    yield Section("data", "Data", sizes)
    items = []
    if (spent := results.tables.get("costs")) is not None and len(spent):
        items.append(texts.cost_table(spent))
    if len(results.costs):
        jobs = results.costs.rename(columns={"memory": "memory MB"})
        items += [charts.costs(results.costs), texts.jobs_table(jobs)]
    if items:
        yield Section("costs", "Cost", items)


def provenance(spec: ReportSpec, results: RunResults) -> dict[str, str]:
    """What a reader needs to reproduce the numbers, as text."""
    packages = ("torch", "numpy", "pandas", "safetensors", "seqeval", "snakemake")
    versions = {"sparse-sharing": __version__, "python": platform.python_version()}
    versions |= {name: version(name) for name in packages}
    revision = texts.git_revision(Path(__file__).parent)
    files = {name: results.provenance[name] for name in ("files", "metrics") if name in results.provenance}
    return {
        "Settings of every stage (first seed), as stored in its files": yaml.dump(
            dict(results.settings), Dumper=DUMPER, sort_keys=False, allow_unicode=True
        ),
        "Versions": yaml.dump(versions | {"revision": revision}, Dumper=DUMPER, sort_keys=False),
        "Digests (SHA-256) of the tables and of the metrics they are made from": json.dumps(files, indent=1),
    }


def _over_seeds(frame: pd.DataFrame) -> pd.DataFrame:
    """The mean of the numbers over rows that agree in all names."""
    keys = [name for name in frame.columns if not pd.api.types.is_numeric_dtype(frame[name]) or name == "tasks"]
    return frame.groupby(keys, sort=False, as_index=False).mean()
