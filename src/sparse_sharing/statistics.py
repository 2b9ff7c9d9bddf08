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
"""Resampled test texts: they give the variance over texts to about 1.5 % of its value."""

LEVEL = 0.05
"""The chance that any interval of a family leaves out its true difference is at most this."""

POWER_QUANTILE = 0.8416
"""Quantile of the normal distribution at 0.8: a difference is detectable if it is found in 80 % of the runs."""

SEEDS_FOR_SYSTEMS = 3
"""With fewer seeds of either system, nothing is said about other trainings."""

DRAWS_AT_ONCE = 1_000_000

HELPED, HURT, NO_DIFFERENCE = "helped", "hurt", "no measurable difference"
HIGHER, LOWER, THESE_EQUAL = (f"these models: {words}" for words in ("higher", "lower", NO_DIFFERENCE))
NO_VERDICT = "no verdict"
DIFFERENCES = (HELPED, HURT, HIGHER, LOWER)
"""The verdicts whose interval leaves zero out."""


def generator(*purpose: str) -> np.random.Generator:
    """A source of chance for one purpose, such as a dataset: the same on every machine and in every run."""
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
    np.add.at(summed, (slice(None), places), counts)
    return summed


def resampled_scores(counts: np.ndarray, random: np.random.Generator, resamples: int = RESAMPLES) -> np.ndarray:
    """The scores of models on test texts that are drawn from the units of the text with replacement.

    All models are scored on the same draws. Two tasks with the same number of units and equal generators get the same
    draws, so tasks of one text are resampled together.

    Args:
        counts: integers [models, units, 2 or 3], with one order of units; at least one unit.
        random: the source of chance.
        resamples: how many test texts are drawn.

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
    """How far the scores of models move with the test text: resampled scores minus their mean; takes what those take.

    A bootstrap of u units underestimates a variance by the factor (u - 1) / u; the deviations are widened for that.

    Returns:
        float64 [resamples, models]; zero for a text of one unit, which says nothing about others.
    """
    scores = resampled_scores(counts, random, resamples)
    units = counts.shape[1]
    return (scores - scores.mean(0)) * np.sqrt(units / max(1, units - 1))


@dataclass(frozen=True)
class TextVariance:
    """The variance over texts of the difference of two systems' means over seeds, in squared points.

    Attributes:
        of_models: with these trained models.
        of_systems: without the part that is due to these trainings. A training does better on some texts than on
            others; the variance over seeds already has that part, and it must not be counted twice.
    """

    of_models: float
    of_systems: float


def text_variance(ours: np.ndarray, theirs: np.ndarray) -> TextVariance:
    """The variance over texts from the deviations of two systems' models, float64 [resamples, seeds] each."""
    whole = float(np.mean((ours.mean(1) - theirs.mean(1)) ** 2))
    own = sum(_interaction(deviations) / deviations.shape[1] for deviations in (ours, theirs))
    return TextVariance(whole, max(0.0, whole - own))


def _interaction(deviations: np.ndarray) -> float:
    """The variance over texts that the trainings of a system do not have in common; 0 for one training."""
    seeds = deviations.shape[1]
    if seeds < 2:
        return 0.0
    apart = deviations - deviations.mean(1, keepdims=True)
    return float((apart**2).mean(0).sum() / (seeds - 1))


def pooled_variance(variances: Sequence[float], seeds: Sequence[int]) -> tuple[float, int]:
    """The variance over seeds of several systems together, and its degrees of freedom (one-way analysis of variance).

    Args:
        variances: the sample variance over seeds of each system.
        seeds: how many seeds each has; those with one count nothing.
    """
    degrees = [number - 1 for number in seeds]
    known = [(variance, own) for variance, own in zip(variances, degrees, strict=True) if own > 0]
    total = sum(own for _, own in known)
    return (sum(variance * own for variance, own in known) / total if total else 0.0), total


def half_width_of_systems(
    variances: tuple[np.ndarray, np.ndarray],
    seeds: int,
    pooled: tuple[np.ndarray, int],
    text: np.ndarray,
    units: int,
    comparisons: int,
) -> tuple[np.ndarray, np.ndarray]:
    """Half the width of a simultaneous interval for the difference of two systems, and its standard error.

    It is the wider of two intervals. Welch's takes each system's own variance over seeds, with degrees of freedom by
    Satterthwaite (1946); it is too narrow where few seeds agree by chance. The other takes the pooled variance, with
    the bound of Banerjee (1961) on the quantile of a sum; it is too narrow for a system noisier than the rest.

    Args:
        variances: the sample variances over seeds of the two systems; any shape.
        seeds: the number of seeds of each, at least 2.
        pooled: the pooled variance, and its degrees of freedom.
        text: the variance of the difference over texts, without the trainings' part.
        units: the number of units of the text, at least 2.
        comparisons: the size of the family (Bonferroni).

    Returns:
        float64 of the shape of the variances, twice.
    """
    from scipy.stats import t as student  # takes a second to import

    first, second = variances
    tail = LEVEL / 2 / comparisons
    own = (first + second) / seeds + text
    spread = (first**2 + second**2) / seeds**2 / (seeds - 1) + text**2 / (units - 1)
    degrees = np.divide(own**2, spread, out=np.full(np.shape(own), float(units)), where=spread > 0)
    welch = np.sqrt(own) * student.isf(tail, degrees)
    common, freedom = pooled
    equal = 2 * common / seeds
    bound = np.sqrt(student.isf(tail, freedom) ** 2 * equal + student.isf(tail, units - 1) ** 2 * text)
    return np.maximum(welch, bound), np.sqrt(np.where(welch > bound, own, equal + text))


def half_width_of_models(text: np.ndarray, units: int, comparisons: int) -> tuple[np.ndarray, np.ndarray]:
    """Half the width of a simultaneous interval for the difference of trained models, and its standard error.

    It covers other texts only.

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
    """What an interval says: about systems from SEEDS_FOR_SYSTEMS seeds on, about these trained models with fewer."""
    words = (HELPED, HURT, NO_DIFFERENCE) if seeds >= SEEDS_FOR_SYSTEMS else (HIGHER, LOWER, THESE_EQUAL)
    return words[0] if lower > 0 else words[1] if upper < 0 else words[2]
