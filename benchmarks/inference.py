"""Speed of inference, of ranking weights, and of reading encoded text."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from benchmarks.timing import Series, seconds, side_by_side
from benchmarks.training import Setting, network_of, random_mask
from sparse_sharing.masks.ranking import prune_smallest
from sparse_sharing.text.encoded import EncodedText, encode_text
from sparse_sharing.text.vocabulary import Vocabulary
from sparse_sharing.training.inputs import load_text


def part_of(text: EncodedText, start: int, end: int) -> EncodedText:
    """Some sentences of a text; the words stay as they are."""
    tokens = slice(text.offsets[start], text.offsets[end])
    changed = {"tokens": text.tokens[tokens], "offsets": text.offsets[start : end + 1] - text.offsets[start]}
    tags = {task: task_tags[tokens] for task, task_tags in text.tags.items()}
    return EncodedText(**{**vars(text), **changed, "tags": tags})


def prediction_speeds(
    settings: list[Setting], vocabulary: Vocabulary, text: EncodedText, blocks: int, sentences: int
) -> dict[str, Series]:
    """Tokens per second of evaluation (batches of 128) and of tagging (words encoded, batches of 32)."""
    cuts = [(n * sentences % (text.sentences - sentences + 1)) for n in range(blocks)]
    parts = [part_of(text, start, start + sentences) for start in cuts]
    written = [part.words() for part in parts]
    actions = {}
    for layers in sorted({setting.model.layers for setting in settings}):
        model = next(setting.model for setting in settings if setting.model.layers == layers)
        network = network_of("sparse", model, vocabulary)
        task = next(iter(network.heads))
        actions[f"evaluation, {layers} layer{'s' * (layers > 1)}"] = lambda n, network=network, task=task: (
            network.predict(task, parts[n], 128)
        )
        actions[f"tagging, {layers} layer{'s' * (layers > 1)}"] = lambda n, network=network, task=task: network.predict(
            task, encode_text(((words, {}) for words in written[n]), vocabulary, [], {}, 0), 32
        )
    return side_by_side(actions, [len(part.tokens) for part in parts])


def ranking_seconds(setting: Setting, vocabulary: Vocabulary, repetitions: int) -> Series:
    """Time of the ranking of one pruning round: from weights and a mask to the next mask."""
    network = network_of("hard", setting.model, vocabulary)
    mask = random_mask(network, 0.9, 1)
    kept = round(0.9 * mask.kept)
    return Series(
        tuple(seconds(lambda: prune_smallest(network.prunable_values().abs(), mask, kept)) for _ in range(repetitions))
    )


def loading_seconds(path: Path, repetitions: int) -> Series:
    """Time to open an encoded text."""
    return Series(tuple(seconds(lambda: load_text(path)) for _ in range(repetitions)))


def touch(texts: Mapping[str, EncodedText], sentences: int = 1000) -> int:
    """Read sentences spread over a text, as training does; returns the sum of their tokens' numbers."""
    text = next(iter(texts.values()))
    chosen = np.linspace(0, text.sentences - 1, sentences).astype(int)
    return int(sum(text.tokens[text.offsets[one] : text.offsets[one + 1]].sum() for one in chosen))
