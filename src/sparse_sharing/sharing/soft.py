"""Soft sharing: every task keeps the whole network, in which each has a stack of layers of its own."""

from sparse_sharing.sharing.base import Sharing


class Soft(Sharing, name="soft"):
    """Soft sharing: every task keeps the whole network, in which each has a stack of layers of its own."""
