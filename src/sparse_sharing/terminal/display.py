"""Text from files as a terminal may be given it: what would steer the terminal, or hide in the text, is written out."""

import logging
import unicodedata

HIDDEN = frozenset(("Cc", "Cf", "Zl", "Zp"))
"""Unicode categories of characters that steer a terminal or hide in text."""

JOINERS = frozenset("\N{ZERO WIDTH JOINER}\N{ZERO WIDTH NON-JOINER}")


def visible(text: str, keep: str = "") -> str:
    """Text that a terminal shows and does not obey: control and hidden characters as in JSON, such as U+001B.

    Characters of `keep` stay as they are.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(_escaped(one) if one not in keep and _hides(one) else one for one in text)


def visible_lines(text: str) -> str:
    """The same for text of several lines, which stay lines."""
    return visible(text, "\n\t")


class VisibleFormatter(logging.Formatter):
    """Formats messages of the log so that what they quote cannot steer a terminal."""

    def format(self, record: logging.LogRecord) -> str:
        """One message, or a message and a traceback."""
        return visible_lines(super().format(record))


def _hides(character: str) -> bool:
    return unicodedata.category(character) in HIDDEN and character not in JOINERS


def _escaped(character: str) -> str:
    units = character.encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[start : start + 4]}" for start in range(0, len(units), 4))
