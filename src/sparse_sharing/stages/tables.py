"""Stage `tables`: gather the metrics and masks of all models of a run into tables."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from sparse_sharing import __version__
from sparse_sharing.config.systems import rows_in_order
from sparse_sharing.errors import ArtifactError
from sparse_sharing.masks.files import mask_name
from sparse_sharing.pipeline import layout
from sparse_sharing.pipeline.experiments import CONTROLS
from sparse_sharing.pipeline.specs import DIGITS_IN_TABLES, TablesSpec
from sparse_sharing.results import tables
from sparse_sharing.results.tables.annotations import mark_controls, mark_replicas
from sparse_sharing.storage.artifacts import (
    file_digest,
    load_json,
    load_tensors,
    parts_of,
    remedy,
    save_json,
    spec_digest,
    write_text,
)


def run(spec: TablesSpec, run_folder: Path, output: Path) -> None:
    """Read all results below `run_folder` and write into `output` the tables that they fill.

    Raises:
        ArtifactError: A result is missing, damaged, or made under other settings.
    """
    paths = evaluated(spec, run_folder, "metrics.json")
    _require_specs(spec, paths)
    sentences = evaluated(spec, run_folder, "sentences.safetensors")
    _require_same_specs(paths, sentences)
    systems = system_order(spec)
    order = {"dataset": sorted(spec.datasets), "system": systems, "task": []}
    choices, overlaps = (selections(spec, run_folder, name) for name in ("choice", "overlap"))
    marks = tables.marks(paths, choices, spec.facts)

    def write_csv(frame: pd.DataFrame, name: str) -> None:
        tables.write_csv(tables.with_marks(frame, marks, spec.seeds), output / name)

    results = tables.results(paths, order)
    summary = tables.with_marks(tables.summary(results, spec.baseline), marks, spec.seeds)
    write_csv(results, "results.csv")
    write_csv(tables.per_type(paths, order), "per_type.csv")
    pairs = sorted(spec.comparisons, key=lambda pair: [systems.index(name) for name in pair])
    verdicts = tables.compare(tables.read_counts(sentences), pairs, tables.barred(marks))
    paper = tables.beside_paper(summary, spec.facts, spec.paper) if spec.paper else None
    if spec.self_overlap:
        choices, overlaps = with_self_overlaps(spec, run_folder, choices, overlaps)
    costs, leaks = tables.costs(spec, run_folder, systems), tables.leaks(sentences, order)
    text = {dataset: tables.text_notes(prepared(run_folder, dataset)) for dataset in spec.datasets}
    sections = (spec.baseline, verdicts, paper, spec.paper_notes or (), costs, leaks, text)
    write_csv(summary, "summary.csv")
    tables.write_summary_md(summary, output / "summary.md", *sections)
    tables.write_summary_tex(summary, output / "summary.tex", *sections)
    write_csv(verdicts, "comparisons.csv")
    write_csv(costs, "costs.csv")
    write_csv(leaks, "leaks.csv")
    for name, frame in (("masks.csv", choices), ("overlap.csv", overlaps)):
        write_text(output / name, frame.to_csv(index=False, lineterminator="\n"))
    of_rounds = choices[~choices["choice"].isin(list(spec.named_prunings or ()))]
    measured = tables.Measured(results, overlaps, spec.facts, spec.datasets, spec.paper or {})
    further = {
        "rounds.csv": lambda: tables.rounds(prunings(spec, run_folder), of_rounds, measured.paper),
        "sweep.csv": lambda: tables.sweep(measured),
        "pairs.csv": lambda: tables.pairs(measured),
        "ablation.csv": lambda: tables.ablation(measured),
        "paper.csv": lambda: paper,
    }
    names = layout.table_files(spec)
    for name in further.keys() & set(names):
        write_csv(further[name](), name)
    written = [output / name for name in names if name != "provenance.json"]
    mark_replicas(spec, written)
    mark_controls(spec, written)
    details = {
        "version": __version__,
        "files": {name: file_digest(output / name) for name in names if name != "provenance.json"},
        "metrics": {str(path.relative_to(run_folder)): file_digest(path) for path in paths},
    }
    save_json(output / "provenance.json", "tables", spec, details)


def system_order(spec: TablesSpec) -> list[str]:
    """The systems as they are in tables: the baseline first, then in the order of the paper's, controls last."""
    order = [*rows_in_order(), *CONTROLS]
    return sorted(spec.facts, key=lambda name: (name != spec.baseline, order.index(spec.facts[name].kind), name))


def evaluated(spec: TablesSpec, run_folder: Path, name: str) -> list[Path]:
    """A file of the evaluation of every model, in the order of the configuration."""
    pattern = f"{layout.EVALUATION}/{name}"
    return [
        layout.below(run_folder, pattern, dataset=dataset, seed=seed, system=system, model=model)
        for dataset, seed, system, model in spec.models()
    ]


