"""LoRA: each task trains low-rank updates of the matrices of a frozen network (Hu et al. 2022)."""

from collections.abc import Sequence
from typing import Any, ClassVar, Literal

from pydantic import Field

from sparse_sharing.config.systems import Adapted


class LowRank(Adapted):
    """One pretrained encoder that stays as it is, to whose matrices each task adds low-rank updates of its own."""

    MEANING: ClassVar[str] = "one frozen network; each task adds low-rank updates to its matrices"
    PLACE: ClassVar[int] = 80

    sharing: Literal["lora"]
    rank: int = Field(default=8, ge=1)
    """The rank r of the updates of all matrices of attention and feed-forward networks."""
    alpha: float = Field(default=16, gt=0)
    """The updates are multiplied by alpha / r."""

    def settings(self, tasks: Sequence[str]) -> dict[str, Any]:
        """The size of the updates."""
        return {"settings": {"rank": self.rank, "alpha": self.alpha}}
