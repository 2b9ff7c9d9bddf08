"""theta(0): the starting weights, drawn tensor by tensor, each from a seed of its own name.

A task's head does not depend on which other tasks there are, nor the encoder on the vocabulary.
"""

from collections.abc import Collection

import numpy as np
import torch
from torch import Tensor, nn

from sparse_sharing.encoders.cross_stitch import first_unit
from sparse_sharing.network.network import WORDS, Network
from sparse_sharing.network.storage import is_head_of
from sparse_sharing.text.vocabulary import PADDING_CHARACTER
from sparse_sharing.training.seeds import derive


def initialise(network: Network, seed: int, vectors: np.ndarray, has_vector: np.ndarray) -> None:
    """Give a network its first weights.

    LSTM, convolution and heads: Xavier uniform; biases 0, forget gates 1 (in both bias vectors, as the original does);
    embeddings uniform with variance 1 / dimension; words with a pretrained vector start from it; cross-stitch units
    take nine tenths of a task's own states; transitions, starts and ends of a CRF 0: it begins as a linear head.

    Args:
        network: changed in place.
        seed: the run's seed.
        vectors: float32 [V, d], d at most the word dimension; where d is smaller, the rest stays random.
        has_vector: bool [V], which rows of `vectors` are given.
    """
    values = network.values()
    for name, value in values.items():
        value.copy_(first_value(name, value, seed))
    if vectors.shape[1]:
        rows = torch.from_numpy(np.flatnonzero(has_vector)).to(network.device)
        given = torch.from_numpy(vectors[has_vector]).to(network.device)
        values[WORDS][rows, : vectors.shape[1]] = given


def first_heads(network: Network, seed: int, tasks: Collection[str]) -> dict[str, Tensor]:
    """The first weights of the heads of tasks, by name: they depend on the seed and the name of the task only."""
    return {
        name: first_value(name, value, seed)
        for name, value in network.values().items()
        if any(is_head_of(name, task) for task in tasks)
    }


def first_value(name: str, like: Tensor, seed: int) -> Tensor:
    """The first values of one tensor, drawn with a seed of its own."""
    return _draw(name, like, torch.Generator().manual_seed(derive(seed, "initial", name)))


def _draw(name: str, like: Tensor, source: torch.Generator) -> Tensor:
    """First values for one tensor."""
    value = torch.zeros(like.shape)
    if name == WORDS or name.endswith("embedding.weight"):
        bound = (3 / like.shape[1]) ** 0.5
        value.uniform_(-bound, bound, generator=source)
        if name != WORDS:
            value[PADDING_CHARACTER] = 0
    elif name.endswith("stitch"):
        first_unit(value)
    elif like.ndim > 1 and not name.endswith(".transitions"):
        nn.init.xavier_uniform_(value, generator=source)
    elif name.startswith("recurrent"):
        hidden = like.numel() // 4
        value[hidden : 2 * hidden] = 1
    return value
