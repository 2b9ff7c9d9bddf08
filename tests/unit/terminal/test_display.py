"""Nothing that stands in a file steers the terminal of the person who reads about it."""

import logging
import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from sparse_sharing.terminal.display import HIDDEN, JOINERS, VisibleFormatter, visible, visible_lines

EVIL = "\x1b]0;owned\x07 \u202etxt.exe \x9b31m"


@given(st.text() | st.text(alphabet="a\x1b\x07\u202e\x9b\n\t\ud800"))
def test_shown_text_has_no_control_characters(text):
    shown = visible(text)
    assert not any(unicodedata.category(one) in HIDDEN and one not in JOINERS for one in shown)
    assert visible(shown) == shown
    assert visible_lines(text).split("\n") == [visible(line).replace("\\u0009", "\t") for line in text.split("\n")]


def test_messages_of_the_log_are_shown_with_their_tracebacks_as_lines():
    try:
        raise ValueError(EVIL)
    except ValueError as error:
        details = (ValueError, error, error.__traceback__)
    record = logging.LogRecord("x", logging.WARNING, "x.py", 1, "read %s", (EVIL,), details)
    shown = VisibleFormatter("%(levelname)s: %(message)s").format(record)
    assert shown.startswith("WARNING: read \\u001b]0;owned\\u0007 \\u202etxt.exe \\u009b31m\nTraceback")
    assert shown.isascii()
