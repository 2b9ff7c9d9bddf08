"""The encoder: the parameter counts of the paper, the same numbers as an ordinary BiLSTM, and inert padding."""

import numpy as np
import pytest
import torch
from tiny import MODEL, batch_of, encoded, network_of, sentence_of
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from sparse_sharing.config.encoders.bilstm import BiLstm
from sparse_sharing.encoders.base import TextSizes, build_encoder, counted_parameters
from sparse_sharing.encoders.bilstm import BidirectionalLayer, BiLstmEncoder, Characters, dropout
from sparse_sharing.masks.layers import layer_number, layer_of
from sparse_sharing.text.batches import make_batch

SIZES = TextSizes(characters=10)
LENGTHS = [3, 7, 1, 7, 4]
DIRECTIONS = {"left_to_right": "", "right_to_left": "_reverse"}
LSTM = ["weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0"]


def prunable_count(encoder):
    """Weights that masks cover."""
    return sum(int(np.prod(shape)) for shape in encoder.prunable_shapes().values())


def reverse_of(lengths):
    """The reverse index of sentences with these lengths."""
    text = encoded(
        [
            (["cat"] * length, {"chunk": ["O"] * length, "ner": ["O"] * length, "pos": ["N"] * length})
            for length in lengths
        ]
    )
    return make_batch(text, range(len(lengths))).reverse


@pytest.mark.parametrize(("layers", "prunable", "counted"), [(1, 530_700, 533_930), (2, 1_490_700, 1_497_130)])
def test_the_default_network_has_the_parameters_of_the_paper(layers, prunable, counted):
    encoder = BiLstmEncoder(BiLstm(layers=layers), TextSizes(characters=85))
    assert prunable_count(encoder) == prunable
    assert counted_parameters(encoder, prunable) == counted


def test_counted_parameters_fall_by_what_a_mask_removes():
    encoder = BiLstmEncoder(MODEL, SIZES)
    assert counted_parameters(encoder, 100) - counted_parameters(encoder, 60) == 40


def test_masks_cover_the_convolution_and_the_matrices_of_both_directions():
    encoder = BiLstmEncoder(MODEL.model_copy(update={"layers": 2}), SIZES)
    matrices = [
        f"recurrent.{layer}.{direction}.weight_{kind}_l0"
        for layer in (0, 1)
        for direction in DIRECTIONS
        for kind in ("ih", "hh")
    ]
    assert list(encoder.prunable_shapes()) == ["characters.convolution.weight", *matrices]


@pytest.mark.parametrize(
    "name",
    [
        "characters.embedding.weight",
        "characters.convolution.bias",
        "recurrent.0.left_to_right.bias_ih_l0",
        "recurrent.0.right_to_left.bias_hh_l0",
        "words.weight",
        "heads.pos.weight",
        "heads.pos.bias",
    ],
)
def test_biases_embeddings_and_heads_are_never_prunable(name):
    network = network_of()
    assert name not in network.prunable_shapes
    assert name in network.values()


def test_each_prunable_tensor_belongs_to_a_layer():
    encoder = BiLstmEncoder(MODEL.model_copy(update={"layers": 2}), SIZES)
    names = [info.layer_name for info in encoder.tensors() if info.prunable]
    assert names == ["characters"] + ["lstm 1"] * 4 + ["lstm 2"] * 4


def test_every_tensor_has_the_number_of_its_layer_and_those_of_characters_have_none():
    encoder = BiLstmEncoder(MODEL.model_copy(update={"layers": 2}), SIZES)
    numbers = encoder.layers
    assert list(numbers.values()) == [0] * 3 + [1] * 8 + [2] * 8 + [0]
    assert numbers["recurrent.1.right_to_left.bias_hh_l0"] == 2


@pytest.mark.parametrize("stacks", [None, ["ner", "pos"]])
def test_the_names_of_covered_tensors_say_the_layers_that_are_declared(stacks):
    model = MODEL.model_copy(update={"layers": 2})
    encoder = build_encoder(model.with_stacks(stacks) if stacks else model, SIZES)
    for info in encoder.tensors():
        if info.prunable:
            assert (layer_number(info.name), layer_of(info.name)) == (info.layer, info.layer_name)


def test_the_states_of_a_layer_are_those_of_a_network_that_ends_there():
    whole, lower = network_of(layers=3), network_of(layers=2)
    batch = batch_of(encoded([sentence_of(0, 5), sentence_of(2)]), None)
    for network in (whole, lower):
        network.encoder.eval()
    states = whole.encoder.states(whole.gather(batch), batch, 2)
    assert torch.equal(states, lower.encoder.states(lower.gather(batch), batch, 2))
    assert not torch.equal(states, whole.encoder.states(whole.gather(batch), batch, 3))


def test_a_layer_equals_a_bidirectional_lstm_on_sentences_of_unequal_length():
    torch.manual_seed(1)
    layer, reference = BidirectionalLayer(5, 4), nn.LSTM(5, 4, bidirectional=True)
    for direction, suffix in DIRECTIONS.items():
        for name in LSTM:
            getattr(reference, name + suffix).data = getattr(getattr(layer, direction), name).data
    inputs = torch.randn(max(LENGTHS), len(LENGTHS), 5)
    packed = pack_padded_sequence(inputs, torch.tensor(LENGTHS), enforce_sorted=False)
    expected, _ = pad_packed_sequence(reference(packed)[0])
    states = layer(inputs, reverse_of(LENGTHS))
    for column, length in enumerate(LENGTHS):
        torch.testing.assert_close(states[:length, column], expected[:length, column], rtol=0, atol=1e-5)


