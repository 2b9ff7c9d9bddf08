"""CoNLL-U files: what counts as a token, where tags are found, and how each flaw is reported."""

import gzip

import pytest

from sparse_sharing.errors import DataError
from sparse_sharing.text.readers.columns import ReadReport
from sparse_sharing.text.readers.conllu import Layer, read_conllu
from sparse_sharing.text.tags import Rules

UPOS, XPOS = Layer("pos", "upos", "none"), Layer("fine", "xpos", "none")
NER = Layer("ner", "misc:NER", "iob2")


def word(number, form, upos="NOUN", xpos="NN", misc="_"):
    """The line of a word."""
    return "\t".join([str(number), form, form.lower(), upos, xpos, "_", "0", "root", "_", misc])


ANN = [
    "# sent_id = 1",
    "# text = Ann can't go .",
    word(1, "Ann", "PROPN", "NNP", "NER=B-PER|SpaceAfter=No"),
    word("2-3", "can't", "_", "_"),
    word(2, "ca", "AUX", "MD", "NERVOUS=yes"),
    word(3, "n't", "PART", "RB"),
    word(4, "go", "VERB", "VB"),
    word("4.1", "gone", "VERB", "VB", "NER=B-LOC"),
]
BO = [word(1, "Bo", "PROPN", "NNP", "Lang=en|NER=B-PER"), word(2, "Li", "PROPN", "NNP", "NER=I-PER")]


@pytest.fixture
def write(tmp_path):
    """A function that writes sentences, each a list of lines, and gives the path."""

    def write(*sentences):
        path = tmp_path / "text.conllu"
        path.write_text("\n\n".join("\n".join(lines) for lines in sentences) + "\n\n", encoding="utf-8")
        return path

    return write


def refusal(path, *layers, **options):
    """The message with which a file is refused."""
    with pytest.raises(DataError) as caught:
        list(read_conllu(path, layers or (UPOS,), **options))
    return str(caught.value)


def test_syntactic_words_are_tokens_and_ranges_empty_nodes_and_comments_are_not(write):
    report = ReadReport()
    first, second = read_conllu(write(ANN, BO), (UPOS, XPOS, NER), report=report)
    assert first.words == ("Ann", "ca", "n't", "go")
    assert first.tags[:2] == (("PROPN", "AUX", "PART", "VERB"), ("NNP", "MD", "RB", "VB"))
    assert (first.line, second.line) == (3, 10)
    assert (report.sentences, report.tokens, report.repairs) == (2, 6, {"pos": 0, "fine": 0, "ner": 0})


def test_tags_in_misc_have_their_key_and_a_word_without_one_is_outside(write):
    tags = [sentence.tags for sentence in read_conllu(write(ANN, BO), (NER,))]
    assert tags == [(("B-PER", "O", "O", "O"),), (("B-PER", "I-PER"),)]


def test_an_empty_node_may_come_before_the_first_word(write):
    (sentence,) = read_conllu(write([word("0.1", "it"), word(1, "rains")]), (UPOS,))
    assert sentence.words == ("rains",)


def test_a_space_in_a_word_becomes_one_that_separates_no_columns(write):
    (sentence,) = read_conllu(write([word(1, "New York")]), (UPOS,))
    assert sentence.words == ("New\u00a0York",)


def test_compressed_files_limits_and_a_missing_last_blank_line_are_fine(tmp_path):
    path = tmp_path / "text.conllu.gz"
    path.write_bytes(gzip.compress("\n".join([*BO, "", "no CoNLL-U"]).encode(), mtime=0))
    assert len(list(read_conllu(path, (UPOS,), limit=1))) == 1
    path.write_bytes(gzip.compress("\n".join(BO).encode(), mtime=0))
    assert len(list(read_conllu(path, (UPOS,)))) == 1


