"""Word vectors: both formats hold the same numbers, flaws are reported with their line, coverage is a partition."""

import gzip
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sparse_sharing.errors import DataError
from sparse_sharing.text.readers.columns import Column, read_sentences
from sparse_sharing.text.vectors import coverage, read_vectors


def zipped(content):
    """Gzip without a time: the bytes name a test, and must always be the same."""
    return gzip.compress(content, mtime=0)


GLOVE = "the 0.5 -1 2e-3\ncat 1 2 3\n10\u00a0000 4 5 6\n"
WORDS = ("the", "cat", "10\u00a0000")
VALUES = np.array([[0.5, -1, 2e-3], [1, 2, 3], [4, 5, 6]], dtype=np.float32)


@pytest.fixture
def file(tmp_path):
    """A function that writes text or bytes to a file."""

    def write(content):
        path = tmp_path / "vectors.txt"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


def refusal(path, wanted=None):
    """The message with which a file is refused."""
    with pytest.raises(DataError) as caught:
        read_vectors(path, wanted)
    return str(caught.value)


@pytest.mark.parametrize(
    "content",
    [
        GLOVE,
        GLOVE.rstrip("\n"),
        "3 3\n" + GLOVE,
        "3 3\n" + GLOVE.replace("\n", " \n"),
        GLOVE.replace("\n", "\r\n"),
        GLOVE + "\n",
        GLOVE + "cat 9 9 9\n",
        "\ufeff" + GLOVE,
    ],
    ids=["glove", "no last line end", "word2vec", "trailing space", "CRLF", "blank line", "repeated word", "BOM"],
)
@pytest.mark.parametrize("compressed", [False, True])
def test_variants_of_a_file_hold_the_same_vectors(file, content, compressed):
    vectors = read_vectors(file(zipped(content.encode()) if compressed else content))
    assert vectors.words == WORDS
    assert vectors.values.dtype == np.float32
    np.testing.assert_array_equal(vectors.values, VALUES)


def test_only_wanted_words_are_kept_in_the_order_of_the_file(file):
    vectors = read_vectors(file(GLOVE), {"10\u00a0000", "the", "dog"})
    assert vectors.words == ("the", "10\u00a0000")
    np.testing.assert_array_equal(vectors.values, VALUES[[0, 2]])


def test_no_wanted_word_gives_an_empty_table_of_the_right_width(file):
    assert read_vectors(file(GLOVE), ()).values.shape == (0, 3)


def test_a_word_may_contain_spaces(file):
    vectors = read_vectors(file("the 1 2\n. . . 3 4\nat name@domain.com 5 6\n"))
    assert vectors.words == ("the", ". . .", "at name@domain.com")
    np.testing.assert_array_equal(vectors.values, [[1, 2], [3, 4], [5, 6]])


def test_a_word_may_look_like_a_number(file):
    assert read_vectors(file("1 2 3\n2 4 5\nnan 6 7\n")).words == ("1", "2", "nan")


@settings(deadline=None)
@given(
    st.dictionaries(
        st.text(st.characters(exclude_characters=" \n\r\0\ufeff", exclude_categories=["Cs"]), min_size=1),
        st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), min_size=2, max_size=2),
        min_size=1,
    )
)
def test_written_vectors_are_read_back_exactly(tmp_path_factory, table):
    path = tmp_path_factory.getbasetemp() / "vectors.txt"
    path.write_bytes("".join(f"{word} {one!r} {two!r}\n" for word, (one, two) in table.items()).encode())
    vectors = read_vectors(path)
    assert vectors.words == tuple(table)
    np.testing.assert_array_equal(vectors.values, np.array(list(table.values()), dtype=np.float32))


