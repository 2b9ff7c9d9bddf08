"""Intervals for the difference of two systems that cover other trainings and other test texts.

A model's counts are one row per unit of the test text (a document, or a sentence): (correct, tokens) where the score is
accuracy, (correct, predicted, gold) spans where it is F1. Scores and differences are in percent. The method, its
assumptions and its calibration are in docs/statistics.md.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

RESAMPLES = 10_000
"""Number of resampled test texts; the variance over texts is then accurate to about 1.5 %."""

LEVEL = 0.05
"""The largest probability that any interval of a family does not contain its true difference."""

POWER_QUANTILE = 0.8416
"""Quantile of the normal distribution at 0.8: a difference is detectable if it is found in 80 % of the runs."""

SEEDS_FOR_SYSTEMS = 3
"""With fewer seeds of either system, there is no verdict about other trainings."""

DRAWS_AT_ONCE = 1_000_000

HELPED, HURT, NO_DIFFERENCE = "helped", "hurt", "no measurable difference"
HIGHER, LOWER, THESE_EQUAL = (f"these models: {verdict}" for verdict in ("higher", "lower", NO_DIFFERENCE))
NO_VERDICT = "no verdict"
DIFFERENCES = (HELPED, HURT, HIGHER, LOWER)
"""The verdicts whose interval does not contain zero."""


def generator(*purpose: str) -> np.random.Generator:
    """A random generator for one purpose, such as a dataset: the same on every machine and in every run."""
    digest = hashlib.sha256("/".join(("statistics", *purpose)).encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:8], "big"))


def score(counts: np.ndarray) -> np.ndarray:
    """Accuracy or F1 in percent from summed counts: numbers [..., 2] or [..., 3] to float64 [...]; 0 over nothing."""
    spans = counts.shape[-1] == 3
    hits, whole = counts[..., 0] * (2 if spans else 1), counts[..., 1:].sum(-1)
    return np.divide(100.0 * hits, whole, out=np.zeros(whole.shape), where=whole > 0)


def by_document(counts: np.ndarray, documents: np.ndarray) -> np.ndarray:
    """Sum the counts of the sentences of each document: integers [models, sentences, c] to [models, documents, c].

    Args:
        counts: as in `resampled_scores`, one row per sentence.
        documents: integers [sentences], the number of each sentence's document.
    """
    names, places = np.unique(documents, return_inverse=True)
    summed = np.zeros((counts.shape[0], len(names), counts.shape[2]), np.int64)
    for model, model_counts in enumerate(counts):
        np.add.at(summed[model], places, model_counts)
    return summed


def resampled_scores(counts: np.ndarray, random: np.random.Generator, resamples: int = RESAMPLES) -> np.ndarray:
    """The scores of models on test texts that are drawn from the units of the text with replacement.

    All models are scored on the same draws. Two tasks with the same number of units and equal generators get the same
    draws, so tasks of one text are resampled together.

    Args:
        counts: integers [models, units, 2 or 3], with one order of units; at least one unit.
        random: the random generator.
        resamples: the number of test texts that are drawn.

    Returns:
        float64 [resamples, models].
    """
    models, units, columns = counts.shape
    by_unit = counts.transpose(1, 0, 2).reshape(units, models * columns).astype(np.float64)
    scores = np.empty((resamples, models))
    at_once = max(1, DRAWS_AT_ONCE // units)
    for first in range(0, resamples, at_once):
        texts = min(at_once, resamples - first)
        drawn = random.integers(units, size=(texts, units)) + units * np.arange(texts)[:, None]
        times_drawn = np.bincount(drawn.ravel(), minlength=texts * units).reshape(texts, units)
        sums = times_drawn.astype(np.float64) @ by_unit
        scores[first : first + texts] = score(sums.reshape(texts, models, columns))
    return scores


def text_deviations(counts: np.ndarray, random: np.random.Generator, resamples: int = RESAMPLES) -> np.ndarray:
    """The deviations of models' scores over test texts: resampled scores minus their mean; same arguments.

    A bootstrap of u units underestimates a variance by the factor (u - 1) / u; the deviations are widened for that.

    Returns:
        float64 [resamples, models]; zero for a text of one unit, from which no variance can be estimated.
    """
    scores = resampled_scores(counts, random, resamples)
    units = counts.shape[1]
    return (scores - scores.mean(0)) * np.sqrt(units / max(1, units - 1))


@dataclass(frozen=True)
class TextVariance:
    """The variance over texts of the difference of two systems' means over seeds, in squared points.

    Attributes:
        of_models: with these trained models.
        of_systems: without the part that is due to these trainings. A training is better on some texts than on others;
            the variance over seeds already includes that part, which must not be counted twice.
    """

    of_models: float
    of_systems: float


def text_variance(ours: np.ndarray, theirs: np.ndarray) -> TextVariance:
    """The variance over texts from the deviations of two systems' models, float64 [resamples, seeds] each."""
    whole = float(np.mean((ours.mean(1) - theirs.mean(1)) ** 2))
    interaction = sum(_interaction(deviations) / deviations.shape[1] for deviations in (ours, theirs))
    return TextVariance(whole, max(0.0, whole - interaction))


