"""Optional inputs of the BiLSTM: features of the spelling, several widths of characters, dropout of rare words."""

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from tiny import MODEL, all_bits, encoded, network_of, optimization_of, sentences, task_data, vocabulary_of

from sparse_sharing.config.encoders.bilstm import BiLstm
from sparse_sharing.config.features import Features
from sparse_sharing.encoders.base import TextSizes, build_encoder
from sparse_sharing.encoders.bilstm import Characters
from sparse_sharing.masks.layers import layer_number, layer_of
from sparse_sharing.masks.units import Units
from sparse_sharing.network.memory import random_state
from sparse_sharing.text.features import FEATURES
from sparse_sharing.text.vocabulary import UNKNOWN_WORD
from sparse_sharing.training.trainer import Trainer

SPELLING = Features(prefix=1, suffix=[2, 3], shape=True, case=True, rows=40, width=3)
SIZES = TextSizes(words=9, characters=9)


def states_of(network, batch):
    """The states of a batch, without dropout."""
    network.encoder.eval()
    return network.encoder.states(network.gather(batch), batch, network.model.layers)


def test_inputs_that_are_off_leave_no_trace_in_a_spec():
    assert not {"features", "character_widths", "rare_word_dropout"} & set(BiLstm().model_dump())


def test_the_same_lengths_are_the_same_spec_however_they_are_written():
    assert Features(suffix=3).model_dump() == Features(suffix=[3]).model_dump()
    assert Features(suffix=[3, 2]).model_dump() == Features(suffix=[2, 3]).model_dump()
    assert BiLstm(character_widths=[4, 2]).model_dump() == BiLstm(character_widths=[2, 4]).model_dump()


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"features": {}}, "no feature is chosen"),
        ({"features": {"suffix": [3, 3]}}, "duplicate value 3"),
        ({"features": {"prefix": 0}}, "greater than or equal to 1"),
        ({"character_widths": [2, 2]}, "duplicate value 2"),
        ({"character_widths": []}, "at least 1 item"),
        ({"rare_word_dropout": 0}, "greater than 0"),
    ],
)
def test_inputs_that_make_no_sense_are_refused(values, message):
    with pytest.raises(ValidationError, match=message):
        BiLstm(**values)


def test_the_vector_of_a_feature_is_the_sum_of_its_rows():
    network, text = network_of(features=SPELLING), encoded(sentences(3))
    batch = network.encoder.batch(text, range(text.sentences))
    table, inputs = network.rows[FEATURES], network.encoder.embed(network.gather(batch), batch)
    for column, words in enumerate(text.words()):
        rows = network.encoder.features.of(words)
        expected = table[torch.from_numpy(rows)].view(len(words), SPELLING.count, 2, 3).sum(2).flatten(1)
        torch.testing.assert_close(inputs[: len(words), column, -3 * SPELLING.count :], expected)


def test_words_that_training_has_not_seen_differ_by_their_spelling():
    network = network_of(vocabulary_of(), features=SPELLING)
    text = encoded([(["zzed"], {}), (["zzing"], {})], vocabulary_of(()))
    assert text.surface_words.tolist() == [UNKNOWN_WORD] * 2
    states = states_of(network, network.encoder.batch(text, range(2)))
    assert not torch.equal(states[0, 0], states[0, 1])


def test_a_step_changes_only_the_rows_of_the_features_in_its_batch():
    network, data = network_of(features=SPELLING), task_data()["pos"]
    trainer, before = Trainer(network, optimization_of("adam")), network.copy_values()
    batch = network.encoder.batch(data.train, [0, 1], "pos")
    trainer.step("pos", batch, 0.01)
    changed = (network.rows[FEATURES] != before[FEATURES]).any(1).nonzero().squeeze(1)
    assert changed.tolist() == batch.feature_rows.tolist()
    assert 0 < len(changed) < SPELLING.rows


def test_features_change_no_first_value_of_the_other_weights_but_the_input_of_the_lstm():
    plain, more = (all_bits(network.values()) for network in (network_of(), network_of(features=SPELLING)))
    different = {name for name in plain if plain[name] != more[name]}
    assert different == {f"recurrent.0.{way}.weight_ih_l0" for way in ("left_to_right", "right_to_left")}


