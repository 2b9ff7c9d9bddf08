"""BitFit: each task trains its own biases and normalizations of a frozen network (Ben Zaken et al. 2022)."""

from typing import ClassVar, Literal

from sparse_sharing.config.systems import Adapted


class BitFit(Adapted):
    """One pretrained encoder that stays as it is, except that each task has its own biases and normalizations."""

    MEANING: ClassVar[str] = "one frozen network; each task has its own biases and normalizations"
    PLACE: ClassVar[int] = 90

    sharing: Literal["bitfit"]
