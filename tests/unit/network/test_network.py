"""The network: one buffer of weights, a subnetwork per task read from it, and predictions in the order of the text."""

import itertools

import numpy as np
import pytest
import torch
from tiny import TASKS, batch_of, bits, encoded, network_of, random_mask, sentence_of, sentences, vocabulary_of

from sparse_sharing.masks.mask import Mask
from sparse_sharing.network.network import Network
from sparse_sharing.text.batches import make_batch
from sparse_sharing.text.schemes import violation

CHARACTERS = ("characters.convolution.weight", "characters.convolution.bias")


def masked_network(**changes):
    """A network with a mask for `chunk` and `ner`, none for `pos`."""
    network = network_of(**changes)
    network.set_masks({"chunk": random_mask(network, 0.5, 1), "ner": random_mask(network, 0.3, 2)})
    return network


def scores(network, task, batch):
    """The scores of a batch's tags, without dropout."""
    network.encoder.eval()
    network.activate(task)
    return network.logits(task, network.gather(batch), batch).detach()


def one_by_one(network, task, text):
    """The best tag of every token, with each sentence run by itself, in the order of the text."""
    network.encoder.eval()
    network.activate(task)
    batches = [make_batch(text, [index]) for index in range(text.sentences)]
    return [tag for b in batches for tag in network.logits(task, network.gather(b), b)[:, 0].argmax(1).tolist()]


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("batch_size", [1, 3, 100])
def test_predictions_are_in_the_order_of_the_tokens(task, batch_size):
    network, text = masked_network(seed=3), encoded(sentences(11, seed=4))
    tags = network.predict(task, text, batch_size)
    assert tags.tolist() == one_by_one(network, task, text)
    assert len(set(tags.tolist())) > 1


@pytest.mark.parametrize("batch_size", [1, 3, 100])
def test_the_confidence_of_a_tag_is_its_share_of_the_softmax_in_the_order_of_the_tokens(batch_size):
    network, text = masked_network(seed=3), encoded(sentences(11, seed=4))
    tags = network.predict("ner", text)
    network.activate("ner")
    batches = [make_batch(text, [index]) for index in range(text.sentences)]
    logits = torch.cat([network.logits("ner", network.gather(b), b)[:, 0] for b in batches]).detach()
    for asked in (tags, np.zeros_like(tags)):
        expected = logits.softmax(1).numpy()[np.arange(len(tags)), asked]
        assert network.confidences("ner", text, asked, batch_size) == pytest.approx(expected, rel=1e-5)


def test_a_text_without_sentences_has_no_predictions():
    assert network_of().predict("pos", encoded([])).tolist() == []


def word_network():
    """A network that reads words only by their vectors, not by their characters."""
    network = network_of(seed=3)
    for name in CHARACTERS:
        network.values()[name].zero_()
    network.rows["words.weight"].mul_(10)
    return network


def word_text(word, vectors=None, dimension=0):
    """One word as a text without tags."""
    return encoded([([word], {})], vocabulary_of(()), vectors, dimension)


def test_a_word_that_is_not_in_training_is_given_its_vector():
    network = word_network()
    known = {word: network.predict("pos", word_text(word)).item() for word in network.vocabulary.words}
    for word, tag in known.items():
        vector = network.rows["words.weight"][network.vocabulary.word_ids[word]].numpy()
        assert network.predict("pos", word_text("zebra", {"zebra": vector}, 6)).item() == tag
    unknown = network.predict("pos", word_text("zebra")).item()
    assert set(known.values()) > {unknown}


def test_a_vector_narrower_than_the_embedding_is_filled_with_zeros():
    network = word_network()
    tags = {}
    for word, vector in zip(network.vocabulary.words, network.rows["words.weight"][1:].numpy(), strict=True):
        padded = np.concatenate([vector[:4], np.zeros(2, np.float32)])
        given = [({"zebra": vector[:4]}, 4), ({"zebra": padded}, 6), ({"zebra": vector}, 6)]
        tags[word] = [network.predict("pos", word_text("zebra", *values)).item() for values in given]
    assert all(narrow == filled for narrow, filled, _ in tags.values())
    assert any(narrow != whole for narrow, _, whole in tags.values())


