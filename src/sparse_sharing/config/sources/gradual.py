"""Gradual magnitude pruning: during one training, by a cubic schedule (Zhu and Gupta 2017)."""

from typing import ClassVar, Literal

from pydantic import Field, model_validator

from sparse_sharing.config.prune import Prune


class GradualKeys(Prune):
    """The base of all sources that prune during one training: a round is an epoch, and round 0 is the first epoch."""

    TRAINS_ONCE: ClassVar[bool] = True
    PRUNES_IN_TRAINING: ClassVar[bool] = True
    OWN_KEYS: ClassVar[tuple[str, ...]] = ("dense_epochs", "cuts_per_epoch")

    rounds: None = None
    stop_after: None = None
    early_bird: None = None
    patience: None = None
    dense_epochs: int = Field(default=1, ge=1)
    """Epochs before the first weight is removed."""
    cuts_per_epoch: int = Field(default=10, ge=1)
    """How often weights are removed in an epoch; Kurtic and Alistarh (2022) use ten."""

    @model_validator(mode="after")
    def check_epochs(self) -> "GradualKeys":
        """Check that there are epochs left to prune in."""
        if self.epochs <= self.dense_epochs:
            raise ValueError(f"epochs: must be more than dense_epochs ({self.dense_epochs}), got {self.epochs}")
        return self

    @property
    def last_round(self) -> int:
        """The number of the last epoch, counted from 0."""
        return self.epochs - 1


class Gradual(GradualKeys):
    """Magnitude pruning during one training: the density falls from 1 to final_density by a cubic schedule."""

    source: Literal["gradual"]
