"""A head with a linear-chain conditional random field (Lafferty et al. 2001)."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from sparse_sharing.encoders.first_values import zeros
from sparse_sharing.heads.chain import best_paths, log_partition, path_scores
from sparse_sharing.heads.linear import LinearHead, affine
from sparse_sharing.masks.tensor_info import TensorInfo
from sparse_sharing.text.transitions import allowed_transitions
from sparse_sharing.text.vocabulary import TaskTags


class CrfHead(LinearHead):
    """A conditional random field whose emissions are computed by a linear layer (paper, experiment 3).

    Training has no forbidden transitions; decoding finds the best sequence that the task's tag scheme allows.

    Attributes:
        per_sentence: whether the loss is a mean over the sentences of a batch (`replicate.crf_loss_per_sentence`), not
            over its tokens.
    """

    per_sentence = False

    kind = "crf"

    def __init__(self, states: int, tags: TaskTags, device: torch.device) -> None:
        """See `Head`; the chain begins with zeros, so the head begins as a linear one."""
        count = len(tags.tags)
        shapes = {"transitions": (count, count), "start": (count,), "end": (count,)}
        chain = [TensorInfo(name, shape, 0, "matrix", zeros) for name, shape in shapes.items()]
        self.infos = (*affine(states, count), *chain)
        starts, pairs, ends = allowed_transitions(tags.tags, tags.model_scheme)
        self.barriers = {
            "transitions": _barrier(pairs, device),
            "start": _barrier(starts, device),
            "end": _barrier(ends, device),
        }

    def units(self, mask: Tensor) -> Tensor | int:
        """See `Head`; the sentences of the batch where the loss is a mean over them."""
        return mask.shape[1] if self.per_sentence else super().units(mask)

    def loss(self, flat: Tensor, states: Tensor, tags: Tensor, mask: Tensor) -> Tensor:
        """The negative log-likelihood of the gold sequences, divided by the number of tokens, or of sentences.

        Divided by tokens it has the scale of the linear head's loss, and equals it if the scores of transitions, starts
        and ends are 0.
        """
        emissions, chain = self.scores(flat, states), self._chain(flat)
        missing = log_partition(emissions, mask, **chain) - path_scores(emissions, tags, mask, **chain)
        return missing.sum() / self.units(mask)

    def decode(self, flat: Tensor, states: Tensor, mask: Tensor) -> Tensor:
        """The best allowed sequences, int64 [L, B], with any number at padding."""
        chain = {name: value + self.barriers[name] for name, value in self._chain(flat).items()}
        return best_paths(self.scores(flat, states), mask, **chain)

    def assess(self, flat: Tensor, states: Tensor, tags: Tensor, mask: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """See `Head`; a sentence with a tag that the head does not have is excluded from the loss."""
        emissions, chain = self.scores(flat, states), self._chain(flat)
        unknown = mask & ((tags < 0) | (tags >= emissions.shape[2]))
        has_known_tags = ~unknown.any(0)
        missing = log_partition(emissions, mask, **chain)
        missing = missing - path_scores(emissions, tags.masked_fill(unknown, 0), mask, **chain)
        allowed = {name: value + self.barriers[name] for name, value in chain.items()}
        best = best_paths(emissions, mask, **allowed)
        return best, missing.masked_fill(~has_known_tags, 0).sum(), (mask & has_known_tags).sum()

    def _chain(self, flat: Tensor) -> dict[str, Tensor]:
        """The weights of the field besides the linear layer."""
        parts = self.parts(flat)
        return {name: parts[name] for name in ("transitions", "start", "end")}

    @property
    def decodes_sentences(self) -> bool:
        """See `Head`."""
        return True

    def replicate(self, switches: Sequence[str]) -> None:
        """See `Head`."""
        self.per_sentence = "crf_loss_per_sentence" in switches


def _barrier(allowed: Sequence, device: torch.device) -> Tensor:
    """Scores of zero for allowed tags or transitions, and of minus infinity for others."""
    return torch.zeros(torch.tensor(allowed).shape).masked_fill(~torch.tensor(allowed), -math.inf).to(device)
