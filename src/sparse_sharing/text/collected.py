"""A text of any length, read once: facts about words and sentences in memory, tokens and tags on disk."""

import hashlib
from array import array
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from sparse_sharing.storage.artifacts import Streamed, Tensor
from sparse_sharing.text.encoded import surface_tensors
from sparse_sharing.text.schemes import Scheme
from sparse_sharing.text.splits import sentence_digest
from sparse_sharing.text.spool import Column, Spool
from sparse_sharing.text.vocabulary import NO_TAG, Vocabulary


@dataclass(frozen=True)
class CollectedText:
    """Sentences of one corpus and split, before the vocabulary exists.

    Attributes:
        surfaces: the distinct words as written, and for each task the distinct tags, in the order in which they occur.
        tags: for each task its distinct tags; see `surfaces`.
        tokens: the number of the surface of each token.
        tag_numbers: for each task the number of the tag of each token.
        lengths: int32 [S], tokens of each sentence.
        digests: uint64 [S], equal where sentences are equal word for word.
        documents: int32 [S], the document of each sentence, counted from 0; None if there are fewer than two.
    """

    surfaces: Sequence[str]
    tags: Mapping[str, Sequence[str]]
    tokens: Column
    tag_numbers: Mapping[str, Column]
    lengths: np.ndarray
    digests: np.ndarray
    documents: np.ndarray | None = None

    def word_counts(self) -> Counter[str]:
        """How often each word occurs."""
        counts = np.zeros(len(self.surfaces), np.int64)
        for piece in self.tokens.pieces():
            counts += np.bincount(piece, minlength=len(counts))
        return Counter(dict(zip(self.surfaces, counts.tolist(), strict=True)))

    def type_counts(self, task: str, scheme: Scheme) -> Counter[str]:
        """How often each tag occurs, or for a span scheme how many spans each type has."""
        counts: Counter[str] = Counter()
        names = self.tags[task]
        if scheme in ("none", "iob2", "bioes"):
            totals = np.zeros(len(names), np.int64)
            for piece in self.tag_numbers[task].pieces():
                totals += np.bincount(piece, minlength=len(names))
            for tag, count in zip(names, totals.tolist(), strict=True):
                if scheme == "none":
                    counts[tag] += count
                elif tag[:1] in ("B", "S"):
                    counts[tag[2:]] += count
            return +counts
        # In IOB1 it depends on the previous tag whether a span begins.
        before, end, ends = "", 0, set(np.cumsum(self.lengths).tolist())
        for piece in self.tag_numbers[task].pieces():
            numbers: list[int] = piece.tolist()
            for number in numbers:
                tag = names[number]
                if tag[:1] == "B" or (tag[:1] == "I" and tag[1:] != before[1:]):
                    counts[tag[2:]] += 1
                end += 1
                before = "" if end in ends else tag
        return counts

    def cut(self, taken: np.ndarray, spool: Spool) -> tuple["CollectedText", "CollectedText"]:
        """Two texts: the sentences that are not taken, and those that are; `taken` is bool [S]."""
        return self._part(~taken, spool), self._part(taken, spool)

    def to_tensors(
        self,
        corpus: str,
        vocabulary: Vocabulary,
        vectors: Mapping[str, np.ndarray],
        dimension: int,
        leaked: np.ndarray | None = None,
    ) -> dict[str, Tensor]:
        """The tensors of `EncodedText.to_tensors` for the text without tags; tokens can only be written
        (`Streamed`).
        """
        tensors: dict[str, Tensor | None] = {
            "tokens": self.tokens.streamed(),
            "offsets": np.concatenate([[0], np.cumsum(self.lengths, dtype=np.int64)]),
            **surface_tensors(self.surfaces, vocabulary, vectors, dimension),
            "documents": self.documents,
            "leaked": leaked,
        }
        return {f"{corpus}/{name}": tensor for name, tensor in tensors.items() if tensor is not None}

    def encode_tags(self, task: str, known_tags: Sequence[str]) -> tuple[Streamed, tuple[str, ...]]:
        """The number of the tag of each token, int32 [N], which can only be written; and the tags that are not
        known.
        """
        ids = {tag: number for number, tag in enumerate(known_tags)}
        numbers = [ids.setdefault(tag, len(ids)) if tag else NO_TAG for tag in self.tags[task]]
        streamed = self.tag_numbers[task].streamed(np.array(numbers, dtype=np.int32))
        return streamed, tuple(ids)[len(known_tags) :]

    def digest(self) -> str:
        """A digest of the words of all sentences, in order: if it is equal, tags of one text fit the other."""
        return hashlib.sha256(self.digests.tobytes()).hexdigest()[:16]

    def _part(self, taken: np.ndarray, spool: Spool) -> "CollectedText":
        ends = np.cumsum(self.lengths, dtype=np.int64)

        def part(column: Column, names: Sequence[str]) -> tuple[Column, list[str]]:
            """The numbers of the sentences taken, renumbered in order of occurrence."""
            new, used_names, start, renumbered = np.full(len(names), -1, np.int32), [], 0, Column(spool)
            for piece in column.pieces():
                sentences = np.searchsorted(ends, np.arange(start, start + len(piece)), side="right")
                start += len(piece)
                numbers = piece[taken[sentences]]
                distinct, first = np.unique(numbers, return_index=True)
                for number in distinct[np.argsort(first)].tolist():
                    if new[number] < 0:
                        new[number] = len(used_names)
                        used_names.append(names[number])
                renumbered.extend(new[numbers].tolist())
            return renumbered, used_names

        tokens, surfaces = part(self.tokens, self.surfaces)
        parts = {task: part(column, self.tags[task]) for task, column in self.tag_numbers.items()}
        return CollectedText(
            surfaces,
            {task: tags for task, (_, tags) in parts.items()},
            tokens,
            {task: column for task, (column, _) in parts.items()},
            self.lengths[taken],
            self.digests[taken],
            None if self.documents is None else document_numbers(self.documents[taken]),
        )


def document_numbers(documents: Sequence[int] | np.ndarray) -> np.ndarray | None:
    """Increasing document numbers renumbered from 0 without gaps: int32 [S]; None if there are fewer than two."""
    distinct, numbers = np.unique(np.asarray(documents, np.int32), return_inverse=True)
    return numbers.astype(np.int32) if len(distinct) > 1 else None


def collect_text(
    sentences: Iterable[tuple[Sequence[str], Mapping[str, Sequence[str]]]], tasks: Sequence[str], spool: Spool
) -> CollectedText:
    """Read sentences, each a (words, tags of each task) pair with tags in the model's scheme, to the end."""
    surfaces: dict[str, int] = {}
    tags: dict[str, dict[str, int]] = {task: {} for task in tasks}
    tokens, tag_numbers = Column(spool), {task: Column(spool) for task in tasks}
    lengths, digests = array("i"), array("Q")
    for words, tagging in sentences:
        lengths.append(len(words))
        digests.append(sentence_digest(words))
        tokens.extend([surfaces.setdefault(word, len(surfaces)) for word in words])
        for task, tag_ids in tags.items():
            tag_numbers[task].extend([tag_ids.setdefault(tag, len(tag_ids)) for tag in tagging[task]])
    return CollectedText(
        list(surfaces),
        {task: list(tag_ids) for task, tag_ids in tags.items()},
        tokens,
        tag_numbers,
        np.frombuffer(lengths, np.int32) if lengths else np.zeros(0, np.int32),
        np.frombuffer(digests, np.uint64) if digests else np.zeros(0, np.uint64),
    )
