"""Hard sharing: one dense encoder for all tasks (Caruana 1997)."""

from typing import ClassVar, Literal

from sparse_sharing.config.systems import System


class Hard(System):
    """One encoder; every task uses and trains all of its weights."""

    MEANING: ClassVar[str] = "one network for all tasks; all weights are shared"
    PLACE: ClassVar[int] = 20

    sharing: Literal["hard"]
    choice: None = None
