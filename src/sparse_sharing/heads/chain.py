"""A linear-chain conditional random field (Lafferty et al. 2001) over batches of sentences, in log space.

Sentences are padded and time first: L positions, B sentences, T tags. The score of a sequence of tags is the sum of its
emissions, the transitions between neighbours, its start and its end. Each function iterates once over the positions,
and handles all sentences and tags of a position at once.
"""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

MOST_PAIRS = 2**24
"""Scores of pairs of tags that are made at a time: B * T * T, or those of as many sentences as stay below."""

MOST_KEPT = 2**26
"""Scores of pairs that are kept for the gradient: L * B * T * T; if there are more, they are computed again."""


def path_scores(
    emissions: Tensor, tags: Tensor, mask: Tensor, transitions: Tensor, start: Tensor, end: Tensor
) -> Tensor:
    """The scores of given sequences of tags.

    Args:
        emissions: float [L, B, T].
        tags: int64 [L, B], any number at padding.
        mask: bool [L, B], True at tokens; every sentence has at least one, and its tokens come first.
        transitions: float [T, T], the scores of transitions from the tag of the row to that of the column.
        start: float [T], the scores of the first tag.
        end: float [T], the scores of the last tag.

    Returns:
        float [B].
    """
    tags = tags.masked_fill(~mask, 0)
    emitted = emissions.gather(2, tags.unsqueeze(2)).squeeze(2)
    moved = transitions[tags[:-1], tags[1:]].masked_fill(~mask[1:], 0)
    last = tags.gather(0, mask.sum(0, keepdim=True) - 1).squeeze(0)
    return emitted.masked_fill(~mask, 0).sum(0) + moved.sum(0) + start[tags[0]] + end[last]


def log_partition(emissions: Tensor, mask: Tensor, transitions: Tensor, start: Tensor, end: Tensor) -> Tensor:
    """The logarithm of the sum, over all sequences of tags, of the exponential of their scores: float [B].

    The arguments are those of `path_scores`.
    """
    arriving = transitions.T.contiguous()
    keeps = emissions.numel() * len(start) <= MOST_KEPT
    scores = start + emissions[0]
    total = torch.zeros_like(scores[:, 0])
    for emitted, present in zip(emissions[1:].unbind(), mask[1:].unsqueeze(2).unbind(), strict=True):
        # Scores near zero keep their precision in sentences of any length.
        level = scores.detach().amax(1, keepdim=True)
        scores, total = scores - level, total + level.squeeze(1)
        joined = (
            _join(scores, arriving)
            if keeps
            else checkpoint(_join, scores, arriving, use_reentrant=False, preserve_rng_state=False)
        )
        longer = joined + emitted
        scores = torch.where(present, longer, scores)
    return torch.logsumexp(scores + end, dim=1) + total


def best_paths(emissions: Tensor, mask: Tensor, transitions: Tensor, start: Tensor, end: Tensor) -> Tensor:
    """The sequences of tags with the highest scores (Viterbi): int64 [L, B]; at padding the last tag is repeated.

    The arguments are those of `path_scores`. A score of minus infinity forbids a transition, a start or an end; a
    sentence without any allowed sequence gets an arbitrary one.
    """
    arriving = transitions.T.contiguous()
    scores = start + emissions[0]
    stay = torch.arange(len(start), device=start.device).expand_as(scores)
    sources = []
    for emitted, present in zip(emissions[1:].unbind(), mask[1:].unsqueeze(2).unbind(), strict=True):
        longer, source = _by_sentences(lambda some: tuple((some.unsqueeze(1) + arriving).max(2)), scores)
        sources.append(torch.where(present, source, stay))
        scores = torch.where(present, longer + emitted, scores)
    path = [(scores + end).argmax(1)]
    for source in reversed(sources):
        path.append(source.gather(1, path[-1].unsqueeze(1)).squeeze(1))
    return torch.stack(path[::-1])


def _join(scores: Tensor, arriving: Tensor) -> Tensor:
    """Over all tags before, the sums of exponentials in log space: float [B, T] from [B, T] and [T, T]."""
    (joined,) = _by_sentences(lambda some: (torch.logsumexp(some.unsqueeze(1) + arriving, dim=2),), scores)
    return joined


def _by_sentences(function: Callable[[Tensor], tuple[Tensor, ...]], scores: Tensor) -> tuple[Tensor, ...]:
    """What a function makes of scores [B, T], applied to as many sentences at a time as MOST_PAIRS lets."""
    size = max(1, MOST_PAIRS // scores.shape[1] ** 2)
    if size >= len(scores):
        return function(scores)
    return tuple(torch.cat(parts) for parts in zip(*map(function, scores.split(size)), strict=True))