@pytest.mark.parametrize("widths", [[2, 3, 4], [1], [2, 5]])
def test_each_width_is_convolved_as_pytorch_does_in_its_order(widths):
    torch.manual_seed(1)
    own = Characters(MODEL.model_copy(update={"character_widths": widths}), 9)
    ids = torch.tensor([[2, 3, 4, 8], [5, 0, 0, 0], [1, 7, 0, 0]])
    expected = []
    for width, convolution in zip(widths, own.convolutions.values(), strict=True):
        assert convolution.kernel_size == (width,)
        found = convolution(own.embedding(ids).transpose(1, 2))[:, :, : ids.shape[1]]
        expected.append(torch.stack([row[:, : (w != 0).sum()].amax(1) for row, w in zip(found, ids, strict=True)]))
    torch.testing.assert_close(own(ids), torch.cat(expected, dim=1))


def test_the_filters_of_each_width_are_a_group_of_units_below_the_layers():
    encoder = build_encoder(MODEL.model_copy(update={"character_widths": [2, 3], "features": SPELLING}), SIZES)
    units = Units(encoder.tensors())
    assert {name: units.shapes[name] for name in list(units.shapes)[:2]} == {
        "characters.width_2": (5,),
        "characters.width_3": (5,),
    }
    for name in ("characters.width_2.weight", "characters.width_3.bias"):
        assert (layer_number(name), layer_of(name)) == (0, "characters")
    columns = [
        axis.start
        for info in encoder.tensors()
        if info.name == "recurrent.0.left_to_right.weight_ih_l0"
        for axis in info.units
        if axis.axis == 1
    ]
    assert columns == [MODEL.word_dimension, MODEL.word_dimension + 5]


def test_the_features_of_words_are_shared_by_all_tasks_and_not_masked():
    network = network_of(features=SPELLING)
    assert FEATURES not in network.prunable_shapes
    assert network.parameters.infos[FEATURES].role == "rows"


def test_a_word_is_dropped_with_the_probability_of_its_count():
    text = encoded([(["the"] * 999 + ["cat"], {})] * 1, vocabulary_of(()))
    encoder = build_encoder(MODEL.model_copy(update={"rare_word_dropout": 0.5, "word_dropout": 0.01}), SIZES)
    random, dropped = np.random.default_rng(1), []
    for _ in range(300):
        batch = encoder.batch(text, [0], None, random)
        dropped.append((batch.word_rows[batch.words] == UNKNOWN_WORD).squeeze(1))
    shares = torch.stack(dropped).float().mean(0)
    assert shares[:999].mean().item() == pytest.approx(0.01, abs=0.002)
    assert shares[999].item() == pytest.approx(0.5 / 1.5, abs=0.08)


def test_the_same_generator_drops_the_same_words_and_tagging_drops_none():
    text = encoded(sentences(30, seed=5))
    encoder = build_encoder(MODEL.model_copy(update={"rare_word_dropout": 5.0}), SIZES)
    first, again = (encoder.batch(text, range(30), "pos", np.random.default_rng(3)) for _ in range(2))
    plain = encoder.batch(text, range(30), "pos")
    assert torch.equal(first.word_rows[first.words], again.word_rows[again.words])
    assert UNKNOWN_WORD in first.word_rows
    assert UNKNOWN_WORD not in plain.word_rows


def test_the_stacks_of_soft_sharing_read_the_inputs_too():
    network = network_of(features=SPELLING, character_widths=[2, 3], stacks=["chunk", "ner", "pos"])
    trainer, data = Trainer(network, optimization_of("adam")), task_data()["ner"]
    before = network.copy_values()
    batch = network.encoder.batch(data.train, [0, 1], "ner")
    trainer.step("ner", batch, 0.01)
    for name in (FEATURES, "characters.width_2.weight", "recurrent.0.stacks.0.left_to_right.weight_ih_l0"):
        assert not torch.equal(network.values()[name], before[name])


def test_a_batch_that_runs_in_parts_has_the_loss_of_the_whole():
    network, data = network_of(features=SPELLING), task_data()["pos"]
    whole, parts = (Trainer(network, optimization_of("adam")).differentiate for _ in range(2))
    batch = network.encoder.batch(data.train, [0, 1, 2, 3], "pos")
    expected = whole("pos", batch, 1.0)
    found = parts._in_parts("pos", batch, 1.0, 2, random_state(network.device))
    torch.testing.assert_close(found.loss, expected.loss)
    torch.testing.assert_close(found.rows[FEATURES], expected.rows[FEATURES])
