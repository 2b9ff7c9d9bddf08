"""theta(0): the starting weights; each tensor is drawn with a seed derived from its name.

A task's head does not depend on other tasks, nor the encoder on the vocabulary.
"""

from collections.abc import Iterable, Iterator, Mapping

import numpy as np
import torch
from torch import Tensor

from sparse_sharing.heads.base import head_name
from sparse_sharing.network.network import Network
from sparse_sharing.network.storage import is_head_of
from sparse_sharing.text.batches import WORDS
from sparse_sharing.training.seeds import derive


def initialise(network: Network, seed: int, vectors: np.ndarray, has_vector: np.ndarray) -> None:
    """Initialise a network: the initial values that encoder and heads declare, and the vectors of words that have one.

    Of the paper's network, LSTM, convolution and heads: Xavier uniform; biases 0, forget gates 1 (in both bias vectors,
    as in the original code); embeddings uniform with variance 1 / dimension.

    Args:
        network: changed in place.
        seed: the run's seed.
        vectors: float32 [V, d], d at most the word dimension; if d is smaller, the rest stays random.
        has_vector: bool [V], the words with a vector in `vectors`.
    """
    values = network.values()
    for name, drawn in first_values(network, seed, values):
        values[name].copy_(drawn)
    if vectors.shape[1]:
        rows = torch.from_numpy(np.flatnonzero(has_vector)).to(network.device)
        word_vectors = torch.from_numpy(vectors[has_vector]).to(network.device)
        values[WORDS][rows, : vectors.shape[1]] = word_vectors


def first_values(network: Network, seed: int, names: Iterable[str]) -> Iterator[tuple[str, Tensor]]:
    """The initial values of some tensors of a network, each drawn with its own seed."""
    infos = dict(network.parameters.infos)
    for task, head in network.head_kinds.items():
        infos |= {head_name(task, info.name): info for info in head.tensors()}
    for name in names:
        drawn = torch.zeros(infos[name].shape)
        infos[name].first(drawn, torch.Generator().manual_seed(derive(seed, "initial", name)))
        yield name, drawn


def first_of_tasks(network: Network, seed: int, values: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The initial weights, by name, of heads and other tensors of single tasks that are not among `values`.

    They depend only on the seed and the name of the task, or are copies of tensors among `values`.
    """
    new = [task for task in network.heads if not any(is_head_of(name, task) for name in values)]
    drawn = [name for name in network.values() if any(is_head_of(name, task) for task in new)]
    task_tensors = [
        info for info in network.parameters.infos.values() if info.task is not None and info.name not in values
    ]
    drawn += [info.name for info in task_tensors if info.copy_of is None]
    copies = {info.name: values[info.copy_of] for info in task_tensors if info.copy_of is not None}
    return copies | dict(first_values(network, seed, drawn))
