"""Rank correlation with an interval, from values that come in groups."""

import numpy as np

from sparse_sharing.evaluation.statistics import LEVEL, RESAMPLES

GROUPS_FOR_CORRELATION = 15
"""With fewer groups a bootstrap over them is unreliable, so no correlation is computed."""


def rank_correlation(
    first: np.ndarray, second: np.ndarray, comparisons: int, random: np.random.Generator, resamples: int = RESAMPLES
) -> tuple[float, float, float]:
    """Spearman's rank correlation over all values, and its interval by a bootstrap that draws whole groups.

    Values of a group may depend on each other, such as those of the two directions of a pair of tasks. The interval is
    that of the percentiles, at the level 0.05 divided by the number of comparisons (Bonferroni).

    Args:
        first: float [groups, values].
        second: float [groups, values].
        comparisons: the number of simultaneous intervals.
        random: the random generator.
        resamples: the number of bootstrap samples.

    Returns:
        The correlation and the ends of its interval; NaN if all values of one side are equal.
    """
    (coefficient,) = _spearman(first.reshape(1, -1), second.reshape(1, -1))
    if np.isnan(coefficient):
        return float("nan"), float("nan"), float("nan")
    drawn = random.integers(len(first), size=(resamples, len(first)))
    values = _spearman(*(side[drawn].reshape(resamples, -1) for side in (first, second)))
    tail = LEVEL / 2 / comparisons
    lower, upper = np.nanquantile(values, [tail, 1 - tail])
    return float(coefficient), float(lower), float(upper)


def _spearman(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """The correlation of the ranks in each row, ties with their mean rank; NaN if all values of a side are equal."""
    from scipy.stats import rankdata  # takes a second to import

    one, other = (rankdata(values, axis=1) - (values.shape[1] + 1) / 2 for values in (first, second))
    norm = np.sqrt((one**2).sum(1) * (other**2).sum(1))
    return np.divide((one * other).sum(1), norm, out=np.full(len(norm), np.nan), where=norm > 0)
