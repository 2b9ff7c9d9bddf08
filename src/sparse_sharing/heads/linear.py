"""A linear head: a softmax over the tags for each token."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from sparse_sharing.encoders.first_values import xavier, zeros
from sparse_sharing.heads.base import Head
from sparse_sharing.masks.tensor_info import TensorInfo
from sparse_sharing.text.batches import IGNORED_TAG
from sparse_sharing.text.vocabulary import TaskTags


class LinearHead(Head):
    """A linear layer and a softmax for each token."""

    kind = "linear"

    def __init__(self, states: int, tags: TaskTags, device: torch.device) -> None:
        """See `Head`."""
        self.infos = affine(states, len(tags.tags))

    def tensors(self) -> Sequence[TensorInfo]:
        """See `Head`."""
        return self.infos

    def state_axis(self, tensor: str) -> int | None:
        """See `Head`."""
        return 1 if tensor == "weight" else None

    def scores(self, flat: Tensor, states: Tensor) -> Tensor:
        """See `Head`."""
        parts = self.parts(flat)
        return functional.linear(states, parts["weight"], parts["bias"])

    def loss(self, flat: Tensor, states: Tensor, tags: Tensor, mask: Tensor) -> Tensor:
        """Cross-entropy of the gold tags int64 [L, B], the mean over the tokens: where mask bool [L, B] is True."""
        return functional.cross_entropy(
            self.scores(flat, states).flatten(0, 1), tags.flatten(), ignore_index=IGNORED_TAG
        )

    def decode(self, flat: Tensor, states: Tensor, mask: Tensor) -> Tensor:
        """See `Head`."""
        return self.scores(flat, states).argmax(2)

    def assess(self, flat: Tensor, states: Tensor, tags: Tensor, mask: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """See `Head`."""
        scores = self.scores(flat, states)
        has_known_tag = mask & (tags >= 0) & (tags < scores.shape[2])
        counted = tags.masked_fill(~has_known_tag, IGNORED_TAG).flatten()
        total = functional.cross_entropy(scores.flatten(0, 1), counted, ignore_index=IGNORED_TAG, reduction="sum")
        return scores.argmax(2), total, has_known_tag.sum()


def affine(states: int, tags: int) -> tuple[TensorInfo, TensorInfo]:
    """The declarations of a linear layer from states to tags."""
    return (
        TensorInfo("weight", (tags, states), 0, "matrix", xavier),
        TensorInfo("bias", (tags,), 0, "bias", zeros),
    )
