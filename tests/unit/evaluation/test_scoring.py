"""Scores: spans count the same in every scheme, impossible tags are read as conlleval reads them."""

import pytest
from tiny import TASKS, encoded, network_of, sentences, vocabulary_of

from sparse_sharing.evaluation.metrics import score_accuracy, score_spans
from sparse_sharing.evaluation.scoring import predict_tags, score_tags, score_task, written_tags
from sparse_sharing.text.schemes import convert
from sparse_sharing.text.vocabulary import TaskTags

BIOES = TaskTags(("O", "B-PER", "I-PER", "E-PER", "S-PER"), "iob2", "bioes")
POS = TaskTags(("N", "V"), "none", "none")


def in_bioes(sentence):
    """IOB2 tags as BIOES."""
    return convert(sentence.split(), "iob2", "bioes")


def test_tags_in_bioes_score_as_the_same_spans_in_iob2():
    gold = ["B-PER I-PER O B-PER", "O B-LOC B-LOC", "B-PER I-PER I-PER"]
    predicted = ["B-PER I-PER O O", "O B-LOC I-LOC", "B-PER I-PER I-PER"]
    score = score_tags([in_bioes(s) for s in gold], [in_bioes(s) for s in predicted], BIOES)
    assert score == score_spans([s.split() for s in gold], [s.split() for s in predicted])
    assert score.metrics["precision"] == pytest.approx(100 * 2 / 3)
    assert score.metrics["recall"] == pytest.approx(100 * 2 / 5)


@pytest.mark.parametrize(
    ("impossible", "spans"),
    [
        ("I-PER E-PER O", "B-PER I-PER O"),
        ("O E-PER O", "O B-PER O"),
        ("B-PER O O", "B-PER O O"),
        ("B-PER I-PER O", "B-PER I-PER O"),
        ("S-PER I-PER O", "B-PER B-PER O"),
        ("B-PER I-LOC O", "B-PER B-LOC O"),
        ("B-PER B-PER E-PER", "B-PER B-PER I-PER"),
    ],
)
def test_impossible_sequences_are_read_as_conlleval_does(impossible, spans):
    assert written_tags([impossible.split()], BIOES) == [spans.split()]
    score = score_tags([in_bioes(spans)], [impossible.split()], BIOES)
    assert score.value == 100.0


def test_the_accuracy_of_spans_compares_tags_in_iob2():
    score = score_tags([["B-PER", "E-PER", "O"]], [["B-PER", "I-PER", "O"]], BIOES)
    assert score.metrics["accuracy"] == 100.0


def test_a_task_with_spans_may_be_judged_by_the_accuracy_of_the_tags_that_its_file_has():
    tags = TaskTags(BIOES.tags, "iob2", "bioes", "accuracy")
    score = score_tags([in_bioes("B-PER I-PER O B-PER")], [in_bioes("B-PER O O B-PER")], tags)
    assert score == score_accuracy([["B-PER", "I-PER", "O", "B-PER"]], [["B-PER", "O", "O", "B-PER"]])
    assert (score.metric, score.value) == ("accuracy", 75.0)


def test_a_task_without_a_scheme_is_scored_by_accuracy():
    score = score_tags([["N", "V"], ["N", "N"]], [["N", "N"], ["N", "N"]], POS)
    assert score == score_accuracy([["N", "V"], ["N", "N"]], [["N", "N"], ["N", "N"]])
    assert (score.metric, score.value) == ("accuracy", 75.0)


def test_labels_are_written_as_they_are_and_spans_in_the_scheme_of_the_file():
    assert written_tags([["N", "V"]], POS) == [["N", "V"]]
    assert written_tags([["S-PER", "S-PER", "O"]], TaskTags((), "iob1", "bioes")) == [["I-PER", "B-PER", "O"]]


@pytest.mark.parametrize("task", ["chunk", "ner", "pos"])
def test_predicted_tags_are_names_for_each_token_of_each_sentence(task):
    network, text = network_of(seed=3), encoded(sentences(7))
    names = network.vocabulary.tasks[task].tags
    predicted = predict_tags(network, task, text, batch_size=3)
    assert [len(sentence) for sentence in predicted] == text.lengths.tolist()
    assert [names.index(tag) for sentence in predicted for tag in sentence] == network.predict(task, text).tolist()


@pytest.mark.parametrize(("task", "metric"), [("chunk", "f1"), ("ner", "f1"), ("pos", "accuracy")])
def test_a_network_is_scored_on_what_it_predicts(task, metric):
    network, pairs = network_of(seed=3), sentences(7)
    text = encoded(pairs)
    gold = [tags[task] for _, tags in pairs]
    score = score_task(network, task, text)
    expected = score_tags(gold, predict_tags(network, task, text), network.vocabulary.tasks[task])
    assert (score.value, score.metrics) == (expected.value, expected.metrics)
    assert score.metric == expected.metric == metric


def test_a_network_that_predicts_the_gold_tags_scores_100():
    network, pairs = network_of(seed=3), sentences(7)
    predicted = predict_tags(network, "pos", encoded(pairs))
    pairs = [(words, {**tags, "pos": guess}) for (words, tags), guess in zip(pairs, predicted, strict=True)]
    assert score_task(network, "pos", encoded(pairs)).value == 100.0


def test_a_tag_that_training_does_not_know_counts_as_wrong():
    network = network_of(vocabulary_of(("pos",)), seed=3)
    text = encoded([(["cat", "runs"], {"pos": ["X", "X"]})], network.vocabulary)
    assert score_task(network, "pos", text).value == 0.0


@pytest.mark.parametrize("head", ["linear", "crf"])
@pytest.mark.parametrize("batch_size", [3, 128])
def test_tags_and_scores_are_those_without_the_loss_whatever_the_batches(head, batch_size):
    network, text = network_of(head=dict.fromkeys(TASKS, head)), encoded(sentences(20))
    for task in TASKS:
        tags, loss = network.predict_with_loss(task, text, batch_size)
        assert tags.tolist() == network.predict(task, text).tolist()
        assert loss == pytest.approx(network.predict_with_loss(task, text)[1], rel=1e-5)
        assert score_task(network, task, text, batch_size).loss == loss


def test_a_text_without_tokens_has_no_loss():
    assert network_of().predict_with_loss("pos", encoded([]))[1] == 0
