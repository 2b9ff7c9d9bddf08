"""Output: columns, JSON lines and colours, and nothing that steers a terminal."""

import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sparse_sharing.display import visible
from sparse_sharing.tagging.reading import Item
from sparse_sharing.tagging.sentences import TaggedSentence, TaggedSpan
from sparse_sharing.tagging.writing import colour_of, make_writer

TOKENS = ("Bob", "Lee", "left")
TAGGED = TaggedSentence(
    TOKENS,
    {"ner": ["B-PER", "I-PER", "O"], "pos": ["N", "N", "V"]},
    {"ner": [TaggedSpan("PER", 0, 2, "Bob Lee")]},
)
SURE = TaggedSentence(TOKENS, TAGGED.tags, TAGGED.spans, {"ner": [0.5, 0.25, 1.0], "pos": [0.1234567, 1.0, 1.0]})
EMPTY = TaggedSentence((), {"ner": [], "pos": []}, {})


def written(kind, item=None, tagged=TAGGED, terminal=False):
    """What a writer makes of a sentence."""
    stream = io.StringIO()
    make_writer(kind, stream, terminal)(item or Item(tagged.tokens), tagged)
    return stream.getvalue()


def test_columns_of_text_are_words_and_tags_with_a_blank_line_behind():
    assert written("columns") == "Bob B-PER N\nLee I-PER N\nleft O V\n\n"


def test_a_probability_stands_behind_its_tag():
    assert written("columns", tagged=SURE).splitlines()[0] == "Bob B-PER 0.5000 N 0.1235"


def test_tags_stand_behind_the_columns_that_were_read_separated_as_they_are():
    lines = ("1\tBob", "2\tLee", "3 left")
    assert written("columns", Item(TOKENS, lines)) == "1\tBob\tB-PER\tN\n2\tLee\tI-PER\tN\n3 left O V\n"


@pytest.mark.parametrize("line", ["", " ", "-DOCSTART- -X- O"])
def test_a_line_between_sentences_is_passed_on_in_columns_alone(line):
    assert written("columns", Item(lines=(line,)), EMPTY) == line + "\n"
    assert written("jsonl", Item(lines=(line,)), EMPTY) == ""
    assert written("color", Item(lines=(line,)), EMPTY) == ""


def test_a_json_line_holds_tokens_tags_and_spans():
    text = written("jsonl")
    assert text.endswith("\n")
    assert json.loads(text) == {
        "tokens": ["Bob", "Lee", "left"],
        "tags": TAGGED.tags,
        "spans": {"ner": [{"type": "PER", "start": 0, "end": 2, "text": "Bob Lee"}]},
    }
    assert json.loads(written("jsonl", tagged=SURE))["probabilities"]["pos"] == [0.1235, 1.0, 1.0]


def test_colours_show_spans_and_tags_of_each_task_on_a_line():
    text = written("color")
    plain = text.replace("\x1b", "\n").replace("m", "m\n")
    assert plain.count("PER") == 1
    assert "/N" in text and "/V" in text
    assert len(text.splitlines()) == 3
    assert text.splitlines()[2] == ""


def test_a_type_has_the_same_colour_everywhere():
    assert colour_of("PER") == colour_of("PER")
    assert len({colour_of(name) for name in ("PER", "LOC", "ORG", "MISC")}) > 1


EVIL = "a\x1b[31m\x9b2J\u202eb\u2028\x7f\r\U000e0041"


@pytest.mark.parametrize("kind", ["columns", "jsonl", "color"])
def test_on_a_terminal_no_word_can_steer_it(kind):
    tagged = TaggedSentence((EVIL,), {"pos": ["N"]}, {})
    text = written(kind, Item((EVIL,)), tagged, terminal=True)
    assert "\\u001b[31m\\u009b2J\\u202eb\\u2028\\u007f\\u000d\\udb40\\udc41" in text.replace("\\r", "\\u000d")
    for character in "\x9b\u202e\u2028\x7f\r\U000e0041":
        assert character not in text
    assert "\x1b[31m\\" not in text


def test_a_json_line_on_a_terminal_is_still_that_json():
    tagged = TaggedSentence((EVIL,), {"pos": ["N"]}, {})
    assert json.loads(written("jsonl", Item((EVIL,)), tagged, terminal=True))["tokens"] == [EVIL]


def test_in_a_file_words_are_as_they_were():
    tagged = TaggedSentence((EVIL,), {"pos": ["N"]}, {})
    assert written("columns", Item((EVIL,)), tagged).startswith(f"{EVIL} N\n")


@given(st.text())
def test_what_is_visible_is_one_line_and_as_json_the_same_text(text):
    shown = visible(text)
    assert len(shown.splitlines()) <= 1
    assert visible(shown) == shown


def test_joiners_and_spaces_of_scripts_stay():
    assert visible("👩\u200d🚀 می\u200cخواهم 10\u00a0000") == "👩\u200d🚀 می\u200cخواهم 10\u00a0000"