def prepared(run_folder: Path, dataset: str) -> Path:
    """What was noted when the text of a dataset was prepared."""
    return layout.below(run_folder, f"{layout.DATA}/summary.json", dataset=dataset)


def selections(spec: TablesSpec, run_folder: Path, name: str) -> pd.DataFrame:
    """The tables of one name of all selections, one below the other, with the selection named in front."""
    pattern = f"{layout.SELECT}/{name}.csv"
    return _gathered(run_folder, pattern, ["dataset", "seed", "start", "choice"], spec.selections())


def with_self_overlaps(
    spec: TablesSpec, run_folder: Path, choices: pd.DataFrame, overlaps: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The tables of masks and overlaps with a column `self_overlap`.

    For a task it is the overlap of the mask of its round with that of the same round of the second pruning; for a pair
    of tasks the mean of both. It is blank where the second pruning ended before that round.
    """
    keys = ["dataset", "seed", "start", "choice"]
    found: dict[tuple, float] = {}
    for row in choices[choices["choice"].isin(spec.self_overlap)].to_dict("records"):
        identity = {key: row[key] for key in ("dataset", "seed", "start", "task")}
        name, masks = mask_name(int(row["round"])), []
        for pattern in (layout.PRUNE, layout.PRUNE_AGAIN):
            path = layout.below(run_folder, f"{pattern}/masks.safetensors", **identity)
            packed = load_tensors(path, "masks").tensors
            masks += [np.unpackbits(packed[name])] if name in packed else []
        if len(masks) == 2:
            first, second = masks
            found[*(row[key] for key in keys), row["task"]] = (first & second).sum() / max(1, (first | second).sum())

    def of_tasks(row: pd.Series, tasks: Sequence[str]) -> str:
        values = [found.get((*(row[key] for key in keys), task)) for task in tasks]
        return "" if len(tasks) > 2 or None in values else f"{sum(values) / len(values):.6f}"

    own = [of_tasks(row, [row["task"]]) for _, row in choices.iterrows()]
    pairs = [of_tasks(row, row["tasks"].split("&")) for _, row in overlaps.iterrows()]
    return choices.assign(self_overlap=own), overlaps.assign(self_overlap=pairs)


def prunings(spec: TablesSpec, run_folder: Path) -> pd.DataFrame:
    """The rounds of all prunings, one below the other, with the pruning named in front."""
    keys = ["dataset", "seed", "start", "task"]
    frames = []
    for values in spec.prunings():
        identity = dict(zip(keys, values, strict=True))
        path = layout.below(run_folder, f"{layout.PRUNE}/masks.safetensors", **identity)
        # Not from rounds.csv: its seconds differ from run to run, and would make the tables anew.
        artifact = load_tensors(path, "masks")
        with parts_of(path):
            rounds = pd.DataFrame(artifact.details["rounds"])
            frames.append(rounds.astype({"round": int, "density": float, "dev_score": float}).assign(**identity))
    frame = pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=[*keys, "round", "density"])
    return frame[[*keys, *(column for column in frame.columns if column not in keys)]]


def _gathered(run_folder: Path, pattern: str, keys: Sequence[str], jobs: Sequence[tuple]) -> pd.DataFrame:
    """The tables that jobs have written, one below the other, each with the keys of its job in front."""
    frames = []
    for values in jobs:
        identity = dict(zip(keys, values, strict=True))
        path = layout.below(run_folder, pattern, **identity)
        # Densities pass through as text: what was written is what is shown.
        try:
            frames.append(pd.read_csv(path, dtype=str, keep_default_na=False).assign(**identity))
        except (OSError, ValueError) as error:
            raise ArtifactError(f"{path}: is missing or damaged ({error}). {remedy(path)}") from error
    if not frames:
        return pd.DataFrame(columns=list(keys))
    frame = pd.concat(frames, ignore_index=True).fillna("")
    return frame[[*keys, *(column for column in frame.columns if column not in keys)]]


def _require_specs(spec: TablesSpec, paths: list[Path]) -> None:
    """Check that every result was made under the settings of this run."""
    for index, path in enumerate(paths):
        expected = spec.metrics[index * DIGITS_IN_TABLES : (index + 1) * DIGITS_IN_TABLES]
        found = spec_digest(load_json(path, "metrics").spec)
        if not found.startswith(expected):
            raise ArtifactError(
                f"{path}: was made under other settings (spec {found}, this run expects {expected}...). "
                f"Use the configuration it was made with, or: {remedy(path)}"
            )


def _require_same_specs(metrics: Sequence[Path], sentences: Sequence[Path]) -> None:
    """Check that the counts of sentences were made together with the metrics that were checked."""
    for path, beside in zip(metrics, sentences, strict=True):
        load_tensors(beside, "sentences", spec_digest(load_json(path, "metrics").spec))
