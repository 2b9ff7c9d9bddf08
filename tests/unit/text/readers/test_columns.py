"""Column files: what counts as a token, a separator and a sentence, and how each flaw of a file is reported."""

import gzip

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sparse_sharing.errors import DataError
from sparse_sharing.text.readers.columns import (
    LONGEST_LINE,
    Column,
    ReadReport,
    Sentence,
    quote,
    read_lines,
    read_sentences,
)
from sparse_sharing.text.schemes import violation
from sparse_sharing.text.tags import Rules


def zipped(content):
    """Gzip without a time: the bytes name a test, and must always be the same."""
    return gzip.compress(content, mtime=0)


POS = Column("pos", 1, "none")
NER = Column("ner", -1, "iob2")

TEXT = "-DOCSTART- -X- O\n\nEU NNP B-ORG\nrejects VBZ O\n\nPeter NNP B-PER\nBlackburn NNP I-PER\n"
SENTENCES = [
    Sentence(("EU", "rejects"), (("NNP", "VBZ"), ("B-ORG", "O")), 3),
    Sentence(("Peter", "Blackburn"), (("NNP", "NNP"), ("B-PER", "I-PER")), 6),
]


@pytest.fixture
def file(tmp_path):
    """A function that writes text or bytes to a file."""

    def write(content, name="file.txt"):
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


def refusal(path, columns=(POS, NER), **options):
    """The message with which a file is refused."""
    with pytest.raises(DataError) as caught:
        list(read_sentences(path, columns, **options))
    return str(caught.value)


@pytest.mark.parametrize(
    "content",
    [
        TEXT,
        TEXT.rstrip("\n"),
        TEXT.replace("\n", "\r\n"),
        "\ufeff" + TEXT,
        TEXT.replace(" ", "\t"),
        TEXT.replace(" ", "  \t "),
        TEXT.replace("\n", " \t\n").replace("EU", " \tEU"),
        TEXT + "\n\n \n\t\n",
    ],
    ids=["plain", "no last line end", "CRLF", "BOM", "tabs", "runs", "outer separators", "blank lines at the end"],
)
@pytest.mark.parametrize("compressed", [False, True])
def test_variants_of_a_file_hold_the_same_sentences(file, content, compressed):
    data = zipped(content.encode()) if compressed else content
    assert list(read_sentences(file(data), [POS, NER])) == SENTENCES


def test_columns_are_read_in_the_order_asked_for_and_others_are_ignored(file):
    path = file("0 B-X a r NN\n1 O b s VB\n")
    columns = [Column("pos", -1, "none"), Column("span", 1, "iob2")]
    assert list(read_sentences(path, columns, word_column=2)) == [Sentence(("a", "b"), (("NN", "VB"), ("B-X", "O")), 1)]


@settings(deadline=None)
@given(
    st.lists(
        st.lists(
            st.text(st.characters(exclude_characters=" \t\n\r\0", exclude_categories=["Cs"]), min_size=1).filter(
                lambda word: word != "-DOCSTART-" and not word.startswith("\ufeff")
            ),
            min_size=1,
        ),
        min_size=1,
    )
)
def test_any_words_survive_but_for_separators(tmp_path_factory, sentences):
    path = tmp_path_factory.getbasetemp() / "words.txt"
    path.write_bytes("\n\n".join("\n".join(f"{word} X" for word in words) for words in sentences).encode())
    assert [list(sentence.words) for sentence in read_sentences(path, [POS])] == sentences


def test_other_white_space_belongs_to_words(file):
    words = ("10\u00a0000", "\u3000", "\u0085", "a\u2028b", "\u000b", "\u001c")
    path = file("".join(f"{word} X\n" for word in words))
    assert [sentence.words for sentence in read_sentences(path, [POS])] == [words]


def test_a_document_start_ends_a_sentence_and_may_have_any_number_of_columns(file):
    report = ReadReport()
    path = file("-DOCSTART-\na X\n-DOCSTART- O O O\nb X\n")
    assert [sentence.words for sentence in read_sentences(path, [POS], report=report)] == [("a",), ("b",)]
    assert report == ReadReport(sentences=2, tokens=2, document_starts=2, repairs={"pos": 0})


def test_the_limit_stops_before_what_is_wrong_later(file):
    path = file("a X\n\nb X\nc\n")
    report = ReadReport()
    assert [sentence.words for sentence in read_sentences(path, [POS], limit=1, report=report)] == [("a",)]
    assert report.sentences == 1
    assert list(read_sentences(path, [POS], limit=0)) == []
    assert "line 4" in refusal(path, [POS], limit=2)


def test_repair_mends_and_counts_what_is_otherwise_refused(file):
    path = file("a X I-PER\nb X I-PER\n\nc X S-LOC\nd X I-LOC\n")
    report = ReadReport()
    sentences = list(read_sentences(path, [POS, NER], repair=True, report=report))
    assert [sentence.tags[1] for sentence in sentences] == [("B-PER", "I-PER"), ("B-LOC", "B-LOC")]
    assert report.repairs == {"pos": 0, "ner": 3}
    message = refusal(path)
    assert f"{path}, line 1: found the tag 'I-PER' of task ner in 'a X I-PER'; expected B-PER" in message
    assert "set repair: true" in message


