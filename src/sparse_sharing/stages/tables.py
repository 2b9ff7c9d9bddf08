"""Stage `tables`: gather the metrics and masks of all models of a run into tables."""

from pathlib import Path

import pandas as pd

from sparse_sharing import __version__, tables
from sparse_sharing.artifacts import file_digest, load_json, remedy, save_json, spec_digest, write_text
from sparse_sharing.config import layout
from sparse_sharing.config.specs import DIGITS_IN_TABLES, TablesSpec
from sparse_sharing.errors import ArtifactError

ORDER = ("single", "subnetwork", "hard", "soft", "hierarchical", "sparse", "random")
"""The ways of sharing in the order of the paper's tables; random masks last, a control that the paper lacks."""


def run(spec: TablesSpec, run_folder: Path, output: Path) -> None:
    """Read all results below `run_folder` and write the tables into `output`.

    Raises:
        ArtifactError: A result is missing, damaged, or made under other settings.
    """
    paths = metric_paths(spec, run_folder)
    _require_specs(spec, paths)
    order = {"dataset": sorted(spec.datasets), "system": system_order(spec), "task": []}
    results = tables.results(paths, order)
    summary = tables.summary(results, spec.baseline)
    tables.write_results(results, output / "results.csv")
    tables.write_results(tables.per_type(paths, order), output / "per_type.csv")
    tables.write_summary_csv(summary, output / "summary.csv")
    tables.write_summary_md(summary, output / "summary.md", spec.baseline)
    tables.write_summary_tex(summary, output / "summary.tex", spec.baseline)
    for name in ("choice", "overlap"):
        frame = selections(spec, run_folder, name)
        target = {"choice": "masks.csv", "overlap": "overlap.csv"}[name]
        write_text(output / target, frame.to_csv(index=False, lineterminator="\n"))
    written = [output / name for name in layout.TABLE_FILES if name != "provenance.json"]
    details = {
        "version": __version__,
        "files": {path.name: file_digest(path) for path in written},
        "metrics": {str(path.relative_to(run_folder)): file_digest(path) for path in paths},
    }
    save_json(output / "provenance.json", "tables", spec, details)


def system_order(spec: TablesSpec) -> list[str]:
    """The systems as they stand in tables: the baseline first, then by their way of sharing, then by name."""
    ways = {**spec.systems, **(spec.variants or {})}
    return sorted(ways, key=lambda name: (name != spec.baseline, ORDER.index(ways[name]), name))


def metric_paths(spec: TablesSpec, run_folder: Path) -> list[Path]:
    """The metrics of every model, in the order of the configuration."""
    pattern = layout.EVALUATION + "/metrics.json"
    return [
        layout.below(run_folder, pattern, dataset=dataset, seed=seed, system=system, model=model)
        for dataset, seed, system, model in spec.models()
    ]


def selections(spec: TablesSpec, run_folder: Path, name: str) -> pd.DataFrame:
    """The tables of one name of all selections, one below the other, with the selection named in front."""
    keys = ["dataset", "seed", "start", "choice"]
    frames = []
    for values in spec.selections():
        identity = dict(zip(keys, values, strict=True))
        path = layout.below(run_folder, layout.SELECT + f"/{name}.csv", **identity)
        # Densities pass through as text: what was written is what is shown.
        try:
            frames.append(pd.read_csv(path, dtype=str, keep_default_na=False).assign(**identity))
        except (OSError, ValueError) as error:
            raise ArtifactError(f"{path}: is missing or damaged ({error}). {remedy(path)}") from error
    if not frames:
        return pd.DataFrame(columns=keys)
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
