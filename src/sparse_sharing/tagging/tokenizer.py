"""Plain text as sentences of tokens, by a few rules in the style of the Penn Treebank.

No rule changes a character: the tokens of a line, one behind the other, are the line without its spaces. Tokens are cut
at white space, then brackets, quotes and punctuation stand alone, and English contractions are cut (`do n't`, `it 's`).
Web and mail addresses, numbers, words with hyphens, and the abbreviations below stay whole. A sentence ends at the end
of a line, and after `.`, `?` or `!` where no lower-case letter follows.
"""

import re
from collections.abc import Iterator

ABBREVIATIONS = (
    *("Mr", "Mrs", "Ms", "Dr", "Prof", "Rev", "Gen", "Col", "Maj", "Capt", "Lt", "Sgt", "Sen", "Rep", "Gov", "St"),
    *("Jr", "Sr", "Messrs", "Inc", "Corp", "Co", "Ltd", "Bros", "vs", "etc", "cf", "approx", "Nos", "Vol", "pp"),
    *("Jan", "Feb", "Mar", "Apr", "Jun", "Jul", "Aug", "Sep", "Sept", "Oct", "Nov", "Dec"),
)
"""Words that keep their full stop."""

_token = re.compile(
    rf"""
    (?:https?://|www\.)[^\s<>"]*[^\s<>"'.,;:!?)\]}}]         # web addresses, without the punctuation behind them
  | [\w.+-]+@\w[\w-]*(?:\.\w[\w-]*)+                         # mail addresses
  | (?:[^\W\d_]\.){{2,}}                                     # U.S., e.g.
  | \b(?:{"|".join(ABBREVIATIONS)})\.                        # Mr.
  | \b[A-Z]\.(?=\s+[A-Z])                                    # the initial of a name
  | [+-]?\d+(?:[.,:/]\d+)*(?:[-\w]*\w)?                      # 1,000.50, 12:30, 1990s, 20-year-old
  | \w+(?:(?:[-&/.'’_]|\b)\w+)*                              # words, also well-known, AT&T, O'Brien
  | \.{{2,}} | -{{2,}} | `` | ''                             # points, dashes and quotes of more than one character
  | \S                                                       # any other character alone
    """,
    re.VERBOSE,
)
_contraction = re.compile(r"(?i)(.+?)(n['’]t|['’](?:s|m|d|re|ve|ll))")
_cannot = re.compile(r"(?i)(can)(not)")
END, CLOSING = frozenset(".?!"), frozenset("\"'”’)]}") | {"''"}


def tokenize(text: str) -> list[str]:
    """The tokens of a text, whatever sentences it has."""
    return [part for match in _token.finditer(text) for part in _cut(match[0])]


def split_sentences(line: str) -> Iterator[list[str]]:
    """The sentences of a line, each as its tokens; none where the line is blank."""
    sentence: list[str] = []
    for match in _token.finditer(line):
        # A quote or bracket belongs to the sentence before it if no space parts them.
        closes = match[0] in CLOSING | END and match.start() > 0 and not line[match.start() - 1].isspace()
        if sentence and _ends(sentence) and not closes and not match[0][0].islower():
            yield sentence
            sentence = []
        sentence.extend(_cut(match[0]))
    if sentence:
        yield sentence


def _cut(token: str) -> tuple[str, ...]:
    """A token, or the parts of a contraction."""
    match = _contraction.fullmatch(token) or _cannot.fullmatch(token)
    return match.groups() if match else (token,)


def _ends(sentence: list[str]) -> bool:
    """Whether the last token that is no closing quote or bracket ends a sentence."""
    last = next((token for token in reversed(sentence) if token not in CLOSING), "")
    return last in END
