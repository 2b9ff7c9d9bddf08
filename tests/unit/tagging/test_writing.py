"""Output: columns, JSON lines and colours, and nothing that steers a terminal."""

import dataclasses
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sparse_sharing.tagging.colours import colour_of
from sparse_sharing.tagging.reading import Item
from sparse_sharing.tagging.sentences import TaggedSentence, TaggedSpan, from_words
from sparse_sharing.tagging.writing import make_writer
from sparse_sharing.terminal.display import visible


def tagged_of(words, tags, spans=None, probabilities=None):
    """A tagged sentence of some words."""
    sentence = from_words(words)
    return TaggedSentence(sentence.text, sentence.tokens, tags, spans or {}, probabilities or {})


WORDS = ("Bob", "Lee", "left")
TAGGED = tagged_of(
    WORDS,
    {"ner": ["B-PER", "I-PER", "O"], "pos": ["N", "N", "V"]},
    {"ner": [TaggedSpan("PER", "Bob Lee", 0, 7, 0, 2, 0.98765)]},
)
SURE = tagged_of(WORDS, TAGGED.tags, TAGGED.spans, {"ner": [0.5, 0.25, 1.0], "pos": [0.1234567, 1.0, 1.0]})
EMPTY = tagged_of((), {"ner": [], "pos": []})


def item_of(*lines):
    """The item of columns with a token on each line."""
    return Item(from_words(WORDS), lines, range(len(lines)))


def written(kind, item=None, tagged=TAGGED, terminal=False):
    """What a writer makes of a sentence."""
    stream = io.StringIO()
    make_writer(kind, stream, terminal)([(item or Item(from_words(tagged.words)), tagged)])
    return stream.getvalue()


def test_columns_of_text_are_words_and_tags_with_a_blank_line_behind():
    assert written("columns") == "Bob B-PER N\nLee I-PER N\nleft O V\n\n"


def test_a_probability_follows_its_tag():
    assert written("columns", tagged=SURE).splitlines()[0] == "Bob B-PER 0.5000 N 0.1235"


def test_tags_follow_the_columns_of_the_input_with_its_separator():
    lines = ("1\tBob", "2\tLee", "3 left")
    assert written("columns", item_of(*lines)) == "1\tBob\tB-PER\tN\n2\tLee\tI-PER\tN\n3 left O V\n"


@pytest.mark.parametrize("line", ["", " ", "-DOCSTART- -X- O"])
def test_only_columns_pass_on_lines_between_sentences(line):
    assert written("columns", Item(lines=(line,)), EMPTY) == line + "\n"
    assert written("jsonl", Item(lines=(line,)), EMPTY) == ""
    assert written("color", Item(lines=(line,)), EMPTY) == ""


TOKENS = [
    {"text": "Bob", "start_char": 0, "end_char": 3},
    {"text": "Lee", "start_char": 4, "end_char": 7},
    {"text": "left", "start_char": 8, "end_char": 12},
]
PLACES = {"start_char": 0, "end_char": 7, "first_token": 0, "end_token": 2}


def test_a_json_line_holds_text_tokens_tags_and_spans_with_their_characters():
    text = written("jsonl")
    assert text.endswith("\n")
    assert json.loads(text) == {
        "text": "Bob Lee left",
        "tokens": TOKENS,
        "tags": TAGGED.tags,
        "spans": {"ner": [{"label": "PER", "text": "Bob Lee", **PLACES, "score": 0.9877}]},
    }
    assert json.loads(written("jsonl", tagged=SURE))["probabilities"]["pos"] == [0.1235, 1.0, 1.0]


def test_entities_have_the_shape_of_a_well_known_pipeline():
    entity = {"entity_group": "PER", "score": 0.98765, "word": "Bob Lee", "start": 0, "end": 7}
    assert json.loads(written("huggingface")) == [entity]
    two = tagged_of(WORDS, TAGGED.tags, {"ner": TAGGED.spans["ner"], "chunk": []})
    assert json.loads(written("huggingface", tagged=two)) == {"ner": [entity], "chunk": []}


def test_characters_of_a_line_are_counted_from_the_start_of_each_sentence():
    sentence = TaggedSentence("Lee", (("Lee", 9, 12),), {"ner": ["B-PER"]}, {"ner": [("PER", "Lee", 9, 12, 0, 1, 1.0)]})
    moved = dataclasses.replace(sentence, start_char=9)
    found = json.loads(written("jsonl", Item(from_words(["Lee"])), moved))
    assert found["tokens"] == [{"text": "Lee", "start_char": 0, "end_char": 3}]
    assert (found["spans"]["ner"][0]["start_char"], found["spans"]["ner"][0]["end_char"]) == (0, 3)
    assert json.loads(written("huggingface", Item(from_words(["Lee"])), moved))[0]["end"] == 3


def test_conllu_comes_out_as_conllu_with_the_tags_in_misc():
    fields = "\t_\t_\t_\t_\t_\t_\t_\t"
    lines = (f"1-2\tBob Lee{fields}_", f"1\tBob{fields}_", f"2\tLee{fields}ner=O|Gloss=x", "# c", f"3\tleft{fields}a=b")
    found = written("conllu", Item(from_words(WORDS), lines, (1, 2, 4)), SURE).split("\n")
    assert (found[0], found[3], found[5]) == (lines[0], lines[3], "")
    assert found[1] == f"1\tBob{fields}ner=B-PER|pos=N|ner_probability=0.5000|pos_probability=0.1235"
    assert found[2] == f"2\tLee{fields}Gloss=x|ner=I-PER|pos=N|ner_probability=0.2500|pos_probability=1.0000"
    assert found[4].startswith(f"3\tleft{fields}a=b|ner=O|pos=V|")


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
    tagged = tagged_of((EVIL,), {"pos": ["N"]})
    text = written(kind, Item(from_words((EVIL,))), tagged, terminal=True)
    assert "\\u001b[31m\\u009b2J\\u202eb\\u2028\\u007f\\u000d\\udb40\\udc41" in text.replace("\\r", "\\u000d")
    for character in "\x9b\u202e\u2028\x7f\r\U000e0041":
        assert character not in text
    assert "\x1b[31m\\" not in text


def test_a_json_line_on_a_terminal_is_still_that_json():
    tagged = tagged_of((EVIL,), {"pos": ["N"]})
    assert json.loads(written("jsonl", Item(from_words((EVIL,))), tagged, terminal=True))["tokens"][0]["text"] == EVIL


def test_in_a_file_words_are_as_they_were():
    tagged = tagged_of((EVIL,), {"pos": ["N"]})
    assert written("columns", Item(from_words((EVIL,))), tagged).startswith(f"{EVIL} N\n")


@given(st.text())
def test_what_is_visible_is_one_line_and_as_json_the_same_text(text):
    shown = visible(text)
    assert len(shown.splitlines()) <= 1
    assert visible(shown) == shown


def test_joiners_and_spaces_of_scripts_stay():
    assert visible("👩\u200d🚀 می\u200cخواهم 10\u00a0000") == "👩\u200d🚀 می\u200cخواهم 10\u00a0000"
