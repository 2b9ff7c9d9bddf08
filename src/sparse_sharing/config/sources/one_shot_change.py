"""One-shot pruning by change: one training, and masks of all densities from how far it moved the weights."""

from typing import ClassVar, Literal

from sparse_sharing.config.prune import PruneInRounds


class OneShotChange(PruneInRounds):
    """Like one_shot, but the masks keep the weights that the training moved farthest (Ansell et al. 2022)."""

    TRAINS_ONCE: ClassVar[bool] = True
    SCORES_ROUNDS: ClassVar[bool] = False

    source: Literal["one_shot_change"]
    stop_after: None = None
