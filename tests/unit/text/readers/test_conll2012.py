"""CoNLL-2012 files: names from brackets, chunks from parse bits, chosen documents, and how each flaw is reported."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sparse_sharing.errors import DataError
from sparse_sharing.pipeline.layout import text_files
from sparse_sharing.text.readers.columns import ReadReport
from sparse_sharing.text.readers.conll2012 import (
    DocumentFilter,
    name_spans,
    parse_tree,
    read_document_list,
    read_documents,
    unescape,
)
from sparse_sharing.text.schemes import Span, read_spans, write_tags

LAYERS = ("pos", "chunk", "ner")
ANN = [
    "Ann NNP (TOP(S(NP* (PERSON*",
    "Lee NNP *) *)",
    "likes VBZ (VP* *",
    "Rome NNP (NP*)) (GPE)",
    "/. . *)) *",
]
SHE = ["She PRP (TOP(S(NP*) *", "smiles VBZ (VP*)) *", "? . *) *"]


def rows(sentence, document):
    """The lines of a sentence that is given as word, part of speech, parse bit and name bit."""
    lines = []
    for number, line in enumerate(sentence):
        word, pos, parse, name = line.split()
        lines.append(f"{document}   0   {number}   {word}  {pos}  {parse}  -  -  -  Speaker#1  {name}  -")
    return lines


def document(name, *sentences):
    """The text of a document."""
    blocks = ["\n".join(rows(sentence, name)) for sentence in sentences]
    return f"#begin document ({name}); part 000\n" + "\n\n".join(blocks) + "\n\n#end document\n"


@pytest.fixture
def write(tmp_path):
    """A function that writes a file and gives its path."""

    def write(content, name="text.gold_conll"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
        return path

    return write


def refusal(path, layers=LAYERS, **options):
    """The message with which a file is refused."""
    with pytest.raises(DataError) as caught:
        list(read_documents([path], layers, **options))
    return str(caught.value)


def test_words_and_layers_are_read_as_annotated(write):
    report = ReadReport()
    path = write(document("nw/a/00/a_0001", ANN, SHE) + document("nw/a/00/a_0002", SHE))
    first, second, third = read_documents([path], LAYERS, report=report)
    assert first.words == ("Ann", "Lee", "likes", "Rome", ".")
    assert first.tags == (
        ("NNP", "NNP", "VBZ", "NNP", "."),
        ("B-NP", "I-NP", "B-VP", "B-NP", "O"),
        ("B-PERSON", "I-PERSON", "O", "B-GPE", "O"),
    )
    assert (first.line, second.line, third.line) == (2, 8, 14)
    assert (report.sentences, report.tokens, report.document_starts) == (3, 11, 2)


def test_layers_come_in_the_order_asked_for(write):
    path = write(document("nw/a", ANN))
    (sentence,) = read_documents([path], ["ner", "pos"])
    assert [tags[0] for tags in sentence.tags] == ["B-PERSON", "NNP"]


def test_a_layer_that_is_not_asked_for_is_not_checked(write):
    path = write(document("nw/a", ["Ann NNP * (PERSON*"]))
    assert [sentence.tags for sentence in read_documents([path], ["pos"])] == [(("NNP",),)]


@pytest.mark.parametrize(
    ("written", "word"),
    [
        ("/.", "."),
        ("/?", "?"),
        ("/-", "-"),
        ("//", "/"),
        ("\\*", "*"),
        ("-LRB-", "("),
        ("-RRB-", ")"),
        ("-LSB-", "["),
        ("-RCB-", "}"),
        ("1\\/2", "1/2"),
        ("/", "/"),
        ("and/or", "and/or"),
        ("/BBC", "/BBC"),
        (".", "."),
        ("-lrb-", "-lrb-"),
    ],
)
def test_escaped_words_are_written_as_in_other_text(written, word):
    assert unescape(written) == word


@given(st.lists(st.tuples(st.booleans(), st.integers(1, 4), st.sampled_from(["PERSON", "GPE", "WORK_OF_ART"]))))
def test_spans_written_as_brackets_read_back_and_their_tags_too(pieces):
    spans, bits = [], []
    for is_name, size, kind in pieces:
        if is_name:
            spans.append(Span(kind, len(bits), len(bits) + size))
            bits += [f"({kind})"] if size == 1 else [f"({kind}*", *["*"] * (size - 2), "*)"]
        else:
            bits += ["*"] * size
    assert name_spans(bits) == spans
    for scheme in ("iob1", "iob2", "bioes"):
        assert read_spans(write_tags(spans, len(bits), scheme), scheme) == spans


@pytest.mark.parametrize(
    ("bits", "index", "problem"),
    [
        (["*", "*)"], 1, "a name ends before it begins"),
        (["(GPE*", "(ORG)"], 1, "begins inside GPE"),
        (["*", "(GPE*", "*"], 1, "GPE does not end"),
        (["(GPE"], 0, "expected (TYPE*"),
        (["-"], 0, "expected (TYPE*"),
        ([""], 0, "expected (TYPE*"),
        (["(A(B*"], 0, "expected (TYPE*"),
    ],
)
def test_brackets_of_names_that_do_not_match_are_refused(bits, index, problem):
    with pytest.raises(ValueError, match=re.escape(problem)) as caught:
        name_spans(bits)
    assert caught.value.args[0] == index


@pytest.mark.parametrize(
    ("bits", "index", "problem"),
    [
        (["(S*", "*"], 1, "S does not end"),
        (["(S*)", "*)"], 1, "in no phrase"),
        (["(S*))"], 0, "more phrases end"),
        (["*"], 0, "in no phrase; is the text parsed?"),
        (["(S"], 0, "expected brackets around *"),
        (["(S*x)"], 0, "expected brackets around *"),
        (["-"], 0, "expected brackets around *"),
    ],
)
def test_parse_bits_that_do_not_match_are_refused(bits, index, problem):
    with pytest.raises(ValueError, match=re.escape(problem)) as caught:
        parse_tree(bits, ["NN"] * len(bits))
    assert caught.value.args[0] == index


def test_the_line_of_a_wrong_bracket_is_named(write):
    path = write(document("nw/a", SHE, [*ANN[:3], "Rome NNP (NP*)) (GPE*", ANN[4]]))
    message = refusal(path)
    assert message.startswith(f"{path}, line 9: found '(GPE*' in column 10 (counted from 0) at 'Rome'; expected")
    assert "GPE does not end in its sentence" in message


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "found no sentence; expected documents in the format of CoNLL-2012"),
        ("a b c\n", "line 1: found 'a b c' outside a document; expected a line '#begin document (ID)'"),
        (
            "#begin document nw/a\n",
            "line 1: found '#begin document nw/a'; expected '#begin document (ID); part NUMBER'",
        ),
        (
            "#begin document (nw/a); part 000\nnw/a 0 0 She\n",
            "line 2: found 4 columns in 'nw/a 0 0 She'; expected at least",
        ),
        (document("nw/a", SHE).replace("#end document\n", ""), "line 5: found the end of the file; expected '#end"),
        (document("nw/a", SHE).replace("smiles", "smiles aloud"), "line 3: found 13 columns in"),
    ],
)
def test_flaws_of_a_file_are_refused_with_their_line(write, content, message):
    assert message in refusal(write(content))


def test_documents_of_a_domain_without_names_are_left_out(write):
    report = ReadReport()
    path = write(document("pt/nt/40/nt_4001", ANN) + document("nw/a", SHE) + document("pth/x", SHE))
    documents = DocumentFilter(skip_domains=["pt"])
    assert len(list(read_documents([path], LAYERS, documents=documents, report=report))) == 2
    assert (report.document_starts, report.documents_skipped) == (2, 1)


def test_text_of_only_skipped_documents_is_refused(write):
    message = refusal(write(document("pt/a", SHE)), documents=DocumentFilter(skip_domains=["pt"]))
    assert "found no sentence (1 documents were skipped)" in message


def test_only_listed_documents_are_read(write):
    path = write(document("nw/a", ANN) + document("nw/b", SHE))
    documents = DocumentFilter(listed={"nw/b"})
    assert [sentence.words[0] for sentence in read_documents([path], LAYERS, documents=documents)] == ["She"]


def test_a_listed_document_that_is_missing_is_refused_but_one_of_a_skipped_domain_is_not_missing(write):
    path = write(document("nw/a", ANN) + document("pt/b", SHE))
    listed = DocumentFilter(["pt"], {"nw/a", "pt/b"})
    assert len(list(read_documents([path], LAYERS, documents=listed))) == 1
    listed = DocumentFilter(["pt"], {"nw/a", "nw/x", "nw/c"})
    assert "2 documents of the list are missing, the first is nw/c" in refusal(path, documents=listed)


def test_a_list_holds_ids_or_paths(write):
    lines = ["bc/cctv/00/cctv_0001", "", "  data/english/annotations/nw/wsj/00/wsj_0020.v4_gold_conll  "]
    path = write("\n".join(lines), "ids.txt")
    assert read_document_list(path) == {"bc/cctv/00/cctv_0001", "nw/wsj/00/wsj_0020"}
    with pytest.raises(DataError, match="names no document"):
        read_document_list(write("\n \n", "empty.txt"))


def test_a_limit_ends_reading(write):
    path = write(document("nw/a", ANN, SHE) + "what follows is not checked\n")
    assert len(list(read_documents([path], LAYERS, limit=2))) == 2


def test_the_gold_files_below_a_folder_are_read_in_order(write, tmp_path):
    names = ["b/x.v4_gold_conll", "a/c/y.gold_conll", "a/z.v4_gold_conll"]
    for name in names:
        write(document("nw/a", SHE), name)
    for name in ("a/x.v4_auto_conll", "a/x.gold_skel", "README"):
        write("no text", name)
    assert text_files(str(tmp_path)) == [str(tmp_path / name) for name in sorted(names)]
    assert text_files(str(tmp_path / names[0])) == [str(tmp_path / names[0])]
    assert text_files(str(tmp_path / "missing")) == [str(tmp_path / "missing")]


def test_the_sample_has_the_chunks_and_names_of_its_trees_and_brackets(real_data):
    files = [real_data("conll2012_sample/subdomain/example.gold_conll")]
    report = ReadReport()
    mali, rested, headline, _ = read_documents(files, LAYERS, report=report)
    assert (report.sentences, report.tokens) == (4, 44)
    spans = [[(span.type, span.end - span.start) for span in read_spans(s.tags[1], "iob2")] for s in (mali, rested)]
    assert spans[0] == [("NP", 3), ("VP", 1), ("NP", 2), ("NP", 2), ("VP", 1), ("ADJP", 1)]
    assert spans[1] == [
        *[("NP", 2), ("VP", 1), ("NP", 2), ("NP", 2), ("PP", 1), ("NP", 2), ("PP", 1), ("NP", 1)],
    ]
    assert [span.type for span in read_spans(headline.tags[2], "iob2")] == ["PERSON", "WORK_OF_ART"]


def copies(folder, *texts):
    """Files of one document, each with a text of its own."""
    for number, word in enumerate(texts):
        line = f"nw/1 0 0 {word} NNP (TOP(NP*)) - - - - (PERSON) -"
        text = f"#begin document (nw/1); part 000\n{line}\n\n#end document\n"
        (folder / f"{number}.gold_conll").write_text(text)
    return sorted(folder.iterdir())


def test_a_document_that_two_files_hold_is_read_once(tmp_path):
    report = ReadReport()
    assert len(list(read_documents(copies(tmp_path, "Ann", "Ann"), ["pos"], report=report))) == 1
    assert (report.document_starts, report.documents_repeated) == (1, 1)
    assert report.document_files == {"nw/1": tmp_path / "0.gold_conll"}


def test_a_document_with_other_content_in_another_file_is_refused_with_both_names(tmp_path):
    with pytest.raises(DataError, match=r"1\.gold_conll: document \(nw/1\); part 000 is also in .*0\.gold_conll"):
        list(read_documents(copies(tmp_path, "Ann", "Bo"), ["pos"]))
