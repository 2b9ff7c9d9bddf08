"""The base of all taggers: sentences in, tags and spans out, whatever runs the network."""

import logging
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from sparse_sharing.errors import ArtifactError, ConfigError
from sparse_sharing.tagging.decoding import Predictions, Spans, TagDecoder, file_tags
from sparse_sharing.tagging.encoding import Surfaces
from sparse_sharing.tagging.sentences import Sentence, TaggedSentence, TaggedSpan, from_words
from sparse_sharing.tagging.tokenizer import split_sentences, tokenize, unspaced
from sparse_sharing.tagging.vectors import UnseenVectors
from sparse_sharing.text.readers.columns import quote
from sparse_sharing.text.vocabulary import Vocabulary

log = logging.getLogger(__name__)

TextOrTokens = str | Sequence[str]


class BaseTagger(ABC):
    """A trained model, ready to tag text.

    Attributes:
        tasks: the tasks that it can tag.
        vocabulary: its words, characters and tags.
        lacks_vectors: whether the model was trained with word vectors that have not been given.
    """

    def __init__(
        self, tasks: Sequence[str], vocabulary: Vocabulary, vectors: UnseenVectors | None, has_vectors: bool
    ) -> None:
        """Use the vocabulary of a model; `has_vectors` says whether it was trained with word vectors."""
        self.tasks, self.vocabulary, self.vectors = list(tasks), vocabulary, vectors or UnseenVectors.none()
        self.lacks_vectors = has_vectors and not self.vectors.dimension
        self.surfaces = Surfaces(vocabulary, self.vectors)
        self.decoders = {task: TagDecoder(vocabulary.tasks[task]) for task in tasks}

    @abstractmethod
    def predict_surfaces(
        self, surfaces: np.ndarray, offsets: np.ndarray, tasks: Sequence[str], batch_size: int
    ) -> Mapping[str, Predictions]:
        """The tags of all tokens by task, and their probabilities.

        Args:
            surfaces: int64 [N], numbers in `self.surfaces`.
            offsets: int64 [S + 1], where each sentence begins; no sentence may be empty.
            tasks: the tasks to tag.
            batch_size: sentences in a batch.
        """

    def __call__(
        self, sentence: TextOrTokens, tasks: Sequence[str] | None = None, probabilities: bool = False
    ) -> TaggedSentence:
        """Tag one sentence: plain text, which is tokenised, or its tokens.

        Raises:
            ConfigError: The model has no such task.
            ValueError: A token is empty.
            TypeError: A token is not a string.
        """
        (tagged,) = self.tag([sentence], tasks, probabilities)
        return tagged

    def document(
        self, text: str, tasks: Sequence[str] | None = None, probabilities: bool = False, batch_size: int = 128
    ) -> list[TaggedSentence]:
        """Split a text into sentences, as the command line does, and tag them; characters are counted in `text`.

        Raises:
            ConfigError: The model has no such task.
            TypeError: The text is not a string.
        """
        if not isinstance(text, str):
            raise TypeError(f"document() takes a string; got {type(text).__name__}")
        if (stretch := unspaced(text)) is not None:
            log.warning(
                "the text has no spaces between its words (%s); expected tokens: split it into words first",
                quote(stretch, 20),
            )
        return self.tag_sentences(list(split_sentences(text)), tasks, probabilities, batch_size)

    def tag(
        self,
        sentences: Iterable[TextOrTokens],
        tasks: Sequence[str] | None = None,
        probabilities: bool = False,
        batch_size: int = 128,
    ) -> list[TaggedSentence]:
        """Tag sentences, each plain text or tokens, in batches of similar length.

        Args:
            sentences: any number of sentences; a sentence may be empty.
            tasks: the tasks to tag; None: all tasks of the model.
            probabilities: whether to return the probabilities of the tags as well.
            batch_size: sentences in a batch.

        Raises:
            ConfigError: The model has no such task.
            ValueError: A token is empty.
            TypeError: `sentences` is one string, or a token is not a string.
        """
        if isinstance(sentences, str | bytes):
            raise TypeError(
                "tag() takes a list of sentences; got one string. For one sentence call tagger(text), for a text "
                "tagger.document(text)"
            )
        prepared = [_as_sentence(sentence, number) for number, sentence in enumerate(sentences)]
        return self.tag_sentences(prepared, tasks, probabilities, batch_size)

    def tag_sentences(
        self,
        sentences: Sequence[Sentence],
        tasks: Sequence[str] | None = None,
        probabilities: bool = False,
        batch_size: int = 128,
    ) -> list[TaggedSentence]:
        """Tag sentences whose tokens have character positions; otherwise as `tag`."""
        tasks = self.require_tasks(tasks)
        filled = [sentence.tokens for sentence in sentences if sentence.tokens]
        offsets = np.concatenate([[0], np.cumsum([len(tokens) for tokens in filled], dtype=np.int64)]).astype(np.int64)
        done = [TaggedSentence(one.text, one.tokens, {}, {}, {}, one.start_char) for one in sentences]
        if filled:
            self.surfaces.forget_if_many()
            surfaces = self.surfaces.encode(token[0] for tokens in filled for token in tokens)
            predictions = self.predict_surfaces(surfaces, offsets, tasks, batch_size)
            for task in tasks:
                self._add([one for one in done if one.tokens], offsets, task, *predictions[task], probabilities)
        for one in done:
            if not one.tokens:
                one.tags.update({task: [] for task in tasks})
                one.spans.update({task: [] for task in tasks if self.decoders[task].has_spans})
        return done

    def require_tasks(self, tasks: Sequence[str] | None) -> list[str]:
        """The requested tasks, or all.

        Raises:
            ConfigError: The model lacks one of the tasks, or the list is empty.
        """
        for task in tasks or ():
            if task not in self.tasks:
                raise ConfigError(f"the model has no task '{task}'; its tasks are {', '.join(self.tasks)}")
        return list(dict.fromkeys(tasks)) if tasks else list(self.tasks)

    @property
    def known_tags(self) -> frozenset[str]:
        """The tags of all tasks, as they are in files."""
        return frozenset().union(*(file_tags(self.vocabulary.tasks[task]) for task in self.tasks))

    def _add(
        self,
        sentences: list[TaggedSentence],
        offsets: np.ndarray,
        task: str,
        numbers: np.ndarray,
        shares: np.ndarray,
        probabilities: bool,
    ) -> None:
        """Add the tags of a task to sentences, none of them empty."""
        if not np.isfinite(shares).all():
            raise ArtifactError(
                f"the scores of task '{task}' are not finite numbers, so it has no tags; check the word vectors"
            )
        tags, spans = self.decoders[task].decode(numbers, offsets)
        ends = offsets.tolist()
        for sentence, start, end in zip(sentences, ends, ends[1:], strict=False):
            sentence.tags[task] = tags[start:end]
        if probabilities:
            values = shares.tolist()
            for sentence, start, end in zip(sentences, ends, ends[1:], strict=False):
                sentence.probabilities[task] = values[start:end]
        if spans is not None:
            for sentence in sentences:
                sentence.spans[task] = []
            self._add_spans(sentences, offsets, task, spans, shares)

    def _add_spans(
        self, sentences: list[TaggedSentence], offsets: np.ndarray, task: str, spans: Spans, shares: np.ndarray
    ) -> None:
        labels = self.decoders[task].labels
        sums = np.concatenate([[0], np.cumsum(shares, dtype=np.float64)])
        scores = (sums[spans.ends] - sums[spans.starts]) / (spans.ends - spans.starts)
        owners = np.searchsorted(offsets, spans.starts, side="right") - 1
        firsts, lasts = spans.starts - offsets[owners], spans.ends - offsets[owners]
        columns = (owners, spans.labels, firsts, lasts, scores)
        for owner, label, first, end, score in zip(*(column.tolist() for column in columns), strict=True):
            sentence = sentences[owner]
            tokens = sentence.tokens
            start_char, end_char = tokens[first].start_char, tokens[end - 1].end_char
            text = sentence.text[start_char - sentence.start_char : end_char - sentence.start_char]
            sentence.spans[task].append(
                TaggedSpan(labels[label], text, start_char, end_char, first, end, min(score, 1.0))
            )


def _as_sentence(sentence: TextOrTokens, number: int) -> Sentence:
    """A sentence from an argument of `tag`: plain text or tokens; `number`, from 0, is for messages."""
    if isinstance(sentence, str):
        return tokenize(sentence)
    words = tuple(sentence)
    if not all(words) or not set(map(type, words)) <= {str}:
        _require_words(words, number)
    return from_words(words)


def _require_words(words: Sequence[object], number: int) -> None:
    """Raise an error for a token that is empty or not a string."""
    for place, word in enumerate(words):
        if not isinstance(word, str):
            raise TypeError(f"sentence {number}, token {place}: got {word!r}; expected a string")
        if not word:
            raise ValueError(
                f"sentence {number}, token {place} (counted from 0) is empty; remove empty tokens, as text.split() does"
            )