def _interaction(deviations: np.ndarray) -> float:
    """The variance over texts that the trainings of a system do not share; 0 for one training."""
    seeds = deviations.shape[1]
    if seeds < 2:
        return 0.0
    apart = deviations - deviations.mean(1, keepdims=True)
    return float((apart**2).mean(0).sum() / (seeds - 1))


def pooled_variance(variances: Sequence[float], seeds: Sequence[int]) -> tuple[float, int]:
    """The variance over seeds of several systems together, and its degrees of freedom (one-way analysis of variance).

    Args:
        variances: the sample variance over seeds of each system.
        seeds: the number of seeds of each; systems with one seed are ignored.
    """
    degrees = [number - 1 for number in seeds]
    estimates = [(variance, freedom) for variance, freedom in zip(variances, degrees, strict=True) if freedom > 0]
    total = sum(freedom for _, freedom in estimates)
    return (sum(variance * freedom for variance, freedom in estimates) / total if total else 0.0), total


Width = tuple[np.ndarray, np.ndarray]
"""Half the width of an interval, and its standard error; in points, any shape."""


def half_width_of_systems(
    variances: tuple[np.ndarray, np.ndarray],
    seeds: int,
    pooled: tuple[np.ndarray, int],
    text: np.ndarray,
    units: int,
    comparisons: int,
) -> Width:
    """The wider of `welch_half_width` and `pooled_half_width`: each is too narrow where the other is not.

    Args:
        variances: the sample variances over seeds of the two systems; any shape.
        seeds: the number of seeds of each, at least 2.
        pooled: the pooled variance over seeds, and its degrees of freedom.
        text: the variance of the difference over texts, without the trainings' part.
        units: the number of units of the text, at least 2.
        comparisons: the size of the family (Bonferroni).
    """
    welch_half, welch_error = welch_half_width(variances, seeds, text, units, comparisons)
    pooled_half, pooled_error = pooled_half_width(pooled, seeds, text, units, comparisons)
    return np.maximum(welch_half, pooled_half), np.where(welch_half > pooled_half, welch_error, pooled_error)


def welch_half_width(
    variances: tuple[np.ndarray, np.ndarray], seeds: int, text: np.ndarray, units: int, comparisons: int
) -> Width:
    """An interval from each system's own variance over seeds, with degrees of freedom by Satterthwaite (1946).

    With three seeds it is too narrow if they agree by chance.
    """
    from scipy.stats import t as student  # takes a second to import

    first, second = variances
    whole = (first + second) / seeds + text
    spread = (first**2 + second**2) / seeds**2 / (seeds - 1) + text**2 / (units - 1)
    degrees = np.divide(whole**2, spread, out=np.full(np.shape(whole), float(units)), where=spread > 0)
    error = np.sqrt(whole)
    return error * student.isf(LEVEL / 2 / comparisons, degrees), error


def pooled_half_width(
    pooled: tuple[np.ndarray, int], seeds: int, text: np.ndarray, units: int, comparisons: int
) -> Width:
    """An interval from the pooled variance over seeds, with the bound of Banerjee (1961) on the quantile of a sum.

    It keeps its level if all systems have the same variance, and is too narrow for one with a larger variance.
    """
    from scipy.stats import t as student

    variance, degrees = pooled
    training, tail = 2 * variance / seeds, LEVEL / 2 / comparisons
    half = np.sqrt(student.isf(tail, degrees) ** 2 * training + student.isf(tail, units - 1) ** 2 * text)
    return half, np.sqrt(training + text)


def half_width_of_models(text: np.ndarray, units: int, comparisons: int) -> Width:
    """An interval for the difference of trained models: it covers other texts only.

    Args:
        text: the variance of the difference over texts, with these trained models; any shape.
        units: the number of units of the text, at least 2.
        comparisons: the size of the family (Bonferroni).
    """
    from scipy.stats import t as student

    error = np.sqrt(text)
    return error * student.isf(LEVEL / 2 / comparisons, units - 1), error


def detectable(half_width: float, error: float) -> float:
    """The true difference that would be found in 80 % of the runs (Bloom 1995), in points."""
    return half_width + POWER_QUANTILE * error


def verdict(lower: float, upper: float, seeds: int) -> str:
    """The verdict of an interval: on systems with at least SEEDS_FOR_SYSTEMS seeds, else on these trained models."""
    verdicts = (HELPED, HURT, NO_DIFFERENCE) if seeds >= SEEDS_FOR_SYSTEMS else (HIGHER, LOWER, THESE_EQUAL)
    return verdicts[0] if lower > 0 else verdicts[1] if upper < 0 else verdicts[2]
