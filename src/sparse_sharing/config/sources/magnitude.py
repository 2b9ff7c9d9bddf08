"""Iterative magnitude pruning (paper, Algorithm 1): the method of the paper."""

from typing import Literal

from sparse_sharing.config.prune import PruneInRounds


class Magnitude(PruneInRounds):
    """Iterative magnitude pruning (paper, Algorithm 1): train, remove the smallest weights, rewind, repeat."""

    source: Literal["magnitude"] = "magnitude"
