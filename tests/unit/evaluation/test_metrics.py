"""The scorers: figures worked out by hand, and agreement with the counting rule of conlleval on any input."""

import subprocess
import sys
import warnings
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from seqeval.metrics.sequence_labeling import precision_recall_fscore_support

from sparse_sharing.evaluation.metrics import count_accuracy, count_spans, score_accuracy, score_numbers, score_spans
from sparse_sharing.text.schemes import convert

TAGS = ["O", "B-PER", "I-PER", "B-LOC", "I-LOC", "B-MISC-X", "I-MISC-X"]
PARALLEL = st.lists(st.lists(st.tuples(st.sampled_from(TAGS), st.sampled_from(TAGS)), min_size=1, max_size=12))


ANY_TAGS = [*TAGS, "E-PER", "S-PER", "E-LOC", "S-LOC", "S-MISC-X", "B", "I"]
ANY_PARALLEL = st.lists(
    st.lists(st.tuples(st.sampled_from(ANY_TAGS), st.sampled_from(ANY_TAGS)), min_size=1, max_size=12)
)


def unzip(sentences):
    return [[a for a, _ in sentence] for sentence in sentences], [[b for _, b in sentence] for sentence in sentences]


def span_boundaries(tag, following):
    """Whether a span of the first tag's type stops after it, and whether one starts at the tag that follows."""
    prefix, _, kind = tag.partition("-")
    next_prefix, _, next_kind = following.partition("-")
    continues = prefix != "O" and next_prefix == "I" and kind == next_kind
    return prefix != "O" and not continues, next_prefix != "O" and not continues


def count_like_conlleval(gold, predicted):
    """One walk over both tag sequences at once: (gold, predicted, correct) spans per type.

    A span is correct when gold and prediction open a span of one type at one token, and close it at one token.
    """
    counts = Counter()
    for sentence, guesses in zip(gold, predicted, strict=True):
        padded = ["O", *sentence, "O"], ["O", *guesses, "O"]
        together = None
        for place in range(len(sentence) + 1):
            stop, start = span_boundaries(padded[0][place], padded[0][place + 1])
            guess_stop, guess_start = span_boundaries(padded[1][place], padded[1][place + 1])
            kind, guess = padded[0][place + 1][2:], padded[1][place + 1][2:]
            if together is not None and (stop or guess_stop):
                counts["correct", together] += stop and guess_stop
                together = None
            counts["gold", kind] += start
            counts["predicted", guess] += guess_start
            if start and guess_start and kind == guess:
                together = kind
    return counts


def ratios(gold, predicted, correct):
    precision = 100 * correct / predicted if predicted else 0
    recall = 100 * correct / gold if gold else 0
    f1 = 2 * precision * recall / (precision + recall) if correct else 0
    return {"precision": precision, "recall": recall, "f1": f1}


@settings(deadline=None)
@given(PARALLEL)
def test_spans_are_counted_as_conlleval_counts_them(sentences):
    gold, predicted = unzip(sentences)
    counts = count_like_conlleval(gold, predicted)
    sides = ("gold", "predicted", "correct")
    types = {kind for (_, kind), number in counts.items() if number}

    score = score_spans(gold, predicted)

    overall = ratios(*(sum(counts[side, kind] for kind in types) for side in sides))
    assert {name: score.metrics[name] for name in overall} == pytest.approx(overall)
    assert score.per_type.keys() == types
    for kind in types:
        expected = {**ratios(*(counts[side, kind] for side in sides)), "support": counts["gold", kind]}
        assert score.per_type[kind] == pytest.approx(expected)


@settings(deadline=None)
@given(PARALLEL.filter(bool))
def test_spans_score_as_seqeval_scores_them(sentences):
    gold, predicted = unzip(sentences)
    precision, recall, f1, _ = precision_recall_fscore_support(gold, predicted, average="micro", zero_division=0)
    metrics = score_spans(gold, predicted).metrics
    assert (metrics["precision"], metrics["recall"], metrics["f1"]) == pytest.approx(
        (100 * precision, 100 * recall, 100 * f1)
    )


