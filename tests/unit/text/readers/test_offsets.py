"""Texts with spans by characters, as Doccano, Label Studio and Prodigy export them."""

import gzip
import json

import pytest

from sparse_sharing.errors import DataError
from sparse_sharing.text.readers.conllu import Layer
from sparse_sharing.text.readers.offsets import read_offsets
from sparse_sharing.text.sentences import ReadReport
from sparse_sharing.text.tags import Rules

SPANS = Layer("ner", "spans", "iob2")
TEXT = "Mara Voss sings. She left Lund-West!"
MARKS = [(0, 9, "PER"), (26, 30, "LOC")]
TAGGED = [
    (("Mara", "Voss", "sings", "."), ("B-PER", "I-PER", "O", "O")),
    (("She", "left", "Lund", "-West", "!"), ("O", "O", "B-LOC", "O", "O")),
]


def label_studio(**more):
    """A task of Label Studio."""
    value = [{"type": "labels", "value": {"start": a, "end": b, "labels": [label]}} for a, b, label in MARKS]
    return {"data": {"text": TEXT}, "annotations": [{"was_cancelled": False, "result": value, **more}]}


RECORDS = {
    "doccano": {"id": 1, "text": TEXT, "label": [list(mark) for mark in MARKS]},
    "doccano with labels": {"text": TEXT, "labels": [list(mark) for mark in MARKS]},
    "doccano with relations": {
        "text": TEXT,
        "entities": [{"id": 1, "label": label, "start_offset": a, "end_offset": b} for a, b, label in MARKS],
        "relations": [],
    },
    "label studio": label_studio(),
    "label studio, small": {
        "text": TEXT,
        "label": [{"start": a, "end": b, "text": TEXT[a:b], "labels": [label]} for a, b, label in MARKS],
    },
    "prodigy": {
        "text": TEXT,
        "spans": [{"start": a, "end": b, "label": label} for a, b, label in MARKS],
        "answer": "accept",
    },
}


def write(folder, *records, array=False):
    """A file of records."""
    path = folder / "text.json"
    path.write_text(json.dumps(records, indent=1) if array else "".join(json.dumps(own) + "\n" for own in records))
    return path


def words_and_tags(path, layer=SPANS, **options):
    """The words and tags of each sentence."""
    return [(sentence.words, sentence.tags[0]) for sentence in read_offsets(path, [layer], **options)]


@pytest.mark.parametrize("array", [False, True])
@pytest.mark.parametrize("tool", RECORDS)
def test_sentences_and_tags_of_every_tool(tmp_path, tool, array):
    assert words_and_tags(write(tmp_path, RECORDS[tool], array=array)) == TAGGED


def test_gzip_and_other_names_for_labels(tmp_path):
    path = tmp_path / "text.jsonl.gz"
    path.write_bytes(gzip.compress(json.dumps(RECORDS["doccano"]).encode()))
    ((_, first), (_, second)) = words_and_tags(path, Layer("ner", "spans", "iob2", Rules(labels={"LOC": "O"})))
    assert (set(first), set(second)) == ({"B-PER", "I-PER", "O"}, {"O"})


def test_tokens_of_the_file_are_kept(tmp_path):
    ends = [(0, 4), (5, 9), (10, 16), (17, 20), (21, 25), (26, 30), (30, 36)]
    record = RECORDS["prodigy"] | {"tokens": [{"start": a, "end": b} for a, b in ends]}
    ((words, _),) = words_and_tags(write(tmp_path, record))
    assert words == ("Mara", "Voss", "sings.", "She", "left", "Lund", "-West!")


def test_each_record_is_a_document_and_rejected_ones_are_left_out(tmp_path):
    report = ReadReport()
    rejected = RECORDS["prodigy"] | {"answer": "reject"}
    path = write(tmp_path, RECORDS["prodigy"], rejected, RECORDS["prodigy"])
    assert len(words_and_tags(path, report=report)) == 4
    assert (report.documents.tolist(), report.documents_skipped) == ([0, 0, 1, 1], 1)
    assert {tag for _, tags in words_and_tags(write(tmp_path, label_studio(was_cancelled=True))) for tag in tags} == {
        "O"
    }


def test_white_space_at_the_ends_of_a_span_and_lines_inside_a_text(tmp_path):
    path = write(tmp_path, {"text": "Mara Voss\n sings", "label": [[0, 11, "PER"]]})
    assert words_and_tags(path) == [(("Mara", "Voss"), ("B-PER", "I-PER")), (("sings",), ("O",))]


@pytest.mark.parametrize(
    ("label", "message"),
    [
        ([[0, 4, "A"], [2, 9, "B"]], "'Mara' and 'ra Voss' overlap"),
        ([[0, 99, "A"]], "expected one inside the 36 characters"),
        ([[4, 5, "A"]], "expected one inside"),
        ([[0, "A"]], "expected a start, an end and a label"),
    ],
)
def test_spans_that_cannot_be_tags_are_refused(tmp_path, label, message):
    with pytest.raises(DataError, match=message):
        words_and_tags(write(tmp_path, {"text": TEXT, "label": label}))


def test_combining_marks_stay_in_their_word(tmp_path):
    text = "हिन्दी भाषा, cafe\u0301."
    path = write(tmp_path, {"text": text, "label": [[0, 6, "LANG"]]})
    ((words, tags),) = words_and_tags(path)
    assert words == ("हिन्दी", "भाषा", ",", "cafe\u0301", ".")
    assert tags == ("B-LANG", "O", "O", "O", "O")
