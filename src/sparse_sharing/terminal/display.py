"""Makes text from files safe for a terminal: control and hidden characters are escaped."""

import logging
import unicodedata

HIDDEN = frozenset(("Cc", "Cf", "Zl", "Zp"))
"""Unicode categories of characters that control a terminal or are invisible."""

JOINERS = frozenset("\N{ZERO WIDTH JOINER}\N{ZERO WIDTH NON-JOINER}")


def visible(text: str, keep: str = "") -> str:
    """Text with control and hidden characters, such as U+001B, escaped as in JSON.

    Characters in `keep` are not escaped.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(_escaped(one) if one not in keep and _hides(one) else one for one in text)


def visible_lines(text: str) -> str:
    """The same for text of several lines, which keeps its line breaks."""
    return visible(text, "\n\t")


class VisibleFormatter(logging.Formatter):
    """Formats log messages so that quoted text cannot control a terminal."""

    def format(self, record: logging.LogRecord) -> str:
        """One message, or a message and a traceback."""
        return visible_lines(super().format(record))


def _hides(character: str) -> bool:
    return unicodedata.category(character) in HIDDEN and character not in JOINERS


def _escaped(character: str) -> str:
    units = character.encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[start : start + 4]}" for start in range(0, len(units), 4))
