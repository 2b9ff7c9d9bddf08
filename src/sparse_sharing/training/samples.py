"""A fixed sample of training sentences, on which diagnostics compare tasks after each epoch."""

from collections.abc import Iterator

import numpy as np

from sparse_sharing.network.network import Network
from sparse_sharing.text.batches import Batch, sorted_batches
from sparse_sharing.training.loop import TaskData


def drawn_batches(
    network: Network, task: str, data: TaskData, sentences: int, batch_size: int, random: np.random.Generator
) -> Iterator[Batch]:
    """Draw training sentences that have tags of a task; all where there are fewer.

    Args:
        network: whose encoder makes the batches.
        task: whose tags the batches have.
        data: of the task.
        sentences: how many to draw.
        batch_size: sentences that run together.
        random: what draws them.
    """
    text = data.train
    labelled = text.labelled(task)
    candidates = labelled if labelled is not None else np.arange(text.sentences)
    drawn = random.permutation(candidates)[:sentences]
    for batch in sorted_batches(text.lengths[drawn], batch_size):
        yield network.encoder.batch(text, drawn[batch], task)
