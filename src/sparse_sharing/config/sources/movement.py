"""Movement pruning: during one training, by how the weights move (Sanh et al. 2020)."""

from typing import Literal

from sparse_sharing.config.sources.gradual import GradualKeys


class Movement(GradualKeys):
    """Like gradual, but removes the weights that the training moves towards zero instead of the smallest."""

    source: Literal["movement"]
