"""Measures how often the test between systems finds a difference that does not exist, and which it can detect.

`python -m benchmarks.calibration` simulates runs, trains one system again and again, and writes its tables into
docs/statistics.md. The project's earlier test, a bootstrap over sentences with Holm's correction, is kept here for
comparison.
"""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from scipy.stats import binomtest, norm

from sparse_sharing.evaluation import statistics
from sparse_sharing.evaluation.statistics import LEVEL
from sparse_sharing.results.tables.comparisons import Counts, compare
from sparse_sharing.storage.artifacts import write_text

SEEDS = (3, 5, 10)
DEVIATIONS = (0.1, 0.3, 1.0)
"""Standard deviations over seeds, in points."""

TEXT_ERROR = 0.15
"""The standard error of a difference over texts, in points: between that of tags and that of names in CoNLL-2003."""

NOISIER = (3, 5, 10)
"""How many times the deviation of the others one system has."""

UNITS = 200
TASKS = 3


@dataclass(frozen=True)
class Family:
    """Which systems are compared: `pairs` of numbers of systems, on TASKS tasks."""

    systems: int
    pairs: tuple[tuple[int, int], ...]

    @property
    def comparisons(self) -> int:
        """The number of rows."""
        return TASKS * len(self.pairs)


FAMILIES = (
    Family(4, tuple((system, 0) for system in (1, 2, 3))),
    Family(8, (*((system, 0) for system in range(1, 8)), *((system, 2) for system in (1, 3, 4, 5, 6, 7)))),
)
"""Nine rows: three systems against a baseline. Thirty-nine: seven against it, and six against a second reference."""


@dataclass(frozen=True)
class Simulated:
    """Simulated runs of systems that do not differ, with the measurements of each row.

    Attributes:
        differences: float64 [runs, rows].
        variances: the sample variances over seeds of both systems of a row, float64 [runs, rows] each.
        pooled: the pooled variance over seeds of a row's task, float64 [runs, rows], and its degrees of freedom.
        text: the variance over texts as a bootstrap would estimate it, float64 [runs, rows].
        seeds: the number of seeds.
    """

    differences: np.ndarray
    variances: tuple[np.ndarray, np.ndarray]
    pooled: tuple[np.ndarray, int]
    text: np.ndarray
    seeds: int


def simulate(family: Family, deviations: Sequence[float], seeds: int, runs: int, seed: int = 1) -> Simulated:
    """Draw normal scores of systems with equal means, and their common test text.

    Args:
        family: which systems are compared.
        deviations: the standard deviation over seeds of each system, in points.
        seeds: the trainings of each system.
        runs: how many runs are drawn.
        seed: the seed of the draws.
    """
    random = np.random.default_rng(seed)
    first, second = np.array(family.pairs).T
    scores = random.normal(size=(runs, TASKS, family.systems, seeds)) * np.array(deviations)[:, None]
    means = scores.mean(-1) + random.normal(size=scores.shape[:-1]) * TEXT_ERROR / np.sqrt(2)
    variances = scores.var(-1, ddof=1)
    pooled = np.broadcast_to(variances.mean(-1, keepdims=True), (runs, TASKS, len(family.pairs)))
    text = TEXT_ERROR**2 * random.chisquare(UNITS - 1, pooled.shape) / (UNITS - 1)
    flat = (runs, family.comparisons)
    return Simulated(
        differences=(means[..., first] - means[..., second]).reshape(flat),
        variances=(variances[..., first].reshape(flat), variances[..., second].reshape(flat)),
        pooled=(pooled.reshape(flat), family.systems * (seeds - 1)),
        text=text.reshape(flat),
        seeds=seeds,
    )


def half_widths(drawn: Simulated, method: str = "wider") -> np.ndarray:
    """Half the widths of the intervals, float64 [runs, rows], by the shipped method or by one of its two parts."""
    rows = drawn.differences.shape[1]
    if method == "welch":
        return statistics.welch_half_width(drawn.variances, drawn.seeds, drawn.text, UNITS, rows)[0]
    if method == "pooled":
        return statistics.pooled_half_width(drawn.pooled, drawn.seeds, drawn.text, UNITS, rows)[0]
    return statistics.half_width_of_systems(drawn.variances, drawn.seeds, drawn.pooled, drawn.text, UNITS, rows)[0]


