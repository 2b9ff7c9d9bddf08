"""Doubts about text that can be read: each is told where it is due, and nowhere else."""

from collections import Counter

import pytest

from sparse_sharing.inspection import doubts
from sparse_sharing.inspection.labels import likely_typos
from sparse_sharing.text.demo.corpora import generate

TEXT = [["Ann", "saw", "the", "cat", "."], ["Bo", "slept", "."]] * 100


def one(texts):
    """The only doubt."""
    (text,) = texts
    return text


def test_good_text_raises_no_doubt():
    words = [
        block.split("\n")
        for block in generate("joint", dict.fromkeys(("train", "dev", "test"), 100), 1)["train.txt"]
        .strip()
        .split("\n\n")
    ]
    words = [[line.split()[0] for line in block] for block in words]
    for doubt in (
        doubts.sentence_breaks,
        doubts.headings,
        doubts.document_marks,
        doubts.comment_lines,
        doubts.hidden_characters,
    ):
        assert not list(doubt("train", words))
    assert not list(doubts.words(words, [Counter(["NN", "VB", "DT"])]))


def test_one_sentence_for_a_whole_file_lacks_blank_lines():
    text = one(doubts.sentence_breaks("train", [["w"] * 539]))
    assert text == "1 sentence of 539 tokens in train: are blank lines missing?"
    assert "3 sentences of up to 150" in one(doubts.sentence_breaks("train", [["w"] * 150] * 3))


def test_sentences_of_one_token_have_too_many_blank_lines():
    assert "have one token" in one(doubts.sentence_breaks("dev", [["w"]] * 30))
    assert not list(doubts.sentence_breaks("dev", [["Yes"], *TEXT]))


def test_a_split_of_one_sentence_lacks_blank_lines_unless_it_is_short():
    assert "all 26 tokens of dev are one sentence" in one(doubts.sentence_breaks("dev", [["w"] * 26]))
    assert not list(doubts.sentence_breaks("dev", [["w"] * 25]))


def test_a_line_of_headings_is_noticed():
    assert "train begins with the word 'Word': is the first line a heading?" in one(
        doubts.headings("train", [["Word", "Ann"], *TEXT])
    )
    assert not list(doubts.headings("train", TEXT))


@pytest.mark.parametrize("mark", ["-docstart-", "--DOCSTART--", "DOCSTART", "-DOCSTART-:"])
def test_look_alikes_of_document_marks(mark):
    warning = one(doubts.document_marks("test", [[mark]]))
    assert f"begin with {mark!r}; only -DOCSTART- is read as the start of a document" in warning


def test_lines_that_may_be_comments():
    assert "set comments: true" in one(doubts.comment_lines("train", [["#", "id"], ["#", "id"], *TEXT[:4]]))
    assert not list(doubts.comment_lines("train", [["#", "1"], *TEXT]))


def test_characters_that_nobody_sees():
    found = list(doubts.hidden_characters("train", [["a\u200b", "b\r"], ["\ufeffa", "c\u200d"]]))
    assert [text.split(" contain ")[1].split(",")[0] for text in found] == ["a carriage return", "U+200B", "U+FEFF"]


def test_a_column_of_words_that_is_another_column():
    tags = [Counter(f"T{number}" for number in range(20))]
    assert "are numbers" in one(doubts.words([["1", "2", "3"]] * 100, tags))
    assert "different words, but a task has 20 tags" in one(doubts.words([["NN", "VB", "DT"]] * 100, tags))
    assert "look like span tags" in one(doubts.words([["O", "B-PER", "I-PER"]] * 100, []))
    assert not list(doubts.words(TEXT, [Counter(["A", "B"])]))


def test_another_text_and_other_columns():
    assert "100 % of the tokens in dev" in one(doubts.unseen_words("dev", TEXT, [["Hund", "und", "Katze"]] * 100))
    assert not list(doubts.unseen_words("dev", TEXT, TEXT))
    assert "are not in train" in one(doubts.unseen_tags("test", Counter({"NN": 9}), Counter({"B-X": 300})))


def test_unique_values_are_not_tags():
    assert "300 different tags on 300 tokens" in one(doubts.different_tags(Counter(str(n) for n in range(300))))
    assert not list(doubts.different_tags(Counter({"NN": 300, "VB": 100})))


def test_tags_whose_letters_have_a_meaning_are_no_slips():
    tags = {"NC": 900, "Fpa": 80, "Fpt": 79, "Faa": 3, "Fat": 2, "VMI": 200, "VMN": 90, "VMG": 2}
    assert likely_typos(tags) == {}
    assert likely_typos({"PER": 500, "LOC": 300, "ORG": 200, "per": 2}) == {"per": "PER"}
