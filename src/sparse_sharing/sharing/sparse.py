"""Sparse sharing: each task keeps what the mask of its choice keeps."""

from sparse_sharing.sharing.base import Sharing


class Sparse(Sharing, name="sparse"):
    """Sparse sharing: each task keeps what the mask of its choice keeps."""
