"""Input as a stream: what comes in is what is tagged, line for line, as soon as it is there."""

import gzip
import itertools
import os
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sparse_sharing.errors import DataError
from sparse_sharing.tagging import reading
from sparse_sharing.tagging.reading import PAUSE, Item, column_items, in_chunks, live_lines, read_items
from sparse_sharing.tagging.sentences import from_words

COLUMNS = "-DOCSTART- -X- O\n\nEU\tNNP\nrejects\tVBZ\n\n\nBob\tNNP"


def lines_of(text):
    """The numbered lines of a text."""
    return enumerate(text.split("\n"), start=1)


def items_of(text, kind="auto", word_column=0):
    """The items of a text, and the kind of input that was found."""
    items, kind = read_items(lines_of(text), kind, word_column, "here")
    return list(items), kind


def item(*words):
    """A sentence of some words."""
    return Item(from_words(words))


def words_of(items):
    return [" ".join(item.words) for item in items if item.words]


def test_columns_keep_every_line():
    items, kind = items_of(COLUMNS)
    assert kind == "columns"
    assert words_of(items) == ["EU rejects", "Bob"]
    assert [line for item in items for line in item.lines] == COLUMNS.split("\n")


@given(st.lists(st.sampled_from(["a X", "b\tY", "", " ", "-DOCSTART- O"]), max_size=20))
def test_no_line_of_columns_is_lost_or_changed(rows):
    items = list(column_items(iter(enumerate(rows, start=1)), 0, "here"))
    assert [line for item in items for line in item.lines] == rows
    assert all(item.rows == tuple(range(len(item.lines))) for item in items if item.words)


@pytest.mark.parametrize(("column", "words"), [(0, "1 2"), (1, "EU rejects"), (-1, "NNP VBZ")])
def test_the_column_of_the_words_can_be_chosen(column, words):
    items, _ = items_of("1 EU NNP\n2 rejects VBZ", "columns", column)
    assert words_of(items) == [words]


@pytest.mark.parametrize("column", [2, -3])
def test_a_column_that_is_not_there_is_an_error_with_the_line(column):
    with pytest.raises(DataError, match=r"here, line 2: found 2 columns; expected the word in column"):
        items_of("a b c\na b", "columns", column)


def test_words_with_no_break_spaces_are_one_field():
    items, _ = items_of("10\u00a0000 CD\nx\u3000y NN", "columns")
    assert items[0].words == ("10\u00a0000", "x\u3000y")


def test_a_line_of_tokens_is_a_sentence_and_blank_lines_are_none():
    items, _ = items_of("EU rejects\tcall .\n\nBob .", "tokens")
    assert items == [item("EU", "rejects", "call", "."), item("Bob", ".")]


def test_json_lines_have_tokens_or_text_and_are_recognised():
    lines = ['{"tokens": ["Ann", "New York"], "id": 7}', "", '{"text": "Bob left. Ann stayed."}', '{"tokens": []}']
    items, kind = read_items(iter(enumerate(lines, 1)), "auto", 0, "x")
    assert kind == "jsonl"
    assert [item.words for item in items] == [("Ann", "New York"), ("Bob", "left", "."), ("Ann", "stayed", ".")]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"tokens": ["Ann", ""]}', 'x, line 1: found .* expected a list "tokens" of non-empty texts, or a "text"'),
        ('{"tokens": "Ann"}', "x, line 1: found"),
        ('{"words": ["Ann"]}', "x, line 1: found"),
        ('["Ann"]', "x, line 1: found .* expected a JSON object"),
        ('{"text": "Ann', "x, line 1: found invalid JSON"),
    ],
)
def test_a_line_that_is_no_such_object_is_an_error_with_its_number(line, message):
    with pytest.raises(DataError, match=message):
        list(reading.jsonl_items(iter([(1, line)]), "x"))


def test_raw_text_is_tokenised():
    items, kind = items_of("Bob left. Ann didn't.\n\nGood")
    assert kind == "raw"
    assert words_of(items) == ["Bob left .", "Ann did n't .", "Good"]


CONLLU = """# text = He goes

1-2\tzum\t_\t_\t_\t_\t_\t_\t_\t_
1\tzu\t_\tADP\t_\t_\t0\troot\t_\t_
2\tdem alten\t_\tDET\t_\t_\t0\troot\t_\tNER=O
2.1\tnull\t_\t_\t_\t_\t_\t_\t_\t_
# a comment inside
3\tHaus\t_\tNOUN\t_\t_\t0\troot\t_\t_"""


@pytest.mark.parametrize("kind", ["auto", "conllu"])
def test_conllu_keeps_every_line_and_its_words_are_the_second_column(kind):
    items, found = items_of(CONLLU, kind)
    assert found == "conllu"
    assert [one.words for one in items if one.words] == [("zu", "dem alten", "Haus")]
    assert [line for one in items for line in one.lines] == CONLLU.split("\n")
    assert items[-1].rows == (1, 2, 5)


