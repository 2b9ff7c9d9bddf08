"""A model as a component of a spaCy pipeline: `nlp.add_pipe("sparse_sharing", config={"model": "MODEL"})`.

The tokens, and the sentences if the document has any, are spaCy's. Spans of every task are in `doc.spans[TASK]`, with
their scores in `attrs["scores"]`; tags of the other tasks are in `token._.sparse_sharing[TASK]`. In addition, one task
sets `doc.ents`, one `token.tag_` and one `token.pos_`.
"""

from collections.abc import Iterable, Iterator

from spacy import util
from spacy.language import Language
from spacy.parts_of_speech import IDS
from spacy.tokens import Doc, Span, Token

from sparse_sharing.errors import ConfigError
from sparse_sharing.tagging.base import BaseTagger
from sparse_sharing.tagging.loading import load_tagger
from sparse_sharing.tagging.sentences import TaggedSentence, from_words
from sparse_sharing.tagging.tokenizer import split_sentences

NAME = "sparse_sharing"
"""The name of the component, and of the attribute of tokens."""

ENTITY_TASKS, TAG_TASKS, COARSE_TASKS = ("ner", "entities"), ("pos", "xpos"), ("upos",)
"""The tasks for `doc.ents`, `token.tag_` and `token.pos_` if the configuration names none."""


class Component:
    """Adds the tags and spans of a model to documents."""

    def __init__(self, tagger: BaseTagger, entities: str | None, tag: str | None, coarse: str | None) -> None:
        """Use a tagger; the task of `doc.ents`, `token.tag_` or `token.pos_` is None if it is not set.

        Raises:
            ConfigError: The model has no such task, or its tags do not fit the attribute.
        """
        self.tagger = tagger
        self.span_tasks = [task for task in tagger.tasks if tagger.decoders[task].has_spans]
        self.tag_tasks = [task for task in tagger.tasks if task not in self.span_tasks]
        self.entities = self._chosen("entities", entities, ENTITY_TASKS, self.span_tasks)
        self.tag = self._chosen("tag", tag, TAG_TASKS, self.tag_tasks)
        self.coarse = self._chosen("coarse", coarse, COARSE_TASKS, self.tag_tasks)
        if not Token.has_extension(NAME):
            Token.set_extension(NAME, default=None)

    def __call__(self, doc: Doc) -> Doc:
        """Add tags and spans to a document."""
        return next(self.pipe([doc]))

    def pipe(self, stream: Iterable[Doc], batch_size: int = 32) -> Iterator[Doc]:
        """Add tags and spans to documents; the sentences of `batch_size` documents run together."""
        for docs in util.minibatch(stream, size=batch_size):
            places = [(doc, tokens) for doc in docs for tokens in sentences_of(doc)]
            tagged = self.tagger.tag_sentences([from_words([token.text for token in tokens]) for _, tokens in places])
            by_doc: dict[int, list[tuple[list[Token], TaggedSentence]]] = {id(doc): [] for doc in docs}
            for (doc, tokens), sentence in zip(places, tagged, strict=True):
                by_doc[id(doc)].append((tokens, sentence))
            for doc in docs:
                self._annotate(doc, by_doc[id(doc)])
                yield doc

    def _annotate(self, doc: Doc, sentences: list[tuple[list[Token], TaggedSentence]]) -> None:
        for task in self.span_tasks:
            spans, scores = [], []
            for tokens, sentence in sentences:
                for span in sentence.spans[task]:
                    first, last = tokens[span.first_token].i, tokens[span.end_token - 1].i
                    spans.append(Span(doc, first, last + 1, label=span.label))
                    scores.append(span.score)
            doc.spans[task] = spans
            doc.spans[task].attrs["scores"] = scores
            if task == self.entities:
                doc.set_ents(spans)
        for tokens, sentence in sentences:
            for place, token in enumerate(tokens):
                token._.set(NAME, {task: sentence.tags[task][place] for task in self.tag_tasks})
                if self.tag is not None:
                    token.tag_ = sentence.tags[self.tag][place]
                if self.coarse is not None:
                    token.pos_ = sentence.tags[self.coarse][place]

    def _chosen(self, key: str, asked: str | None, usual: tuple[str, ...], tasks: list[str]) -> str | None:
        """The task of an attribute: the requested one, or the first of the usual names; "" means none."""
        if asked is None:
            return next((task for task in usual if task in tasks), None)
        if asked and asked not in tasks:
            raise ConfigError(f"{key}: got '{asked}'; expected one of {', '.join(tasks) or 'no task of this model'}")
        if key == "coarse" and asked:
            self._require_universal(asked)
        return asked or None

    def _require_universal(self, task: str) -> None:
        """Raise ConfigError if a task for `token.pos_` has tags that spaCy does not have."""
        if unknown := sorted(set(self.tagger.vocabulary.tasks[task].tags) - set(IDS)):
            raise ConfigError(
                f"coarse: task '{task}' has the tag {unknown[0]}, which is not a universal part of speech"
            )


def sentences_of(doc: Doc) -> Iterator[list[Token]]:
    """The tokens of each sentence of a document, without white space tokens.

    A document without sentence marks is split as `sparse-sharing tag` splits text.
    """
    if doc.has_annotation("SENT_START"):
        groups: Iterable[Iterable[Token]] = doc.sents
    else:
        groups = _split(doc)
    for group in groups:
        if tokens := [token for token in group if not token.is_space]:
            yield tokens


def _split(doc: Doc) -> Iterator[list[Token]]:
    """The tokens of a document, grouped by the sentence of the plain text in which they begin."""
    _, *starts = [sentence.start_char for sentence in split_sentences(doc.text)] or [0]
    group: list[Token] = []
    ends = iter([*starts, len(doc.text) + 1])
    end = next(ends)
    for token in doc:
        while token.idx >= end:
            yield group
            group, end = [], next(ends)
        group.append(token)
    yield group


@Language.factory(
    NAME,
    default_config={"vectors": None, "threads": 1, "entities": None, "tag": None, "coarse": None},
    assigns=["doc.ents", "doc.spans", "token.tag", "token.pos", f"token._.{NAME}"],
)
def make_component(
    nlp: Language,
    name: str,
    model: str,
    vectors: str | None,
    threads: int,
    entities: str | None,
    tag: str | None,
    coarse: str | None,
) -> Component:
    """The component of a pipeline.

    Args:
        nlp: the pipeline.
        name: the component's name in it.
        model: the folder of a trained or exported model, or of a run, whose best model is used.
        vectors: the word vectors used in training, for words that are not in the training text.
        threads: CPU threads of the network.
        entities: the task for `doc.ents`; `ner` or `entities` by default, "" for none.
        tag: the task for `token.tag_`; `pos` or `xpos` by default, "" for none.
        coarse: the task for `token.pos_`, with universal parts of speech; `upos` by default, "" for none.

    Raises:
        UserError: There is no model, it cannot be used, or it has no such task.
    """
    return Component(load_tagger(model, vectors, threads=threads), entities, tag, coarse)
