"""A collected text is encoded to the arrays that `encode_text` makes of the same sentences in memory."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny import TASKS, encoded, sentences, vocabulary_of

from sparse_sharing.storage.artifacts import Streamed
from sparse_sharing.text import spool as module
from sparse_sharing.text.collected import collect_text, document_numbers
from sparse_sharing.text.schemes import convert, read_spans, repair
from sparse_sharing.text.splits import cut_development, development, duplicate_counts, shared_sentences
from sparse_sharing.text.spool import Spool

VECTORS = {word: np.full(2, number, np.float32) for number, word in enumerate(("zebra", "gnu", "cat", "ab"))}
WORDS = st.sampled_from(["the", "Cat", "cat", "zebra", "Gnu", "gnu", "İ", "東京", "a" * 30]) | st.text(
    min_size=1, max_size=4
)
TAGS = {"chunk": ("B-NP", "I-NP", "O", "B-NEW"), "ner": ("O", "S-PER", "S-NEW"), "pos": ("D", "N", "X", "Y")}
TOKENS = st.tuples(WORDS, *(st.sampled_from(TAGS[task]) for task in TASKS))
TEXT = st.lists(st.lists(TOKENS, min_size=1, max_size=6), max_size=12)


@pytest.fixture(scope="module")
def spool(tmp_path_factory):
    """A spool with pieces of a few numbers."""
    patch = pytest.MonkeyPatch()
    patch.setattr(module, "PIECE", 7)
    with Spool(tmp_path_factory.mktemp("spool")) as opened:
        yield opened
    patch.undo()


def pairs_of(text):
    """Drawn sentences as (words, tags of each task) pairs."""
    columns = [list(zip(*tokens, strict=True)) for tokens in text]
    return [(words, dict(zip(TASKS, tags, strict=True))) for words, *tags in columns]


def plain(tensors):
    """Tensors as values with their types, whether in memory or streamed."""
    found = {}
    for name, tensor in tensors.items():
        array = tensor
        if isinstance(tensor, Streamed):
            array = np.concatenate([np.zeros(0, tensor.dtype), *tensor.pieces()])
            assert array.shape == tensor.shape
        found[name] = (array.dtype, array.shape, array.tolist())
    return found


def assert_equal(collected, pairs):
    """The collected text is encoded as the pairs are."""
    vocabulary, theirs = vocabulary_of(), encoded(pairs, vectors=VECTORS, dimension=2)
    tags = {task: collected.encode_tags(task, vocabulary.tasks[task].tags) for task in TASKS}
    tensors = collected.to_tensors("own", vocabulary, VECTORS, 2)
    tensors |= {f"own/tags/{task}": numbers for task, (numbers, _) in tags.items()}
    assert plain(tensors) == plain(theirs.to_tensors("own"))
    assert {task: unseen for task, (_, unseen) in tags.items()} == theirs.unseen_tags


@given(TEXT)
def test_a_text_is_encoded_as_in_memory(spool, text):
    pairs = pairs_of(text)
    assert_equal(collect_text(pairs, TASKS, spool), pairs)


@given(TEXT.filter(lambda text: len(text) > 1), st.floats(0.01, 0.99), st.integers(0, 5))
def test_both_parts_of_a_cut_are_encoded_as_if_they_were_texts_of_their_own(spool, text, fraction, seed):
    pairs = pairs_of(text)
    chosen = development(len(pairs), fraction, seed)
    parts = collect_text(pairs, TASKS, spool).cut(chosen, spool)
    for part, own in zip(parts, cut_development(pairs, fraction, seed), strict=True):
        assert_equal(part, own)
        assert part.word_counts() == collect_text(own, TASKS, spool).word_counts()
        assert {task: set(tags) for task, tags in part.tags.items()} == {
            task: {tag for _, tags in own for tag in tags[task]} for task in TASKS
        }


@given(TEXT)
def test_words_are_counted(spool, text):
    words = [word for words, _ in pairs_of(text) for word in words]
    counts = collect_text(pairs_of(text), TASKS, spool).word_counts()
    assert counts == {word: words.count(word) for word in words}


def test_digests_find_the_sentences_that_two_texts_share(spool):
    train, test = sentences(30, seed=1), sentences(30, seed=2)
    digests = {name: collect_text(pairs, TASKS, spool).digests for name, pairs in (("train", train), ("test", test))}
    counted = duplicate_counts({"train": [tuple(words) for words, _ in train], "test": [tuple(w) for w, _ in test]})
    assert shared_sentences(digests) == counted
    assert counted["train", "test"] > 0


@pytest.mark.parametrize(
    ("documents", "numbers"), [([0, 0, 2, 5, 5], [0, 0, 1, 2, 2]), ([3, 4], [0, 1]), ([4, 4], None), ([], None)]
)
def test_documents_are_counted_from_0_without_gaps_where_there_are_two(documents, numbers):
    found = document_numbers(documents)
    assert (found if found is None else found.tolist()) == numbers


def test_each_part_of_a_cut_keeps_the_documents_of_its_sentences(spool):
    text = replace(collect_text(sentences(4), TASKS, spool), documents=np.array([0, 1, 1, 2], np.int32))
    rest, taken = text.cut(np.array([False, True, False, True]), spool)
    assert (rest.documents.tolist(), taken.documents.tolist()) == ([0, 1], [0, 1])
    assert text.cut(np.array([True, False, False, True]), spool)[0].documents is None


@given(TEXT, st.sampled_from(["iob1", "iob2", "bioes"]))
def test_spans_are_counted_by_type(spool, text, scheme):
    pairs = [
        (words, tags | {"ner": repair(tags["ner"], "bioes")[0], "chunk": repair(tags["chunk"], "iob2")[0]})
        for words, tags in pairs_of(text)
    ]
    pairs = [(words, tags | {"ner": convert(tags["ner"], "bioes", scheme)}) for words, tags in pairs]
    found = collect_text(pairs, TASKS, spool).type_counts("ner", scheme)
    assert found == Counter(span.type for _, tags in pairs for span in read_spans(tags["ner"], scheme))


def test_plain_tags_are_counted(spool):
    pairs = pairs_of([[("a", "O", "O", "N"), ("b", "O", "O", "X")], [("c", "O", "O", "N")]])
    assert collect_text(pairs, TASKS, spool).type_counts("pos", "none") == {"N": 2, "X": 1}
