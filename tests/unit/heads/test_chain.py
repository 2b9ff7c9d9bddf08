"""The random field against the listing of all its sequences, and against another library."""

from itertools import product

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny import all_bits
from torchcrf import CRF

from sparse_sharing.heads import chain as chain_module
from sparse_sharing.heads.chain import best_paths, log_partition, path_scores


def field(lengths, tags, seed=0, scale=2.0, dtype=torch.float64):
    """Random emissions and transitions for sentences of some lengths: emissions, mask, and the rest by name."""
    source = torch.Generator().manual_seed(seed)

    def draw(*shape):
        return scale * torch.randn(shape, generator=source, dtype=torch.float64).to(dtype)

    mask = torch.arange(max(lengths)).unsqueeze(1) < torch.tensor(lengths)
    chain = {"transitions": draw(tags, tags), "start": draw(tags), "end": draw(tags)}
    return draw(max(lengths), len(lengths), tags), mask, chain


def score_of(path, emissions, chain):
    """The score of one sequence, term by term."""
    total = chain["start"][path[0]] + chain["end"][path[-1]]
    for position, tag in enumerate(path):
        total = total + emissions[position, tag]
        if position:
            total = total + chain["transitions"][path[position - 1], tag]
    return total


def listed(emissions, mask, chain):
    """For each sentence every sequence of tags and its score."""
    for column, length in enumerate(mask.sum(0).tolist()):
        paths = list(product(range(emissions.shape[2]), repeat=length))
        yield paths, torch.stack([score_of(path, emissions[:, column], chain) for path in paths])


FIELDS = st.builds(
    field, st.lists(st.integers(1, 4), min_size=1, max_size=4), st.integers(1, 4), seed=st.integers(0, 10**6)
)


@settings(max_examples=40)
@given(FIELDS)
def test_the_partition_is_the_sum_over_all_sequences(values):
    emissions, mask, chain = values
    expected = torch.stack([scores.logsumexp(0) for _, scores in listed(emissions, mask, chain)])
    torch.testing.assert_close(log_partition(emissions, mask, **chain), expected)


@settings(max_examples=40)
@given(FIELDS)
def test_the_best_path_is_the_best_of_all_sequences(values):
    emissions, mask, chain = values
    found = best_paths(emissions, mask, **chain)
    for column, (paths, scores) in enumerate(listed(emissions, mask, chain)):
        best = list(paths[int(scores.argmax())])
        assert found[: len(best), column].tolist() == best
        assert set(found[len(best) :, column].tolist()) <= {best[-1]}


@settings(max_examples=40)
@given(FIELDS, st.integers(0, 10**6))
def test_the_score_of_a_path_is_the_sum_of_its_terms(values, seed):
    emissions, mask, chain = values
    tags = torch.randint(emissions.shape[2], mask.shape, generator=torch.Generator().manual_seed(seed))
    expected = [
        score_of(tags[:length, column].tolist(), emissions[:, column], chain)
        for column, length in enumerate(mask.sum(0).tolist())
    ]
    found = path_scores(emissions, tags.masked_fill(~mask, -100), mask, **chain)
    torch.testing.assert_close(found, torch.stack(expected))


@settings(max_examples=40)
@given(FIELDS)
def test_the_probabilities_of_all_sequences_sum_to_one(values):
    emissions, mask, chain = values
    total = log_partition(emissions, mask, **chain)
    for column, (_, scores) in enumerate(listed(emissions, mask, chain)):
        assert (scores - total[column]).exp().sum().item() == pytest.approx(1)


def library(chain):
    """The same field in pytorch-crf."""
    crf = CRF(len(chain["start"])).to(chain["start"].dtype)
    for name, own in (("start_transitions", "start"), ("end_transitions", "end"), ("transitions", "transitions")):
        getattr(crf, name).data.copy_(chain[own])
    return crf