def false_rate(drawn: Simulated, method: str = "wider") -> float:
    """The share of the runs in which any row has a verdict."""
    if method == "before":
        p = 2 * norm.sf(np.abs(drawn.differences) / np.sqrt(drawn.text))
        return float(np.mean(p.min(1) * p.shape[1] < LEVEL))  # Holm finds anything if and only if Bonferroni does
    return float(np.mean((np.abs(drawn.differences) > half_widths(drawn, method)).any(1)))


def found_in_four_of_five(drawn: Simulated) -> float:
    """The true difference of a row that is found in 80 % of the runs, in points."""
    return float(np.quantile(half_widths(drawn) - drawn.differences, 0.8))


def equal(family: Family, deviation: float) -> list[float]:
    """Equal deviations for all systems."""
    return [deviation] * family.systems


def noisy(family: Family, seeds: int, runs: int) -> list[Simulated]:
    """Runs in which one system varies more than the others: the last one, or the common reference."""
    drawn = []
    for times in NOISIER:
        for place in (-1, 0):
            deviations = equal(family, 0.2)
            deviations[place] *= times
            drawn.append(simulate(family, deviations, seeds, runs))
    return drawn


@dataclass(frozen=True)
class RealRuns:
    """Runs made of real trainings of one system: their number, and in how many of them any row had a verdict."""

    systems: int
    seeds: int
    rows: int
    runs: int
    false: int
    false_before: int