def test_prediction_does_not_depend_on_dropout():
    network, text = network_of(dropout=0.5), encoded(sentences(5))
    network.encoder.train()
    assert network.predict("pos", text).tolist() == network.predict("pos", text).tolist()


@pytest.mark.parametrize("task", ["chunk", "ner"])
def test_an_active_task_reads_its_weights_times_its_mask(task):
    network = network_of(layers=2)
    masks = {"chunk": random_mask(network, 0.5, 1), "ner": random_mask(network, 0.3, 2)}
    network.set_masks(masks)
    network.activate(task)
    weights = network.values()
    for name, parameter in network.encoder.named_parameters():
        expected = weights[name] * masks[task].tensors()[name] if name in network.prunable_shapes else weights[name]
        assert torch.equal(parameter.detach(), expected)
    assert not torch.equal(network.work, network.theta)


def test_a_task_without_a_mask_reads_all_weights_also_after_a_masked_one():
    network = masked_network()
    network.activate("ner")
    network.activate("pos")
    assert torch.equal(network.work, network.theta)


def test_activating_a_task_does_not_change_the_weights():
    network = masked_network()
    before = bits(network.theta)
    for task in TASKS:
        network.activate(task)
    assert bits(network.theta) == before


def test_weights_outside_the_mask_have_no_influence_on_predictions():
    network, text = masked_network(seed=3), encoded(sentences(11, seed=4))
    before = {task: network.predict(task, text).tolist() for task in ("ner", "pos")}
    network.theta[~network.keeps["ner"]] += 3.0
    assert network.predict("ner", text).tolist() == before["ner"]
    assert network.predict("pos", text).tolist() != before["pos"]


@pytest.mark.parametrize("dense", [False, True])
def test_without_a_sparse_mask_the_encoder_reads_the_weights_themselves(dense):
    network = masked_network()
    mask = Mask.dense(network.prunable_shapes, "weights")
    network.set_masks(dict.fromkeys(TASKS, mask) if dense else {})
    assert network.work is network.theta
    assert network.keeps == dict.fromkeys(TASKS)
    views = [parameter.untyped_storage().data_ptr() for parameter in network.encoder.parameters()]
    assert set(views) == {network.theta.untyped_storage().data_ptr()}


def test_a_mask_keeps_what_it_does_not_cover():
    network = network_of()
    network.set_masks({"pos": random_mask(network, 0.0)})
    kept = int(network.keeps["pos"].sum())
    covered = network.prunable_shapes
    assert kept == sum(value.numel() for name, value in network.encoder.named_parameters() if name not in covered)


def test_a_task_reads_and_changes_theta_up_to_its_layer():
    network = network_of(layers=3)
    layers, ends, end = network.encoder.layers, [], 0
    for layer, parameters in itertools.groupby(network.encoder.named_parameters(), lambda item: layers[item[0]]):
        end += sum(value.numel() for _, value in parameters)
        ends += [end] if layer else []
    shapes = network.prunable_shapes
    masks = {
        task: Mask.of_tensors(shapes, "weights", lambda name, top=layer: layers[name] <= top)
        for task, layer in (("pos", 1), ("chunk", 2))
    }
    network.set_masks(masks)
    batch = batch_of(encoded(sentences(4)), "pos", 0, 1, 2, 3)
    for task, end in zip(("pos", "chunk", "ner"), ends, strict=True):
        before = network.theta.clone()
        expected = scores(network, task, batch)
        network.theta[end:] = float("nan")
        assert torch.equal(scores(network, task, batch), expected)
        network.theta[end - 1] = float("nan")
        assert not torch.equal(scores(network, task, batch), expected)
        network.theta.copy_(before)
    assert network.keeps == dict.fromkeys(TASKS)
    assert network.takes_part("ner") is None
    assert network.takes_part("pos").nonzero().squeeze(1).tolist() == list(range(ends[0]))


