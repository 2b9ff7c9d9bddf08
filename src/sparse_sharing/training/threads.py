"""Sets the threads of torch, and returns freed memory to the system."""

import contextlib
import ctypes

MALLOC_TRIM_THRESHOLD, MALLOC_MMAP_THRESHOLD = -1, -3
LARGE_BLOCK = 2**22
"""Bytes: more than a training step allocates at a time, less than a copy of all weights."""


def set_threads(threads: int) -> None:
    """Let torch use `threads` threads, and return the memory of freed large tensors to the system."""
    import torch

    torch.set_num_threads(threads)
    _return_freed_memory()


def _return_freed_memory() -> None:
    """Let the C library map large blocks one by one; by default it keeps the gaps between them (only glibc)."""
    with contextlib.suppress(OSError, AttributeError, TypeError):
        library = ctypes.CDLL(None)
        library.mallopt(MALLOC_MMAP_THRESHOLD, LARGE_BLOCK)
        library.mallopt(MALLOC_TRIM_THRESHOLD, 16 * LARGE_BLOCK)
