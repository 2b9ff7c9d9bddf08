"""A tagger that runs an exported network with onnxruntime: no torch, decoding in numpy."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from sparse_sharing.artifacts import content_digest, file_digest, load_json
from sparse_sharing.data.schemes import convert
from sparse_sharing.data.text import EncodedText, encode_text
from sparse_sharing.data.vocabulary import Vocabulary
from sparse_sharing.errors import ArtifactError, ConfigError
from sparse_sharing.tagging.sentences import TaggedSentence, spans_of
from sparse_sharing.tagging.tokenizer import tokenize
from sparse_sharing.tagging.vectors import UnseenVectors

NETWORK_FILE, DECODING_FILE, VOCABULARY_FILE = "network.onnx", "onnx.json", "vocabulary.json"


class OnnxTagger:
    """One task's exported network, ready to tag text.

    Attributes:
        task: what it tags.
        vocabulary: the words, characters and tags that it knows.
    """

    def __init__(
        self, network: bytes, decoding: Mapping[str, Any], vocabulary: Vocabulary, vectors: UnseenVectors | None = None
    ) -> None:
        """Use a network and what its decoding needs.

        Raises:
            ConfigError: onnxruntime is not installed.
        """
        try:
            import onnxruntime
        except ImportError as error:
            raise ConfigError("onnxruntime is not installed; pip install onnxruntime") from error
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(network, options, providers=["CPUExecutionProvider"])
        self.task, self.vocabulary, self.vectors = decoding["task"], vocabulary, vectors or UnseenVectors.none()
        self.dimension = decoding["model"]["word_dimension"]
        self.steps = {
            name: np.array(decoding[name], np.float32) for name in ("transitions", "start", "end") if decoding[name]
        }

    @classmethod
    def load(cls, folder: str | Path, vectors: str | Path | None = None) -> "OnnxTagger":
        """Load what `export --onnx` has written; `vectors` are as for `Tagger.load`.

        Raises:
            ArtifactError: A file is missing, damaged, foreign, or of another version.
            ConfigError: onnxruntime is not installed; the vectors do not fit the model.
            DataError: The vectors cannot be read.
        """
        folder = Path(folder)
        decoding = load_json(folder / DECODING_FILE, "onnx").details
        stored = load_json(folder / VOCABULARY_FILE, "vocabulary").details
        try:
            found = {NETWORK_FILE: file_digest(folder / NETWORK_FILE), VOCABULARY_FILE: content_digest({}, stored)}
        except OSError as error:
            raise ArtifactError(f"{folder / NETWORK_FILE}: cannot be read ({error.strerror})") from error
        for name, digest in found.items():
            if decoding["files"].get(name) != digest:
                raise ArtifactError(
                    f"{folder / name}: is not the file that {folder / DECODING_FILE} was written with; export it anew"
                )
        vocabulary = Vocabulary.from_json(stored)
        unseen = None if vectors is None else UnseenVectors.read(Path(vectors), decoding, vocabulary)
        return cls((folder / NETWORK_FILE).read_bytes(), decoding, vocabulary, unseen)

    def __call__(self, sentence: str | Sequence[str]) -> TaggedSentence:
        """Tag one sentence: plain text, which is tokenised, or its tokens."""
        (tagged,) = self.tag([sentence])
        return tagged

    def tag(self, sentences: Iterable[str | Sequence[str]], batch_size: int = 128) -> list[TaggedSentence]:
        """Tag sentences, each plain text or tokens, in batches of similar length."""
        known = self.vocabulary.tasks[self.task]
        done = [TaggedSentence(tuple(tokenize(s) if isinstance(s, str) else s), {self.task: []}, {}) for s in sentences]
        filled = [sentence for sentence in done if sentence.tokens]
        pairs = ((sentence.tokens, {}) for sentence in filled)
        text = encode_text(pairs, self.vocabulary, (), self.vectors, self.vectors.dimension)
        numbers = text.by_sentence(self.predict(text, batch_size).tolist())
        for sentence, own in zip(filled, numbers, strict=True):
            tags = convert([known.tags[number] for number in own], known.model_scheme, known.scheme)
            sentence.tags[self.task] = tags
            if known.has_spans:
                sentence.spans[self.task] = spans_of(sentence.tokens, tags, known)
        return done

    def predict(self, text: EncodedText, batch_size: int = 128) -> np.ndarray:
        """The number of the best tag of every token, int64 [N]."""
        extra = np.zeros((len(text.extra), self.dimension), np.float32)
        extra[:, : text.extra.shape[1]] = text.extra
        order = np.argsort(-text.lengths, kind="stable")
        tags = np.empty(len(text.tokens), np.int64)
        for start in range(0, len(order), batch_size):
            indices = order[start : start + batch_size]
            (scores,) = self.session.run(["scores"], {**network_inputs(text, indices), "extra": extra})
            for column, index in enumerate(indices):
                begin, end = text.offsets[index], text.offsets[index + 1]
                tags[begin:end] = self.decode(scores[: end - begin, column])
        return tags

    def decode(self, scores: np.ndarray) -> np.ndarray:
        """The best tags int64 [L] by the scores float [L, T] of a sentence: each alone, or as a path."""
        return best_path(scores, **self.steps) if self.steps else scores.argmax(1)


def network_inputs(text: EncodedText, indices: np.ndarray) -> dict[str, np.ndarray]:
    """Sentences as the inputs of the network, padded, time first: all but `extra`."""
    starts, lengths = text.offsets[indices], text.lengths[indices]
    time = np.arange(int(lengths.max()))[:, None]
    positions = np.where(time < lengths, starts + time, starts)
    kinds, surfaces = np.unique(text.tokens[positions], return_inverse=True)
    surfaces = surfaces.reshape(positions.shape)
    characters = text.surface_characters[kinds]
    return {
        "words": text.surface_words[kinds][surfaces].astype(np.int64),
        "characters": characters[:, : max(1, int((characters != 0).any(0).sum()))].astype(np.int64),
        "surfaces": surfaces.astype(np.int64),
        "lengths": lengths.astype(np.int32),
    }


def best_path(scores: np.ndarray, transitions: np.ndarray, start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """The sequence of tags with the highest sum of scores (Viterbi).

    Args:
        scores: float [L, T], of each tag at each token.
        transitions: float [T, T], of going from the tag of the row to that of the column.
        start: float [T], of beginning with a tag.
        end: float [T], of ending with a tag.

    Returns:
        int64 [L].
    """
    best, back = scores[0] + start, []
    for own in scores[1:]:
        paths = best[:, None] + transitions
        back.append(paths.argmax(0))
        best = paths.max(0) + own
    tags = [int((best + end).argmax())]
    for previous in reversed(back):
        tags.append(int(previous[tags[-1]]))
    return np.array(tags[::-1], np.int64)
