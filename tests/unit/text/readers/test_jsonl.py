"""JSON Lines of tokens and tags: what is read, and what is refused."""

import json

import pytest

from sparse_sharing.errors import DataError
from sparse_sharing.text.readers.conllu import Layer
from sparse_sharing.text.readers.jsonl import read_jsonl
from sparse_sharing.text.tags import Rules

POS, NER = Layer("pos", "pos_tags", "none"), Layer("ner", "ner_tags", "iob2")


def write(folder, *records):
    """A file of records."""
    path = folder / "text.jsonl"
    path.write_text("".join(json.dumps(record) + "\n" for record in records) + "\n")
    return path


def test_tokens_and_tags_are_lists_under_their_keys(tmp_path):
    one = {"id": "a", "tokens": ["Port Ann", "sings"], "pos_tags": [3, 7], "ner_tags": ["B-LOC", "O"]}
    two = {"tokens": ["Hi"], "pos_tags": [1], "ner_tags": ["O"]}
    first, second = read_jsonl(write(tmp_path, one, {"tokens": [], "pos_tags": []}, two), [POS, NER])
    assert first.words == ("Port\u00a0Ann", "sings")
    assert first.tags == (("3", "7"), ("B-LOC", "O"))
    assert (first.line, second.line) == (1, 3)


def test_null_is_a_missing_value(tmp_path):
    path = write(tmp_path, {"words": ["a", "b"], "pos_tags": ["X", None]})
    with pytest.raises(DataError, match="line 1: found no pos_tags in 'b'"):
        list(read_jsonl(path, [POS], words_key="words"))
    (sentence,) = read_jsonl(path, [Layer("pos", "pos_tags", "none", Rules(missing="skip"))], words_key="words")
    assert sentence.tags == (("X", ""),)


@pytest.mark.parametrize(
    ("record", "message"),
    [
        ({"tokens": ["a"]}, "no list 'pos_tags', only 'tokens'"),
        ({"tokens": ["a"], "pos_tags": ["X", "Y"]}, "2 values of 'pos_tags' for 1 tokens"),
        ({"tokens": [" "], "pos_tags": ["X"]}, "the token ' '"),
        ({"tokens": [1], "pos_tags": ["X"]}, "the token '1'"),
        (["a"], "expected a JSON object"),
    ],
)
def test_flaws_are_refused_with_their_line(tmp_path, record, message):
    with pytest.raises(DataError, match=rf"line 2: found.*{message}|line 2.*{message}"):
        list(read_jsonl(write(tmp_path, {"tokens": ["a"], "pos_tags": ["X"]}, record), [POS]))


def test_text_that_is_not_json_is_refused(tmp_path):
    (tmp_path / "text").write_text("{'tokens': []}\n")
    with pytest.raises(DataError, match="line 1: found invalid JSON"):
        list(read_jsonl(tmp_path / "text", [POS]))
