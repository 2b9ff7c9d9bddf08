"""Single-task learning: a model for each task, of the whole network or of its subnetwork."""

from sparse_sharing.sharing.base import Sharing


class Single(Sharing, name="single"):
    """Single-task learning: a model for each task, of the whole network or of its subnetwork."""