@settings(max_examples=20)
@given(st.lists(st.integers(1, 30), min_size=1, max_size=8), st.integers(2, 20), st.integers(0, 10**6))
def test_likelihood_gradients_and_best_paths_are_those_of_pytorch_crf(lengths, count, seed):
    emissions, mask, chain = field([2, *lengths], count, seed)
    tags = torch.randint(count, mask.shape, generator=torch.Generator().manual_seed(seed))
    crf = library(chain)
    own = {name: value.clone().requires_grad_() for name, value in ({"emissions": emissions} | chain).items()}
    parts = {name: own[name] for name in chain}
    likelihood = path_scores(own["emissions"], tags, mask, **parts) - log_partition(own["emissions"], mask, **parts)
    likelihood.sum().backward()
    theirs = emissions.clone().requires_grad_()
    expected = crf(theirs, tags, mask=mask, reduction="none")
    expected.sum().backward()
    torch.testing.assert_close(likelihood, expected)
    torch.testing.assert_close(own["emissions"].grad, theirs.grad)
    torch.testing.assert_close(own["transitions"].grad, crf.transitions.grad)
    torch.testing.assert_close(own["start"].grad, crf.start_transitions.grad)
    torch.testing.assert_close(own["end"].grad, crf.end_transitions.grad)
    paths = best_paths(emissions, mask, **chain)
    found = [paths[:length, column].tolist() for column, length in enumerate(mask.sum(0).tolist())]
    assert found == crf.decode(emissions, mask=mask)


@pytest.mark.parametrize("lengths", [(5000,), (5000, 1, 40), (1,), (1, 1)])
def test_gradients_are_finite_for_very_long_and_one_token_sentences(lengths):
    emissions, mask, chain = field(lengths, 5, scale=10.0, dtype=torch.float32)
    values = [emissions, *chain.values()]
    for value in values:
        value.requires_grad_()
    tags = torch.zeros(mask.shape, dtype=torch.int64)
    (log_partition(emissions, mask, **chain) - path_scores(emissions, tags, mask, **chain)).sum().backward()
    assert all(value.grad.isfinite().all() for value in values)
    # what a token takes from one tag it gives to another
    torch.testing.assert_close(emissions.grad.sum(2), torch.zeros(mask.shape), rtol=0, atol=1e-3)
    assert not emissions.grad[~mask].any()
    assert best_paths(emissions.detach(), mask, **{n: v.detach() for n, v in chain.items()}).shape == mask.shape


def all_of(lengths, count):
    """Gradients, the sum of all sequences and the best ones of a field of single precision, as bits."""
    emissions, mask, chain = field(lengths, count, dtype=torch.float32)
    values = {"emissions": emissions} | chain
    for value in values.values():
        value.requires_grad_()
    total = log_partition(emissions, mask, **chain)
    total.sum().backward()
    best = best_paths(emissions.detach(), mask, **{name: value.detach() for name, value in chain.items()})
    return all_bits({"total": total, "best": best} | {name: value.grad for name, value in values.items()})


def test_bounds_on_memory_change_no_bit(monkeypatch):
    free = all_of((7, 3, 5, 1), 6)
    monkeypatch.setattr(chain_module, "MOST_KEPT", 0)
    assert all_of((7, 3, 5, 1), 6) == free
    monkeypatch.setattr(chain_module, "MOST_PAIRS", 2 * 6 * 6)
    cut = all_of((7, 3, 5, 1), 6)
    assert {name: cut[name] for name in ("total", "best", "emissions")} == {
        name: free[name] for name in ("total", "best", "emissions")
    }


@pytest.mark.parametrize(("most", "kept"), [(2**26, True), (3 * 50 * 50, False)])
def test_beyond_a_bound_no_scores_of_pairs_are_kept_for_the_gradient(monkeypatch, most, kept):
    monkeypatch.setattr(chain_module, "MOST_KEPT", most)
    emissions, mask, chain = field((9,) * 3, 50)
    emissions.requires_grad_()
    sizes = []
    with torch.autograd.graph.saved_tensors_hooks(lambda value: sizes.append(value.numel()) or value, lambda own: own):
        log_partition(emissions, mask, **chain)
    assert (max(sizes) >= 3 * 50 * 50) is kept
