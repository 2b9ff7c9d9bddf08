"""Chunks from parse trees, by the rules of the CoNLL-2000 shared task (Tjong Kim Sang and Buchholz, 2000).

A chunk is the head word of a phrase with the words of that phrase before it, up to the head of another phrase. Inner
phrases that belong to the chunk of the outer one (an adjective phrase before a noun, a verb phrase after an auxiliary)
are first spliced into it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import NamedTuple

from sparse_sharing.text.schemes import Span

_capitals = re.compile(r"[A-Z]*").match


@dataclass(frozen=True, slots=True)
class Leaf:
    """A token of a tree: its index in the sentence, and its part of speech."""

    index: int
    tag: str


@dataclass
class Phrase:
    """A node of a tree: its label, such as NP or NP-SBJ, and its parts, at least one."""

    label: str
    parts: list["Phrase | Leaf"]

    @property
    def category(self) -> str:
        """The label without its function."""
        match = _capitals(self.label)
        return match[0] if match else ""


HEAD_TAGS = {
    "ADJP": ("JJ", "RB", "VB", "IN", "UH", "FW", "RP", "$", "#", "DT", "NN"),
    "ADVP": ("RB", "IN", "TO", "DT", "PDT", "JJ", "RP", "FW", "LS", "UH", "CC", "NN", "CD", "VB"),
    "CONJP": ("CC", "IN", "RB"),
    "INTJ": ("UH", "RB", "NN", "VB", "FW", "JJ"),
    "LST": ("LS", "JJ", ":"),
    "NP": ("NN", "CD", "PRP", "JJ", "DT", "EX", "IN", "RB", "VB", "FW", "SYM", "UH", "WP", "WDT", "ADD"),
    "PP": ("IN", "TO", "RB", "VBG", "VBN", "JJ", "RP", "CC", "FW"),
    "PRT": ("RP", "IN", "RB", "JJ"),
    "SBAR": ("IN", "WDT"),
    "UCP": ("JJ", "NN", "VB", "CD"),
    "VP": ("VB", "MD", "TO", "JJ", "NN", "POS", "FW", "SYM"),
    "WHADJP": ("JJ",),
    "WHADVP": ("WRB", "IN", "RB", "WDT"),
    "WHNP": ("WDT", "WP", "CD", "DT", "IN", "NN", "JJ", "RB"),
    "WHPP": ("IN", "TO"),
}
"""For each phrase, prefixes of the tags of possible head words; the last such word is the head. Others have no head.

ADD, the tag of web addresses, is not in the shared task, whose text has no addresses.
"""

CHUNK_TYPES = tuple(sorted({category.removeprefix("WH") for category in HEAD_TAGS}))

ALWAYS_SPLICED = {"NAC", "NML", "NX", "QP", "X"}
"""Phrases that are not chunks. NML groups modifiers of nouns where the shared task's trees are flat."""

SPLICED_BEFORE_HEAD = {("NP", "ADJP"), ("NP", "UCP"), ("WHNP", "WHADJP"), ("ADJP", "ADVP")}
"""(phrase, part) pairs: the part is spliced unless a phrase before it could be the head."""

HEAD_PHRASES = {"NP": {"NP"}, "WHNP": {"WHNP", "NP"}, "ADJP": {"ADJP"}}
"""Phrases that can replace a head word, so that words after them are not modifiers before the head."""


class _Place(NamedTuple):
    """The place of a token in the spliced tree: the phrase that it is a direct part of, and its role there."""

    chunk: tuple[str, int]
    tag: str
    is_head: bool


def chunk_spans(tree: Phrase) -> list[Span]:
    """The chunks of a sentence, in order. The tree is modified.

    The tree must have no traces and functions. If a verb is followed by a clause with the plain label S that begins
    with a verb phrase, as in `expected (S (VP to (VP take`, its subject is assumed to be empty.
    """
    places = dict(_places(tree))
    chunks: list[tuple[str, int] | None] = [None] * len(places)
    head, following = None, None
    for index in sorted(places, reverse=True):
        place = places[index]
        if place.is_head:
            head = place.chunk
        if place.chunk == head:
            chunk = head
        elif place.tag == "POS":
            # The possessive marker begins the noun phrase after it, or is a chunk by itself.
            chunk = following if following and following[0] == "NP" else ("NP", -1 - index)
        else:
            chunk = None
        chunks[index] = following = chunk
    runs = [(chunk, [index for index, _ in run]) for chunk, run in groupby(enumerate(chunks), lambda item: item[1])]
    return [Span(chunk[0], run[0], run[-1] + 1) for chunk, run in runs if chunk]


def _places(tree: Phrase) -> Iterator[tuple[int, _Place]]:
    """The index and the place of every token, in any order."""
    open_phrases, number = [tree], 0
    while open_phrases:
        phrase = open_phrases.pop()
        head = _splice(phrase)
        number += 1
        chunk = (phrase.category.removeprefix("WH"), number)
        for part in phrase.parts:
            if isinstance(part, Phrase):
                open_phrases.append(part)
            else:
                yield part.index, _Place(chunk, part.tag, part is head)


def _splice(phrase: Phrase) -> Leaf | None:
    """Replace the parts of a phrase that belong to its chunk by their own parts; returns the head word."""
    parts, category = phrase.parts, phrase.category
    head: Leaf | None = None
    heads, adverbs, headed = [], [], False
    index = 0
    while index < len(parts):
        part = parts[index]
        if isinstance(part, Leaf):
            if part.tag.startswith(HEAD_TAGS.get(category, ())):
                heads.append(index)
                head = part
            elif part.tag.startswith("RB"):
                adverbs.append(index)
        elif _is_spliced(phrase, part, headed, 0 < index == len(heads) + len(adverbs)):
            parts[index : index + 1] = part.parts
            continue
        elif (category, part.category) == ("VP", "ADVP"):
            adverbs.append(index)
        elif part.category in HEAD_PHRASES.get(category, ()):
            headed = headed or not (category == "NP" and _is_possessor(part, parts[index + 1 :]))
        index += 1
    if category == "VP" and heads:
        before = [part.parts if i in adverbs and isinstance(part, Phrase) else [part] for i, part in enumerate(parts)]
        parts[: heads[-1]] = [part for pieces in before[: heads[-1]] for part in pieces]
    return head


def _is_spliced(phrase: Phrase, part: Phrase, headed: bool, after_verbs: bool) -> bool:
    """Whether a part loses its brackets.

    `headed`: a phrase before it could be the head; `after_verbs`: all parts before it, at least one, are verbs or
    adverbs.
    """
    if part.category in ALWAYS_SPLICED:
        return True
    if (phrase.category, part.category) in SPLICED_BEFORE_HEAD:
        return not headed
    if phrase.category != "VP" or not after_verbs:
        return False
    return part.category == "VP" or (part.label == "S" and _begins_with_verbs(part))


def _begins_with_verbs(clause: Phrase) -> bool:
    """Whether a clause begins with its verb phrase."""
    return isinstance(clause.parts[0], Phrase) and clause.parts[0].label == "VP"


def _is_possessor(phrase: Phrase, behind: list[Phrase | Leaf]) -> bool:
    """Whether a noun phrase ends with a possessive marker, and another noun phrase follows."""
    last = phrase.parts[-1]
    following = behind[0] if behind else None
    return isinstance(last, Leaf) and last.tag == "POS" and isinstance(following, Phrase) and following.category == "NP"
