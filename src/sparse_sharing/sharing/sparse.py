"""Sparse sharing: each task keeps the weights of its mask in the choice."""

from sparse_sharing.sharing.base import Sharing


class Sparse(Sharing, name="sparse"):
    """Sparse sharing: each task keeps the weights of its mask in the choice."""
