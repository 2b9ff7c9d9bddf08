"""spaCy's small CPU pipeline (tok2vec, tagger, ner), trained from nothing: what people would take instead."""

import random
from collections.abc import Iterator, Mapping, Sequence
from importlib.util import find_spec
from typing import Any

import numpy as np

from sparse_sharing.config.formats import Scheme
from sparse_sharing.text.schemes import Span, read_spans, write_tags

BATCH_SIZE, DROPOUT = 16, 0.1

Sentences = Sequence[Sequence[str]]


def is_installed() -> bool:
    """Whether spaCy can be imported."""
    return find_spec("spacy") is not None


class SpacyPeer:
    """The pipeline with its default settings, for parts of speech (`pos`) and names (`ner`)."""

    def __init__(self, scheme: Scheme, vectors: Mapping[str, np.ndarray], seed: int) -> None:
        """Build the untrained pipeline.

        Args:
            scheme: the tag scheme of names.
            vectors: vectors of words as written; empty: no word vectors.
            seed: of the initial weights and the order of the sentences.
        """
        from spacy.cli.init_config import init_config
        from spacy.util import fix_random_seed, load_model_from_config

        fix_random_seed(seed)
        config = init_config(lang="en", pipeline=["tagger", "ner"], silent=True)
        config["components"]["tok2vec"]["model"]["embed"]["include_static_vectors"] = bool(vectors)
        self.nlp: Any = load_model_from_config(config, auto_fill=True)
        self.scheme, self.best = scheme, b""
        for word, vector in vectors.items():
            self.nlp.vocab.set_vector(word, vector)

    def train(self, words: Sentences, gold: Mapping[str, Sentences], epochs: int) -> Iterator[None]:
        """Train on sentences and their tags by task; yields after each epoch."""
        from spacy.training import Example
        from spacy.util import minibatch

        examples = [
            Example(self._document(sentence), self._document(sentence, pos, ner))
            for sentence, pos, ner in zip(words, gold["pos"], gold["ner"], strict=True)
        ]
        optimizer = self.nlp.initialize(lambda: examples)
        for _ in range(epochs):
            random.shuffle(examples)
            for batch in minibatch(examples, BATCH_SIZE):
                self.nlp.update(batch, sgd=optimizer, drop=DROPOUT)
            yield

    def _document(self, words: Sequence[str], pos: Sequence[str] = (), ner: Sequence[str] = ()) -> Any:
        from spacy.tokens import Doc

        if not pos:
            return Doc(self.nlp.vocab, words=list(words))
        names = write_tags(read_spans(ner, self.scheme), len(words), "iob2")
        return Doc(self.nlp.vocab, words=list(words), tags=list(pos), ents=names)

    def documents(self, sentences: Sentences) -> list[Any]:
        """The documents of spaCy for sentences, with tags and names."""
        return list(self.nlp.pipe(self._document(words) for words in sentences))

    def predict(self, sentences: Sentences) -> dict[str, list[list[str]]]:
        """The tags of sentences by task, in the schemes of the models."""
        documents = self.documents(sentences)
        names = [[Span(one.label_, one.start, one.end) for one in document.ents] for document in documents]
        return {
            "pos": [[token.tag_ for token in document] for document in documents],
            "ner": [
                write_tags(sentence_spans, len(words), self.scheme)
                for sentence_spans, words in zip(names, sentences, strict=True)
            ],
        }

    def keep(self) -> None:
        """Keep the present weights."""
        self.best = self.nlp.to_bytes(exclude=["vocab"])

    def use_kept(self) -> None:
        """Use the weights of the last `keep`."""
        self.nlp.from_bytes(self.best, exclude=["vocab"])
