"""Batches: no sentence is lost, padding is inert, each distinct word and spelling stands there once."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny import encoded, sentences, vocabulary_of

from sparse_sharing.text.batches import (
    IGNORED_TAG,
    WORDS,
    make_batch,
    shuffled_batches,
    sorted_batches,
    training_batches,
)
from sparse_sharing.text.features import FEATURES, FeatureKinds, FeatureRows
from sparse_sharing.text.vocabulary import UNKNOWN_WORD

LENGTHS = st.lists(st.integers(1, 30), max_size=60).map(lambda lengths: np.array(lengths, dtype=np.int64))
TEXT = encoded(sentences(20, seed=3))
SOME = st.lists(st.integers(0, TEXT.sentences - 1), min_size=1, max_size=8)


def columns(grid, lengths):
    """The entries of each sentence, without padding."""
    return [grid[:length, column].tolist() for column, length in enumerate(lengths)]


@settings(deadline=None)
@given(LENGTHS, st.integers(1, 12), st.integers(1, 6), st.integers(0, 100))
def test_shuffled_batches_hold_every_sentence_exactly_once(lengths, batch_size, buckets, seed):
    batches = shuffled_batches(lengths, batch_size, buckets, np.random.default_rng(seed))
    assert sorted(index for batch in batches for index in batch) == list(range(len(lengths)))
    assert len(batches) == -(-len(lengths) // batch_size)
    assert all(len(batch) <= batch_size for batch in batches)


@settings(deadline=None)
@given(LENGTHS, st.integers(1, 12))
def test_sorted_batches_hold_every_sentence_exactly_once_the_longest_first(lengths, batch_size):
    order = [index for batch in sorted_batches(lengths, batch_size) for index in batch]
    assert sorted(order) == list(range(len(lengths)))
    assert all(lengths[one] >= lengths[other] for one, other in pairwise(order))


def test_a_batch_to_apply_a_network_to_is_bounded_in_positions_and_holds_one_sentence_at_least():
    lengths = np.array([3000, 10_000, *[1000] * 9, *[1] * 300])
    sizes = [(int(lengths[batch].max()), len(batch)) for batch in sorted_batches(lengths, 128)]
    assert sizes == [(10_000, 1), (3000, 1), (1000, 4), (1000, 4), (1000, 4 * 1000 // 1000), *[(1, 128)] * 2, (1, 41)]


@settings(deadline=None)
@given(LENGTHS.filter(len), st.integers(1, 12), st.integers(0, 100))
def test_batches_of_one_pool_hold_sentences_of_similar_length(lengths, batch_size, seed):
    batches = shuffled_batches(lengths, batch_size, max(2, len(lengths)), np.random.default_rng(seed))
    ranges = sorted((lengths[batch].min(), lengths[batch].max()) for batch in batches)
    assert all(one[1] <= other[0] for one, other in pairwise(ranges))


def test_the_order_of_batches_depends_only_on_the_seed():
    lengths = np.arange(1, 41)
    orders = [
        np.concatenate(shuffled_batches(lengths, 4, 3, np.random.default_rng(seed))).tolist() for seed in (1, 1, 2)
    ]
    assert orders[0] == orders[1]
    assert orders[0] != orders[2]


@settings(deadline=None)
@given(SOME)
def test_words_are_found_through_the_distinct_rows(indices):
    batch = make_batch(TEXT, indices)
    expected = [TEXT.surface_words[TEXT.tokens[TEXT.offsets[i] : TEXT.offsets[i + 1]]].tolist() for i in indices]
    assert columns(batch.word_rows[batch.words], TEXT.lengths[indices]) == expected
    assert batch.word_rows.tolist() == sorted({word for sentence in expected for word in sentence})


@settings(deadline=None)
@given(SOME)
def test_characters_are_found_through_the_distinct_surfaces(indices):
    vocabulary, batch, words = vocabulary_of(), make_batch(TEXT, indices), TEXT.words()
    rows = batch.character_rows[batch.surfaces]
    for column, index in enumerate(indices):
        for time, word in enumerate(words[index]):
            spelled = vocabulary.spell(word)
            assert rows[time, column].tolist() == spelled + [0] * (rows.shape[2] - len(spelled))
    assert len(batch.character_rows) == len({word for index in indices for word in words[index]})


@settings(deadline=None)
@given(SOME)
def test_characters_are_cut_to_the_longest_word_of_the_batch(indices):
    words = TEXT.words()
    longest = max(len(vocabulary_of().spell(word)) for index in indices for word in words[index])
    assert make_batch(TEXT, indices).character_rows.shape[1] == longest


def test_a_batch_of_short_words_is_narrower_than_the_text():
    text = encoded([(["a", "cat"], {}), (["quickly"], {})], vocabulary_of(()))
    assert text.surface_characters.shape[1] == 6
    assert make_batch(text, [0]).character_rows.shape == (2, 3)


@settings(deadline=None)
@given(SOME)
def test_reverse_turns_each_sentence_round_and_leaves_padding_behind_it(indices):
    batch, lengths = make_batch(TEXT, indices), TEXT.lengths[indices]
    turned = batch.words.reshape(-1)[batch.reverse].view(batch.words.shape)
    assert columns(turned, lengths) == [sentence[::-1] for sentence in columns(batch.words, lengths)]
    assert torch.equal(turned[~batch.mask], batch.words[~batch.mask])


@settings(deadline=None)
@given(SOME)
def test_reverse_is_its_own_inverse(indices):
    reverse = make_batch(TEXT, indices).reverse
    assert torch.equal(reverse[reverse], torch.arange(len(reverse)))


@settings(deadline=None)
@given(SOME, st.sampled_from(["chunk", "ner", "pos"]))
def test_tags_are_those_of_the_text_and_ignored_at_padding(indices, task):
    batch = make_batch(TEXT, indices, task)
    gold = [TEXT.tags[task][TEXT.offsets[i] : TEXT.offsets[i + 1]].tolist() for i in indices]
    assert columns(batch.tags, TEXT.lengths[indices]) == gold
    assert (batch.tags[~batch.mask] == IGNORED_TAG).all()
    assert (batch.tags[batch.mask] != IGNORED_TAG).all()


def test_without_a_task_there_are_no_tags():
    assert make_batch(TEXT, [0, 1]).tags.numel() == 0


@settings(deadline=None)
@given(SOME, st.floats(0.1, 0.9), st.integers(0, 1000))
def test_word_dropout_only_turns_words_of_tokens_into_the_unknown_word(indices, share, seed):
    plain = make_batch(TEXT, indices, "pos")
    dropped = make_batch(TEXT, indices, "pos", share, np.random.default_rng(seed))
    before, after = plain.word_rows[plain.words][plain.mask], dropped.word_rows[dropped.words][dropped.mask]
    changed = before != after
    assert (after[changed] == UNKNOWN_WORD).all()
    assert set(dropped.word_rows.tolist()) == set(after.tolist())
    for name in ("character_rows", "surfaces", "reverse", "tags", "mask"):
        assert torch.equal(getattr(plain, name), getattr(dropped, name))


def test_word_dropout_reaches_its_share_of_the_tokens():
    text = encoded(sentences(400, seed=5))
    batch = make_batch(text, range(400), "pos", 0.25, np.random.default_rng(1))
    words = batch.word_rows[batch.words][batch.mask]
    assert (words == UNKNOWN_WORD).float().mean().item() == pytest.approx(0.25, abs=0.03)


def test_a_share_for_each_surface_drops_only_tokens_of_these_surfaces():
    text = encoded([(["the", "cat"], {}), (["cat", "the"], {})], vocabulary_of(()))
    batch = make_batch(text, [0, 1], None, np.array([0.0, 1.0]), np.random.default_rng(1))
    words = batch.word_rows[batch.words]
    assert words.tolist() == [[text.surface_words[0], UNKNOWN_WORD], [UNKNOWN_WORD, text.surface_words[0]]]


def test_a_batch_has_the_features_of_each_of_its_tokens_and_so_has_a_part_of_it():
    found = FeatureRows(FeatureKinds((1,), (2,), False, False, 20))
    whole = make_batch(TEXT, [3, 4, 5], features=found)
    for batch, first in ((whole, 3), (whole.cut(slice(1, 3)), 4)):
        rows = batch.feature_rows[batch.features][batch.surfaces]
        assert set(batch.rows) == {WORDS, FEATURES}
        for column, length in enumerate(batch.mask.sum(0).tolist()):
            expected = found.of(TEXT.words()[first + column])
            assert np.array_equal(rows[:length, column].numpy(), expected)


def test_padding_brings_no_word_into_the_batch():
    text = encoded([(["the", "cat"], {}), (["Bob"], {}), (["town"], {})], vocabulary_of(()))
    batch = make_batch(text, [1, 0])
    assert sorted(batch.word_rows.tolist()) == sorted(text.surface_words[[0, 1, 2]].tolist())


def test_on_the_cpu_a_batch_is_not_copied():
    batch = make_batch(TEXT, [0])
    assert batch.to(torch.device("cpu")) is batch


@settings(deadline=None)
@given(SOME, st.integers(0, 7), st.integers(1, 8))
def test_a_part_of_a_batch_reads_as_a_batch_of_its_sentences(indices, start, size):
    start = min(start, len(indices) - 1)
    part = make_batch(TEXT, indices, "ner").cut(slice(start, start + size))
    own = make_batch(TEXT, indices[start : start + size], "ner")
    assert part.origin == (int(TEXT.lengths[indices].max()), len(indices), slice(start, start + size))
    for name in ("tags", "mask", "reverse"):
        assert torch.equal(getattr(part, name), getattr(own, name))
    assert torch.equal(part.word_rows[part.words][own.mask], own.word_rows[own.words][own.mask])
    width = own.character_rows.shape[1]
    assert torch.equal(
        part.character_rows[part.surfaces][own.mask][:, :width], own.character_rows[own.surfaces][own.mask]
    )


def test_sentences_without_a_tag_of_the_task_are_in_no_batch():
    tags = {"chunk": ["O", "O"], "ner": ["O", "O"]}
    pairs = [(["a", "b"], {**tags, "pos": own}) for own in (["N", ""], ["", ""], ["", "N"])]
    text, random = encoded(pairs), np.random.default_rng(1)
    assert sorted(np.concatenate(training_batches(text, "pos", 1, 1, random)).tolist()) == [0, 2]
    assert sorted(np.concatenate(training_batches(text, "ner", 2, 1, random)).tolist()) == [0, 1, 2]
    batch = make_batch(text, [0, 2], "pos")
    assert (batch.tags == IGNORED_TAG).T.tolist() == [[False, True], [True, False]]
    assert text.gold_tags("pos", vocabulary_of()) == [["N", ""], ["", ""], ["", "N"]]