def test_values_at_padding_do_not_affect_a_layer():
    torch.manual_seed(1)
    layer, inputs = BidirectionalLayer(5, 4), torch.randn(max(LENGTHS), len(LENGTHS), 5)
    padding = torch.arange(max(LENGTHS))[:, None] >= torch.tensor(LENGTHS)
    other = inputs.masked_fill(padding.unsqueeze(2), 100.0)
    before, after = (layer(values, reverse_of(LENGTHS)) for values in (inputs, other))
    assert torch.equal(before[~padding], after[~padding])
    assert not torch.equal(before, after)


@pytest.mark.parametrize("layers", [1, 2])
def test_a_sentence_has_the_same_states_by_itself_and_beside_longer_ones(layers):
    network = network_of(layers=layers)
    network.encoder.eval()
    text = encoded([sentence_of(2), sentence_of(0, 5, 1, 7), sentence_of(3, 6)])
    together = batch_of(text, None)
    states = network.encoder.states(network.gather(together), together, network.model.layers)
    for index, length in enumerate(text.lengths.tolist()):
        alone = make_batch(text, [index])
        torch.testing.assert_close(
            network.encoder.states(network.gather(alone), alone, network.model.layers)[:, 0],
            states[:length, index],
            rtol=0,
            atol=1e-6,
        )


def test_what_is_behind_the_last_character_has_no_influence():
    torch.manual_seed(1)
    characters = Characters(MODEL, 10)
    short = torch.tensor([[3, 4, 5], [6, 0, 0]])
    long = torch.cat([short, torch.zeros(2, 4, dtype=torch.int64)], dim=1)
    assert torch.equal(characters(short), characters(long))
    torch.testing.assert_close(characters(short)[1], characters(torch.tensor([[6]]))[0])


def test_padding_of_characters_does_not_win_the_maximum():
    characters = Characters(MODEL, 10)
    nn.init.zeros_(characters.convolution.weight)
    nn.init.constant_(characters.convolution.bias, 1.0)
    with torch.no_grad():
        characters.embedding.weight[3] = 1.0
        characters.convolution.weight[:, :, MODEL.character_width // 2] = -1.0
    assert torch.equal(characters(torch.tensor([[3, 0]])), torch.full((1, 5), 1.0 - MODEL.character_dimension))


def test_the_forget_gates_of_both_directions_and_bias_vectors_start_at_one():
    network, hidden = network_of(layers=2), MODEL.hidden
    biases = {
        name: value for name, value in network.values().items() if name.startswith("recurrent") and "bias" in name
    }
    assert len(biases) == 8
    for value in biases.values():
        assert value.view(4, hidden).tolist() == [[0.0] * hidden, [1.0] * hidden, [0.0] * hidden, [0.0] * hidden]


def test_a_network_tags_by_the_first_forget_bias_as_pytorch_orders_its_gates():
    lstm = nn.LSTM(1, 1)
    for value in lstm.parameters():
        nn.init.zeros_(value)
    with torch.no_grad():
        lstm.bias_ih_l0[1] = 100.0
    _, (_, cell) = lstm(torch.zeros(1, 1, 1), (torch.zeros(1, 1, 1), torch.full((1, 1, 1), 0.7)))
    assert cell.item() == pytest.approx(0.7)


def test_dropout_is_active_only_in_training():
    network = network_of(dropout=0.5)
    batch = batch_of(encoded([sentence_of(0, 5)]), None)
    vectors = network.gather(batch)
    network.encoder.eval()
    assert torch.equal(
        network.encoder.states(vectors, batch, network.model.layers),
        network.encoder.states(vectors, batch, network.model.layers),
    )
    network.encoder.train()
    assert not torch.equal(
        network.encoder.states(vectors, batch, network.model.layers),
        network.encoder.states(vectors, batch, network.model.layers),
    )


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_dropout_sets_its_share_to_zero_and_keeps_the_mean(share):
    torch.manual_seed(1)
    dropped = dropout(torch.ones(200, 101, 10), share, True)
    assert (dropped == 0).float().mean().item() == pytest.approx(share, abs=0.005)
    assert dropped.unique().tolist() == pytest.approx([0, 1 / (1 - share)])
    assert dropped.mean().item() == pytest.approx(1, abs=0.02)


def test_the_gradient_of_dropout_passes_where_the_number_did():
    states = torch.ones(999, requires_grad=True)
    dropped = dropout(states, 0.5, True)
    dropped.sum().backward()
    assert torch.equal(states.grad, dropped.detach())


def test_dropout_depends_on_the_seed_of_torch():
    drawn = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        drawn.append(dropout(torch.ones(64), 0.5, True).tolist())
    assert drawn[0] == drawn[1] != drawn[2]


@pytest.mark.parametrize(("share", "training"), [(0.5, False), (0.0, True)])
def test_without_dropout_states_do_not_change(share, training):
    states = torch.randn(5)
    assert dropout(states, share, training) is states or torch.equal(dropout(states, share, training), states)


def test_dropout_of_almost_everything_leaves_finite_numbers():
    assert torch.isfinite(dropout(torch.ones(10_000), 0.9999999, True)).all()


@pytest.mark.parametrize("width", [1, 3, 5])
def test_characters_are_convolved_as_pytorch_does(width):
    torch.manual_seed(1)
    own = Characters(MODEL.model_copy(update={"character_width": width}), 9)
    ids = torch.tensor([[2, 3, 4, 8], [5, 0, 0, 0], [1, 7, 0, 0]])
    expected = own.convolution(own.embedding(ids).transpose(1, 2))
    expected = torch.stack([row[:, : (word != 0).sum()].amax(1) for row, word in zip(expected, ids, strict=True)])
    torch.testing.assert_close(own(ids), expected)
