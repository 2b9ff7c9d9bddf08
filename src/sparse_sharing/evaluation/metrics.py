"""Compares predicted tags with gold tags: token accuracy, and span F1 as counted by conlleval."""

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np

Tags = Sequence[Sequence[str]]

_IOB2 = re.compile(r"O|[BI](-.+)?")


@dataclass(frozen=True)
class TaskScore:
    """The scores of one task on one split; every ratio is a percentage between 0 and 100, not rounded.

    Attributes:
        metric: the name of the main metric, "accuracy" or "f1".
        value: the main metric.
        metrics: all metrics of the task by name: accuracy, and for spans also precision, recall and f1.
        per_type: precision, recall, f1 and support (the number in gold) of each span type, or of each tag if the main
            metric is accuracy. A type that was only predicted is listed too, with support 0. Empty if scores were
            counted from numbers.
        loss: the mean loss per token, if a network has measured it with the scores; otherwise infinite.
    """

    metric: str
    value: float
    metrics: dict[str, float]
    per_type: dict[str, dict[str, float]]
    loss: float = math.inf


def score_accuracy(gold: Tags, predicted: Tags) -> TaskScore:
    """Score one tag per token, such as parts of speech; tokens whose correct tag is empty are skipped.

    Args:
        gold: the correct tags, one sequence per sentence.
        predicted: the predicted tags, in the same shape.

    Raises:
        ValueError: the number of sentences, or the number of tags in a sentence, differs.
    """
    _check_lengths(gold, predicted)
    gold, predicted = _tagged(gold, predicted)
    accuracy = _accuracy(gold, predicted)
    gold_tags = list(chain.from_iterable(gold))
    predicted_tags = list(chain.from_iterable(predicted))
    correct = Counter(tag for tag, guess in zip(gold_tags, predicted_tags, strict=True) if tag == guess)
    return TaskScore(
        metric="accuracy",
        value=accuracy,
        metrics={"accuracy": accuracy},
        per_type=_per_type(Counter(gold_tags), Counter(predicted_tags), correct),
    )


def score_spans(gold: Tags, predicted: Tags) -> TaskScore:
    """Score labelled spans like conlleval: a predicted span is correct if its type and both its ends are correct.

    Spans are read by seqeval in its default mode, which is as lenient as conlleval: an I- tag that continues no span
    of its type opens one. Accuracy counts tokens whose whole tag is right. A ratio over nothing is 0.

    Args:
        gold: the correct tags in IOB2, one sequence per sentence.
        predicted: the predicted tags, in the same shape.

    Raises:
        ValueError: the number of sentences, or the number of tags in a sentence, differs; or a tag is not IOB2.
    """
    _check_lengths(gold, predicted)
    gold_spans, predicted_spans = _spans(gold), _spans(predicted)
    correct_spans = gold_spans & predicted_spans
    overall = _ratios(len(gold_spans), len(predicted_spans), len(correct_spans))
    return TaskScore(
        metric="f1",
        value=overall["f1"],
        metrics={**overall, "accuracy": _accuracy(gold, predicted)},
        per_type=_per_type(*(Counter(kind for kind, _, _ in s) for s in (gold_spans, predicted_spans, correct_spans))),
    )


def score_numbers(
    gold: np.ndarray, predicted: np.ndarray, names: Sequence[str], offsets: np.ndarray, has_spans: bool
) -> TaskScore:
    """Score tags given as numbers, in any span scheme: the same metrics as above, a hundred times faster.

    It is used for the dev score of each epoch; reported test scores are counted by seqeval.

    Args:
        gold: int [N], the numbers of the correct tags of all tokens.
        predicted: int [N], those of the predicted tags.
        names: the tag of each number.
        offsets: int [S + 1], where each sentence begins.
        has_spans: whether the tags encode spans, or are one label each.
    """
    if not has_spans:
        accuracy = _percent(int((gold == predicted).sum()), len(gold))
        return TaskScore("accuracy", accuracy, {"accuracy": accuracy}, {})
    right, guess = (_Spans.of(tags, names, offsets) for tags in (gold, predicted))
    same_type = right.types == guess.types
    correct = right.ends & guess.ends & same_type & (right.begins == guess.begins)
    overall = _ratios(int(right.ends.sum()), int(guess.ends.sum()), int(correct.sum()))
    # in IOB2 two tags are equal if both are outside, or both of one type and both or neither the first of a span
    equal = same_type & (right.starts == guess.starts)
    metrics = {**overall, "accuracy": _percent(int(equal.sum()), len(gold))}
    return TaskScore("f1", overall["f1"], metrics, {})


