"""Speed of compact networks: dense, with half of the units, and three tasks with a third of the units each.

`python -m benchmarks.units` prints a table. All variants take turns in one run; times are CPU seconds of one thread,
and a ratio is the median over the turns, so that other work on the machine changes little.
"""

import argparse
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from statistics import median

import numpy as np
import torch

from benchmarks.data import generated_text, generated_vocabulary
from benchmarks.inference import part_of
from sparse_sharing.config.encoders.bilstm import BiLstm
from sparse_sharing.masks.mask import Mask
from sparse_sharing.network.compact import compact_network
from sparse_sharing.network.network import Network
from sparse_sharing.network.storage import TrainedModel
from sparse_sharing.tagging.onnx_export import weights_of
from sparse_sharing.tagging.onnx_graph import build_graph
from sparse_sharing.tagging.onnx_tagger import OnnxTagger
from sparse_sharing.tagging.tagger import Tagger
from sparse_sharing.text.vocabulary import Vocabulary
from sparse_sharing.training.initial import initialise
from sparse_sharing.training.trained import OpenModel


def network_of(layers: int, vocabulary: Vocabulary, share: float | None = None) -> tuple[Network, dict[str, Mask]]:
    """The paper's network with its initial weights; with a share, each task keeps that part of each group of units."""
    network = Network(BiLstm(layers=layers), vocabulary)
    word_count = vocabulary.word_count
    initialise(network, 1, np.zeros((word_count, 0), np.float32), np.zeros(word_count, bool))
    masks = {} if share is None else {task: random_units(network, share, n) for n, task in enumerate(network.heads)}
    network.set_masks(masks)
    return network, masks


def random_units(network: Network, share: float, seed: int) -> Mask:
    """A mask over units that keeps a share of each group, at random."""
    random, parts = np.random.default_rng(seed), []
    for (size,) in network.units.shapes.values():
        keep = np.zeros(size, bool)
        keep[random.permutation(size)[: round(share * size)]] = True
        parts.append(keep)
    return Mask(torch.from_numpy(np.concatenate(parts)), network.units.shapes, "random")


def _trained(network: Network, masks: Mapping[str, Mask]) -> TrainedModel:
    details = {"tasks": list(network.heads), "data": {"vectors": False}, "model": network.model.model_dump()}
    return TrainedModel({name: value.numpy() for name, value in network.values().items()}, masks, details, {}, "")


def tagger_of(network: Network, masks: Mapping[str, Mask]) -> Tagger:
    """The tagger of the network in torch."""
    return Tagger(OpenModel(_trained(network, masks), network.vocabulary, network, ""))


def onnx_of(network: Network, masks: Mapping[str, Mask]) -> OnnxTagger:
    """The tagger of the exported network."""
    model = _trained(network, masks)
    graph = build_graph(weights_of(model, network)).SerializeToString()
    return OnnxTagger(graph, {**model.details, "tasks": {task: {} for task in model.tasks}}, network.vocabulary)


def variants(layers: int, parts: list, sentences: list) -> dict[str, tuple[str, Callable[[int], object]]]:
    """The variants by name: what each is compared with, and a function of the number of the turn."""
    three = generated_vocabulary()
    one = replace(three, tasks=dict(list(three.tasks.items())[:1]))
    (task,) = one.tasks
    dense, _ = network_of(layers, one)
    halved, masks = network_of(layers, one, 0.5)
    small = compact_network(halved, task, masks[task])
    hard, _ = network_of(layers, three)
    thirds, third_masks = network_of(layers, three, 1 / 3)
    by_name = {
        "network, dense": ("", lambda n: dense.predict(task, parts[n])),
        "network, half": ("network, dense", lambda n: small.predict(task, parts[n])),
    }
    for name, make in (("Tagger.tag", tagger_of), ("ONNX", onnx_of)):
        whole, half = make(dense, {}), make(halved, masks)
        joint, sparse = make(hard, {}), make(thirds, third_masks)
        by_name |= {
            f"{name}, dense": ("", lambda n, tagger=whole: tagger.tag(sentences[n])),
            f"{name}, half": (f"{name}, dense", lambda n, tagger=half: tagger.tag(sentences[n])),
            f"{name}, hard, 3 tasks": (f"{name}, dense", lambda n, tagger=joint: tagger.tag(sentences[n])),
            f"{name}, thirds, 3 tasks": (f"{name}, dense", lambda n, tagger=sparse: tagger.tag(sentences[n])),
        }
    return by_name


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--turns", type=int, default=15)
    parser.add_argument("--sentences", type=int, default=400)
    options = parser.parse_args()
    torch.set_num_threads(1)
    text = generated_text(generated_vocabulary(), options.turns * options.sentences)
    parts = [part_of(text, n * options.sentences, (n + 1) * options.sentences) for n in range(options.turns)]
    sentences = [part.words() for part in parts]
    for layers in (1, 2):
        measured = variants(layers, parts, sentences)
        speeds: dict[str, list[float]] = {name: [] for name in measured}
        for turn in range(options.turns):
            for name, (_, action) in measured.items():
                started = time.process_time()
                action(turn)
                speeds[name].append(len(parts[turn].tokens) / (time.process_time() - started))
        sys.stdout.write(
            f"{layers} layer{'s' * (layers > 1)}, hidden 200: tokens per CPU-second, times the dense one\n"
        )
        for name, (base, _) in measured.items():
            ratio = median(speed / other for speed, other in zip(speeds[name], speeds[base or name], strict=True))
            sys.stdout.write(f"{name:28} {median(speeds[name]):10,.0f} {ratio:6.2f}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
