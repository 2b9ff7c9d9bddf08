"""What a file is, told from its first lines, and how a column writes span tags."""

import json
from collections import Counter

import pytest

from sparse_sharing.errors import DataError
from sparse_sharing.text.readers.conllu import COLUMNS as COLUMNS_OF_CONLLU
from sparse_sharing.text.readers.recognise import Recognised, SpanForm, recognise, span_form

CONLLU = "# sent_id = 1\n1\tHi\thi\tINTJ\tUH\t_\t0\troot\t_\t_\n\n"
PLUS = "# global.columns = ID FORM NER\n1\tHi\tO\n\n"
TOKENS = json.dumps({"id": 1, "words": ["Hi", "Ann"], "tags": ["O", "B-PER"]})
SPANS = {"text": "Hi Ann", "labels": [[3, 6, "PER"]]}
COLUMNS = Recognised("columns")

FORMS = {
    "columns": ("Hi UH O\nAnn NNP B-PER\n\nBo NNP O\n", COLUMNS),
    "columns with tabs": ("Hi\tO\nAnn\tB-PER\n\n", Recognised("columns", tabs=True)),
    "a cell with a space": ("Port Ann\tB-LOC\nis\tO\n\n", Recognised("columns", "tab", tabs=True)),
    "an empty cell": ("Ann\tNNP\tO\n.\t\tO\n\n", Recognised("columns", "tab", tabs=True)),
    "comments": ("# id 7\tdomain=en\nAnn _ _ O\n\n# id 8\tdomain=en\nBo _ _ O\n", Recognised("columns", None, True)),
    "comments of another width": (
        "#\thttp://a.org [1]\n1\tAnn\tO\tO\n\n#\thttp://b.org [2]\n1\tBo\tO\tO\n",
        Recognised("columns", None, True, True),
    ),
    "a token #": ("# SYM O\n1 CD O\n\nhit NN O\n# SYM O\n3 CD O\n", COLUMNS),
    "a token [": ("[ ( O\nsic FW O\n] ) O\n", COLUMNS),
    "CoNLL-U": (CONLLU, Recognised("conllu", keys=COLUMNS_OF_CONLLU)),
    "CoNLL-U Plus": (PLUS, Recognised("conllu", keys=("ID", "FORM", "NER"))),
    "CoNLL-2012": ("#begin document (nw/a); part 000\n", Recognised("conll2012")),
    "JSON Lines of tokens": (TOKENS, Recognised("jsonl", keys=("words", "tags"))),
    "spans in JSON Lines": (json.dumps(SPANS), Recognised("spans")),
    "spans in one array": (json.dumps([SPANS]), Recognised("spans")),
    "spans in an array over several lines": (json.dumps([SPANS], indent=1), Recognised("spans")),
}


@pytest.mark.parametrize("kind", FORMS)
def test_the_input_format_is_recognised_from_the_first_lines(tmp_path, kind):
    text, expected = FORMS[kind]
    (tmp_path / "text").write_text(text)
    assert recognise(tmp_path / "text") == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ('<?xml version="1.0"?>\n<doc/>\n', "looks like XML"),
        ("T1\tPER 0 3\tAnn\n", "looks like standoff annotation of brat"),
        ("(ROOT (S (NP Ann)))\n", "looks like bracketed trees"),
        ("sentence,word,pos,tag\n", "looks like comma-separated values"),
        ("Ann;NNP;B-PER\n", "looks like comma-separated values"),
        ("Sentence #,Word,POS,Tag\n", "looks like comma-separated values"),
        ("Ann/NNP met/VBD Bo/NNP ./.\n", "looks like words and tags joined to one field"),
        ("Ann O\rmet O\rBo O\r", r"lines end with carriage returns only; convert it: tr '\\r' '\\n' < \S+text > "),
        ("%PDF-1.7\n", "looks like a PDF file"),
        ("PK\x03\x04\0\0", "looks like a zip archive, such as an xlsx"),
        ('{\n "tokens": []\n}\n', "looks like JSON over several lines; expected JSON Lines"),
        ('{"title": "x"}\n', "has JSON objects with the keys 'title'"),
        ('[{"tokens": ["Hi"], "tags": ["O"]}]\n', r"looks like one JSON list; .*jq -c '\.\[\]'"),
        ('{"data": [{"tokens": ["Hi"]}]}\n', r"looks like one JSON object; .*jq -c '\.\[\"data\"\]\[\]'"),
        ('[["Hi Ann", {"entities": [[3, 6, "PER"]]}]]\n', "has JSON lists; expected JSON objects"),
    ],
)
def test_what_is_not_read_is_named_for_what_it_looks_like(tmp_path, text, message):
    (tmp_path / "text").write_text(text)
    with pytest.raises(DataError, match=message):
        recognise(tmp_path / "text")


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ("O B-PER I-PER B-LOC", SpanForm(None, False)),
        ("O B-PER E-PER S-LOC", SpanForm("bioes", False)),
        ("O B-PER L-PER U-LOC", SpanForm("bilou", False)),
        ("O B-PER M-PER E-PER S-LOC", SpanForm("bmes", False)),
        ("O B-PER M-PER E-PER W-LOC", SpanForm("bmewo", False)),
        ("o b-per i-per b-loc", SpanForm(None, True)),
        ("O B_PER I_PER", SpanForm(None, True)),
        ("O PER-B PER-I LOC-B", SpanForm(None, True)),
        ("0 B-PER I-PER", SpanForm(None, True)),
        ("- B-PER I-PER", SpanForm(None, True)),
        ("_ B-PER L-PER U-PER", SpanForm("bilou", True)),
        ("O B I", SpanForm(None, True)),
        ("B M E S", SpanForm("bmes", True)),
        ("NN DT VB IN .", None),
        ("Faa Fpa Fpt NC VMI", None),
        ("N-S N-P V-S O", None),
        ("NOUN VERB X", None),
    ],
)
def test_span_tags_are_known_by_their_letters_in_any_usual_spelling(tags, expected):
    assert span_form(Counter(tags.split() * 3)) == expected


def test_the_scheme_is_recognised_from_rare_spans_among_many_tokens_outside():
    assert span_form({"O": 10_000, "B-X": 20, "L-X": 20, "U-X": 40}) == SpanForm("bilou", False)
