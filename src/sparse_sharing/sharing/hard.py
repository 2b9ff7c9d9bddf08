"""Hard sharing: every task keeps the whole network."""

from sparse_sharing.sharing.base import Sharing


class Hard(Sharing, name="hard"):
    """Hard sharing: every task keeps the whole network."""
