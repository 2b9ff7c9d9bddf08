"""Compares two runs: how their scores differ, and which settings do."""

import json
from collections import defaultdict
from pathlib import Path

import pandas as pd

from sparse_sharing.errors import ArtifactError
from sparse_sharing.inspection.spec_differences import differences
from sparse_sharing.pipeline import layout
from sparse_sharing.pipeline.provenance import stored_spec
from sparse_sharing.pipeline.stage import STAGES

CELL = ["dataset", "system", "task", "metric"]

DIGESTS = {"data", "tags", "start", "masks", "model", "metrics", "chosen"}
"""Keys of specs that name other specs by their digest: differences in those are shown for the other specs."""


def compare_scores(first: Path, second: Path) -> pd.DataFrame:
    """The test scores of two runs, one row per dataset, system, task and metric that either has.

    Returns:
        The columns dataset, system, task, metric, first and second (means over seeds, percent; missing where a run has
        none), difference (second minus first; missing where the test text differs), seeds_first and seeds_second (their
        numbers).

    Raises:
        ArtifactError: A run has no tables.
    """
    means = [_means(run, side) for run, side in ((first, "first"), (second, "second"))]
    table = means[0].join(means[1], how="outer").reset_index()
    table["difference"] = table["second"] - table["first"]
    table.loc[table["dataset"].isin(other_test_texts(first, second)), "difference"] = float("nan")
    for side in ("seeds_first", "seeds_second"):
        table[side] = table[side].fillna(0).astype(int)
    return table[[*CELL, "first", "second", "difference", "seeds_first", "seeds_second"]]


def other_test_texts(first: Path, second: Path) -> list[str]:
    """The datasets whose test text differs between two runs: scores on them cannot be compared."""
    texts = [_test_texts(run) for run in (first, second)]
    return sorted(name for name in texts[0].keys() & texts[1].keys() if texts[0][name] != texts[1][name])


def _test_texts(run: Path) -> dict[str, dict[str, tuple]]:
    """By dataset and corpus, the digest of the test file and its number of sentences, if the run has them."""
    texts = {}
    for path in sorted(run.glob("*/data/summary.json")):
        try:
            corpora = json.loads(path.read_bytes())["details"]["splits"]["test"]["corpora"]
            texts[path.parts[-3]] = {name: (corpus["sha256"], corpus["sentences"]) for name, corpus in corpora.items()}
        except (OSError, ValueError, KeyError, TypeError):
            continue
    return texts


def _means(run: Path, side: str) -> pd.DataFrame:
    path = run / "tables" / "results.csv"
    try:
        results = pd.read_csv(path, dtype={"dataset": str, "system": str, "task": str}, keep_default_na=False)
        test_results = results[(results["split"] == "test") & results["metric"].isin(["accuracy", "f1"])]
        spans = test_results.groupby(["dataset", "system", "seed", "task"])["metric"].transform(
            lambda metrics: (metrics == "f1").any()
        )
        main = test_results[(test_results["metric"] == "f1") | ~spans.astype(bool)]
        return main.groupby(CELL).agg(**{side: ("value", "mean"), f"seeds_{side}": ("seed", "nunique")})
    except (OSError, ValueError, KeyError) as error:
        raise ArtifactError(
            f"{path}: is missing or damaged ({error}). Make the tables of the run first: snakemake --cores 2 tables"
        ) from error


def compare_settings(first: Path, second: Path) -> dict[tuple[str, str, str, str], list[str]]:
    """The settings in which the files of two runs differ, from the specs stored in the files.

    Returns:
        For each (stage, key, value in the first run, value in the second) the folders, below both runs, of the jobs
        that differ in this way. Jobs that only one run has are under the key `only in the first` or `only in the
        second`.
    """
    folders: dict[tuple[str, str, str, str], list[str]] = defaultdict(list)
    seen_patterns: set[str] = set()
    for stage in STAGES:
        if stage.carrier is None or not stage.identity:
            continue
        pattern = layout.any_below(f"{stage.folder}/{stage.carrier.file}")
        if pattern in seen_patterns:
            # Several stages can write the same kind of file, such as models.
            continue
        seen_patterns.add(pattern)
        in_first, in_second = (
            {str(path.relative_to(run)): path for path in run.glob(pattern)} for run in (first, second)
        )
        for name in sorted(in_first.keys() | in_second.keys()):
            folder = str(Path(name).parent)
            if name not in in_first or name not in in_second:
                folders[stage.name, f"only in the {'first' if name in in_first else 'second'}", "", ""].append(folder)
                continue
            before, after = stored_spec(in_first[name]) or {}, stored_spec(in_second[name]) or {}
            for key, values in differences(before, after).items():
                # A section of settings may have the name of a digest; digests are text.
                if key.split(".")[0] not in DIGESTS or '"' not in "".join(values):
                    folders[stage.name, key, *values].append(folder)
    return dict(folders)