def test_prunable_values_are_in_the_order_of_a_mask():
    network = network_of(layers=2)
    mask = Mask(network.prunable_values() > 0, network.prunable_shapes, "weights")
    for name, part in mask.tensors().items():
        assert torch.equal(part, network.values()[name] > 0)


def test_values_can_be_loaded_into_another_network():
    source, target = network_of(seed=1, layers=2), network_of(seed=2, layers=2)
    assert not torch.equal(source.theta, target.theta)
    target.load(source.values())
    assert {name: bits(value) for name, value in target.values().items()} == {
        name: bits(value) for name, value in source.values().items()
    }


def test_values_name_every_weight_once():
    network = network_of()
    heads = sum(head.numel() for head in network.heads.values())
    assert sum(value.numel() for value in network.values().values()) == (
        network.theta.numel() + network.rows["words.weight"].numel() + heads
    )


def test_values_are_views_and_copies_are_not():
    network = network_of()
    views, copies = network.values(), network.copy_values()
    for value in views.values():
        value.fill_(7.0)
    assert all((value == 7.0).all() for value in (network.theta, network.rows["words.weight"], *network.heads.values()))
    assert not any((value == 7.0).all() for value in copies.values())


@pytest.mark.parametrize("name", ["words.weight", "heads.ner.bias", "characters.convolution.weight"])
def test_a_missing_weight_is_refused(name):
    network = network_of()
    values = network.copy_values()
    del values[name]
    with pytest.raises(ValueError, match=rf"weight {name}: expected shape .*, found nothing"):
        network.load(values)


def test_a_weight_of_another_shape_is_refused():
    network = network_of()
    values = network.copy_values() | {"heads.pos.bias": torch.zeros(1)}
    with pytest.raises(ValueError, match=r"weight heads.pos.bias: expected shape \(5,\), found \(1,\)"):
        network.load(values)


def test_heads_of_other_tasks_are_ignored():
    network = network_of(vocabulary_of(("pos",)), seed=2)
    network.load(network_of(seed=1).values())
    assert torch.equal(network.heads["pos"], network_of(seed=1).heads["pos"])
    assert "heads.ner.weight" not in network.values()


def test_the_loss_is_the_mean_over_tokens_and_leaves_padding_out():
    network, text = network_of(), encoded([sentence_of(2), sentence_of(0, 5, 1)])
    network.encoder.eval()
    batches = [batch_of(text, "pos"), make_batch(text, [0], "pos"), make_batch(text, [1], "pos")]
    both, short, long = (network.loss("pos", network.gather(b), b).item() for b in batches)
    one, other = text.lengths.tolist()
    assert both == pytest.approx((one * short + other * long) / (one + other), rel=1e-5)


def test_a_new_network_is_all_zeros_until_it_is_given_weights():
    network = Network(network_of().model, vocabulary_of())
    assert not any(value.any() for value in network.values().values())


CRF_PARTS = ("bias", "end", "start", "transitions", "weight")


def test_each_task_has_the_head_that_the_model_names():
    network = network_of(head={"ner": "crf"})
    names = {name for name in network.values() if name.startswith("heads.")}
    expected = {f"heads.ner.{part}" for part in CRF_PARTS}
    assert names == expected | {f"heads.{task}.{part}" for task in ("chunk", "pos") for part in ("bias", "weight")}
    assert network.values()["heads.ner.transitions"].shape == (7, 7)


@pytest.mark.parametrize("batch_size", [1, 3, 100])
def test_sequences_of_a_field_do_not_depend_on_the_batch(batch_size):
    network, text = masked_network(seed=5, head="crf"), encoded(sentences(11, seed=4))
    source = torch.Generator().manual_seed(1)
    for part in ("transitions", "start", "end"):
        values = network.values()[f"heads.chunk.{part}"]
        values.copy_(0.2 * torch.randn(values.shape, generator=source))
    tags = network.predict("chunk", text, batch_size)
    assert tags.tolist() == network.predict("chunk", text, 2).tolist()
    names = network.vocabulary.tasks["chunk"].tags
    found = text.by_sentence([names[tag] for tag in tags.tolist()])
    assert all(violation(sentence, "iob2") is None for sentence in found)
    assert len(set(tags.tolist())) > 2
