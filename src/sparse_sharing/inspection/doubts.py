"""Doubts about labelled text that can be read but may be wrong: one line for each.

Each function returns the texts of warnings; there are none for usual text.
"""

import re
import statistics
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import chain

from sparse_sharing.text.readers.columns import DOCUMENT_START
from sparse_sharing.text.readers.lines import quote
from sparse_sharing.text.readers.recognise import SpanForm, span_form

LONG_SENTENCE = 500
LONG_MEDIAN = 100
"""Longest plausible sentence in tokens; longer ones mean that blank lines are missing."""

LONE_SENTENCE = 25
"""The only sentence of a split is suspicious if it has more tokens."""

MANY_SENTENCES = 20
"""Fewer sentences are too few to show a pattern."""

FEW_TOKENS = 200
"""Fewer tokens are too few to show a pattern of words."""

UNSEEN_WORDS = 0.6
"""Share of the tokens of dev or test that are not in train; texts of one kind stay far below it."""

UNSEEN_TAGS = 0.2
"""The same for tags."""

MARKS = frozenset("\ufeff\u200b\u2060\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2028\u2029")
"""Invisible characters: byte order marks, direction and line marks, and zero-width spaces."""

HEADINGS = frozenset(("word", "words", "token", "tokens", "form"))
"""Usual headings of a column of words."""

Words = Sequence[Sequence[str]]

_number = re.compile(r"\d+").fullmatch


def sentence_breaks(split: str, sentences: Words) -> Iterator[str]:
    """Warn of sentences so long, or so short, that sentence breaks seem to be missing or doubled."""
    lengths = [len(sentence) for sentence in sentences]
    if not lengths:
        return
    longest, median = max(lengths), statistics.median(lengths)
    if longest > LONG_SENTENCE or median > LONG_MEDIAN:
        count = sum(length > LONG_MEDIAN for length in lengths)
        what = f"1 sentence of {longest:,}" if count == 1 else f"{count:,} sentences of up to {longest:,}"
        yield f"{what} tokens in {split}: are blank lines missing?"
    elif len(lengths) == 1 and longest > LONE_SENTENCE:
        yield f"all {longest:,} tokens of {split} are one sentence: are blank lines missing?"
    elif len(lengths) >= MANY_SENTENCES and lengths.count(1) > len(lengths) / 2:
        count = f"{lengths.count(1):,} of {len(lengths):,} sentences"
        yield f"{count} in {split} have one token: are there too many blank lines?"


def document_marks(split: str, sentences: Words) -> Iterator[str]:
    """Warn of words that look like the mark of a document but are read as text."""
    marks = Counter(
        word for sentence in sentences for word in sentence[:1] if re.sub(r"\W|_", "", word).upper() == "DOCSTART"
    )
    marks += Counter(
        sentence[0] + " ..." for sentence in sentences if len(sentence) > 1 and sentence[0] in ("#begin", "#end")
    )
    for word, count in marks.most_common(1):
        yield (
            f"{count:,} sentences in {split} begin with {quote(word)}; only {DOCUMENT_START} is read as the "
            "start of a document"
        )


def headings(split: str, sentences: Words) -> Iterator[str]:
    """Warn of a first word that is the usual heading of the column of words."""
    if sentences and sentences[0][0].lower() in HEADINGS:
        yield f"{split} begins with the word {quote(sentences[0][0])}: is the first line a heading? Remove it"


def comment_lines(split: str, sentences: Words) -> Iterator[str]:
    """Warn of sentences that begin with a word that looks like the mark of a comment."""
    marked = [sentence for sentence in sentences if sentence[0].startswith("#")]
    if len(sentences) >= 3 and len(marked) > len(sentences) / 5:
        yield f"{len(marked):,} sentences in {split} begin with #; if these lines are comments, set comments: true"


def hidden_characters(split: str, sentences: Words) -> Iterator[str]:
    """Warn of invisible characters in words: such a word differs from the word that it looks like."""
    letter_counts: Counter[str] = Counter()
    first: dict[str, str] = {}
    word_counts = Counter(chain.from_iterable(sentences))
    letters = set("".join(word_counts))
    hidden = {letter for letter in letters if unicodedata.category(letter) == "Cc" and letter != "\x85"}
    hidden |= letters & MARKS
    for word, count in word_counts.items() if hidden else ():
        for letter in hidden.intersection(word):
            letter_counts[letter] += count
            first.setdefault(letter, word)
    for letter, count in sorted(letter_counts.items()):
        name = "a carriage return" if letter == "\r" else f"U+{ord(letter):04X}"
        remedy = "convert the line ends" if letter == "\r" else "remove the character"
        yield f"{count:,} words in {split} contain {name}, which is invisible ({quote(first[letter])}); {remedy}"


def words(train: Words, tags_of_tasks: Sequence[Counter[str]]) -> Iterator[str]:
    """Warn of words that look like numbers or tags: the column of words may be wrong."""
    counts = Counter(chain.from_iterable(train))
    total = counts.total()
    if total < FEW_TOKENS:
        return
    numbers = sum(count for word, count in counts.items() if _number(word))
    most_tags = max((len(tags) for tags in tags_of_tasks), default=0)
    if numbers > total / 2:
        yield f"{100 * numbers / total:.0f} % of the words are numbers: is it the right column?"
    elif len(counts) < most_tags:
        yield f"there are {len(counts):,} different words, but a task has {most_tags:,} tags: is it the right column?"
    elif span_form(counts) is not None:
        yield f"the words look like span tags ({', '.join(map(quote, list(counts)[:3]))}): is it the right column?"


def unseen_words(split: str, train: Words, sentences: Words) -> Iterator[str]:
    """Warn of a split whose words are mostly not in train: another language, or another column."""
    training_words = {word.lower() for word in set(chain.from_iterable(train))}
    counts = Counter(chain.from_iterable(sentences))
    total = counts.total()
    unseen = sum(count for word, count in counts.items() if word.lower() not in training_words)
    if total >= FEW_TOKENS and unseen > UNSEEN_WORDS * total:
        share = 100 * unseen / total
        yield f"{share:.0f} % of the tokens in {split} are words that are not in train: is it the same kind of text?"


def plain_tags(tags: Counter[str]) -> SpanForm | None:
    """How the tags of a task with scheme none encode spans; None if they do not."""
    return span_form(tags)


def different_tags(tags: Counter[str]) -> Iterator[str]:
    """Warn of more different tags than a column of tags usually has."""
    if len(tags) > max(30, tags.total() / 5):
        shown = ", ".join(map(quote, list(tags)[:3]))
        yield f"{len(tags):,} different tags on {tags.total():,} tokens ({shown}): is it a column of tags?"


def unseen_tags(split: str, train: Counter[str], tags: Counter[str]) -> Iterator[str]:
    """Warn of a split whose tags are mostly not in train: other columns."""
    unseen = sum(count for tag, count in tags.items() if tag not in train)
    if tags.total() >= FEW_TOKENS and unseen > UNSEEN_TAGS * tags.total():
        share = 100 * unseen / tags.total()
        yield f"{share:.0f} % of the tags in {split} are not in train: do the files have the same columns?"
