"""Extended models: each task keeps the weights of its mask. The stage `add_task` makes them, not `train`."""

from sparse_sharing.sharing.base import Sharing


class Extended(Sharing, name="extended"):
    """A finished model with one more task."""
