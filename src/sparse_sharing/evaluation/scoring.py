"""Scores a network on text: tags in the file's scheme, with one scorer for all systems and stages."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from sparse_sharing.config.formats import Scheme
from sparse_sharing.evaluation.lenient import reread
from sparse_sharing.evaluation.metrics import (
    Tags,
    TaskScore,
    count_accuracy,
    count_spans,
    score_accuracy,
    score_numbers,
    score_spans,
)
from sparse_sharing.network.network import Network
from sparse_sharing.text.encoded import EncodedText
from sparse_sharing.text.schemes import convert
from sparse_sharing.text.vocabulary import NO_TAG, TaskTags


def predict_tags(network: Network, task: str, text: EncodedText, batch_size: int = 128) -> list[list[str]]:
    """The predicted tags of each sentence, in the model's scheme."""
    return _named(network, task, text, network.predict(task, text, batch_size))


def _named(network: Network, task: str, text: EncodedText, numbers: np.ndarray) -> list[list[str]]:
    """The tags of numbers int [N], by sentence."""
    names = network.vocabulary.tasks[task].tags
    return text.by_sentence([names[tag] for tag in numbers.tolist()])


def score_task(
    network: Network, task: str, text: EncodedText, batch_size: int = 128, lenient: bool = False
) -> TaskScore:
    """Score a task on text by its metric, and compute its loss in the same pass.

    There is no score per type if the metric is the default of its scheme.
    """
    tags = network.vocabulary.tasks[task]
    predicted, loss = network.predict_with_loss(task, text, batch_size)
    if tags.metric is not None or (lenient and tags.has_spans):
        # Tags are compared in the file's scheme, not in the model's.
        gold, guessed = text.gold_tags(task, network.vocabulary), _named(network, task, text, predicted)
        score = score_tags(*as_scored(gold, guessed, tags, lenient), tags)
    else:
        names, gold = (*tags.tags, *text.unseen_tags[task]), text.tags[task]
        if not tags.has_spans:
            tagged = gold != NO_TAG
            gold, predicted = gold[tagged], predicted[tagged]
        score = score_numbers(gold, predicted, names, text.offsets, tags.has_spans)
    return replace(score, loss=loss)


def as_scored(gold: Tags, predicted: Tags, tags: TaskTags, lenient: bool) -> tuple[Tags, Tags]:
    """Tags for a scorer: unchanged, or as the original code's scorer for single tasks reads them."""
    if not (lenient and tags.has_spans):
        return gold, predicted
    return reread(gold, tags.model_scheme), reread(predicted, tags.model_scheme)


def score_tags(gold: Sequence[Sequence[str]], predicted: Sequence[Sequence[str]], tags: TaskTags) -> TaskScore:
    """Score tags given in the model's scheme, by the metric of the task."""
    if tags.has_spans and tags.metric == "accuracy":
        return score_accuracy(written_tags(gold, tags), written_tags(predicted, tags))
    if not tags.has_spans:
        return score_accuracy(gold, predicted)
    return score_spans(*(_converted(sentences, tags, "iob2") for sentences in (gold, predicted)))


def count_tags(gold: Sequence[Sequence[str]], predicted: Sequence[Sequence[str]], tags: TaskTags) -> np.ndarray:
    """The counts of each sentence behind the main metric of `score_tags`, as `metrics.count_spans` describes them."""
    if not tags.has_spans:
        return count_accuracy(gold, predicted)
    return count_spans(*(_converted(sentences, tags, "iob2") for sentences in (gold, predicted)))


def written_tags(sentences: Sequence[Sequence[str]], tags: TaskTags) -> list[list[str]]:
    """Convert tags from the model's scheme to the file's; invalid sequences are read like conlleval."""
    return _converted(sentences, tags, tags.scheme)


def _converted(sentences: Sequence[Sequence[str]], tags: TaskTags, target: Scheme) -> list[list[str]]:
    if tags.model_scheme == target and not tags.has_spans:
        return [list(sentence) for sentence in sentences]
    return [convert(sentence, tags.model_scheme, target) for sentence in sentences]