def test_a_column_that_holds_no_such_tags_is_refused_even_with_repair(file):
    path = file("a X O\nb X NNP\n")
    message = refusal(path, repair=True)
    assert "line 2: found the tag 'NNP' of task ner" in message
    assert "set repair" not in message
    assert refusal(path) == message


@pytest.mark.parametrize(
    ("content", "parts"),
    [
        ("a\nb\n", ["line 1: found 1 columns in 'a'", "at least 2", "task pos", "column 1 (counted from 0)"]),
        ("a X O\nb X\n", ["line 2: found 2 columns in 'b X'", "expected 3 columns", "as on line 1"]),
        ("\na X O\n\n\nb c X O\n", ["line 5: found 4 columns", "as on line 2"]),
        ("a X O\nb X I-PER\n", ["line 2: found the tag 'I-PER'", "B-PER between O and the end of the sentence"]),
        (b"a X O\nna\xefve X O\n", ["line 2", "0xef", "byte offset 2", "'na\u00efve X O'", "convert"]),
        (b"\xff\xfea\x00 \x00", ["line 1: found a NUL byte", "UTF-16"]),
        ("a X O\nb\0 X O\n", ["line 2: found a NUL byte"]),
        ("", ["found no sentence"]),
        (zipped(b""), ["found no sentence"]),
        ("\n \n-DOCSTART- X O\n", ["found no sentence"]),
        (b"a" * (LONGEST_LINE + 1), ["line 1: found more than 1,000,000 bytes"]),
        (zipped(b"a X O\n" + b"a" * (20 * LONGEST_LINE)), ["line 2: found more than 1,000,000 bytes"]),
        (zipped(TEXT.encode())[:-12], ["damaged or truncated", "get the file again"]),
        (zipped(TEXT.encode())[:-8] + b"\0" * 8, ["damaged or truncated after line 7"]),
        (zipped(TEXT.encode())[:10] + b"\xff" * 40, ["damaged or truncated after line 0"]),
        (b"\x1f\x8b", ["damaged or truncated"]),
    ],
)
def test_flaws_are_reported_with_their_place(file, content, parts):
    path = file(content)
    message = refusal(path)
    assert message.startswith(str(path))
    assert [part for part in parts if part not in message] == []


def test_a_missing_word_column_is_named(file):
    assert "at least 4, because the words should be in column 3" in refusal(file("a X O\n"), word_column=3)
    assert "at least 4, because task x should" in refusal(file("a X O\n"), [Column("x", -4, "none")])


def test_a_missing_file_and_a_folder_have_different_messages(tmp_path):
    assert "no such file; check the path" in refusal(tmp_path / "missing.txt")
    assert "found a folder" in refusal(tmp_path)
    (tmp_path / "file").write_text("a X O\n")
    assert "cannot be read (Not a directory)" in refusal(tmp_path / "file" / "below")


@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_the_longest_line_is_still_read_whole(file, end):
    lines = list(read_lines(file("a" * LONGEST_LINE + end + "b" * bool(end))))
    assert [(number, len(text)) for number, text in lines] == [(1, LONGEST_LINE), (2, 1)][: 1 + bool(end)]


def test_sentences_are_streamed(file):
    sentences = read_sentences(file("a X\n\nb X\n\nc\n"), [POS])
    assert [next(sentences).words, next(sentences).words] == [("a",), ("b",)]


@given(st.text(max_size=300))
def test_quotes_fit_a_message(text):
    shown = quote(text)
    assert len(shown) <= 80
    assert "\n" not in shown
    assert shown == repr(text) or shown.endswith("...'")


@pytest.mark.parametrize(
    ("split", "sentences", "tokens", "document_starts"),
    [("train", 14_041, 203_621, 946), ("dev", 3_250, 51_362, 216), ("test", 3_453, 46_435, 231)],
)
def test_conll03_has_its_published_size(real_data, split, sentences, tokens, document_starts):
    report = ReadReport()
    columns = [POS, Column("chunk", 2, "iob2"), Column("ner", 3, "iob2")]
    read = list(read_sentences(real_data(f"conll03/{split}.txt"), columns, report=report))
    assert (len(read), sum(len(sentence.words) for sentence in read)) == (sentences, tokens)
    assert report == ReadReport(sentences, tokens, document_starts, {"pos": 0, "chunk": 0, "ner": 0})
    assert all(violation(tags, "iob2") is None for sentence in read for tags in sentence.tags[1:])


def test_conll03_has_its_published_tags(real_data):
    columns = [POS, Column("chunk", 2, "iob2"), Column("ner", 3, "iob2")]
    seen = {split: [set(), set(), set()] for split in ("train", "dev", "test")}
    for split, tag_sets in seen.items():
        for sentence in read_sentences(real_data(f"conll03/{split}.txt"), columns):
            for tag_set, tags in zip(tag_sets, sentence.tags, strict=True):
                tag_set.update(tags)
    assert [len(set.union(*tag_sets)) for tag_sets in zip(*seen.values(), strict=True)] == [45, 21, 9]
    assert [len(tag_set) for tag_set in seen["train"]] == [45, 20, 9]


