"""One-shot magnitude pruning: one training, and masks of all densities from its weights."""

from typing import ClassVar, Literal

from sparse_sharing.config.prune import PruneInRounds


class OneShot(PruneInRounds):
    """One dense training; the masks of all rounds keep its largest weights. Only round 0 is trained and scored."""

    TRAINS_ONCE: ClassVar[bool] = True
    SCORES_ROUNDS: ClassVar[bool] = False

    source: Literal["one_shot"]
    stop_after: None = None