@pytest.mark.parametrize("line", ["1\tzu\t_", "one\tzu\t_\t_\t_\t_\t_\t_\t_\t_", "1\t\t_\t_\t_\t_\t_\t_\t_\t_"])
def test_a_line_that_is_not_conllu_is_an_error_with_its_number(line):
    with pytest.raises(DataError, match=r"here, line 2: found .* expected CoNLL-U"):
        items_of(f"# text = zu\n{line}", "conllu")


def test_tabs_separate_columns_where_all_lines_have_them_so_words_may_have_spaces():
    items, _ = items_of("Port Ellis\tB-LOC\nis\tO\n\nso\tO", "columns")
    assert [one.words for one in items if one.words] == [("Port Ellis", "is"), ("so",)]


def test_an_empty_cell_is_an_error_and_does_not_make_the_next_cell_the_word():
    with pytest.raises(DataError, match="here, line 2: found nothing in column 0; expected a word"):
        items_of("Bob\tX\n\tY", "columns")


def test_comments_of_columns_pass_through_and_a_token_that_is_a_number_sign_stays_one():
    text = "# id 5 domain=en\nBob _ _ B-PER\n# _ _ O\n1 _ _ O\n\n# id 6 domain=en\nleft _ _ O\n"
    items, kind = items_of(text)
    assert kind == "columns"
    assert words_of(items) == ["Bob # 1", "left"]
    assert [line for one in items for line in one.lines] == text.split("\n")


def test_a_text_without_spaces_gets_one_warning(caplog):
    items_of("He left.\n张三在北京大学学习。\n张三在北京大学学习。", "raw")
    assert len(caplog.records) == 1
    assert "here, line 2 has no spaces between its words" in caplog.text
    assert "--input tokens" in caplog.text


def test_a_giant_sentence_is_cut_with_a_warning(monkeypatch, caplog):
    monkeypatch.setattr(reading, "LONGEST_SENTENCE", 3)
    rows = "\n".join(f"w{number} X" for number in range(8))
    for text, kind in ((rows, "columns"), (rows.replace("\n", " "), "tokens")):
        items, _ = items_of(text, kind)
        assert max(len(one.words) for one in items) == 3
        assert sum(len(one.words) for one in items) == (8 if kind == "columns" else 16)
    assert "a sentence of 3 tokens or more was cut" in caplog.text


def test_chunks_have_limited_numbers_of_sentences_and_tokens():
    items = [item("w") for _ in range(7)]
    assert [len(chunk) for chunk in in_chunks(iter(items), 3)] == [3, 3, 1]
    long = [item(*("w",) * 100) for _ in range(4)]
    assert [len(chunk) for chunk in in_chunks(iter(long), 4)] == [2, 2]


def test_a_pause_ends_a_chunk_early():
    items = [item("a"), PAUSE, PAUSE, item("b"), item("c"), PAUSE]
    assert [[one.words[0] for one in chunk] for chunk in in_chunks(iter(items), 9)] == [["a"], ["b", "c"]]


def test_chunks_are_read_no_further_than_they_reach():
    endless = itertools.repeat(item("w"))
    assert len(next(in_chunks(endless, 5))) == 5


@pytest.fixture
def pipe():
    """The reading and the writing end of a pipe."""
    reading_end, writing_end = os.pipe()
    with os.fdopen(reading_end, "rb") as source, os.fdopen(writing_end, "wb", buffering=0) as sink:
        yield source, sink


def test_lines_of_a_pipe_are_read_as_soon_as_they_are_written(pipe):
    source, sink = pipe
    lines = live_lines(source, "here")
    sink.write(b"\xef\xbb\xbfone\ntw")
    assert next(lines) == (1, "one")
    assert next(lines) is PAUSE
    sink.write(b"o\r\nthree")
    assert next(lines) == (2, "two")
    assert next(lines) is PAUSE
    sink.close()
    assert list(lines) == [(3, "three")]


def test_a_pipe_that_is_always_full_has_no_pause_before_its_end(pipe):
    source, sink = pipe
    sink.write(b"line\n" * 1000)
    sink.close()
    assert list(live_lines(source, "here")) == [(number, "line") for number in range(1, 1001)]


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"one\n\xff\n", "here, line 2: found byte 0xff, which is not UTF-8"), (b"x" * 1_100_000, "more than 1,000,000")],
)
def test_a_pipe_with_something_else_than_text_is_an_error_with_the_line(pipe, content, message):
    source, sink = pipe
    writer = threading.Thread(target=lambda: (sink.write(content), sink.close()))
    writer.start()
    with pytest.raises(DataError, match=message):
        list(live_lines(source, "here"))
    source.read()
    writer.join()


def test_a_file_that_is_not_text_is_named(tmp_path):
    (tmp_path / "letter.docx").write_bytes(b"PK\x03\x04\x14\x00")
    with pytest.raises(DataError, match=r"letter\.docx: looks like a zip archive, such as an xlsx or docx file"):
        reading.file_lines(tmp_path / "letter.docx")


def test_a_file_may_be_compressed(tmp_path):
    path = tmp_path / "text.gz"
    path.write_bytes(gzip.compress(b"one\ntwo\n"))
    assert list(reading.file_lines(path)) == [(1, "one"), (2, "two")]
