"""Iterative pruning of the weights that a training changes least."""

from typing import Literal

from sparse_sharing.config.prune import PruneInRounds


class Change(PruneInRounds):
    """Iterative pruning by change: like magnitude, but removes the weights nearest to their starting values."""

    source: Literal["change"]
