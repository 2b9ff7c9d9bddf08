"""The starting weights: each tensor from a seed of its own, known words from their vectors."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from tiny import MODEL, all_bits, bits, network_of, vocabulary_of

from sparse_sharing.text.batches import WORDS
from sparse_sharing.training.initial import initialise


def with_vectors(width, known, seed=1):
    """A network whose words with the ids `known` start from vectors of ones, and the vectors."""
    network = network_of(seed=seed)
    has_vector = np.zeros(len(network.rows[WORDS]), bool)
    has_vector[known] = True
    vectors = np.where(has_vector[:, None], 1.0, 99.0).astype(np.float32).repeat(width, axis=1)
    initialise(network, seed, vectors, has_vector)
    return network


def test_the_same_seed_gives_the_same_bytes():
    assert all_bits(network_of(seed=3).values()) == all_bits(network_of(seed=3).values())


def test_another_seed_changes_every_matrix():
    one, other = all_bits(network_of(seed=1).values()), all_bits(network_of(seed=2).values())
    assert {name for name in one if one[name] == other[name]} == {name for name in one if "bias" in name}


def test_no_two_tensors_share_their_random_numbers():
    values = [value for name, value in network_of(layers=2).values().items() if "bias" not in name]
    firsts = [(value.flatten()[-4:] / value.abs().max()).tolist() for value in values]
    assert len({tuple(first) for first in firsts}) == len(values)


@pytest.mark.parametrize("task", ["chunk", "ner", "pos"])
def test_the_first_values_of_a_head_do_not_depend_on_other_tasks(task):
    alone, together = network_of(vocabulary_of((task,))), network_of()
    assert bits(alone.heads[task]) == bits(together.heads[task])
    assert bits(alone.theta) == bits(together.theta)
    assert bits(alone.rows[WORDS]) == bits(together.rows[WORDS])


def test_the_recurrent_layers_and_heads_do_not_depend_on_the_vocabulary():
    small = replace(vocabulary_of(), words=("cat",), characters=("a", "b"))
    one, other = all_bits(network_of(small).values()), all_bits(network_of().values())
    changed = {name for name in one if one[name] != other[name]}
    assert changed == {"words.weight", "characters.embedding.weight"}


def test_words_with_a_vector_start_from_it():
    network = with_vectors(6, [2, 5])
    assert torch.equal(network.rows[WORDS][[2, 5]], torch.ones(2, 6))


def test_words_without_a_vector_stay_random():
    network, random = with_vectors(6, [2, 5]), network_of()
    others = [row for row in range(len(network.rows[WORDS])) if row not in (2, 5)]
    assert bits(network.rows[WORDS][others]) == bits(random.rows[WORDS][others])


def test_dimensions_beyond_a_narrow_vector_stay_random():
    network, random = with_vectors(4, [2, 5]), network_of()
    assert torch.equal(network.rows[WORDS][[2, 5], :4], torch.ones(2, 4))
    assert bits(network.rows[WORDS][:, 4:]) == bits(random.rows[WORDS][:, 4:])


def test_embeddings_have_the_variance_of_one_over_their_dimension():
    words = replace(vocabulary_of(), words=tuple(map(str, range(3000))))
    values = network_of(words).rows[WORDS]
    assert values.abs().max().item() <= (3 / MODEL.word_dimension) ** 0.5
    assert values.var().item() == pytest.approx(1 / MODEL.word_dimension, rel=0.05)


def test_the_embedding_of_padding_is_zero():
    embedding = network_of().values()["characters.embedding.weight"]
    assert not embedding[0].any()
    assert embedding[1:].all()


def test_matrices_are_xavier_uniform():
    values = network_of(hidden=64).values()
    weight = values["recurrent.0.left_to_right.weight_hh_l0"]
    bound = (6 / (64 + 4 * 64)) ** 0.5
    assert 0.99 * bound < weight.abs().max().item() <= bound
    assert weight.mean().item() == pytest.approx(0, abs=bound / 50)


def test_biases_outside_the_recurrent_layers_are_zero():
    values = network_of().values()
    names = ["characters.convolution.bias", "heads.chunk.bias", "heads.ner.bias", "heads.pos.bias"]
    assert not any(values[name].any() for name in names)


def test_a_field_begins_as_the_linear_head_of_the_same_seed():
    field, linear = network_of(head="crf").values(), network_of().values()
    for task in ("chunk", "ner", "pos"):
        assert not any(field[f"heads.{task}.{part}"].any() for part in ("transitions", "start", "end"))
    assert {name: bits(field[name]) for name in linear} == all_bits(linear)