def numbered(sentences, names):
    """The numbers of all tags, and where each sentence begins."""
    numbers = [names.index(tag) for sentence in sentences for tag in sentence]
    return np.array(numbers, dtype=np.int64), np.cumsum([0, *map(len, sentences)])


def score_as_numbers(gold, predicted, has_spans):
    (right, offsets), (guess, _) = numbered(gold, ANY_TAGS), numbered(predicted, ANY_TAGS)
    return score_numbers(right, guess, ANY_TAGS, offsets, has_spans)


@settings(deadline=None)
@given(ANY_PARALLEL)
def test_spans_counted_from_numbers_in_any_scheme_score_as_seqeval_scores_them_in_iob2(sentences):
    gold, predicted = unzip(sentences)
    in_iob2 = ([convert(tags, "bioes", "iob2") for tags in side] for side in (gold, predicted))
    expected, found = score_spans(*in_iob2), score_as_numbers(gold, predicted, has_spans=True)
    assert (found.metric, found.value, found.metrics) == (expected.metric, expected.value, expected.metrics)


@settings(deadline=None)
@given(ANY_PARALLEL)
def test_labels_counted_from_numbers_score_as_labels(sentences):
    gold, predicted = unzip(sentences)
    expected, found = score_accuracy(gold, predicted), score_as_numbers(gold, predicted, has_spans=False)
    assert (found.metric, found.value, found.metrics) == (expected.metric, expected.value, expected.metrics)


@settings(deadline=None)
@given(PARALLEL)
def test_accuracy_is_the_share_of_equal_tags_under_both_scorers(sentences):
    gold, predicted = unzip(sentences)
    tokens = [pair for sentence in sentences for pair in sentence]
    expected = 100 * sum(a == b for a, b in tokens) / len(tokens) if tokens else 0
    assert score_accuracy(gold, predicted).value == pytest.approx(expected)
    assert score_spans(gold, predicted).metrics["accuracy"] == pytest.approx(expected)


@settings(deadline=None)
@given(PARALLEL)
def test_swapping_gold_and_prediction_swaps_precision_and_recall(sentences):
    gold, predicted = unzip(sentences)
    there, back = score_spans(gold, predicted).metrics, score_spans(predicted, gold).metrics
    assert (there["precision"], there["recall"], there["f1"]) == (back["recall"], back["precision"], back["f1"])


def test_a_worked_example_of_two_types():
    gold = [["B-PER", "I-PER", "O", "B-LOC"], ["B-LOC", "O", "B-PER"]]
    predicted = [["B-PER", "I-PER", "O", "B-PER"], ["B-LOC", "I-LOC", "B-PER"]]

    score = score_spans(gold, predicted)

    # gold 4 spans, predicted 4, correct 2 (the PER spans that open sentence 1 and close sentence 2); 5 of 7 tags agree
    assert (score.metric, score.value) == ("f1", 50.0)
    assert score.metrics == pytest.approx({"precision": 50.0, "recall": 50.0, "f1": 50.0, "accuracy": 500 / 7})
    assert score.per_type["PER"] == pytest.approx({"precision": 200 / 3, "recall": 100.0, "f1": 80.0, "support": 2})
    assert score.per_type["LOC"] == {"precision": 0.0, "recall": 0.0, "f1": 0.0, "support": 2}


@pytest.mark.parametrize(
    ("gold", "predicted", "precision", "recall"),
    [
        pytest.param("O B-X", "O B-X", 100, 100, id="a span open at the end of the sentence counts"),
        pytest.param("B-X I-X", "B-X O", 0, 0, id="a predicted span of one token is not a longer one"),
        pytest.param("B-X O", "B-X I-X", 0, 0, id="a predicted span of two tokens is not a shorter one"),
        pytest.param("B-X B-X", "B-X I-X", 0, 0, id="two adjacent spans are not one"),
        pytest.param("B-X B-X", "B-X B-X", 100, 100, id="adjacent spans of one type stay apart"),
        pytest.param("B-X O", "I-X O", 100, 100, id="an orphan I- opens a span"),
        pytest.param("B-X I-Y", "B-X B-Y", 100, 100, id="an I- of another type opens a span"),
        pytest.param("B-X O B-X", "B-X O O", 100, 50, id="a missed span costs recall"),
        pytest.param("B-X O O", "B-X O B-X", 50, 100, id="a spurious span costs precision"),
        pytest.param("B-X", "B-Y", 0, 0, id="the right place with the wrong type is wrong"),
    ],
)
def test_what_counts_as_a_correct_span(gold, predicted, precision, recall):
    metrics = score_spans([gold.split()], [predicted.split()]).metrics
    assert (metrics["precision"], metrics["recall"]) == (precision, recall)


