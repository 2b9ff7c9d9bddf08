"""Speed of a training step: all ways of sharing that train a network from its start, and the references, in turn."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from benchmarks.reference import OriginalMasking, PackedHardSharing, random_masks
from benchmarks.timing import Series, seconds, side_by_side
from sparse_sharing.config.encoders.bilstm import BiLstm
from sparse_sharing.config.schema import Optimization
from sparse_sharing.masks.mask import Mask
from sparse_sharing.network.network import Network
from sparse_sharing.text.batches import Batch, make_batch, shuffled_batches
from sparse_sharing.text.encoded import EncodedText
from sparse_sharing.text.vocabulary import Vocabulary
from sparse_sharing.training.initial import initialise
from sparse_sharing.training.trainer import Trainer

DENSITY = 0.5
"""Density of the random masks, near those that the paper chooses in experiment 1. It does not affect the cost."""

REFERENCE_A, REFERENCE_B = "reference (a)", "reference (b)"
KINDS = ("single", "hard", "soft", "hierarchical", "sparse")
"""The ways of sharing that train all weights of a network from its start."""


@dataclass(frozen=True)
class Setting:
    """A network and how it is trained."""

    name: str
    model: BiLstm
    optimization: Optimization


def paper_settings(hidden: int = 200) -> list[Setting]:
    """The networks of experiments 2 and 1 with the paper's SGD, and the short configuration's Adam."""
    sgd = Optimization(optimizer="sgd", learning_rate=0.1, batch_size=10)
    adam = Optimization(optimizer="adam", learning_rate=0.002, batch_size=16)
    return [
        Setting("2 layers, SGD, batch 10", BiLstm(layers=2, hidden=hidden), sgd),
        Setting("1 layer, SGD, batch 10", BiLstm(layers=1, hidden=hidden), sgd),
        Setting("1 layer, Adam, batch 16", BiLstm(layers=1, hidden=hidden), adam),
    ]


def network_of(
    kind: str,
    model: BiLstm,
    vocabulary: Vocabulary,
    density: float = DENSITY,
    seed: int = 1,
    device: torch.device | str = "cpu",
) -> Network | None:
    """A network of a way of sharing with its initial weights; None if the program does not support the kind."""
    if kind == "single":
        first = next(iter(vocabulary.tasks))
        vocabulary = replace(vocabulary, tasks={first: vocabulary.tasks[first]})
    if kind == "soft":
        model = model.with_stacks(list(vocabulary.tasks))
    network = Network(model, vocabulary, device)
    nothing = np.zeros((vocabulary.word_count, 0), np.float32)
    initialise(network, seed, nothing, np.zeros(vocabulary.word_count, bool))
    if kind == "sparse":
        network.set_masks({task: random_mask(network, density, n) for n, task in enumerate(network.heads)})
    if kind == "hierarchical":
        if model.layers == 1:
            return None
        network.set_masks({task: lower_mask(network) for task in list(network.heads)[:-1]})
    return network


def random_mask(network: Network, density: float, seed: int) -> Mask:
    """A mask that keeps a share of the weights at random positions."""
    dense = Mask.dense(network.prunable_shapes, "random")
    keep = torch.from_numpy(np.random.default_rng(seed).random(dense.keep.numel()) < density)
    return Mask(keep, dense.shapes, dense.weights)


def lower_mask(network: Network) -> Mask:
    """The mask of a task that is supervised at the first layer."""
    shapes = network.prunable_shapes
    layers = network.encoder.layers
    parts = [torch.full(shape, layers[name] < 2).flatten() for name, shape in shapes.items()]
    return Mask(torch.cat(parts), dict(shapes), "lower")


@dataclass(frozen=True)
class Steps:
    """The same drawn batches for all that are compared: `blocks` of (task, sentences), and the tokens of each block."""

    text: EncodedText
    blocks: list[list[tuple[str, np.ndarray]]]

    @classmethod
    def draw(cls, text: EncodedText, tasks: list[str], batch_size: int, blocks: int, length: int) -> "Steps":
        """Draw `blocks` blocks of `length` batches, the tasks in turn."""
        lengths = text.lengths[: 50 * batch_size * blocks * length]
        drawn = shuffled_batches(lengths, batch_size, 50, np.random.default_rng(1))[: blocks * length]
        turns = [(tasks[turn % len(tasks)], batch) for turn, batch in enumerate(drawn)]
        return cls(text, [turns[start : start + length] for start in range(0, len(turns), length)])

    @property
    def tokens(self) -> list[int]:
        """Tokens of each block."""
        lengths = self.text.lengths
        return [int(sum(lengths[indices].sum() for _, indices in block)) for block in self.blocks]

    def run(self, step: Callable[[str, Batch], object], only: str | None = None) -> Callable[[int], None]:
        """The action that trains on a block; `only`: on the batches of all tasks as if they were this one's."""

        def block(number: int) -> None:
            random = np.random.default_rng(number)
            for task, indices in self.blocks[number]:
                step(only or task, make_batch(self.text, indices, only or task, 0.01, random))

        return block


