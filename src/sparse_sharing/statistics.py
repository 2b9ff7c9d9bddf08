"""Paired comparisons of two systems: bootstrap over test sentences, sign flips over seeds, Holm's correction.

A model's counts are one row per test sentence: (correct, tokens) where the score is accuracy, (correct, predicted,
gold) spans where it is F1. Scores and differences are in percent.
"""

import hashlib

import numpy as np

RESAMPLES = 10_000
"""Resampled test sets; the smallest p of a bootstrap is 2 / (RESAMPLES + 1)."""

LEVEL = 0.05
"""A corrected p below it counts as a measurable difference; intervals cover 1 - LEVEL."""

SEEDS_TO_AGREE = 5
"""From so many seeds on, a verdict also needs SHARE_TO_AGREE of them to differ in its direction."""

SHARE_TO_AGREE = 0.8

SIGN_FLIPS = 9_999
"""Most sign flips that are tried; all of them up to 13 seeds, so that the test is exact."""

DRAWS_AT_ONCE = 1_000_000

HELPED, HURT, NO_DIFFERENCE = "helped", "hurt", "no measurable difference"
NO_VERDICT = "no verdict"
"""What stands in the place of a verdict where a system has a mark that bars it (see `marks`)."""


def generator(*purpose: str) -> np.random.Generator:
    """A source of chance for one purpose, such as a dataset and a task: the same on every machine and in every run."""
    digest = hashlib.sha256("/".join(("statistics", *purpose)).encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:8], "big"))


def score(counts: np.ndarray) -> np.ndarray:
    """Accuracy or F1 in percent from summed counts: numbers [..., 2] or [..., 3] to float64 [...]; 0 over nothing."""
    spans = counts.shape[-1] == 3
    hits, whole = counts[..., 0] * (2 if spans else 1), counts[..., 1:].sum(-1)
    return np.divide(100.0 * hits, whole, out=np.zeros(whole.shape), where=whole > 0)


def resampled_scores(counts: np.ndarray, random: np.random.Generator, resamples: int = RESAMPLES) -> np.ndarray:
    """The scores of models on test sets that are drawn from the test sentences with replacement.

    All models are scored on the same draws, so differences between columns are paired.

    Args:
        counts: integers [models, sentences, 2 or 3], with one order of sentences; at least one sentence.
        random: the source of chance.
        resamples: how many test sets are drawn.

    Returns:
        float64 [resamples, models].
    """
    models, sentences, columns = counts.shape
    by_sentence = counts.transpose(1, 0, 2).reshape(sentences, models * columns).astype(np.float64)
    scores = np.empty((resamples, models))
    at_once = max(1, DRAWS_AT_ONCE // sentences)
    for first in range(0, resamples, at_once):
        sets = min(at_once, resamples - first)
        drawn = random.integers(sentences, size=(sets, sentences)) + sentences * np.arange(sets)[:, None]
        times_drawn = np.bincount(drawn.ravel(), minlength=sets * sentences).reshape(sets, sentences)
        sums = times_drawn.astype(np.float64) @ by_sentence
        scores[first : first + sets] = score(sums.reshape(sets, models, columns))
    return scores


def bootstrap_interval(differences: np.ndarray) -> tuple[float, float]:
    """The percentile interval of resampled differences that leaves LEVEL outside."""
    low, high = np.quantile(differences, [LEVEL / 2, 1 - LEVEL / 2])
    return float(low), float(high)


def bootstrap_p(differences: np.ndarray) -> float:
    """Two-sided p for no difference: twice the share of resampled differences on the rarer side of zero, at most 1.

    One is added to both counts, so that p is never 0; it is the level at which the percentile interval reaches zero.
    """
    rarer = min(np.count_nonzero(differences <= 0), np.count_nonzero(differences >= 0))
    return min(1.0, 2.0 * (rarer + 1) / (len(differences) + 1))


def permutation_p(differences: np.ndarray, random: np.random.Generator) -> float:
    """Two-sided p of a paired permutation test over seeds: how often flipped signs give a mean as far from zero.

    Args:
        differences: float64 [seeds], one system's score minus the other's.
        random: the source of chance beyond 13 seeds; up to there every flip is tried.
    """
    if len(differences) < 2:
        return 1.0
    # scipy.stats takes a second to import
    from scipy.stats import permutation_test

    result = permutation_test(
        (differences,), np.mean, permutation_type="samples", vectorized=True, n_resamples=SIGN_FLIPS, rng=random
    )
    return float(result.pvalue)


def smallest_permutation_p(seeds: int) -> float:
    """The p that `permutation_p` gives where every seed differs in one direction: below it nothing can be shown."""
    return max(min(1.0, 2.0 ** (1 - seeds)), 2.0 / (SIGN_FLIPS + 1))


def effect_size(differences: np.ndarray) -> float:
    """Cohen's d_z: the mean difference over seeds in standard deviations of it; NaN for one seed, or without spread."""
    if len(differences) < 2 or np.ptp(differences) == 0:
        return float("nan")
    return float(differences.mean() / differences.std(ddof=1))


def holm(p_values: np.ndarray) -> np.ndarray:
    """The p of a family of tests, corrected so that the chance of any false finding stays below the level (Holm 1979).

    The smallest is multiplied by the number of tests, the next by one less, and so on; none falls below one before it.
    """
    order = np.argsort(p_values, kind="stable")
    factors = np.arange(len(p_values), 0, -1)
    corrected = np.empty(len(p_values))
    corrected[order] = np.minimum(1.0, np.maximum.accumulate(p_values[order] * factors))
    return corrected


def verdict(p: float, differences: np.ndarray) -> str:
    """Whether a system helped, hurt or made no measurable difference, by a corrected p and the differences by seed.

    With SEEDS_TO_AGREE seeds or more, SHARE_TO_AGREE of them must differ in the direction of the mean.
    """
    direction = np.sign(differences.mean())
    agreeing = np.mean(np.sign(differences) == direction)
    if p >= LEVEL or direction == 0 or (len(differences) >= SEEDS_TO_AGREE and agreeing < SHARE_TO_AGREE):
        return NO_DIFFERENCE
    return HELPED if direction > 0 else HURT