@pytest.mark.parametrize(
    ("content", "parts"),
    [
        ("", ["found no line"]),
        ("\n\n", ["found no line"]),
        ("word\n", ["line 1: found 'word'", "a word and its numbers"]),
        ("-DOCSTART- -X- O\nEU NNP O\n", ["line 1: found '-X-' in '-X- O'; expected a number"]),
        ("the 1 2\ncat 3 x\n", ["line 2: found 'x' in '3 x'; expected a number"]),
        ("the 1 2\ncat 3\n", ["line 2: found 1 numbers in 'cat 3'; expected 2", "truncated"]),
        ("the 1 2\ncat 3 4 5\n", ["line 2: found 3 numbers in 'cat 3 4 5'; expected 2"]),
        ("2 3\nthe 1 2\n", ["line 2: found 2 numbers", "expected 3"]),
        ("the 1 2\ncat  3 4\n", ["line 2: found 3 numbers", "single spaces"]),
        ("the 1 2\ncat\t3 4\n", ["line 2: found 1 numbers", "single spaces"]),
        ("the 1 2\ncat nan 4\n", ["line 2: found a number that is infinite, not a number", "of 'cat'"]),
        ("the 1 2\ncat 3 -inf\n", ["line 2: found a number that is infinite"]),
        ("the 1 2\ncat 3 1e39\n", ["line 2", "too large for 32 bits"]),
        ("3 2\nthe 1 2\ncat 3 4\n", ["found 2 words after the first line, which says 3", "truncated"]),
        ("1 2\nthe 1 2\ncat 3 4\n", ["found 2 words after the first line, which says 1"]),
        (b"the 1 2\nna\xefve 3 4\n", ["line 2", "0xef", "not UTF-8"]),
        (zipped(GLOVE.encode())[:-10], ["damaged or truncated"]),
    ],
)
def test_flaws_are_reported_with_their_place(file, content, parts):
    path = file(content)
    message = refusal(path)
    assert message.startswith(str(path))
    assert [part for part in parts if part not in message] == []


def test_only_the_length_of_unwanted_lines_is_checked(file):
    path = file("the 1 2\ncat 3 x\ndog 5 6\n")
    assert read_vectors(path, {"the", "dog"}).words == ("the", "dog")
    assert "line 2: found 1 numbers" in refusal(file("the 1 2\ncat 3\n"), {"the"})
    assert "line 1: found 'x'" in refusal(file("the 1 x\ncat 3 4\n"), {"cat"})


def test_a_missing_file_is_reported(tmp_path):
    assert "no such file; check the path" in refusal(tmp_path / "missing.txt")


def test_coverage_by_hand():
    words = [("the", 4), ("The", 3), ("Paris", 2), ("xyz", 1)]
    found = {"the", "paris", "Paris"}
    assert coverage(words, found, lowercase=True) == {"exact": 0.4, "lower_cased": 0.5, "missing": 0.1}
    assert coverage(words, found, lowercase=False) == {"exact": 0.6, "lower_cased": 0.3, "missing": 0.1}


@pytest.mark.parametrize("lowercase", [True, False])
def test_coverage_of_no_token_is_zero(lowercase):
    assert set(coverage([("the", 0)], {"the"}, lowercase).values()) == {0.0}


WORD = st.text(st.sampled_from("aAbBéÉß"), min_size=1, max_size=2)


@given(st.lists(st.tuples(WORD, st.integers(1, 9)), min_size=1), st.sets(WORD), st.booleans())
def test_coverage_shares_sum_to_one(words, found, lowercase):
    assert sum(coverage(words, found, lowercase).values()) == pytest.approx(1)


@given(WORD, st.sets(WORD), st.booleans())
def test_coverage_counts_what_a_look_up_would_find(word, found, lowercase):
    kind = max(shares := coverage([(word, 1)], found, lowercase), key=shares.get)
    looked_up = [word.lower()] if lowercase else [word, word.lower()]
    hit = next((form for form in looked_up if form in found), None)
    assert kind == ("missing" if hit is None else "exact" if hit == word else "lower_cased")


def test_real_vectors_are_as_published_and_read_fast(real_data):
    path = real_data("glove/glove.6B.50d.trimmed.txt.gz")
    sentences = read_sentences(real_data("conll03/train.txt"), [Column("pos", 1, "none")])
    wanted = {word.lower() for sentence in sentences for word in sentence.words}
    start = time.process_time()
    vectors = read_vectors(path, wanted)
    seconds = time.process_time() - start
    assert vectors.values.shape == (len(vectors.words), 50)
    assert wanted.issuperset(vectors.words)
    assert vectors.words[0] == "the"
    np.testing.assert_array_equal(vectors.values[0, :4], np.float32([0.418, 0.24968, -0.41242, 0.1217]))
    assert seconds < 3, "reading should take about a second of processor time"