@pytest.mark.parametrize(
    ("gold", "predicted", "counts"),
    [
        pytest.param(["O I-X I-X O"], ["O B-X I-X O"], (1, 1, 1), id="an orphan I- inside a sentence"),
        pytest.param(["I-X O"], ["I-X O"], (1, 1, 1), id="an orphan I- at the start of a sentence"),
        pytest.param(["O O I-X"], ["O O B-X"], (1, 1, 1), id="an orphan I- that ends the sentence"),
        pytest.param(["B-X I-Y I-Y"], ["B-X B-Y I-Y"], (2, 2, 2), id="an orphan I- behind another type"),
        pytest.param(["B-X I-Y I-X"], ["B-X I-X I-X"], (0, 1, 3), id="an orphan I- between two of another type"),
        pytest.param(["B-X B-X O"], ["B-X B-X O"], (2, 2, 2), id="adjacent spans of one type"),
        pytest.param(["B-X B-X O"], ["B-X I-X O"], (0, 1, 2), id="adjacent spans of one type, predicted as one"),
        pytest.param(["B-X I-X B-X"], ["B-X B-X B-X"], (1, 3, 2), id="adjacent spans of one type, cut elsewhere"),
        pytest.param(["O B-X", "B-X O"], ["O B-X", "B-X O"], (2, 2, 2), id="a span that ends the sentence"),
        pytest.param(["O B-X", "I-X O"], ["O B-X", "B-X O"], (2, 2, 2), id="no span goes on in the next sentence"),
        pytest.param(["B-X I-X"], ["B-X O"], (0, 1, 1), id="a span that ends the sentence, predicted too short"),
        pytest.param(["O B-X I-X", "O"], ["O B-X I-X", "O"], (1, 1, 1), id="a long span that ends the sentence"),
    ],
)
def test_seqeval_and_conlleval_agree_where_scorers_are_known_to_differ(gold, predicted, counts):
    """Correct, predicted and gold spans: worked out by hand, by the walk of conlleval, and out of seqeval's spans."""
    gold, predicted = ([sentence.split() for sentence in sentences] for sentences in (gold, predicted))
    walked = count_like_conlleval(gold, predicted)
    by_conlleval = [
        sum(number for (side, _), number in walked.items() if side == name) for name in ("correct", "predicted", "gold")
    ]
    assert tuple(by_conlleval) == counts
    assert tuple(count_spans(gold, predicted).sum(0)) == counts
    correct, guessed, annotated = counts
    expected = ratios(annotated, guessed, correct)
    assert {name: score_spans(gold, predicted).metrics[name] for name in expected} == pytest.approx(expected)


@settings(deadline=None)
@given(PARALLEL)
def test_the_counts_of_sentences_are_those_of_each_sentence_scored_by_itself(sentences):
    gold, predicted = unzip(sentences)
    spans, tokens = count_spans(gold, predicted), count_accuracy(gold, predicted)
    assert (spans.shape, tokens.shape) == ((len(gold), 3), (len(gold), 2))
    assert spans.dtype == tokens.dtype == np.int32
    for one, guess, found, right in zip(gold, predicted, spans, tokens, strict=True):
        assert count_spans([one], [guess]).tolist() == [found.tolist()]
        assert right.tolist() == [sum(a == b for a, b in zip(one, guess, strict=True)), len(one)]
    correct, guessed, annotated = spans.sum(0)
    assert score_spans(gold, predicted).value == pytest.approx(ratios(annotated, guessed, correct)["f1"])
    if tokens.size:
        assert score_accuracy(gold, predicted).value == pytest.approx(100 * tokens[:, 0].sum() / tokens[:, 1].sum())


