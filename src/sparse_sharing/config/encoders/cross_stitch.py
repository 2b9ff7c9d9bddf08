"""The keys of the encoder of soft sharing, which only systems use (Misra et al. 2016)."""

from typing import ClassVar

from pydantic import Field

from sparse_sharing.config.encoders.bilstm import BiLstm
from sparse_sharing.config.section import Name


class CrossStitch(BiLstm):
    """A BiLSTM stack for each task, joined by cross-stitch units."""

    kind: ClassVar[str] = "cross_stitch"
    implementation: ClassVar[str] = "sparse_sharing.encoders.cross_stitch"
    key: ClassVar[str | None] = "stacks"

    stacks: list[Name] = Field(min_length=1)
    """Tasks with a BiLSTM stack each, joined by cross-stitch units."""
