"""The table `comparisons`: whether one system is better than another, over seeds and test texts."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sparse_sharing.errors import ArtifactError
from sparse_sharing.evaluation import statistics
from sparse_sharing.pipeline.tables.comparisons import RECORD
from sparse_sharing.results.forest import Forest, forest
from sparse_sharing.results.tables import verdicts
from sparse_sharing.results.tables.inputs import RunInputs
from sparse_sharing.results.tables.marks import barred
from sparse_sharing.results.tables.markup import Markup, Section
from sparse_sharing.results.tables.means import MEAN
from sparse_sharing.storage.artifacts import Artifact, load_tensors, parts_of

DOCUMENTS, SENTENCES = "documents", "sentences"


def build(run: RunInputs) -> pd.DataFrame:
    """The table of a run."""
    pairs = sorted(run.spec.comparisons, key=lambda pair: [run.systems.index(name) for name in pair])
    return compare(read_counts(run.sentences), pairs, barred(run.marks))


def section(run: RunInputs, dataset: str, markup: Markup) -> Section | None:
    """The section of the summary on a dataset."""
    rows = run.rows_of("comparisons", dataset)
    return Section("Verdicts", verdicts.caption(rows), verdicts.cells(rows, markup)) if len(rows) else None


def chart(compared: pd.DataFrame) -> Forest:
    """The rows of one dataset as a forest plot."""
    return forest(compared)


@dataclass(frozen=True)
class Counts:
    """The counts of one model in each test sentence of one task.

    Attributes:
        values: integers [sentences, 2] (correct, tokens) or [sentences, 3] (correct, predicted, gold spans), in the
            order of the test file.
        path: the file they come from.
        documents: integers [sentences], the number of each sentence's document; None: the text has no documents.
    """

    values: np.ndarray
    path: Path
    documents: np.ndarray | None = None


Key = tuple[str, str, int, str]
"""Dataset, system, seed and task."""


def read_counts(paths: Sequence[Path]) -> dict[Key, Counts]:
    """The counts of every model and task.

    Beside the tensor `TASK` of a task, a file may hold `TASK.documents`; other names with a dot are not read.

    Raises:
        ArtifactError: a file is missing or damaged, or two models of a dataset were scored on different sentences.
    """
    counts_by_key: dict[Key, Counts] = {}
    first: dict[tuple[str, str], Counts] = {}
    for path in paths:
        artifact = load_tensors(path, "sentences")
        tables = counts_of(artifact)
        documents = {task: artifact.tensors.get(f"{task}.documents") for task in tables}
        with parts_of(path):
            model = tuple(artifact.spec[key] for key in ("dataset", "system", "seed"))
            if any(values.ndim != 2 or values.shape[1] == 0 for values in tables.values()):
                raise ValueError("counts of sentences: expected a table")
            for task, numbers in documents.items():
                if numbers is not None and numbers.shape != tables[task].shape[:1]:
                    raise ValueError(f"{task}.documents: expected one number per sentence")
        for task, values in tables.items():
            counts = counts_by_key[(*model, task)] = Counts(values, path, documents[task])
            other = first.setdefault((model[0], task), counts)
            if not _same_text(counts, other):
                raise ArtifactError(
                    f"{path}: task '{task}' was scored on other sentences than in {other.path}. Evaluate both again."
                )
    return counts_by_key


def counts_of(artifact: Artifact) -> dict[str, np.ndarray]:
    """The counts by task; names with a dot belong to other tensors, such as TASK.leaked."""
    return {name: values for name, values in artifact.tensors.items() if "." not in name}


def _same_text(counts: Counts, other: Counts) -> bool:
    """Whether two models were scored on the same sentences: the same number, sizes and documents."""
    if counts.values.shape != other.values.shape or (counts.documents is None) != (other.documents is None):
        return False
    if not np.array_equal(counts.values[:, -1], other.values[:, -1]):
        return False
    return counts.documents is None or other.documents is None or np.array_equal(counts.documents, other.documents)


@dataclass
class Scored:
    """The models of a dataset on one task, or on the mean over its tasks.

    Attributes:
        metric: "accuracy", "f1" or "mean".
        units: the resampled units: "documents", "sentences", or both if tasks differ.
        unit_count: their number; the smallest number if tasks differ.
        scores: test score by system and seed, in percent.
        deviations: the deviations of the scores over test texts by system and seed, float64 [resamples] each.
    """

    metric: str
    units: str
    unit_count: int
    scores: dict[tuple[str, int], float] = field(default_factory=dict)
    deviations: dict[tuple[str, int], np.ndarray] = field(default_factory=dict)

    def seeds(self, system: str) -> list[int]:
        """The seeds of a system."""
        return [seed for name, seed in self.scores if name == system]

    def variance(self, system: str) -> tuple[float, int]:
        """The sample variance of a system over its seeds (0 for one seed), and the number of seeds."""
        scores = [score for (name, _), score in self.scores.items() if name == system]
        return (float(np.var(scores, ddof=1)) if len(scores) > 1 else 0.0), len(scores)


def compare(
    counts: Mapping[Key, Counts],
    pairs: Sequence[tuple[str, str]],
    barred: Mapping[tuple[str, str, str], str] | None = None,
    resamples: int = statistics.RESAMPLES,
) -> pd.DataFrame:
    """Test systems against references, per dataset and task and on the mean over tasks, on the seeds that both have.

    Args:
        counts: as `read_counts` returns it.
        pairs: the (reference, system) pairs, in the order of the rows. All rows of a dataset are one family.
        barred: reasons by (dataset, system, task) why a system's score on a task must not lead to a verdict.
        resamples: the number of test texts that the bootstrap draws.

    Returns:
        One row per dataset, pair and task, and one of task "mean" where both systems have all tasks of the dataset:
        seeds, their number; units and unit_count, what was resampled; comparisons, the size of the family; difference
        of the means over seeds in points; lower and upper, the ends of its simultaneous 95 % interval; detectable, the
        difference that would be found in 80 % of the runs; training_error and text_error, the two parts of its standard
        error (from fewer than three seeds, no training_error); the verdict, and the reason where there is none.
    """
    rows = []
    for dataset in sorted({key[0] for key in counts}):
        dataset_counts = {key[1:]: value for key, value in counts.items() if key[0] == dataset}
        scored = dict(_scored(dataset, dataset_counts, resamples))
        family = [
            (reference, system, task, shared)
            for reference, system in pairs
            for task, models in scored.items()
            if (shared := sorted(set(models.seeds(reference)) & set(models.seeds(system))))
        ]
        systems = sorted({name for reference, system, _, _ in family for name in (reference, system)})
        for reference, system, task, shared in family:
            reason = _reason(barred or {}, dataset, (system, reference), [task] if task != MEAN else list(scored))
            names = {"dataset": dataset, "reference": reference, "system": system, "task": task}
            result = _tested(scored[task], (reference, system), shared, systems, len(family))
            verdict = {"verdict": statistics.NO_VERDICT, "reason": reason} if reason else {}
            rows.append(names | {"comparisons": len(family)} | result | verdict)
    return pd.DataFrame(rows, columns=list(RECORD.columns))


def _scored(
    dataset: str, counts: Mapping[tuple[str, int, str], Counts], resamples: int
) -> Iterator[tuple[str, Scored]]:
    """Each task with test sentences, and the mean over tasks if a dataset has several."""
    tasks = sorted({task for _, _, task in counts})
    parts, total = [], {}
    for task in tasks:
        models = {key[:2]: model_counts for key, model_counts in sorted(counts.items()) if key[2] == task}
        values = np.stack([model_counts.values for model_counts in models.values()])
        if not values.shape[1]:
            continue
        documents = next(iter(models.values())).documents
        units = SENTENCES
        if documents is not None and len(np.unique(documents)) > 1:
            units, values = DOCUMENTS, statistics.by_document(values, documents)
        count = values.shape[1]
        # The draws depend on the number of units only, so tasks of the same text are resampled together.
        deviations = statistics.text_deviations(values, statistics.generator(dataset, str(count)), resamples)
        scores = dict(zip(models, statistics.score(values.sum(1)).tolist(), strict=True))
        part = Scored("f1" if values.shape[2] == 3 else "accuracy", units, count, scores)
        part.deviations = dict(zip(models, deviations.T, strict=True))
        for model in models:
            total[model] = total.get(model, 0.0) + part.deviations[model] / len(tasks)
        parts.append(part)
        yield task, part
    if len(parts) < 2 or len(parts) < len(tasks):
        return
    complete = [model for model in parts[0].scores if all(model in part.scores for part in parts)]
    kinds = " and ".join(sorted({part.units for part in parts}))
    mean = Scored(MEAN, kinds, min(part.unit_count for part in parts))
    mean.scores = {model: float(np.mean([part.scores[model] for part in parts])) for model in complete}
    mean.deviations = {model: total[model] for model in complete}
    yield MEAN, mean


def _tested(
    scored: Scored, pair: tuple[str, str], seeds: Sequence[int], systems: Sequence[str], comparisons: int
) -> dict[str, Any]:
    """The columns of one row from `metric` on, for a (reference, system) pair and the seeds that both have."""
    theirs, ours = ([scored.scores[name, seed] for seed in seeds] for name in pair)
    moved = [np.stack([scored.deviations[name, seed] for seed in seeds], axis=1) for name in pair]
    difference = float(np.mean(ours) - np.mean(theirs))
    row: dict[str, Any] = {
        "metric": scored.metric,
        "seeds": len(seeds),
        "units": scored.units,
        "unit_count": scored.unit_count,
    }
    row |= {"difference": difference, "reason": ""}
    if scored.unit_count < 2:
        return row | {"verdict": statistics.NO_VERDICT, "reason": "the test text is a single sentence"}
    text = statistics.text_variance(moved[1], moved[0])
    training = None
    if len(seeds) < statistics.SEEDS_FOR_SYSTEMS:
        variance = text.of_models
        half, error = statistics.half_width_of_models(np.asarray(variance), scored.unit_count, comparisons)
    else:
        variance = text.of_systems
        seed_variances = (np.asarray(np.var(ours, ddof=1)), np.asarray(np.var(theirs, ddof=1)))
        variances, counts = zip(*(scored.variance(name) for name in systems), strict=True)
        pooled, degrees = statistics.pooled_variance(variances, counts)
        half, error = statistics.half_width_of_systems(
            seed_variances,
            len(seeds),
            (np.asarray(pooled), degrees),
            np.asarray(variance),
            scored.unit_count,
            comparisons,
        )
        training = float(np.sqrt(max(0.0, error**2 - variance)))
    lower, upper = difference - float(half), difference + float(half)
    return row | {
        "lower": lower,
        "upper": upper,
        "detectable": statistics.detectable(float(half), float(error)),
        "training_error": training,
        "text_error": float(np.sqrt(variance)),
        "verdict": statistics.verdict(lower, upper, len(seeds)),
    }


def _reason(
    barred: Mapping[tuple[str, str, str], str], dataset: str, systems: Sequence[str], tasks: Sequence[str]
) -> str:
    """The reasons why a row must have no verdict, each once; empty if there are none."""
    reasons = [barred.get((dataset, system, task), "") for system in systems for task in tasks]
    return "; ".join(dict.fromkeys(reason for reason in reasons if reason))
