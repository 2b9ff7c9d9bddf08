"""The heads: their weights by name, losses on one scale, and no sequence that a scheme forbids."""

from itertools import product

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional

from sparse_sharing.heads.base import build_head
from sparse_sharing.heads.crf import CrfHead
from sparse_sharing.heads.linear import LinearHead
from sparse_sharing.text.schemes import violation
from sparse_sharing.text.vocabulary import TaskTags

STATES = 6
CPU = torch.device("cpu")
KINDS = pytest.mark.parametrize("kind", ["linear", "crf"])
TAGS = {
    "none": ("A", "B", "C"),
    "iob1": ("B-A", "B-B", "I-A", "I-B", "O"),
    "iob2": ("B-A", "B-B", "I-A", "I-B", "O"),
    "bioes": ("B-A", "B-B", "E-A", "E-B", "I-A", "I-B", "O", "S-A", "S-B"),
}


def head_of(kind, scheme="bioes"):
    """A head for the tags of a scheme."""
    file_scheme = "none" if scheme == "none" else "iob2"
    return build_head(kind, STATES, TaskTags(TAGS[scheme], file_scheme, scheme), CPU)


def drawn(head, lengths, seed=0, scale=1.0):
    """Random weights of a head, states, tags and mask."""
    source = torch.Generator().manual_seed(seed)
    flat = scale * torch.randn(head.size, generator=source)
    mask = torch.arange(max(lengths)).unsqueeze(1) < torch.tensor(lengths)
    states = torch.randn(*mask.shape, STATES, generator=source)
    tags = torch.randint({info.name: info.shape for info in head.tensors()}["bias"][0], mask.shape, generator=source)
    return flat, states, tags.masked_fill(~mask, -100), mask


LENGTHS = st.lists(st.integers(1, 9), min_size=1, max_size=5)


def test_the_configuration_names_the_kind():
    assert type(head_of("linear")) is LinearHead
    assert type(head_of("crf")) is CrfHead


@pytest.mark.parametrize(
    ("kind", "names"), [("linear", ["weight", "bias"]), ("crf", ["weight", "bias", "transitions", "start", "end"])]
)
def test_the_parts_of_a_head_are_its_whole_vector_in_order(kind, names):
    head = head_of(kind)
    flat = torch.arange(float(head.size))
    parts = head.parts(flat)
    assert list(parts) == names
    assert torch.equal(torch.cat([part.flatten() for part in parts.values()]), flat)
    assert all(part.untyped_storage().data_ptr() == flat.untyped_storage().data_ptr() for part in parts.values())


def test_a_crf_head_has_a_transition_for_each_pair_of_tags():
    assert head_of("crf").size - head_of("linear").size == 9 * 9 + 9 + 9


@given(LENGTHS, st.integers(0, 10**6))
@settings(max_examples=25)
def test_a_field_without_transitions_has_the_loss_of_a_linear_head(lengths, seed):
    linear, crf = head_of("linear"), head_of("crf")
    flat, states, tags, mask = drawn(linear, lengths, seed)
    extended = torch.cat([flat, torch.zeros(crf.size - linear.size)])
    torch.testing.assert_close(crf.loss(extended, states, tags, mask), linear.loss(flat, states, tags, mask))


@KINDS
def test_the_loss_is_a_mean_over_tokens(kind):
    head = head_of(kind)
    flat, states, tags, mask = drawn(head, (5, 2))
    both = head.loss(flat, states, tags, mask)
    alone = [head.loss(flat, states[:n, [c]], tags[:n, [c]], mask[:n, [c]]) for c, n in enumerate(mask.sum(0).tolist())]
    torch.testing.assert_close(both, (5 * alone[0] + 2 * alone[1]) / 7)


@KINDS
def test_padding_has_no_influence(kind):
    head = head_of(kind)
    flat, states, tags, mask = drawn(head, (5, 2))
    other = states.masked_fill(~mask.unsqueeze(2), 100.0)
    assert torch.equal(head.loss(flat, states, tags, mask), head.loss(flat, other, tags, mask))
    assert torch.equal(head.decode(flat, states, mask)[mask], head.decode(flat, other, mask)[mask])


