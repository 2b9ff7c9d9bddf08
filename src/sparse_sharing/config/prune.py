"""How the masks of a task are found while it is trained: a source of masks and its keys."""

from typing import Any, ClassVar, Literal

from pydantic import Field, model_validator

from sparse_sharing.config.optimization import Optimization
from sparse_sharing.config.tagged import Tagged


class Prune(Tagged, Optimization):
    """How masks are found, in one job per task. Each source has a file in `config/sources` and one in
    `masks/sources`.
    """

    TAG: ClassVar[str] = "source"
    PACKAGE: ClassVar[str] = "sparse_sharing.config.sources"
    DEFAULT: ClassVar[str] = "magnitude"

    TRAINS_ONCE: ClassVar[bool] = False
    """Whether one training gives all masks; otherwise every round is a training."""
    PRUNES_IN_TRAINING: ClassVar[bool] = False
    """Whether weights are removed during training; then the epochs are the rounds."""
    SCORES_ROUNDS: ClassVar[bool] = True
    """Whether every round has a dev score."""
    OWN_KEYS: ClassVar[tuple[str, ...]] = ()
    """The keys that only this source has."""

    source: str
    """Where the masks come from."""
    granularity: Literal["unit"] | None = None
    """unit: remove whole LSTM units and character filters, or attention heads and units of feed-forward networks, so
    that export can make smaller and faster networks; densities are then shares of the units. none: single weights."""
    meaning: Literal["zero", "delta"] = "zero"
    """The value of a weight that a mask removes. zero: 0. delta: the value that every round starts from, for systems
    with the same key."""
    rounds: int | None = None
    """Number of rounds K; round k has density final_density ** (k / K)."""
    final_density: float = Field(default=0.1, gt=0, lt=1)
    """Share of the prunable weights, or units, that the last round keeps."""
    stop_after: int | None = Field(default=None, ge=1)
    """End a task's pruning after this many consecutive rounds without a better dev score; none: never."""
    self_overlap: bool = False
    """Prune each task a second time, with another order of its data, to show in the tables how much the masks of two
    prunings of one task overlap. No system trains with these masks. The cost is that of another pruning."""
    early_bird: float | None = Field(default=None, gt=0, lt=1)
    """End a round's training once each of its last epochs changes less than this share of the next mask; none: never.
    You et al. (2020) use 0.1."""
    early_bird_window: int = Field(default=5, ge=1)
    """With early_bird: the number of consecutive epochs that must change less; 5 in You et al. (2020)."""

    @model_validator(mode="after")
    def check(self) -> "Prune":
        """Check that a training is long enough for early_bird to end it."""
        if self.early_bird is not None and self.epochs < self.early_bird_window + 2:
            raise ValueError(
                f"early_bird waits for {self.early_bird_window} epochs after the first that hardly change the "
                "mask, so it "
                f"cannot end a round of {self.epochs} epochs. Set epochs to at least "
                f"{self.early_bird_window + 2}, lower "
                "early_bird_window, or leave early_bird out"
            )
        return self

    @property
    def last_round(self) -> int:
        """The number of the last round, which has the smallest mask; round 0 is the whole network."""
        return self.rounds or 0

    def settings(self) -> dict[str, Any] | None:
        """The keys that only this source has, for its spec."""
        return {key: getattr(self, key) for key in self.OWN_KEYS} or None


class PruneInRounds(Prune):
    """The base of all sources whose densities fall from round to round."""

    rounds: int = Field(default=20, ge=1, le=200)
    """Number of rounds K; round k has density final_density ** (k / K)."""