@pytest.mark.parametrize(
    ("name", "column", "sentences", "tokens"),
    [
        ("conll2000/train.txt", Column("chunk", 2, "iob2"), 8_936, 211_727),
        ("conll2000/test.txt", Column("chunk", 2, "iob2"), 2_012, 47_377),
        ("wsj_ptb/train.pos", POS, 38_219, 912_344),
        ("wsj_ptb/dev.pos", POS, 5_527, 131_768),
        ("wsj_ptb/test.pos", POS, 5_462, 129_654),
        ("ewt_uner/train.txt", NER, 12_543, 204_579),
        ("ewt_uner/dev.txt", NER, 2_001, 25_149),
        ("ewt_uner/test.txt", NER, 2_077, 25_097),
    ],
)
def test_other_corpora_have_their_published_size(real_data, name, column, sentences, tokens):
    report = ReadReport()
    assert sum(1 for _ in read_sentences(real_data(name), [column], report=report)) == sentences
    assert (report.sentences, report.tokens) == (sentences, tokens)


@pytest.mark.parametrize(
    ("text", "documents"),
    [
        ("-DOCSTART- O\n\na X\n\nb X\n\n-DOCSTART- O\n\nc X\n", [0, 0, 1]),
        ("a X\n\n-DOCSTART- O\nb X\n", [0, 1]),
        ("-DOCSTART-\n-DOCSTART-\na X\n", [1]),
        ("a X\n\nb X\n", [0, 0]),
    ],
)
def test_each_sentence_has_the_number_of_its_document(tmp_path, text, documents):
    (tmp_path / "text").write_text(text)
    report = ReadReport()
    list(read_sentences(tmp_path / "text", [], report=report))
    assert report.documents.tolist() == documents


COMMENTED = """# id 1\tdomain=en
# SYM O
1 CD O

#\thttp://a.org [1] more
# SYM O

# key = value
hit VB O
# SYM O
"""


def test_comments_are_left_out_and_a_token_that_is_a_hash_is_not(tmp_path):
    (tmp_path / "text").write_text(COMMENTED)
    report = ReadReport()
    sentences = list(read_sentences(tmp_path / "text", [Column("pos", 1, "none")], comments=True, report=report))
    assert [sentence.words for sentence in sentences] == [("#", "1"), ("#",), ("hit", "#")]
    assert [sentence.line for sentence in sentences] == [2, 6, 9]
    assert report.comments == 3


def test_every_line_with_a_hash_before_a_sentence_is_a_comment_where_words_are_in_another_column(tmp_path):
    (tmp_path / "text").write_text("# a b\n1 Ann O\n\n# c d\n1 # O\n")
    read = read_sentences(tmp_path / "text", [Column("ner", 2, "iob2")], word_column=1, comments=True)
    assert [sentence.words for sentence in read] == [("Ann",), ("#",)]


def test_a_comment_newdoc_begins_a_document(tmp_path):
    (tmp_path / "text").write_text("# newdoc id = a\na X\n\nb X\n\n# newdoc id = b\nc X\n")
    report = ReadReport()
    list(read_sentences(tmp_path / "text", [], comments=True, report=report))
    assert report.documents.tolist() == [0, 0, 1]


def test_with_only_tabs_words_may_contain_spaces_and_cells_may_be_empty(tmp_path):
    (tmp_path / "text").write_text("Port Ann\tNNP\tB-LOC\n.\t\tO\n \n-DOCSTART-\t\t\nBo\tNNP\tO\n")
    columns = [Column("pos", 1, "none", Rules(missing="skip")), Column("ner", 2, "iob2")]
    report = ReadReport()
    first, second = read_sentences(tmp_path / "text", columns, separator="tab", report=report)
    assert first.words == ("Port\u00a0Ann", ".")
    assert first.tags == (("NNP", ""), ("B-LOC", "O"))
    assert (second.words, report.missing, report.document_starts) == (("Bo",), {"pos": 1}, 1)


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        ("# sent 1 a b\na X\n", {}, "line 2: .*if the lines that begin with # are comments, set comments: true"),
        ("a X\nPort b X\n", {}, "line 2: .*set separator: tab"),
        ("a X\n\u200b\nb X\n", {}, r"line 2: found a line with only invisible characters \(U\+200B\)"),
        ("a\tX\n\tX\n", {"separator": "tab"}, "line 2: found no word"),
        ("a\tX\nb\t\n", {"separator": "tab"}, "line 2: found no value in column 1"),
    ],
)
def test_lines_of_another_form_are_refused_with_the_likely_reason(tmp_path, text, options, message):
    (tmp_path / "text").write_text(text)
    with pytest.raises(DataError, match=message):
        list(read_sentences(tmp_path / "text", [Column("pos", 1, "none")], **options))
