"""Sentences as readers give them, and what the reading of a split has shown."""

from array import array
from dataclasses import dataclass, field
from pathlib import Path

from sparse_sharing.text.flaws import Flaws


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence with one tuple of tags per task, in the order of the columns asked for."""

    words: tuple[str, ...]
    tags: tuple[tuple[str, ...], ...]
    line: int
    """The number of its first token's line, counted from 1."""


@dataclass
class ReadReport:
    """What has been read so far."""

    sentences: int = 0
    tokens: int = 0
    document_starts: int = 0
    repairs: dict[str, int] = field(default_factory=dict)
    """Per task, how many tags were changed to make its sequences valid."""
    missing: dict[str, int] = field(default_factory=dict)
    """Per task, how many tokens have no tag and are left out of loss and score."""
    width: int = field(default=0, compare=False)
    """Columns of each line, in column files."""
    comments: int = 0
    """Lines that were left out as comments."""
    flaws: Flaws | None = None
    """Gets the flaws of tags, where they are to be gathered; none: the first one is raised."""
    documents_skipped: int = 0
    """Documents that were left out for their domain, or because the list of documents does not name them."""
    documents_repeated: int = 0
    """Documents that were left out because another file has them too, word for word."""
    document_files: dict[str, Path] = field(default_factory=dict)
    """For each document that was read and has an id, its file."""
    documents: array = field(default_factory=lambda: array("i"), compare=False)
    """For each sentence the number of its document, which increases along the file."""
    _document: int = field(default=-1, compare=False)

    def start_document(self) -> None:
        """Take note that the following sentences are another document."""
        self.document_starts += 1
        self._document += 1

    def add_sentence(self, tokens: int) -> None:
        """Take note of a sentence; text before the first mark of a document is a document of its own."""
        self._document = max(self._document, 0)
        self.documents.append(self._document)
        self.sentences += 1
        self.tokens += tokens
