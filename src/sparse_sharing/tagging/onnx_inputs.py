"""Sentences as inputs of an exported network, and its outputs as scores of tokens; numpy only.

There is one class for words, which a BiLSTM reads, and one for pieces, which a transformer reads.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from sparse_sharing.errors import ConfigError
from sparse_sharing.text.encoded import EncodedText
from sparse_sharing.text.features import FeatureKinds, FeatureRows

Arrays = dict[str, np.ndarray]
Scores = Callable[[np.ndarray], np.ndarray]


class NetworkInputs(ABC):
    """How a network reads sentences."""

    def common(self, text: EncodedText) -> Arrays:
        """The inputs that all batches of a text have in common."""
        return {}

    @abstractmethod
    def batch(self, text: EncodedText, indices: np.ndarray) -> tuple[Arrays, Scores]:
        """Some sentences as inputs, and a function that turns an output for them into scores.

        The function returns float [N, T], the scores of the tags at the tokens of these sentences, concatenated.
        """


class WordInputs(NetworkInputs):
    """Word ids, characters and features."""

    def __init__(self, model: Mapping[str, Any]) -> None:
        """Use the keys `word_dimension` and `features` of a model."""
        self.dimension = model["word_dimension"]
        features = model.get("features")
        self.features = None if features is None else FeatureRows(FeatureKinds.from_json(features))

    def common(self, text: EncodedText) -> Arrays:
        """See `NetworkInputs`: `extra`, float32 [E, D] with at least one row, vectors of words unseen in training."""
        extra = np.zeros((max(1, len(text.extra)), self.dimension), np.float32)
        extra[: len(text.extra), : text.extra.shape[1]] = text.extra
        return {"extra": extra}

    def batch(self, text: EncodedText, indices: np.ndarray) -> tuple[Arrays, Scores]:
        """See `NetworkInputs`."""
        inputs = network_inputs(text, indices, self.features)
        mask = np.arange(len(inputs["words"])) < text.lengths[indices][:, None]
        return inputs, lambda output: output.transpose(1, 0, 2)[mask]


class PieceInputs(NetworkInputs):
    """Windows of pieces."""

    def __init__(self, model: Mapping[str, Any], tokenizer: str) -> None:
        """Use the keys `padding`, `capacity` and `pieces` of a model, and the content of its tokenizer.json.

        Raises:
            ConfigError: A package is not installed.
            ValueError: It is not a tokenizer.
        """
        try:
            from sparse_sharing.encoders.piece_windows import WindowReader
            from sparse_sharing.encoders.pieces import WordTokenizer
        except ImportError as error:
            raise ConfigError(f"{error.name} is not installed; pip install tokenizers") from error
        self.reader = WindowReader(WordTokenizer(tokenizer, model["padding"]), model["capacity"], model["pieces"])

    def batch(self, text: EncodedText, indices: np.ndarray) -> tuple[Arrays, Scores]:
        """See `NetworkInputs`; heads are linear, so the scores of a mean are the mean of the scores."""
        windows = self.reader.read(text, indices)
        counts = np.diff(windows.offsets).astype(np.float32)[:, None]
        inputs = {"pieces": windows.ids, "attended": windows.attended, "places": windows.places}
        return inputs, lambda output: np.add.reduceat(output, windows.offsets[:-1]) / counts


def network_inputs(text: EncodedText, indices: np.ndarray, features: FeatureRows | None = None) -> Arrays:
    """Sentences as inputs of a BiLSTM, padded, time first: all inputs except `extra`."""
    starts, lengths = text.offsets[indices], text.lengths[indices]
    time = np.arange(int(lengths.max()))[:, None]
    positions = np.where(time < lengths, starts + time, starts)
    kinds, surfaces = np.unique(text.tokens[positions], return_inverse=True)
    surfaces = surfaces.reshape(positions.shape)
    characters = text.surface_characters[kinds]
    feature_inputs = {} if features is None else {"features": features.of(text.spelled(kinds.tolist()))}
    return {
        "words": text.surface_words[kinds][surfaces].astype(np.int64),
        "characters": characters[:, : max(1, int((characters != 0).any(0).sum()))].astype(np.int64),
        "surfaces": surfaces.astype(np.int64),
        "lengths": lengths.astype(np.int32),
        **feature_inputs,
    }
