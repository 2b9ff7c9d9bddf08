"""Extended models: each task keeps what its mask keeps. The stage `add_task` makes them, not `train`."""

from sparse_sharing.sharing.base import Sharing


class Extended(Sharing, name="extended"):
    """A finished model with one task more."""