@dataclass(frozen=True)
class _Spans:
    """The spans of all tokens [N] as arrays: the type of each token's span (-1 outside), where spans start and end.

    `begins` is the position of the last start so far.
    """

    types: np.ndarray
    starts: np.ndarray
    ends: np.ndarray
    begins: np.ndarray

    @classmethod
    def of(cls, tags: np.ndarray, names: Sequence[str], offsets: np.ndarray) -> "_Spans":
        """Read spans as seqeval and conlleval do: E and S end a span, a tag that continues no span opens one."""
        kinds: dict[str, int] = {}
        of_name = [
            kinds.setdefault(name[1:].split("-", 1)[-1] or "_", len(kinds)) if name[:1] in ("B", "I", "E", "S") else -1
            for name in names
        ]
        types = np.array(of_name, dtype=np.int64)[tags]
        opens, closes = (np.array([name[:1] in letters for name in names])[tags] for letters in ("BS", "ES"))
        joined = np.zeros(len(tags) + 1, dtype=bool)
        joined[1:-1] = (types[1:] == types[:-1]) & (types[1:] >= 0) & ~opens[1:] & ~closes[:-1]
        joined[offsets] = False
        inside = types >= 0
        starts = inside & ~joined[:-1]
        begins = np.maximum.accumulate(np.where(starts, np.arange(len(tags)), 0)) if len(tags) else np.arange(0)
        return cls(types, starts, inside & ~joined[1:], begins)


def count_accuracy(gold: Tags, predicted: Tags) -> np.ndarray:
    """Counts of each sentence, from which `score_accuracy` gets its accuracy: int32 [sentences, 2], correct and tokens.

    Arguments and errors are those of `score_accuracy`.
    """
    _check_lengths(gold, predicted)
    gold, predicted = _tagged(gold, predicted)
    correct = [sum(map(str.__eq__, *pair)) for pair in zip(gold, predicted, strict=True)]
    return np.array([correct, list(map(len, gold))], dtype=np.int32).T


def count_spans(gold: Tags, predicted: Tags) -> np.ndarray:
    """Counts of each sentence, from which `score_spans` gets its F1: int32 [sentences, 3], correct, predicted, gold.

    Arguments and errors are those of `score_spans`.
    """
    _check_lengths(gold, predicted)
    gold_spans, predicted_spans = _spans(gold), _spans(predicted)
    # seqeval adds a token after each sentence
    starts = np.cumsum([0, *(len(sentence) + 1 for sentence in gold)])
    columns = [
        np.bincount(np.searchsorted(starts, [first for _, first, _ in spans], side="right") - 1, minlength=len(gold))
        for spans in (gold_spans & predicted_spans, predicted_spans, gold_spans)
    ]
    return np.stack(columns, axis=1).astype(np.int32)


def _spans(sentences: Tags) -> set[tuple[str, int, int]]:
    """The spans of all sentences as (type, first token, last token); tokens are counted through the whole corpus."""
    # seqeval imports scikit-learn, which takes seconds
    from seqeval.metrics.sequence_labeling import get_entities

    for tag in set(chain.from_iterable(sentences)):
        if not _IOB2.fullmatch(tag):
            raise ValueError(f"{tag!r} is not an IOB2 tag; expected O, B-TYPE or I-TYPE")
    # a list of lists of tags: seqeval then ends every open span at the end of its sentence
    return set(get_entities([list(sentence) for sentence in sentences]))


def _tagged(gold: Tags, predicted: Tags) -> tuple[Tags, Tags]:
    """Both, without the tokens that have no correct tag."""
    if all(map(all, gold)):
        return gold, predicted
    pairs = [[pair for pair in zip(*tags, strict=True) if pair[0]] for tags in zip(gold, predicted, strict=True)]
    right = [[tag for tag, _ in sentence] for sentence in pairs]
    return right, [[tag for _, tag in sentence] for sentence in pairs]


def _check_lengths(gold: Tags, predicted: Tags) -> None:
    if len(gold) != len(predicted):
        raise ValueError(f"{len(gold)} sentences of gold tags, but {len(predicted)} of predicted tags")
    for number, (tags, guesses) in enumerate(zip(gold, predicted, strict=True), start=1):
        if len(tags) != len(guesses):
            raise ValueError(f"sentence {number} has {len(tags)} gold tags, but {len(guesses)} predicted tags")


def _accuracy(gold: Tags, predicted: Tags) -> float:
    """The percentage of tokens whose predicted tag is the gold tag; 0 without tokens."""
    pairs = zip(chain.from_iterable(gold), chain.from_iterable(predicted), strict=True)
    correct = sum(tag == guess for tag, guess in pairs)
    return _percent(correct, sum(map(len, gold)))


def _per_type(gold: Counter[str], predicted: Counter[str], correct: Counter[str]) -> dict[str, dict[str, float]]:
    return {
        kind: {**_ratios(gold[kind], predicted[kind], correct[kind]), "support": gold[kind]}
        for kind in sorted(gold | predicted)
    }


def _ratios(gold: int, predicted: int, correct: int) -> dict[str, float]:
    """Precision, recall and their harmonic mean, in percent, from counts."""
    return {
        "precision": _percent(correct, predicted),
        "recall": _percent(correct, gold),
        "f1": _percent(2 * correct, gold + predicted),
    }


def _percent(part: int, whole: int) -> float:
    return 100.0 * part / whole if whole else 0.0
