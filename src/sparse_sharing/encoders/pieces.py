"""Splits words into the pieces of a tokenizer, each word by itself; special tokens in a text are ordinary text."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from tokenizers import Tokenizer

MOST_KEPT = 1 << 17
"""How many words are cached; if there are more, the cache is emptied."""


@dataclass(frozen=True)
class Frame:
    """The special tokens that a model needs around the pieces of a text.

    Attributes:
        before: ids before the pieces, such as that of [CLS].
        behind: ids after them, such as that of [SEP].
        padding: the id that fills shorter rows of a batch.
    """

    before: tuple[int, ...]
    behind: tuple[int, ...]
    padding: int

    @property
    def size(self) -> int:
        """Ids around the pieces of a text."""
        return len(self.before) + len(self.behind)


@dataclass(frozen=True)
class WordPieces:
    """The pieces of some words.

    Attributes:
        ids: int64 [N], the pieces of all words, concatenated.
        offsets: int64 [words + 1], where each word begins in `ids`; every word has a piece.
    """

    ids: np.ndarray
    offsets: np.ndarray

    def of(self, word: int) -> np.ndarray:
        """The pieces of a word, int64 [n]."""
        return self.ids[self.offsets[word] : self.offsets[word + 1]]


class WordTokenizer:
    """A tokenizer for text that is already divided into words.

    Every word is tokenized as in running text, with a space before it. A word never becomes a special token: `[SEP]` or
    `</s>` in a text is a word like any other. A word that the tokenizer drops, such as U+200B, has the unknown token as
    its piece.

    Attributes:
        description: the tokenizer as JSON, in the format of `tokenizer.json`.
        frame: the special tokens around a text.
        size: the number of ids of pieces.
    """

    def __init__(self, description: str, padding: int = 0) -> None:
        """Read a tokenizer.

        Args:
            description: the content of `tokenizer.json`.
            padding: the id of the padding.

        Raises:
            ValueError: It is not a tokenizer.
        """
        self.description = description
        try:
            parts = json.loads(description)
            complete = Tokenizer.from_str(description)
            self._tokenizer = Tokenizer.from_str(json.dumps(_for_words(parts), ensure_ascii=False))
        # The library raises plain `Exception` if it cannot read the file.
        except Exception as error:
            raise ValueError(f"the tokenizer cannot be read: {error}") from error
        self.frame = Frame(*_frame(complete), padding)
        self.size = complete.get_vocab_size(with_added_tokens=True)
        self._space = "" if _adds_space(parts.get("normalizer")) else " "
        self._substitute = _substitute(parts, self.frame)
        self._kept: dict[str, Sequence[int]] = {}

    def needed(self, words: Iterable[str]) -> set[int]:
        """The ids that occur in windows of some words."""
        frame = self.frame
        return {*self.pieces(words).ids.tolist(), *frame.before, *frame.behind, frame.padding, self._substitute}

    def pieces(self, words: Iterable[str]) -> WordPieces:
        """The pieces of words; at least one each."""
        words, kept = list(words), self._kept
        if len(kept) > MOST_KEPT:
            kept.clear()
        new = list(dict.fromkeys(word for word in words if word not in kept))
        texts = [f"{self._space}{word}" for word in new]
        for word, encoding in zip(new, self._tokenizer.encode_batch_fast(texts, add_special_tokens=False), strict=True):
            kept[word] = encoding.ids or [self._substitute]
        ids_of_words = [kept[word] for word in words]
        lengths = [len(ids) for ids in ids_of_words]
        flat = [piece for ids in ids_of_words for piece in ids]
        return WordPieces(np.array(flat, np.int64), np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)]))


def _for_words(parts: dict[str, Any]) -> dict[str, Any]:
    """A tokenizer that returns all pieces of a word, and no special tokens.

    The special tokens are renamed in the vocabulary to names that no text can contain: after normalization and
    splitting, a piece contains no space.
    """
    special = {token["content"]: token["id"] for token in parts.get("added_tokens") or () if token.get("special")}
    kept = [token for token in parts.get("added_tokens") or () if not token.get("special")]
    model = dict(parts["model"])
    unknown = model.get("unk_token")
    vocabulary = model["vocab"]
    if isinstance(vocabulary, dict):
        model["vocab"] = {_hidden(number) if name in special else name: number for name, number in vocabulary.items()}
        if unknown in special and unknown in vocabulary:
            model["unk_token"] = _hidden(vocabulary[unknown])
    else:
        model["vocab"] = [
            [_hidden(number) if name in special else name, score] for number, (name, score) in enumerate(vocabulary)
        ]
    return {
        **parts,
        "model": model,
        "added_tokens": kept,
        "post_processor": None,
        "truncation": None,
        "padding": None,
    }


def _hidden(number: int) -> str:
    """A name for a special token that no text can contain."""
    return f" special {number} "


def _frame(tokenizer: Tokenizer) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The special ids that a tokenizer puts before and after a text."""
    tokenizer.no_truncation()
    tokenizer.no_padding()
    plain = tokenizer.encode("a", add_special_tokens=False).ids
    framed = tokenizer.encode("a", add_special_tokens=True).ids
    for start in range(len(framed) - len(plain) + 1):
        if framed[start : start + len(plain)] == plain:
            return tuple(framed[:start]), tuple(framed[start + len(plain) :])
    raise ValueError("expected a tokenizer that puts its special tokens around the text")


def _adds_space(normalizer: dict[str, Any] | None) -> bool:
    """Whether the normalizer of a tokenizer adds the space before a text that marks the beginning of a word."""
    if normalizer is None:
        return False
    return normalizer["type"] == "Prepend" or any(map(_adds_space, normalizer.get("normalizers") or ()))


def _substitute(parts: dict[str, Any], frame: Frame) -> int:
    """The id for a word without pieces: that of the unknown token, or else of the mask token or the end token."""
    model = parts["model"]
    if model.get("unk_id") is not None:
        return int(model["unk_id"])
    ids = {token["content"]: int(token["id"]) for token in parts.get("added_tokens") or ()}
    vocabulary = model["vocab"]
    if isinstance(vocabulary, dict):
        ids = vocabulary | ids
    for name in (model.get("unk_token"), "<unk>", "[UNK]", "<mask>", "[MASK]"):
        if name in ids:
            return ids[name]
    return [*frame.behind, *frame.before, 0][0]
