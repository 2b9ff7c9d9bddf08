"""One comparison computed again from stored counts, by the formulas of docs/statistics.md and none of our functions."""

from math import isclose, sqrt
from pathlib import Path
from statistics import mean, variance

import numpy as np
import pytest
from safetensors.numpy import load_file
from scipy.stats import t as student

from sparse_sharing.results.tables.comparisons import Counts, compare

STORED = Path(__file__).parents[3] / "benchmarks" / "same_system.safetensors"
SEEDS, DOCUMENT = 5, 10
SYSTEMS = ("single", "hard", "sparse")


def f1(correct, predicted, gold):
    return 100 * 2 * correct / (predicted + gold)


@pytest.fixture(scope="module")
def spans():
    """Spans of one task in each sentence by system and seed; sparse is made better than its trainings were."""
    stored = load_file(STORED)["ner"].astype(np.int64)
    found = {}
    for number, system in enumerate(SYSTEMS):
        for seed in range(SEEDS):
            counts = stored[number * SEEDS + seed].copy()
            if system == "sparse":
                counts[::2, 0] = np.minimum(counts[::2, 1], counts[::2, 2])
            found[system, seed] = counts
    return found


def test_a_row_is_what_the_formulas_give(spans):
    sentences = len(spans["single", 0])
    documents = np.arange(sentences) // DOCUMENT
    given = {
        ("news", system, seed, "ner"): Counts(counts, Path("x"), documents) for (system, seed), counts in spans.items()
    }
    rows = compare(given, [("single", "hard"), ("single", "sparse")])
    row = rows[rows["system"] == "sparse"].iloc[0]

    scores = {
        system: [f1(*(sum(column) for column in spans[system, seed].T.tolist())) for seed in range(SEEDS)]
        for system in SYSTEMS
    }
    difference = mean(scores["sparse"]) - mean(scores["single"])
    text = text_variance(spans, documents)
    first, second = variance(scores["sparse"]), variance(scores["single"])
    pooled = mean(variance(own) for own in scores.values())
    units, tail = documents.max() + 1, 0.05 / 2 / 2

    whole = (first + second) / SEEDS + text
    freedom = whole**2 / ((first**2 + second**2) / SEEDS**2 / (SEEDS - 1) + text**2 / (units - 1))
    welch = student.isf(tail, freedom) * sqrt(whole)
    equal = sqrt(
        student.isf(tail, len(SYSTEMS) * (SEEDS - 1)) ** 2 * 2 * pooled / SEEDS
        + student.isf(tail, units - 1) ** 2 * text
    )
    half = max(welch, equal)

    assert (row["units"], row["unit_count"], row["comparisons"]) == ("documents", units, 2)
    assert isclose(row["difference"], difference, abs_tol=1e-9)
    # the two bootstraps draw other texts
    assert row["upper"] - row["difference"] == pytest.approx(half, rel=0.03)
    assert row["difference"] - row["lower"] == pytest.approx(half, rel=0.03)
    assert row["text_error"] == pytest.approx(sqrt(text), rel=0.05)
    assert row["verdict"] == ("helped" if difference > half else "no measurable difference")


def text_variance(spans, documents):
    """The variance over texts of sparse minus single, less what their trainings do not have in common."""
    units = documents.max() + 1
    by_document = {
        model: np.array([counts[documents == document].sum(0) for document in range(units)])
        for model, counts in spans.items()
    }
    random = np.random.default_rng(99)
    drawn = {system: [] for system in SYSTEMS}
    for _ in range(6000):
        times = random.multinomial(units, [1 / units] * units)
        for system in ("single", "sparse"):
            drawn[system].append([f1(*(times @ by_document[system, seed])) for seed in range(SEEDS)])
    ours, theirs = np.array(drawn["sparse"]), np.array(drawn["single"])
    whole = np.var(ours.mean(1) - theirs.mean(1))
    of_trainings = 0.0
    for scores in (ours, theirs):
        for seed in range(SEEDS):
            of_trainings += np.var(scores[:, seed] - scores.mean(1)) / (SEEDS - 1) / SEEDS
    return max(0.0, whole - of_trainings) * units / (units - 1)
