"""Tags and spans from arrays are those of the reader of tag schemes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sparse_sharing.tagging.decoding import TagDecoder, file_tags, shares_of
from sparse_sharing.text.schemes import convert, read_spans
from sparse_sharing.text.vocabulary import TaskTags

TAGS = ("O", "B-A", "I-A", "E-A", "S-A", "B-B", "I-B", "E-B", "S-B", "B-x-y", "odd", "I")
SCHEMES = ("iob1", "iob2", "bioes")


@pytest.mark.parametrize("source", SCHEMES)
@pytest.mark.parametrize("target", SCHEMES)
@given(text=st.lists(st.lists(st.integers(0, len(TAGS) - 1), min_size=1, max_size=8), min_size=1, max_size=5))
def test_any_tags_are_read_and_written_as_by_the_schemes(source, target, text):
    decoder = TagDecoder(TaskTags(TAGS, target, source))
    offsets = np.cumsum([0, *map(len, text)])
    tags, spans = decoder.decode(np.concatenate(text), offsets)
    sentences = [[TAGS[number] for number in sentence] for sentence in text]
    assert tags == [tag for sentence in sentences for tag in convert(sentence, source, target)]
    expected = [
        (span.type, span.start + start, span.end + start)
        for sentence, start in zip(sentences, offsets, strict=False)
        for span in read_spans(sentence, source)
    ]
    found = [(decoder.labels[label], start, end) for label, start, end in zip(*vars(spans).values(), strict=True)]
    assert found == expected


def test_tags_without_spans_are_their_names():
    assert TagDecoder(TaskTags(("N", "V"), "none", "none")).decode(np.array([1, 0]), np.array([0, 2])) == (
        ["V", "N"],
        None,
    )


def test_the_tags_of_files_are_those_of_their_scheme():
    assert file_tags(TaskTags(("O", "S-A"), "iob2", "bioes")) == {"O", "B-A", "I-A"}
    assert file_tags(TaskTags(("N", "V"), "none", "none")) == {"N", "V"}


def test_the_share_of_a_tag_is_its_softmax_also_of_large_scores():
    scores = np.array([[0.0, 1000.0], [0.0, 0.0]], np.float32)
    assert shares_of(scores, np.array([1, 0])).tolist() == [1, 0.5]
    assert shares_of(scores, np.array([0, 0])).tolist() == [0, 0.5]
