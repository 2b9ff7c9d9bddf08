"""How much of a batch runs at once: what has run out of GPU memory is halved, and what is as large after it too."""

import logging
import sys

import torch
from torch import Tensor

from sparse_sharing.errors import ResourceError

log = logging.getLogger(__name__)


class Room:
    """How many sentences fit into memory, as far as it has been found out.

    Attributes:
        positions: that run at once, at most: sentences times the tokens of the longest. One sentence always runs.
    """

    def __init__(self, positions: int = sys.maxsize) -> None:
        """Begin with so many positions."""
        self.positions = positions

    def sentences(self, count: int, longest: int) -> int:
        """How many of `count` sentences run at once, the longest of them having so many tokens; 1 at least."""
        return max(1, min(count, self.positions // max(1, longest)))

    def shrink(self, count: int, longest: int, purpose: str, problem: object) -> None:
        """Make room for half as many sentences as have run out of memory.

        Args:
            count: the sentences that have.
            longest: tokens of the longest.
            purpose: what they were for, as a message says it.
            problem: what torch says, with the bytes that it was asked for.

        Raises:
            ResourceError: It was one sentence.
        """
        told = str(problem).partition(". GPU ")[0]
        if count == 1:
            raise ResourceError(
                f"{purpose}: one sentence of {longest} tokens does not fit into the memory of the GPU ({told}). "
                "Cut long sentences, make model.hidden or model.layers smaller, share the GPU with fewer jobs, or use "
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
    """Whether an error says that the memory of the GPU is used up."""
    return isinstance(error, torch.OutOfMemoryError) or "ALLOC_FAILED" in str(error)


def random_state(device: torch.device) -> Tensor:
    """The state of the generator that dropout draws from on a device."""
    return torch.cuda.get_rng_state(device) if device.type == "cuda" else torch.get_rng_state()


def set_random_state(device: torch.device, state: Tensor) -> None:
    """Go back to what `random_state` gave."""
    if device.type == "cuda":
        torch.cuda.set_rng_state(state, device)
    else:
        torch.set_rng_state(state)
