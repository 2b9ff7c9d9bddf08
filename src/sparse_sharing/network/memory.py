"""Limits batches to the GPU memory: after an out-of-memory error, halve this batch and all later ones of its size."""

import logging
import sys

import torch
from torch import Tensor

from sparse_sharing.errors import ResourceError

log = logging.getLogger(__name__)


class BatchLimit:
    """The largest number of sentences that fit into memory, as learned from out-of-memory errors.

    Attributes:
        positions: the limit: sentences times the tokens of the longest one. A single sentence is always allowed.
    """

    def __init__(self, positions: int = sys.maxsize) -> None:
        """Begin with a limit in positions."""
        self.positions = positions

    def sentences(self, count: int, longest: int) -> int:
        """How many of `count` sentences run at once, at least 1; the longest has `longest` tokens."""
        return max(1, min(count, self.positions // max(1, longest)))

    def shrink(self, count: int, longest: int, purpose: str, problem: object) -> None:
        """Lower the limit to half of the sentences that ran out of memory.

        Args:
            count: the number of these sentences.
            longest: tokens of the longest one.
            purpose: the operation, for messages.
            problem: torch's error, with the requested bytes.

        Raises:
            ResourceError: It was a single sentence.
        """
        told = str(problem).partition(". GPU ")[0]
        if count == 1:
            raise ResourceError(
                f"{purpose}: one sentence of {longest} tokens does not fit into the memory of the GPU ({told}). "
                "Split long sentences, reduce model.hidden or model.layers, run fewer jobs on the GPU, or use "
                "another GPU or device: cpu"
            )
        self.positions = count // 2 * longest
        log.warning(
            "%s: %d sentences of up to %d tokens do not fit into the memory of the GPU (%s). Batches as large as this "
            "run in parts from now on, %d such sentences at a time; the result is the same",
            *(purpose, count, longest, told, count // 2),
        )
        if torch.cuda.is_available():
            torch.cuda.empty_cache()


def is_gpu_shortage(error: BaseException) -> bool:
    """Whether an error is an out-of-memory error of the GPU."""
    return isinstance(error, torch.OutOfMemoryError) or "ALLOC_FAILED" in str(error)


def random_state(device: torch.device) -> Tensor:
    """The state of the random generator of dropout on a device."""
    return torch.cuda.get_rng_state(device) if device.type == "cuda" else torch.get_rng_state()


def set_random_state(device: torch.device, state: Tensor) -> None:
    """Restore a state from `random_state`."""
    if device.type == "cuda":
        torch.cuda.set_rng_state(state, device)
    else:
        torch.set_rng_state(state)
