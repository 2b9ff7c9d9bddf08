"""Sentences, as readers return them, and the report of reading a split."""

from array import array
from dataclasses import dataclass, field
from pathlib import Path

from sparse_sharing.text.flaws import Flaws


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence with one tuple of tags per task, in the order of the requested columns."""

    words: tuple[str, ...]
    tags: tuple[tuple[str, ...], ...]
    line: int
    """The line number of its first token, counted from 1."""


@dataclass
class ReadReport:
    """Counts of what has been read so far."""

    sentences: int = 0
    tokens: int = 0
    document_starts: int = 0
    repairs: dict[str, int] = field(default_factory=dict)
    """Per task, how many tags were changed to make its sequences valid."""
    missing: dict[str, int] = field(default_factory=dict)
    """Per task, how many tokens have no tag and are excluded from loss and score."""
    width: int = field(default=0, compare=False)
    """The number of columns, in column files."""
    comments: int = 0
    """The number of lines skipped as comments."""
    flaws: Flaws | None = None
    """Collects the flaws of tags; None: the first one is raised."""
    documents_skipped: int = 0
    """The number of documents skipped for their domain, or because they are not in the list of documents."""
    documents_repeated: int = 0
    """The number of documents skipped because another file has them too, word for word."""
    document_files: dict[str, Path] = field(default_factory=dict)
    """The file of each document that was read and has an id."""
    documents: array = field(default_factory=lambda: array("i"), compare=False)
    """For each sentence the number of its document; numbers increase along the file."""
    _document: int = field(default=-1, compare=False)

    def start_document(self) -> None:
        """Begin another document with the next sentence."""
        self.document_starts += 1
        self._document += 1

    def add_sentence(self, tokens: int) -> None:
        """Count a sentence; text before the first document mark is a document of its own."""
        self._document = max(self._document, 0)
        self.documents.append(self._document)
        self.sentences += 1
        self.tokens += tokens
