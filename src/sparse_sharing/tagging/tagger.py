"""The tagger: a trained model as a function from words to tags and spans."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from sparse_sharing.data.text import EncodedText, encode_text
from sparse_sharing.data.vocabulary import Vocabulary
from sparse_sharing.errors import ConfigError
from sparse_sharing.stages.models import OpenModel, open_model
from sparse_sharing.tagging.sentences import TaggedSentence, spans_of
from sparse_sharing.tagging.tokenizer import tokenize
from sparse_sharing.tagging.vectors import UnseenVectors
from sparse_sharing.training.scoring import written_tags

LONG_SENTENCE = 200
"""Tokens. Longer sentences run one by one, so that no batch is padded to the length of one of them."""


class Tagger:
    """A trained model, ready to tag text.

    Attributes:
        tasks: what it can tag.
        vocabulary: the words, characters and tags that it knows.
    """

    def __init__(self, model: OpenModel, vectors: UnseenVectors | None = None) -> None:
        """Use an open model; `vectors` are those of words that its training text lacks."""
        self.model, self.vectors = model, vectors or UnseenVectors.none()
        self.tasks = model.trained.tasks
        self.vocabulary: Vocabulary = model.network.vocabulary

    @classmethod
    def load(cls, folder: str | Path, vectors: str | Path | None = None, device: str = "auto") -> "Tagger":
        """Load the model in a folder that `train` or `export` has written.

        Args:
            folder: it holds `model.safetensors` and `vocabulary.json`.
            vectors: the file of word vectors that the model was trained with. It gives words that the training text
                lacks their vectors, as the stage `evaluate` does; without it they are unknown words.
            device: `auto` takes a GPU if there is one, or `cpu`, or `cuda`.

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

    @property
    def lacks_vectors(self) -> bool:
        """Whether the model was trained with word vectors that have not been given."""
        return bool(self.model.trained.details["data"]["vectors"]) and not self.vectors.dimension

    def __call__(
        self, sentence: str | Sequence[str], tasks: Sequence[str] | None = None, probabilities: bool = False
    ) -> TaggedSentence:
        """Tag one sentence: plain text, which is tokenised, or its tokens."""
        (tagged,) = self.tag([sentence], tasks, probabilities)
        return tagged

    def tag(
        self,
        sentences: Iterable[str | Sequence[str]],
        tasks: Sequence[str] | None = None,
        probabilities: bool = False,
        batch_size: int = 128,
    ) -> list[TaggedSentence]:
        """Tag sentences, each plain text or tokens; they run in batches of similar length.

        Args:
            sentences: in any number; a sentence may be empty.
            tasks: what to tag; all tasks of the model if None.
            probabilities: whether to give those of the best tags as well.
            batch_size: sentences that run together.

        Raises:
            ConfigError: The model has no such task.
        """
        tasks = self.require_tasks(tasks)
        tokens = [tuple(tokenize(s) if isinstance(s, str) else s) for s in sentences]
        done = [TaggedSentence(words, {}, {}) for words in tokens]
        for group, size in self._groups(done, batch_size):
            text = self._encode(group)
            for task in tasks:
                self._tag_group(group, text, task, size, probabilities)
        for sentence in done:
            if not sentence.tokens:
                sentence.tags.update({task: [] for task in tasks})
        return done

    def require_tasks(self, tasks: Sequence[str] | None) -> list[str]:
        """The tasks that are asked for, or all.

        Raises:
            ConfigError: The model has no task of a name, or none is asked for.
        """
        for task in tasks or ():
            if task not in self.tasks:
                raise ConfigError(f"the model has no task '{task}'; its tasks are {', '.join(self.tasks)}")
        return list(dict.fromkeys(tasks)) if tasks else list(self.tasks)

    def _groups(self, sentences: list[TaggedSentence], size: int) -> Iterator[tuple[list[TaggedSentence], int]]:
        """The sentences that have tokens in two groups, each with how many of them run together."""
        short = [sentence for sentence in sentences if 0 < len(sentence.tokens) <= LONG_SENTENCE]
        long = [sentence for sentence in sentences if len(sentence.tokens) > LONG_SENTENCE]
        return ((group, limit) for group, limit in ((short, size), (long, 1)) if group)

    def _encode(self, sentences: list[TaggedSentence]) -> EncodedText:
        pairs = ((sentence.tokens, {}) for sentence in sentences)
        return encode_text(pairs, self.vocabulary, (), self.vectors, self.vectors.dimension)

    def _tag_group(
        self, group: list[TaggedSentence], text: EncodedText, task: str, size: int, probabilities: bool
    ) -> None:
        """Add what a task says to the sentences of a group."""
        network, known = self.model.network, self.vocabulary.tasks[task]
        numbers = network.predict(task, text, size)
        predicted = text.by_sentence([known.tags[number] for number in numbers.tolist()])
        for sentence, tags in zip(group, written_tags(predicted, known), strict=True):
            sentence.tags[task] = tags
            if known.has_spans:
                sentence.spans[task] = spans_of(sentence.tokens, tags, known)
        if probabilities:
            values = text.by_sentence(network.confidences(task, text, numbers, size).tolist())
            for sentence, own in zip(group, values, strict=True):
                sentence.probabilities[task] = own
