"""Chunks from parse trees, by the rules of the CoNLL-2000 shared task (Tjong Kim Sang and Buchholz, 2000).

A chunk is the head word of a phrase with the words of that phrase before it, up to the head of another phrase. What
lies inside a phrase but belongs to its chunk (an adjective phrase before a noun, a verb phrase behind an auxiliary) is
first spliced into the phrase.
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
    """A node of a tree: its label, as NP or NP-SBJ, and what it is made of, at least one part."""

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
"""How the tags of the words begin that can head each phrase; the last such word is its head. Other phrases have none.

ADD, the tag of web addresses, is no part of the shared task, whose text has none.
"""

CHUNK_TYPES = tuple(sorted({category.removeprefix("WH") for category in HEAD_TAGS}))

ALWAYS_SPLICED = {"NAC", "NML", "NX", "QP", "X"}
"""Phrases that are no chunks of their own. NML groups modifiers of nouns where the shared task's trees are flat."""

SPLICED_BEFORE_HEAD = {("NP", "ADJP"), ("NP", "UCP"), ("WHNP", "WHADJP"), ("ADJP", "ADVP")}
"""(phrase, part): the part is spliced unless a phrase before it could be the head."""

HEAD_PHRASES = {"NP": {"NP"}, "WHNP": {"WHNP", "NP"}, "ADJP": {"ADJP"}}
"""Phrases that can take the place of a head word, so that what follows them is no modifier before the head."""


class _Place(NamedTuple):
    """Where a token stands once the tree is spliced: the phrase that it is a direct part of, and its role there."""

    chunk: tuple[str, int]
    tag: str
    is_head: bool


def chunk_spans(tree: Phrase) -> list[Span]:
    """The chunks of a sentence, in order. The tree is used up.

    Trees without traces and functions are what is expected. Where a verb is followed by a clause that is labelled
    plainly S and begins with a verb phrase, as in `expected (S (VP to (VP take`, its subject is taken to be empty.
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
            # The possessive marker opens the noun phrase behind it, or stands alone.
            chunk = following if following and following[0] == "NP" else ("NP", -1 - index)
        else:
            chunk = None
        chunks[index] = following = chunk
    runs = [(chunk, [index for index, _ in run]) for chunk, run in groupby(enumerate(chunks), lambda item: item[1])]
    return [Span(chunk[0], run[0], run[-1] + 1) for chunk, run in runs if chunk]


def _places(tree: Phrase) -> Iterator[tuple[int, _Place]]:
    """The index and the place of every token, in no order."""
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
    """Replace the parts of a phrase that belong to its chunk by what they are made of; returns the head word."""
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

    `headed`: a phrase before it could be the head; `after_verbs`: all before it are verbs and adverbs, at least one.
    """
    if part.category in ALWAYS_SPLICED:
        return True
    if (phrase.category, part.category) in SPLICED_BEFORE_HEAD:
        return not headed
    if phrase.category != "VP" or not after_verbs:
        return False
    return part.category == "VP" or (part.label == "S" and _begins_with_verbs(part))


def _begins_with_verbs(clause: Phrase) -> bool:
    """Whether nothing stands before the verb phrase of a clause."""
    return isinstance(clause.parts[0], Phrase) and clause.parts[0].label == "VP"


def _is_possessor(phrase: Phrase, behind: list[Phrase | Leaf]) -> bool:
    """Whether a noun phrase ends with a possessive marker, and another noun phrase follows."""
    last = phrase.parts[-1]
    following = behind[0] if behind else None
    return isinstance(last, Leaf) and last.tag == "POS" and isinstance(following, Phrase) and following.category == "NP"
