"""Splits plain text into sentences of tokens, by a few rules in the style of the Penn Treebank.

No rule changes a character. Text is split at white space, then brackets, quotes and punctuation become tokens, and
English contractions are split (`do n't`, `it 's`). Web and mail addresses, hashtags, mentions, numbers, words with
hyphens, and the abbreviations below stay whole. Combining marks, joiners and variation selectors belong to the
character before them. A sentence ends at the end of a line, and after `.`, `?`, `!` and similar marks of other scripts
unless a lower-case letter follows.
"""

import re
import unicodedata
from collections.abc import Iterator

from sparse_sharing.tagging.sentences import Sentence, Token

ABBREVIATIONS = (
    *("Mr", "Mrs", "Ms", "Dr", "Prof", "Rev", "Gen", "Col", "Maj", "Capt", "Lt", "Sgt", "Sen", "Rep", "Gov", "St"),
    *("Jr", "Sr", "Messrs", "Inc", "Corp", "Co", "Ltd", "Bros", "vs", "etc", "cf", "approx", "Nos", "Vol", "pp"),
    *("Jan", "Feb", "Mar", "Apr", "Jun", "Jul", "Aug", "Sep", "Sept", "Oct", "Nov", "Dec"),
)
"""Words that keep their full stop."""

MARK, JOINER, FLAG = "\u02d0", "\u02d1", "\u02de"
"""Replacements for combining marks, zero-width joiners and the letters of flags; the first two are word characters."""

SPACE = "\N{ZERO WIDTH SPACE}"
"""An invisible separator of words."""

_token = re.compile(
    rf"""
    (?:https?://|www\.)[^\s<>"]*[^\s<>"'.,;:!?)\]}}]         # web addresses, without the punctuation behind them
  | [\w.+-]+@\w[\w-]*(?:\.\w[\w-]*)+                         # mail addresses
  | (?<!\w)[\#@](?=\w*[^\W\d_])\w+                           # hashtags and mentions
  | (?:[^\W\d_]\.){{2,}}                                     # U.S., e.g.
  | \b(?:{"|".join(ABBREVIATIONS)})\.                        # Mr.
  | \b[A-Z]\.(?=\s+[A-Z])                                    # the initial of a name
  | [+-]?\d+(?:[.,:/]\d+)*(?:[-\w]*\w)?                      # 1,000.50, 12:30, 1990s, 20-year-old
  | \w+(?:(?:[-&/.'’_]|\b)\w+)*                              # words, also well-known, AT&T, O'Brien
  | \.{{2,}} | -{{2,}} | `` | ''                             # points, dashes and quotes of more than one character
  | (?:{FLAG}{FLAG}|\S){MARK}*(?:{JOINER}[^\w\s]{MARK}*)*    # any other character with its marks; joined emoji
    """,
    re.VERBOSE,
)
_contraction = re.compile(r"(?i)(.+?)(n['’]t|['’](?:s|m|d|re|ve|ll))")
_cannot = re.compile(r"(?i)(can)(not)")
_unspaced = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\U00020000-\U0003ffff]{7,}")
"""Letters of scripts without spaces between words: Thai, Lao, Burmese, Khmer, kana, Chinese characters."""

END = frozenset(".?!।॥。．｡！？؟۔։።፧‼⁇⁈⁉")
CLOSING = frozenset("\"'”’»」』）)]}") | {"''"}


def tokenize(text: str) -> Sentence:
    """A text as one sentence, whatever it contains."""
    tokens = [token for match in _matches(text) for token in _cut(text, *match)]
    return Sentence(text, tuple(tokens))


def split_sentences(text: str) -> Iterator[Sentence]:
    """The sentences of a text of any number of lines."""
    start = 0
    for line in text.split("\n"):
        for tokens in _sentences(line):
            first, last = tokens[0].start_char, tokens[-1].end_char
            moved = [Token(word, begin + start, end + start) for word, begin, end in tokens] if start else tokens
            yield Sentence(line[first:last], tuple(moved), start + first)
        start += len(line) + 1


def unspaced(text: str) -> str | None:
    """The first stretch of a text that is written without spaces between its words, if there is one."""
    if text.isascii():
        return None
    match = _unspaced.search(text)
    return match and match[0]


class _Shapes(dict[int, str | int]):
    """A table for `str.translate` that maps each character to one that stands for its class; positions do not
    change.
    """

    def __missing__(self, code: int) -> str | int:
        character = chr(code)
        category = unicodedata.category(character)
        if character == SPACE:
            shape: str | int = " "
        elif character == "\N{ZERO WIDTH JOINER}":
            shape = JOINER
        elif category in ("Mn", "Mc", "Me", "Cf") or 0x1F3FB <= code <= 0x1F3FF:
            shape = MARK
        elif 0x1F1E6 <= code <= 0x1F1FF:
            shape = FLAG
        else:
            shape = code
        self[code] = shape
        return shape


_shapes = _Shapes()


def _matches(line: str) -> Iterator[tuple[int, int]]:
    """The places of the tokens of a line, contractions uncut."""
    shape = line if line.isascii() else line.translate(_shapes)
    return (match.span() for match in _token.finditer(shape))


def _sentences(line: str) -> Iterator[list[Token]]:
    sentence: list[Token] = []
    for start, end in _matches(line):
        # A quote or bracket belongs to the sentence before it if there is no space between them.
        text = line[start:end]
        closes = start > 0 and (text in CLOSING or text in END) and not line[start - 1].isspace()
        if sentence and not closes and _ends(sentence) and not text[0].islower():
            yield sentence
            sentence = []
        sentence.extend(_cut(line, start, end))
    if sentence:
        yield sentence


def _cut(text: str, start: int, end: int) -> tuple[Token, ...]:
    """A token, or the parts of a contraction."""
    word = text[start:end]
    if "'" in word or "’" in word or len(word) == len("cannot"):
        match = _contraction.fullmatch(word) or _cannot.fullmatch(word)
        if match:
            middle = start + match.end(1)
            return Token(match[1], start, middle), Token(match[2], middle, end)
    return (Token(word, start, end),)


def _ends(sentence: list[Token]) -> bool:
    """Whether the last token that is no closing quote or bracket ends a sentence."""
    for token in reversed(sentence):
        if token.text not in CLOSING:
            return token.text in END
    return False
