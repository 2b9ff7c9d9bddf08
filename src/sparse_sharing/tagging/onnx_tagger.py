"""A tagger that runs an exported network with onnxruntime: no torch, decoding in numpy."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from sparse_sharing.errors import ArtifactError, ConfigError
from sparse_sharing.storage.artifacts import content_digest, file_digest, load_json
from sparse_sharing.tagging.base import BaseTagger
from sparse_sharing.tagging.decoding import Predictions, shares_of
from sparse_sharing.tagging.vectors import UnseenVectors
from sparse_sharing.text.encoded import EncodedText
from sparse_sharing.text.features import FeatureKinds, FeatureRows
from sparse_sharing.text.vocabulary import Vocabulary

NETWORK_FILE, DECODING_FILE, VOCABULARY_FILE = "network.onnx", "onnx.json", "vocabulary.json"

MOST_POSITIONS = 4096
"""The largest number of padded positions in a batch."""


class OnnxTagger(BaseTagger):
    """An exported network, ready to tag text; see `BaseTagger`."""

    def __init__(
        self,
        network: bytes,
        decoding: Mapping[str, Any],
        vocabulary: Vocabulary,
        vectors: UnseenVectors | None = None,
        threads: int = 1,
    ) -> None:
        """Use a network and the details for decoding.

        Raises:
            ConfigError: onnxruntime is not installed.
        """
        try:
            import onnxruntime
        except ImportError as error:
            raise ConfigError("onnxruntime is not installed; pip install onnxruntime") from error
        super().__init__(decoding["tasks"], vocabulary, vectors, bool(decoding["data"]["vectors"]))
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
        # Sentences differ in length: an arena would keep memory blocks for all lengths.
        options.enable_cpu_mem_arena = options.enable_mem_pattern = False
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self.session = onnxruntime.InferenceSession(network, options, providers=["CPUExecutionProvider"])
        self.dimension = decoding["model"]["word_dimension"]
        features = decoding["model"].get("features")
        self.features = None if features is None else FeatureRows(FeatureKinds.from_json(features))
        self.chains = {
            task: {name: np.array(values, np.float32) for name, values in task_details.get("chain", {}).items()}
            for task, task_details in decoding["tasks"].items()
        }

    @classmethod
    def load(cls, folder: str | Path, vectors: str | Path | None = None, threads: int = 1) -> "OnnxTagger":
        """Load a model that `export --onnx` has written; `vectors` as in `Tagger.load`.

        Raises:
            ArtifactError: A file is missing, damaged, foreign, or of another version.
            ConfigError: onnxruntime is not installed; the vectors do not fit the model.
            DataError: The vectors cannot be read.
        """
        folder = Path(folder)
        decoding = load_json(folder / DECODING_FILE, "onnx").details
        stored = load_json(folder / VOCABULARY_FILE, "vocabulary").details
        try:
            digests = {NETWORK_FILE: file_digest(folder / NETWORK_FILE), VOCABULARY_FILE: content_digest({}, stored)}
        except OSError as error:
            raise ArtifactError(f"{folder / NETWORK_FILE}: cannot be read ({error.strerror})") from error
        for name, digest in digests.items():
            if decoding["files"].get(name) != digest:
                raise ArtifactError(
                    f"{folder / name}: is not the file that {folder / DECODING_FILE} was written with; export it again"
                )
        vocabulary = Vocabulary.from_json(stored)
        unseen = None if vectors is None else UnseenVectors.read(Path(vectors), decoding, vocabulary)
        return cls((folder / NETWORK_FILE).read_bytes(), decoding, vocabulary, unseen, threads)

    def predict_surfaces(
        self, surfaces: np.ndarray, offsets: np.ndarray, tasks: Sequence[str], batch_size: int
    ) -> Mapping[str, Predictions]:
        """See `BaseTagger`."""
        return self.predict(self.surfaces.as_text(surfaces, offsets), tasks, batch_size)

    def predict(self, text: EncodedText, tasks: Sequence[str], batch_size: int = 128) -> dict[str, Predictions]:
        """The tag of every token and its probability by task, for encoded text."""
        count = len(text.tokens)
        predictions = {task: (np.empty(count, np.int64), np.empty(count, np.float32)) for task in tasks}
        outputs = [f"scores.{task}" for task in tasks]
        extra = self._extra(text)
        for indices in _batches(text.lengths, batch_size):
            inputs = network_inputs(text, indices, self.features)
            starts, lengths = text.offsets[indices], text.lengths[indices]
            # Concatenated sentences, as path decoding needs them.
            mask = np.arange(len(inputs["words"])) < lengths[:, None]
            places = (starts[:, None] + np.arange(len(inputs["words"])))[mask]
            ends = np.cumsum(lengths)
            for task, scores in zip(tasks, self.session.run(outputs, {**inputs, "extra": extra}), strict=True):
                task_scores = np.asarray(scores).transpose(1, 0, 2)[mask]
                best = self._best(task, task_scores, ends)
                predictions[task][0][places], predictions[task][1][places] = best, shares_of(task_scores, best)
        return predictions

    def _best(self, task: str, scores: np.ndarray, ends: np.ndarray) -> np.ndarray:
        """The best tags int64 [N] by the scores float [N, T] of sentences that end before `ends`."""
        if not self.chains[task]:
            return scores.argmax(1)
        return np.concatenate(
            [best_path(sentence_scores, **self.chains[task]) for sentence_scores in np.split(scores, ends[:-1])]
        )

    def _extra(self, text: EncodedText) -> np.ndarray:
        """float32 [E, D] with at least one row, the vectors of words that are not in the training text."""
        extra = np.zeros((max(1, len(text.extra)), self.dimension), np.float32)
        extra[: len(text.extra), : text.extra.shape[1]] = text.extra
        return extra


def network_inputs(
    text: EncodedText, indices: np.ndarray, features: FeatureRows | None = None
) -> dict[str, np.ndarray]:
    """Sentences as inputs of the network, padded, time first: all inputs except `extra`."""
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


def best_path(scores: np.ndarray, transitions: np.ndarray, start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """The sequence of tags with the highest sum of scores (Viterbi).

    Args:
        scores: float [L, T], the score of each tag at each token.
        transitions: float [T, T], the score of the transition from the tag of the row to that of the column.
        start: float [T], the score of beginning with a tag.
        end: float [T], the score of ending with a tag.

    Returns:
        int64 [L].
    """
    best, back = scores[0] + start, []
    for token_scores in scores[1:]:
        paths = best[:, None] + transitions
        back.append(paths.argmax(0))
        best = paths.max(0) + token_scores
    tags = [int((best + end).argmax())]
    for previous in reversed(back):
        tags.append(int(previous[tags[-1]]))
    return np.array(tags[::-1], np.int64)


def _batches(lengths: np.ndarray, batch_size: int) -> Iterator[np.ndarray]:
    """Every sentence once, longest first, in batches of at most MOST_POSITIONS padded positions."""
    order = np.argsort(-lengths, kind="stable")
    start = 0
    while start < len(order):
        end = start + max(1, min(batch_size, MOST_POSITIONS // int(lengths[order[start]])))
        yield order[start:end]
        start = end
