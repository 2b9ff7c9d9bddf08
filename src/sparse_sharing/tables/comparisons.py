"""Tests between systems: does one label the test sentences better than another, and how surely?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pandas as pd

from sparse_sharing import statistics
from sparse_sharing.artifacts import Artifact, load_tensors, parts_of
from sparse_sharing.errors import ArtifactError

COMPARISONS = ["dataset", "reference", "system", "task", "metric", "seeds", "sentences", "difference", "lower", "upper"]
COMPARISONS += ["p", "p_corrected", "effect_size", "seed_p", "smallest_seed_p", "verdict"]


@dataclass(frozen=True)
class Counts:
    """What one model got right in each test sentence of one task.

    Attributes:
        values: integers [sentences, 2] (correct, tokens) or [sentences, 3] (correct, predicted, gold spans), in the
            order of the test file.
        path: the file they come from.
    """

    values: np.ndarray
    path: Path


Key = tuple[str, str, int, str]
"""Dataset, system, seed and task."""


def read_counts(paths: Sequence[Path]) -> dict[Key, Counts]:
    """The counts of every model and task.

    Raises:
        ArtifactError: a file is missing or damaged, or two models of a dataset were scored on different sentences.
    """
    found: dict[Key, Counts] = {}
    first: dict[tuple[str, str], Counts] = {}
    for path in paths:
        artifact = load_tensors(path, "sentences")
        with parts_of(path):
            model = tuple(artifact.spec[key] for key in ("dataset", "system", "seed"))
            if any(values.ndim != 2 or values.shape[1] == 0 for values in counts_of(artifact).values()):
                raise ValueError("counts of sentences that are no table")
        for task, values in counts_of(artifact).items():
            counts = found[(*model, task)] = Counts(values, path)
            other = first.setdefault((model[0], task), counts)
            if values.shape != other.values.shape or not np.array_equal(values[:, -1], other.values[:, -1]):
                raise ArtifactError(
                    f"{path}: task '{task}' was scored on other sentences than in {other.path}. Evaluate both anew."
                )
    return found


def counts_of(artifact: Artifact) -> dict[str, np.ndarray]:
    """The counts by task; names with a dot belong to other tensors, such as TASK.leaked."""
    return {name: values for name, values in artifact.tensors.items() if "." not in name}


def compare(
    counts: Mapping[Key, Counts],
    meetings: Sequence[tuple[str, str]],
    resamples: int = statistics.RESAMPLES,
    barred: Mapping[tuple[str, str, str], str] = MappingProxyType({}),
) -> pd.DataFrame:
    """Test systems against references, per dataset and task, on the seeds that both have.

    Args:
        counts: as `read_counts` returns it.
        meetings: the (reference, system) pairs, in the order of the rows.
        resamples: how many test sets the bootstrap draws.
        barred: the dataset, system and task of what gets no verdict, and why.

    Returns:
        One row per dataset, reference, system and task: number of seeds and of test sentences; the difference of the
        means over seeds in points; lower and upper, the ends of its 95 % bootstrap interval over test sentences; p of
        that bootstrap, and p_corrected, after Holm, over all rows of the dataset; effect_size, Cohen's d_z over seeds;
        seed_p of the paired permutation test over seeds, and the smallest that so many seeds could give; the verdict.
    """
    rows = []
    for dataset in sorted({key[0] for key in counts}):
        tasks = sorted({key[3] for key in counts if key[0] == dataset})
        by_task = {task: _compare_task(counts, dataset, task, meetings, resamples) for task in tasks}
        block = [
            {
                "dataset": dataset,
                "reference": reference,
                "system": system,
                "task": task,
                **by_task[task][reference, system],
            }
            for reference, system in meetings
            for task in tasks
            if (reference, system) in by_task[task]
        ]
        corrected = statistics.holm(np.array([row["p"] for row in block]))
        for row, p in zip(block, corrected.tolist(), strict=True):
            verdict = statistics.verdict(p, row.pop("differences"))
            if any((dataset, row[name], row["task"]) in barred for name in ("reference", "system")):
                verdict = statistics.NO_VERDICT
            rows.append(row | {"p_corrected": p, "verdict": verdict})
    return pd.DataFrame(rows, columns=COMPARISONS)


def _compare_task(
    counts: Mapping[Key, Counts], dataset: str, task: str, meetings: Sequence[tuple[str, str]], resamples: int
) -> dict[tuple[str, str], dict]:
    """What there is to say of each pair on one task; all models are scored on the same resampled test sets."""
    models = {(key[1], key[2]): found.values for key, found in sorted(counts.items()) if key[::3] == (dataset, task)}
    place = {model: number for number, model in enumerate(models)}
    stacked = np.stack(list(models.values()))
    sentences = stacked.shape[1]
    if not sentences:
        return {}
    scores = statistics.score(stacked.sum(1))
    resampled = statistics.resampled_scores(stacked, statistics.generator(dataset, task), resamples)
    found = {}
    for reference, system in meetings:
        seeds = [seed for name, seed in models if name == system and (reference, seed) in place]
        if not seeds:
            continue
        ours, theirs = ([place[name, seed] for seed in seeds] for name in (system, reference))
        differences = scores[ours] - scores[theirs]
        drawn = (resampled[:, ours] - resampled[:, theirs]).mean(1)
        lower, upper = statistics.bootstrap_interval(drawn)
        found[reference, system] = {
            "metric": "f1" if stacked.shape[2] == 3 else "accuracy",
            "seeds": len(seeds),
            "sentences": sentences,
            "difference": float(differences.mean()),
            "lower": lower,
            "upper": upper,
            "p": statistics.bootstrap_p(drawn),
            "effect_size": statistics.effect_size(differences),
            "seed_p": statistics.permutation_p(differences, statistics.generator(dataset, task, "seeds")),
            "smallest_seed_p": statistics.smallest_permutation_p(len(seeds)),
            "differences": differences,
        }
    return found