def real_runs(
    counts: Mapping[str, np.ndarray], documents: np.ndarray, systems: int, seeds: int, runs: int, resamples: int = 1000
) -> RealRuns:
    """Split trainings of one system into several "systems", and test each against the first on a drawn test text.

    Trainings are drawn without replacement, documents of the text with it, so there is no true difference.

    Args:
        counts: integers [trainings, sentences, 2 or 3] by task, at least systems * seeds trainings.
        documents: the document of each sentence.
        systems: how many "systems" there are.
        seeds: the trainings of each.
        runs: how many splits are drawn.
        resamples: of each bootstrap.
    """
    random = np.random.default_rng(1)
    trainings = len(next(iter(counts.values())))
    sentences = [np.flatnonzero(documents == document) for document in np.unique(documents)]
    pairs = [("0", str(system)) for system in range(1, systems)]
    false = before = rows = 0
    for _ in range(runs):
        drawn = random.integers(len(sentences), size=len(sentences))
        text = np.concatenate([sentences[document] for document in drawn])
        numbers = np.repeat(np.arange(len(drawn)), [len(sentences[document]) for document in drawn])
        chosen = random.permutation(trainings)[: systems * seeds]
        drawn_counts = {
            ("aa", str(place % systems), place // systems, task): Counts(values[training][text], Path(), numbers)
            for place, training in enumerate(chosen)
            for task, values in counts.items()
        }
        frame = compare(drawn_counts, pairs, resamples=resamples)
        rows = len(frame)
        false += bool(frame["verdict"].isin(statistics.DIFFERENCES).any())
        before += bool(_differs_before(drawn_counts, pairs, resamples))
    return RealRuns(systems, seeds, rows, runs, false, before)


def _differs_before(counts: Mapping[tuple, Counts], pairs: Sequence[tuple[str, str]], resamples: int) -> bool:
    """Whether the earlier test finds a difference: a percentile bootstrap over sentences, and Holm's correction."""
    p = []
    for task in sorted({key[3] for key in counts}):
        models = {key[1:3]: model_counts.values for key, model_counts in counts.items() if key[3] == task}
        scores = statistics.resampled_scores(np.stack(list(models.values())), statistics.generator(task), resamples)
        for reference, system in pairs:
            ours, theirs = (
                scores[:, [place for place, model in enumerate(models) if model[0] == name]].mean(1)
                for name in (system, reference)
            )
            rarer = min(np.count_nonzero(ours <= theirs), np.count_nonzero(ours >= theirs))
            p.append(2 * (rarer + 1) / (resamples + 1))
    return min(p) * len(p) < LEVEL


METHODS = {
    "wider": "**the wider of both**",
    "welch": "Welch only",
    "pooled": "pooled variance only",
    "before": "bootstrap over sentences, Holm",
}


def simulated_table(runs: int) -> str:
    """Rates of false verdicts by size of the family, seeds, method and deviation."""
    lines = [
        "| rows | seeds | method | "
        + " | ".join(f"sd {deviation:g}" for deviation in DEVIATIONS)
        + " | one system noisier |",
        "|---:|---:|:---|" + "---:|" * (len(DEVIATIONS) + 1),
    ]
    for family in FAMILIES:
        for seeds in SEEDS:
            drawn = [simulate(family, equal(family, deviation), seeds, runs) for deviation in DEVIATIONS]
            noisier = noisy(family, seeds, runs)
            for method, name in METHODS.items():
                worst = max(false_rate(simulated, method) for simulated in noisier)
                rates = [*(false_rate(simulated, method) for simulated in drawn), worst]
                cells = " | ".join(f"{rate:.3f}" for rate in rates)
                lines.append(f"| {family.comparisons} | {seeds} | {name} | {cells} |")
    return "\n".join(lines)


def power_table(runs: int) -> str:
    """Differences that are found in 80 % of the runs."""
    lines = [
        "| rows | seeds | " + " | ".join(f"sd {deviation:g}" for deviation in DEVIATIONS) + " |",
        "|---:|---:|" + "---:|" * len(DEVIATIONS),
    ]
    for family in (replace(FAMILIES[0], systems=2, pairs=((1, 0),)), *FAMILIES):
        for seeds in SEEDS:
            drawn = [simulate(family, equal(family, deviation), seeds, runs) for deviation in DEVIATIONS]
            cells = " | ".join(f"{found_in_four_of_five(simulated):.2f}" for simulated in drawn)
            lines.append(f"| {family.comparisons} | {seeds} | {cells} |")
    return "\n".join(lines)


def real_table(results: Sequence[RealRuns]) -> str:
    """Rates of false verdicts among real trainings, with their 95 % intervals (Clopper and Pearson)."""
    lines = [
        "| systems | seeds | rows | runs | false verdicts | with the test before |",
        "|---:|---:|---:|---:|---:|---:|",
    ]
    for result in results:
        rates = [_rate(count, result.runs) for count in (result.false, result.false_before)]
        lines.append(f"| {result.systems} | {result.seeds} | {result.rows} | {result.runs} | {' | '.join(rates)} |")
    return "\n".join(lines)


def _rate(count: int, runs: int) -> str:
    low, high = binomtest(count, runs).proportion_ci()
    return f"{count / runs:.3f} [{low:.3f}, {high:.3f}]"


def put_into(document: Path, name: str, table: str) -> None:
    """Replace the table between the marks `<!-- NAME -->` and `<!-- /NAME -->` of a document."""
    text = document.read_text(encoding="utf-8")
    before, begin, rest = text.partition(f"<!-- {name} -->\n")
    _, end, after = rest.partition(f"<!-- /{name} -->")
    if not begin or not end:
        raise SystemExit(f"{document}: has no place for the table '{name}'")
    write_text(document, f"{before}{begin}\n{table}\n\n{end}{after}")


def stored_counts(folder: Path, trainings: int) -> dict[str, np.ndarray]:
    """The counts of trainings of one system, uint8 [trainings, sentences, 2 or 3] by task; trained where missing."""
    from safetensors.numpy import load_file, save_file

    from benchmarks.trainings import count_trainings

    path = folder / f"same_system_{trainings}.safetensors"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        trained_counts = list(count_trainings(folder, trainings))
        save_file(
            {
                task: np.stack([counts[task] for counts in trained_counts]).astype(np.uint8)
                for task in trained_counts[0]
            },
            path,
        )
    return load_file(path)


def main() -> None:
    """Run the simulations that the command line selects, and write the tables."""
    from benchmarks.trainings import documents_of

    parser = argparse.ArgumentParser(prog="python -m benchmarks.calibration", description=__doc__)
    parser.add_argument("--runs", type=int, default=4000, help="simulated runs of each setting")
    parser.add_argument("--real-runs", type=int, default=400, help="splits of the real trainings")
    parser.add_argument("--trainings", type=int, default=24, help="real trainings, at least 24")
    parser.add_argument("--output", type=Path, default=Path("results/benchmarks"), help="folder of the trainings")
    parser.add_argument("--document", type=Path, default=Path("docs/statistics.md"), help="document with the tables")
    options = parser.parse_args()
    counts = stored_counts(options.output, options.trainings)
    documents = documents_of(next(iter(counts.values())).shape[1])
    splits = ((2, 3), (2, 5), (2, 10), (8, 3))
    put_into(options.document, "calibration", simulated_table(options.runs))
    put_into(options.document, "power", power_table(options.runs))
    results = [real_runs(counts, documents, *split, options.real_runs) for split in splits]
    put_into(options.document, "trainings", real_table(results))


if __name__ == "__main__":
    main()