def step_speeds(
    setting: Setting, vocabulary: Vocabulary, text: EncodedText, blocks: int, length: int
) -> dict[str, Series]:
    """Tokens per second of each way of sharing and of the references (which have only SGD)."""
    model, optimization = setting.model, setting.optimization
    steps = Steps.draw(text, list(vocabulary.tasks), optimization.batch_size, blocks, length)
    actions = {}
    for kind in KINDS:
        if (network := network_of(kind, model, vocabulary)) is not None:
            actions[kind] = steps.run(stepper(network, optimization), only_task(kind, network))
    if optimization.optimizer == "sgd":
        rate = optimization.learning_rate
        masks = random_masks(model, vocabulary, DENSITY)
        actions[REFERENCE_A] = steps.run(PackedHardSharing(model, vocabulary, rate).step)
        actions[REFERENCE_B] = steps.run(OriginalMasking(model, vocabulary, rate, masks).step)
    return side_by_side(actions, steps.tokens)


def stepper(network: Network, optimization: Optimization) -> Callable[[str, Batch], Tensor]:
    """The training step of a network."""
    trainer = Trainer(network, optimization)
    return lambda task, batch: trainer.step(task, batch, optimization.learning_rate)


def only_task(kind: str, network: Network) -> str | None:
    """The task of a single-task network."""
    return next(iter(network.heads)) if kind == "single" else None


def gemm_speed(batch_size: int, hidden: int, repetitions: int = 200) -> Series:
    """GFLOP/s of a matrix product of the recurrent shape: [batch, hidden] times [hidden, 4 * hidden]."""
    states, weights = torch.randn(batch_size, hidden), torch.randn(4 * hidden, hidden)
    out = torch.empty(batch_size, 4 * hidden)
    operations = 2 * states.numel() * 4 * hidden
    spent = [seconds(lambda: torch.mm(states, weights.t(), out=out)) for _ in range(repetitions)]
    return Series(tuple(operations / one / 1e9 for one in spent[repetitions // 10 :]))


def gemm_share(setting: Setting, tokens_per_second: float, gemm: Series) -> float:
    """The share of that speed that a training reaches in the matrix products of its LSTM: 6 operations per weight."""
    model = setting.model
    widths = [model.word_dimension + model.character_filters] + [2 * model.hidden] * (model.layers - 1)
    weights = sum(2 * 4 * model.hidden * (width + model.hidden) for width in widths)
    return tokens_per_second * 6 * weights / (gemm.median * 1e9)


def overheads(speeds: Mapping[str, Series]) -> float:
    """How much longer a sparse step takes than a dense one, in percent."""
    return 100 * (speeds["hard"].ratio(speeds["sparse"]) - 1)
