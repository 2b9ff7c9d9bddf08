"""The tagger: a trained model as a function from words to tags and spans, run by torch."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from sparse_sharing.tagging.base import BaseTagger
from sparse_sharing.tagging.decoding import Predictions
from sparse_sharing.tagging.running import SharedRunner
from sparse_sharing.tagging.vectors import UnseenVectors
from sparse_sharing.training.trained import OpenModel, open_model

LONG_SENTENCE = 200
"""Longest sentence in a batch, in tokens. Longer ones run one by one, so that no batch is padded to their length."""


class Tagger(BaseTagger):
    """A trained model, ready to tag text; see `BaseTagger`."""

    def __init__(self, model: OpenModel, vectors: UnseenVectors | None = None) -> None:
        """Use an open model; `vectors` has the vectors of words that are not in its training text."""
        trained = model.trained
        super().__init__(trained.tasks, model.network.vocabulary, vectors, bool(trained.details["data"]["vectors"]))
        self.model = model
        shared = SharedRunner.can_run(model.network)
        self.runner = SharedRunner(model.network, self.surfaces, trained.masks) if shared else None

    @classmethod
    def load(cls, folder: str | Path, vectors: str | Path | None = None, device: str = "auto") -> "Tagger":
        """Load the model in a folder that `train` or `export` has written.

        Args:
            folder: the folder with `model.safetensors` and `vocabulary.json`.
            vectors: the file of word vectors that the model was trained with, for words that are not in the training
                text, as in the stage `evaluate`; without it they are unknown words.
            device: `auto` (a GPU if there is one), `cpu` or `cuda`.

        Raises:
            ArtifactError: A file is missing, damaged, foreign, or of another version.
            ConfigError: The vectors do not fit the model.
            DataError: The vectors cannot be read.
        """
        model = open_model(Path(folder), device)
        return cls(
            model,
            None if vectors is None else UnseenVectors.read(Path(vectors), model.trained.details, model.vocabulary),
        )

    def predict_surfaces(
        self, surfaces: np.ndarray, offsets: np.ndarray, tasks: Sequence[str], batch_size: int
    ) -> Mapping[str, Predictions]:
        """See `BaseTagger`."""
        if self.runner is not None:
            return self.runner.predict(surfaces, offsets, tasks, batch_size)
        found = {task: (np.empty(len(surfaces), np.int64), np.empty(len(surfaces), np.float32)) for task in tasks}
        for sentences, size in _groups(np.diff(offsets), batch_size):
            places = np.concatenate([np.arange(int(offsets[one]), int(offsets[one + 1])) for one in sentences])
            ends = np.concatenate([[0], np.cumsum(np.diff(offsets)[sentences])])
            text = self.surfaces.as_text(surfaces[places], ends)
            for task, (numbers, shares) in found.items():
                numbers[places] = self.model.network.predict(task, text, size)
                shares[places] = self.model.network.confidences(task, text, numbers[places], size)
        return found


def _groups(lengths: np.ndarray, size: int) -> Iterator[tuple[np.ndarray, int]]:
    """The short sentences and the long ones, each group with its batch size."""
    long = lengths > LONG_SENTENCE
    pairs = ((np.flatnonzero(~long), size), (np.flatnonzero(long), 1))
    return ((sentences, limit) for sentences, limit in pairs if len(sentences))
