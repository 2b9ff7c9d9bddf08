"""The heads: what turns the states of the encoder into the tags of one task, by a softmax per token or by a CRF.

A head's weights are one flat vector, which the trainer updates as one; the head knows the tensors in it by name.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from sparse_sharing.config.schema import HeadKind
from sparse_sharing.heads.crf import best_paths, log_partition, path_scores
from sparse_sharing.text.batches import IGNORED_TAG
from sparse_sharing.text.transitions import allowed_transitions
from sparse_sharing.text.vocabulary import TaskTags


class LinearHead:
    """A linear layer and a softmax for each token.

    Attributes:
        shapes: name and shape of each tensor, in the order they stand in the flat vector.
        size: the length of that vector.
    """

    def __init__(self, states: int, tags: TaskTags, device: torch.device) -> None:
        """Build for states of so many numbers and for the tags of a task."""
        count = len(tags.tags)
        self.shapes: dict[str, tuple[int, ...]] = {"weight": (count, states), "bias": (count,)}

    @property
    def size(self) -> int:
        """Number of weights."""
        return sum(math.prod(shape) for shape in self.shapes.values())

    def parts(self, flat: Tensor) -> dict[str, Tensor]:
        """The tensors of the head by name, views of its flat vector."""
        cuts = flat.split([math.prod(shape) for shape in self.shapes.values()])
        return {name: cut.view(shape) for (name, shape), cut in zip(self.shapes.items(), cuts, strict=True)}

    def scores(self, flat: Tensor, states: Tensor) -> Tensor:
        """The scores of single tags, float [L, B, T], from states float [L, B, S]."""
        parts = self.parts(flat)
        return functional.linear(states, parts["weight"], parts["bias"])

    def units(self, mask: Tensor) -> Tensor | int:
        """Over how many units of a batch with mask bool [L, B] the loss is a mean: over its tokens."""
        return mask.sum()

    def loss(self, flat: Tensor, states: Tensor, tags: Tensor, mask: Tensor) -> Tensor:
        """Cross-entropy of the gold tags int64 [L, B], the mean over the tokens: where mask bool [L, B] is True."""
        return functional.cross_entropy(
            self.scores(flat, states).flatten(0, 1), tags.flatten(), ignore_index=IGNORED_TAG
        )

    def decode(self, flat: Tensor, states: Tensor, mask: Tensor) -> Tensor:
        """The best tag of each token, int64 [L, B], with any number at padding."""
        return self.scores(flat, states).argmax(2)

    def assess(self, flat: Tensor, states: Tensor, tags: Tensor, mask: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Decode, and measure the loss on gold tags at the same time.

        Args:
            flat: the head's weights.
            states: float [L, B, S].
            tags: the gold tags, int64 [L, B]; a token without a tag, or with one that the head
                does not have, is left out of the loss.
            mask: bool [L, B], True at tokens.

        Returns:
            The best tags as `decode` gives them, the summed loss, and the number of tokens it is summed over.
        """
        scores = self.scores(flat, states)
        known = mask & (tags >= 0) & (tags < scores.shape[2])
        counted = tags.masked_fill(~known, IGNORED_TAG).flatten()
        total = functional.cross_entropy(scores.flatten(0, 1), counted, ignore_index=IGNORED_TAG, reduction="sum")
        return scores.argmax(2), total, known.sum()


class CrfHead(LinearHead):
    """A linear layer that gives the emissions of a conditional random field (paper, experiment 3).

    Training knows no forbidden transitions; decoding takes the best sequence that the task's tag scheme allows.

    Attributes:
        per_sentence: whether the loss is a mean over the sentences of a batch (`replicate.crf_loss_per_sentence`), not
            over its tokens.
    """

    per_sentence = False

    def __init__(self, states: int, tags: TaskTags, device: torch.device) -> None:
        """See `LinearHead`."""
        super().__init__(states, tags, device)
        count = len(tags.tags)
        self.shapes |= {"transitions": (count, count), "start": (count,), "end": (count,)}
        starts, pairs, ends = allowed_transitions(tags.tags, tags.model_scheme)
        self.barriers = {
            "transitions": _barrier(pairs, device),
            "start": _barrier(starts, device),
            "end": _barrier(ends, device),
        }

    def units(self, mask: Tensor) -> Tensor | int:
        """See `LinearHead`; the sentences of the batch where the loss is a mean over them."""
        return mask.shape[1] if self.per_sentence else super().units(mask)

    def loss(self, flat: Tensor, states: Tensor, tags: Tensor, mask: Tensor) -> Tensor:
        """The negative log-likelihood of the gold sequences, divided by the number of tokens, or of sentences.

        Divided by tokens it has the scale of the linear head's loss, and equals it where transitions, starts and ends
        score nothing.
        """
        emissions, chain = self.scores(flat, states), self._chain(flat)
        missing = log_partition(emissions, mask, **chain) - path_scores(emissions, tags, mask, **chain)
        return missing.sum() / self.units(mask)

    def decode(self, flat: Tensor, states: Tensor, mask: Tensor) -> Tensor:
        """The best allowed sequences, int64 [L, B], with any number at padding."""
        chain = {name: value + self.barriers[name] for name, value in self._chain(flat).items()}
        return best_paths(self.scores(flat, states), mask, **chain)

    def assess(self, flat: Tensor, states: Tensor, tags: Tensor, mask: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """See `LinearHead`; a sentence with a tag that the head does not have is left out of the loss."""
        emissions, chain = self.scores(flat, states), self._chain(flat)
        unknown = mask & ((tags < 0) | (tags >= emissions.shape[2]))
        known = ~unknown.any(0)
        missing = log_partition(emissions, mask, **chain)
        missing = missing - path_scores(emissions, tags.masked_fill(unknown, 0), mask, **chain)
        allowed = {name: value + self.barriers[name] for name, value in chain.items()}
        best = best_paths(emissions, mask, **allowed)
        return best, missing.masked_fill(~known, 0).sum(), (mask & known).sum()

    def _chain(self, flat: Tensor) -> dict[str, Tensor]:
        """What the field adds to the linear layer."""
        parts = self.parts(flat)
        return {name: parts[name] for name in ("transitions", "start", "end")}


def make_head(kind: HeadKind, states: int, tags: TaskTags, device: torch.device) -> LinearHead:
    """The head that a configuration names for a task."""
    return {"linear": LinearHead, "crf": CrfHead}[kind](states, tags, device)


def _barrier(allowed: Sequence, device: torch.device) -> Tensor:
    """Scores of zero where something is allowed, and of minus infinity where not."""
    return torch.zeros(torch.tensor(allowed).shape).masked_fill(~torch.tensor(allowed), -math.inf).to(device)
