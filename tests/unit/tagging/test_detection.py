"""What a text is, by its first lines: columns only on good evidence, and a question where there is doubt."""

import pytest

from sparse_sharing.errors import ConfigError
from sparse_sharing.tagging.detection import guess_kind, layout_of

KNOWN = frozenset(("NNP", "VBD", "CD", ".", "O", "B-LOC", "noun", "verb"))
NUMBERED = "\t".join(["1", "Bob", *"________"])


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("EU NNP B-NP B-ORG\nrejects VBZ B-VP O\n\n", "columns"),
        ("EU NNP O\n. . O\n\n", "columns"),
        ("Bob B-person\nleft O\n", "columns"),
        ("\n\n-DOCSTART- O\n", "columns"),
        ("EU\tX", "columns"),
        ("Port Ellis\tB-LOC\nis\tO", "columns"),
        ("Port Ellis\tX\nis\tX", "columns"),
        ("Bob NNP\nleft VBD\n. .", "columns"),
        ("dog noun\nruns verb", "columns"),
        ("a XA\nb XB\nc XA\nd XB\n. .\ne XA", "columns"),
        ("# sent_id = 1\n" + NUMBERED, "conllu"),
        (NUMBERED.replace("1", "1-2"), "conllu"),
        ("EU NNP\n", "raw"),
        ("Hello world\nGood morning\n\n", "raw"),
        ("EU rejects German call\nto boycott British lamb\n", "raw"),
        ("A B\nC D E\n", "raw"),
        ("one\ntwo\n", "raw"),
        ("", "raw"),
    ],
)
def test_columns_are_distinguished_from_raw_text_by_the_first_lines(text, kind):
    assert guess_kind(text.split("\n"), KNOWN) == kind


@pytest.mark.parametrize(
    "lines",
    [
        ["Анна приехала вчера", "Борис остался дома"],
        ["هو هنا الآن", "هي هناك الآن"],
        ["राम यहाँ है", "सीता वहाँ है"],
        ["Ann works here .", "Bob sleeps there ."],
        ["Ann came in 1998", "Bob came in 1999"],
        ["他 来 了", "她 走 了"],
    ],
)
def test_text_whose_lines_have_equally_many_words_is_text_in_any_script(lines):
    assert guess_kind(lines, KNOWN) == "raw"


@pytest.mark.parametrize(
    "lines",
    [
        ["1\tAnn saw Rome.", "2\tBob left."],
        ["1\tAnn", "2\tleft"],
        ["We love NASA", "They left CERN"],
        ["a red", "b blue", "c red", "d blue", "e red", "f blue"],
        ["a\tb\tc d", "e\tf"],
    ],
)
def test_in_doubt_the_user_is_asked(lines):
    with pytest.raises(ConfigError, match=r"here: the first lines could be columns or text .* --input columns"):
        guess_kind(lines, KNOWN, "here")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"words": ["Ann"], "tags": ["O"]}', 'looks like JSON .* a list "tokens", or with a "text"'),
        ('[{"text": "Ann left."}]', "looks like JSON .* jq -c"),
        ("#begin document (nw/a); part 000", "looks like CoNLL-U Plus or CoNLL-2012 .*--input columns"),
        ("# global.columns = ID FORM NER", "looks like CoNLL-U Plus"),
        ('<?xml version="1.0"?>', "looks like XML"),
        ("Ann,NNP,B-PER", "looks like comma-separated values"),
    ],
)
def test_a_format_that_is_not_read_is_never_tagged_as_text(line, message):
    with pytest.raises(ConfigError, match=f"here: {message}"):
        layout_of(["", line, "more"], "auto", KNOWN, "here")
    assert layout_of([line], "raw", KNOWN, "here").kind == "raw"


@pytest.mark.parametrize(
    "line", ['["Go", he said.', "{ Stage left }", "<b>Ann</b> left, and/or stayed.", "Yes, no, so."]
)
def test_text_with_brackets_and_commas_is_text(line):
    assert layout_of([line], "auto", KNOWN, "here").kind == "raw"


def test_what_the_user_says_is_not_doubted():
    assert layout_of(["1\tAnn saw Rome."], "raw", (), "here").kind == "raw"
    assert layout_of(["1\tAnn saw Rome."], "columns", (), "here").tabs
