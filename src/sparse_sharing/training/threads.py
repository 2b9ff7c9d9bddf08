"""The threads of torch, and memory that is returned to the system."""

import contextlib
import ctypes

MALLOC_TRIM_THRESHOLD, MALLOC_MMAP_THRESHOLD = -1, -3
LARGE_BLOCK = 2**22
"""Bytes: more than a training step allocates at a time, less than a copy of all weights."""


def set_threads(threads: int) -> None:
    """Let torch use so many threads, and give memory back to the system that large tensors leave."""
    import torch

    torch.set_num_threads(threads)
    _return_freed_memory()


def _return_freed_memory() -> None:
    """Have the C library map large blocks one by one; left to itself it keeps the gaps between them (glibc alone)."""
    with contextlib.suppress(OSError, AttributeError, TypeError):
        library = ctypes.CDLL(None)
        library.mallopt(MALLOC_MMAP_THRESHOLD, LARGE_BLOCK)
        library.mallopt(MALLOC_TRIM_THRESHOLD, 16 * LARGE_BLOCK)