@given(st.sampled_from(["iob1", "iob2", "bioes"]), LENGTHS, st.integers(0, 10**6), st.sampled_from([0.1, 1.0, 30.0]))
def test_a_forbidden_transition_is_never_decoded(scheme, lengths, seed, scale):
    head, names = head_of("crf", scheme), TAGS[scheme]
    flat, states, _, mask = drawn(head, lengths, seed, scale)
    decoded = head.decode(flat, states, mask)
    for column, length in enumerate(lengths):
        tags = [names[tag] for tag in decoded[:length, column].tolist()]
        assert violation(tags, scheme) is None, tags


@pytest.mark.parametrize("scheme", ["none", "iob1", "iob2", "bioes"])
@given(length=st.integers(1, 4), seed=st.integers(0, 10**6))
@settings(max_examples=10)
def test_the_best_of_all_valid_sequences_is_decoded(scheme, length, seed):
    head, names = head_of("crf", scheme), TAGS[scheme]
    flat, states, _, mask = drawn(head, (length,), seed)
    valid = [p for p in product(range(len(names)), repeat=length) if violation([names[t] for t in p], scheme) is None]
    losses = [head.loss(flat, states, torch.tensor(path).unsqueeze(1), mask).item() for path in valid]
    decoded = tuple(head.decode(flat, states, mask)[:, 0].tolist())
    assert decoded in valid
    assert losses[valid.index(decoded)] == pytest.approx(min(losses), abs=1e-5)


def test_a_vocabulary_that_allows_no_sequence_still_gets_one():
    head = build_head("crf", STATES, TaskTags(("B-A", "E-A"), "iob2", "bioes"), CPU)
    flat, states, _, mask = drawn(head, (1, 2))
    assert head.decode(flat, states, mask)[:, 1].tolist() == [0, 1]
    assert head.decode(flat, states, mask)[0, 0].item() in (0, 1)


def test_the_loss_of_a_linear_head_is_the_cross_entropy_of_its_scores():
    head = head_of("linear")
    flat, states, tags, mask = drawn(head, (5, 2))
    scores = head.scores(flat, states)
    expected = functional.cross_entropy(scores[mask], tags[mask])
    torch.testing.assert_close(head.loss(flat, states, tags, mask), expected)
    assert torch.equal(head.decode(flat, states, mask), scores.argmax(2))


@KINDS
@pytest.mark.parametrize("scheme", TAGS)
def test_assessing_decodes_as_decoding_does_and_sums_the_loss_that_training_takes_the_mean_of(kind, scheme):
    head = head_of(kind, scheme)
    flat, states, tags, mask = drawn(head, [4, 1, 3])
    best, total, count = head.assess(flat, states, tags, mask)
    assert torch.equal(best[mask], head.decode(flat, states, mask)[mask])
    assert count == mask.sum()
    assert torch.allclose(total / count, head.loss(flat, states, tags, mask))


@pytest.mark.parametrize(("kind", "left"), [("linear", [(0, 0), (1, 0), (0, 1)]), ("crf", [(0, 1)])])
def test_a_tag_that_training_lacks_is_left_out_of_the_loss_with_what_depends_on_it(kind, left):
    head = head_of(kind, "none")
    flat, states, tags, mask = drawn(head, [3, 1])
    tags[2, 0] = len(TAGS["none"])
    best, total, count = head.assess(flat, states, tags, mask)
    assert torch.equal(best[mask], head.decode(flat, states, mask)[mask])
    assert count == len(left)
    if kind == "linear":
        scores = head.scores(flat, states)
        expected = sum(functional.cross_entropy(scores[place], tags[place]) for place in left)
    else:
        expected = head.loss(flat, states[:1, 1:], tags[:1, 1:], mask[:1, 1:])
    assert torch.allclose(total, expected)


@KINDS
def test_a_batch_of_unknown_tags_has_no_loss(kind):
    head = head_of(kind, "none")
    flat, states, tags, mask = drawn(head, [3, 1])
    _, total, count = head.assess(flat, states, tags.masked_fill(mask, 3), mask)
    assert (float(total), int(count)) == (0.0, 0)
