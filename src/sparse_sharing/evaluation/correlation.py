"""Rank correlation with an interval, from values that come in groups."""

from collections.abc import Sequence

import numpy as np

from sparse_sharing.evaluation.statistics import LEVEL, RESAMPLES

GROUPS_FOR_CORRELATION = 15
"""With fewer groups a bootstrap over them says little, and no correlation is given."""


def rank_correlation(
    first: Sequence[np.ndarray],
    second: Sequence[np.ndarray],
    comparisons: int,
    random: np.random.Generator,
    resamples: int = RESAMPLES,
) -> tuple[float, float, float]:
    """Spearman's rank correlation over all values, and its interval by a bootstrap that draws whole groups.

    Values of a group may depend on each other, such as those of the two directions of a pair of tasks. The interval is
    that of the percentiles, at the level 0.05 divided by the number of comparisons (Bonferroni).

    Args:
        first: for each group its values, float [n].
        second: for each group as many values.
        comparisons: intervals that hold together.
        random: the source of chance.
        resamples: how often groups are drawn.

    Returns:
        The correlation and the ends of its interval; NaN where all values of one side are equal.
    """
    found = _spearman(np.concatenate(first), np.concatenate(second))
    drawn = random.integers(len(first), size=(resamples, len(first)))
    values = [
        _spearman(
            np.concatenate([first[group] for group in groups]), np.concatenate([second[group] for group in groups])
        )
        for groups in drawn
    ]
    if np.isnan(found) or np.isnan(values).all():
        return float("nan"), float("nan"), float("nan")
    tail = LEVEL / 2 / comparisons
    lower, upper = np.nanquantile(values, [tail, 1 - tail])
    return found, float(lower), float(upper)


def _spearman(first: np.ndarray, second: np.ndarray) -> float:
    """The correlation of the ranks, ties with their mean rank; NaN where all values of one side are equal."""
    from scipy.stats import rankdata  # takes a second to import

    one, other = (rankdata(values) - (len(values) + 1) / 2 for values in (first, second))
    norm = np.sqrt((one**2).sum() * (other**2).sum())
    return float((one * other).sum() / norm) if norm else float("nan")
