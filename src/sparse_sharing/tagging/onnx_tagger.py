"""A tagger that runs an exported network with onnxruntime: no torch, decoding in numpy."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from sparse_sharing.errors import ArtifactError, ConfigError
from sparse_sharing.storage.artifacts import content_digest, file_digest, load_json
from sparse_sharing.tagging.base import BaseTagger
from sparse_sharing.tagging.decoding import Predictions, shares_of
from sparse_sharing.tagging.onnx_inputs import PieceInputs, WordInputs
from sparse_sharing.tagging.vectors import UnseenVectors
from sparse_sharing.text.encoded import EncodedText
from sparse_sharing.text.vocabulary import Vocabulary

NETWORK_FILE, DECODING_FILE, VOCABULARY_FILE = "network.onnx", "onnx.json", "vocabulary.json"

TOKENIZER_FILE = "tokenizer.json"
"""A further file of transformers."""

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
        tokenizer: str | None = None,
    ) -> None:
        """Use a network and the details for decoding; `tokenizer` is the tokenizer.json of a transformer.

        Raises:
            ConfigError: onnxruntime, or tokenizers for a transformer, is not installed.
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
        model = decoding["model"]
        self.inputs = WordInputs(model) if tokenizer is None else PieceInputs(model, tokenizer)
        self.chains = {
            task: {name: np.array(values, np.float32) for name, values in task_details.get("chain", {}).items()}
            for task, task_details in decoding["tasks"].items()
        }

    @classmethod
    def load(cls, folder: str | Path, vectors: str | Path | None = None, threads: int = 1) -> "OnnxTagger":
        """Load a model that `export --onnx` has written; `vectors` as in `Tagger.load`.

        Raises:
            ArtifactError: A file is missing, damaged, foreign, or of another version.
            ConfigError: A package is not installed; the vectors do not fit the model.
            DataError: The vectors cannot be read.
        """
        folder = Path(folder)
        decoding = load_json(folder / DECODING_FILE, "onnx").details
        stored = load_json(folder / VOCABULARY_FILE, "vocabulary").details
        digests = {VOCABULARY_FILE: content_digest({}, stored)}
        for name in (NETWORK_FILE, *({TOKENIZER_FILE} & set(decoding["files"]))):
            try:
                digests[name] = file_digest(folder / name)
            except OSError as error:
                raise ArtifactError(f"{folder / name}: cannot be read ({error.strerror})") from error
        for name, digest in digests.items():
            if decoding["files"].get(name) != digest:
                raise ArtifactError(
                    f"{folder / name}: is not the file that {folder / DECODING_FILE} was written with; export it again"
                )
        vocabulary = Vocabulary.from_json(stored)
        unseen = None if vectors is None else UnseenVectors.read(Path(vectors), decoding, vocabulary)
        tokenizer = (folder / TOKENIZER_FILE).read_text(encoding="utf-8") if TOKENIZER_FILE in digests else None
        return cls((folder / NETWORK_FILE).read_bytes(), decoding, vocabulary, unseen, threads, tokenizer)

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
        common = self.inputs.common(text)
        for indices in _batches(text.lengths, batch_size):
            inputs, scores_of = self.inputs.batch(text, indices)
            starts, lengths = text.offsets[indices], text.lengths[indices]
            # Concatenated sentences, as path decoding needs them.
            ends = np.cumsum(lengths)
            places = np.arange(ends[-1]) + np.repeat(starts - ends + lengths, lengths)
            for task, output in zip(tasks, self.session.run(outputs, inputs | common), strict=True):
                task_scores = scores_of(np.asarray(output))
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