def test_a_span_ends_with_its_sentence():
    apart = score_spans([["B-X"], ["I-X"]], [["B-X"], ["O"]])
    assert (apart.metrics["precision"], apart.metrics["recall"]) == (100, 50)


def test_a_type_that_was_only_predicted_is_listed_with_support_zero():
    assert score_spans([["O"]], [["B-X"]]).per_type == {"X": {"precision": 0, "recall": 0, "f1": 0, "support": 0}}


@pytest.mark.parametrize("sentences", [[], [["O", "O"]]], ids=["no sentence", "no span"])
def test_without_spans_f1_is_zero_and_nothing_warns(sentences):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        score = score_spans(sentences, sentences)
    assert (score.value, score.metrics["precision"], score.metrics["recall"], score.per_type) == (0, 0, 0, {})


def test_a_worked_example_of_tags():
    score = score_accuracy([["NN", "VB", "NN"], ["DT"]], [["NN", "NN", "NN"], ["JJ"]])

    assert (score.metric, score.value, score.metrics) == ("accuracy", 50.0, {"accuracy": 50.0})
    zero = {"precision": 0.0, "recall": 0.0, "f1": 0.0}
    assert score.per_type == {
        "DT": {**zero, "support": 1},
        "JJ": {**zero, "support": 0},
        "NN": pytest.approx({"precision": 200 / 3, "recall": 100.0, "f1": 80.0, "support": 2}),
        "VB": {**zero, "support": 1},
    }


@pytest.mark.parametrize("scorer", [score_accuracy, score_spans, count_accuracy, count_spans])
@pytest.mark.parametrize(
    ("gold", "predicted", "message"),
    [
        ([["O"]], [["O"], ["O"]], "1 sentences of gold tags, but 2"),
        ([["O"], ["O", "O"]], [["O"], ["O"]], "sentence 2 has 2 gold tags, but 1"),
        ([["O", "O"], ["O"]], [["O"], ["O", "O"]], "sentence 1 has 2 gold tags, but 1"),
    ],
)
def test_lengths_that_differ_are_refused(scorer, gold, predicted, message):
    with pytest.raises(ValueError, match=message):
        scorer(gold, predicted)


@pytest.mark.parametrize("tag", ["NN", "S-PER", "E-PER", "o", "", "B-"])
def test_a_tag_outside_iob2_is_refused_by_name(tag):
    with pytest.raises(ValueError, match=f"{tag!r} is not an IOB2 tag"):
        score_spans([["O"]], [[tag]])


def test_sequences_need_not_be_lists():
    assert score_spans((("B-X", "I-X"),), (("B-X", "I-X"),)).value == 100


def test_the_entities_of_conll_2003_score_themselves_perfectly(real_data):
    blocks = real_data("conll03/test.txt").read_text(encoding="utf-8").split("\n\n")
    sentences = [[line.split()[-1] for line in block.splitlines()] for block in blocks if block.strip()]

    score = score_spans(sentences, sentences)

    assert score.metrics == {"precision": 100, "recall": 100, "f1": 100, "accuracy": 100}
    support = {kind: scores["support"] for kind, scores in score.per_type.items()}
    assert support == {"LOC": 1668, "MISC": 702, "ORG": 1661, "PER": 1617}


def test_importing_the_module_does_not_import_seqeval():
    command = (
        "import sys, sparse_sharing.evaluation.metrics; sys.exit('seqeval' in sys.modules or 'torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", command], check=False).returncode == 0


def test_tokens_without_a_correct_tag_count_neither_right_nor_wrong():
    gold, predicted = [["A", "", "B"], ["", ""]], [["A", "A", "A"], ["B", "A"]]
    assert score_accuracy(gold, predicted).value == 50
    assert count_accuracy(gold, predicted).tolist() == [[1, 2], [0, 0]]
