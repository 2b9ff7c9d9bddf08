"""Sparse sharing: one encoder in which each task has a subnetwork (Sun et al. 2020)."""

from collections.abc import Sequence
from typing import Any, ClassVar, Literal

from sparse_sharing.config.section import Name
from sparse_sharing.config.select import Choice
from sparse_sharing.config.systems import System


class Sparse(System):
    """One encoder; each task uses and trains only the weights that its mask keeps."""

    MEANING: ClassVar[str] = "one network; each task uses only the weights of its own mask"
    PLACE: ClassVar[int] = 50
    ROWS: ClassVar[tuple[str, ...]] = ("sparse", "sparse_at_density", "sparse_no_warmup")

    sharing: Literal["sparse"]
    choice: Name  # pyright: ignore[reportGeneralTypeIssues]  (required here, optional in general)
    """The choice of masks, one for each task."""
    meaning: Literal["zero", "delta"] = "zero"
    """The value of a weight that a task's mask removes. zero: 0, as in the paper. delta: the value at the start of the
    training, so that a mask keeps changes (Ansell et al. 2022); for pretrained weights."""

    def settings(self, tasks: Sequence[str]) -> dict[str, Any]:
        """See `System`."""
        return {"meaning": "delta"} if self.meaning == "delta" else {}

    def row(self, choice: Choice | None) -> str:
        """With masks of a target density, the row is that of Fig. 4; otherwise it depends on the start."""
        if choice is not None and choice.rule == "target_density":
            return "sparse_at_density"
        return "sparse" if self.start == "warmup" else "sparse_no_warmup"