def test_tags_that_break_their_scheme_are_refused_with_their_line_or_repaired(write):
    path = write(ANN, [word(1, "Bo"), word("2-3", "xy"), word(2, "x", misc="NER=I-PER"), word(3, "y")])
    message = refusal(path, NER)
    assert message.startswith(f"{path}, line 12: found the tag 'I-PER' of task ner in '2\\tx")
    report = ReadReport()
    assert list(read_conllu(path, (NER,), repair=True, report=report))[1].tags == (("O", "B-PER", "O"),)
    assert report.repairs == {"ner": 1}


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([], "found no sentence; expected CoNLL-U"),
        (["# text = no words"], "found no sentence; expected CoNLL-U"),
        (["1 Bo PROPN"], "line 1: found 1 columns in '1 Bo PROPN'; expected 10, separated by tabs"),
        ([word(1, "a"), word(3, "b")], "line 2: found the number '3'; expected 2, or a range"),
        ([word(0, "a")], "line 1: found the number '0'; expected 1, or a range"),
        ([word("x", "a")], "line 1: found the number 'x'; expected 1, or a range"),
        ([word(1, "a", upos="_")], "line 1: found no upos in '1\\ta"),
        ([word(1, "")], "line 1: found no word in '1\\t"),
    ],
)
def test_flaws_of_a_file_are_refused_with_their_line(write, lines, message):
    assert message in refusal(write(lines))


def test_a_misc_tag_without_a_scheme_cannot_be_missing(write):
    assert "found no misc:Lang in" in refusal(write(BO), Layer("language", "misc:Lang", "none"))


def test_a_comment_newdoc_begins_a_document_and_other_comments_do_not(write):
    report = ReadReport()
    path = write(["# newdoc id = a", *BO], ["# newpar", "# newdocument", *BO], ["# sent_id = 3", "#newdoc", *BO])
    list(read_conllu(path, [UPOS], report=report))
    assert (report.documents.tolist(), report.document_starts) == ([0, 0, 1], 2)


def test_conllu_plus_names_its_columns(tmp_path):
    path = tmp_path / "text.conllup"
    path.write_text("# global.columns = ID FORM UPOS NE:TYPE\n1\tAnn\tPROPN\tB-PER\n2\tsings\tVERB\tO\n\n")
    layers = (UPOS, Layer("ner", "column:NE:TYPE", "iob2"))
    (sentence,) = read_conllu(path, layers)
    assert (sentence.words, sentence.tags) == (("Ann", "sings"), (("PROPN", "VERB"), ("B-PER", "O")))
    with pytest.raises(DataError, match="no column XPOS for task fine, only ID, FORM, UPOS, NE:TYPE"):
        list(read_conllu(path, [XPOS]))


def test_words_without_a_value_are_left_out_and_counted_where_that_is_asked_for(write):
    report = ReadReport()
    path = write([word(1, "a"), word(2, "=)", xpos="_")])
    (sentence,) = read_conllu(path, [Layer("fine", "xpos", "none", Rules(missing="skip"))], report=report)
    assert (sentence.tags, report.missing) == ((("NN", ""),), {"fine": 1})


MULTIWORD = [
    word("1-2", "Del", "_", "_"),
    word(1, "De", "ADP", misc="NER=O"),
    word(2, "el", "DET", misc="NER=B-LOC"),
    word(3, "Río", "PROPN", misc="NER=I-LOC"),
    word("4-5", "vámonos", "_", "_"),
    word(4, "vamos", "VERB"),
    word(5, "nos", "PRON"),
    word("5.1", "x", "_"),
    word(6, "!", "PUNCT"),
]


def test_multiword_tokens_can_be_the_tokens_with_the_tags_of_their_words(write):
    report = ReadReport()
    first, second = read_conllu(write(MULTIWORD, BO), (UPOS, NER), surface=True, report=report)
    assert first.words == ("Del", "Río", "vámonos", "!")
    assert first.tags == (("ADP+DET", "PROPN", "VERB+PRON", "PUNCT"), ("B-LOC", "I-LOC", "O", "O"))
    assert (second.words, report.tokens) == (("Bo", "Li"), 6)
    (words, _) = read_conllu(write(MULTIWORD, BO), (UPOS,))
    assert words.words == ("De", "el", "Río", "vamos", "nos", "!")
