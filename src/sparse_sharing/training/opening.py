"""What a stage that begins with finished starting weights reads: the text of its tasks, and the network."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from sparse_sharing.config.encoders.base import EncoderSection
from sparse_sharing.network.network import Network
from sparse_sharing.pipeline.specs import MergeSpec, PruneSpec, SearchSpec, TrainSpec
from sparse_sharing.training.inputs import (
    build_network,
    choose_device,
    load_task_data,
    load_vocabulary,
    load_weights,
    tags_files,
)
from sparse_sharing.training.loop import TaskData


@dataclass(frozen=True)
class Opened:
    """What was read.

    Attributes:
        network: the network, with its starting weights.
        start: these weights by name.
        weights: their digest.
        tasks: the training and dev text of each task.
        files: the files that were read.
    """

    network: Network
    start: Mapping[str, Tensor]
    weights: str
    tasks: dict[str, TaskData]
    files: list[Path]


def open_inputs(
    spec: PruneSpec | SearchSpec | TrainSpec | MergeSpec,
    vocabulary_file: Path,
    train_text: Path,
    dev_text: Path,
    weights: Path,
    device: str,
    change: Callable[[EncoderSection], EncoderSection] = lambda model: model,
) -> Opened:
    """Read the files of earlier stages, which must have the digests in the spec.

    Args:
        spec: the spec of the stage.
        vocabulary_file: the words and characters; the tags of the tasks are in files beside it.
        train_text: the training text.
        dev_text: the dev text.
        weights: the starting weights.
        device: `auto`, `cpu` or `cuda`.
        change: gives the section of the encoder from that of the weights.

    Raises:
        ArtifactError: A file cannot be used, or was made with other settings.
        TrainingError: A task has no training sentence.
        ConfigError: The device does not exist.
    """
    vocabulary = load_vocabulary(vocabulary_file, spec.data, spec.tags)
    weights_of_tasks = spec.weights if isinstance(spec, SearchSpec | TrainSpec) else None
    lenient = "lenient_spans" in (spec.replicate or ())
    tasks = load_task_data(train_text, dev_text, spec.tags, spec.data, vocabulary, weights_of_tasks, lenient)
    artifact = load_weights(weights, spec.start)
    network, start = build_network(weights, artifact, vocabulary, spec.head, choose_device(device), change)
    files = [vocabulary_file, train_text, dev_text, weights, *tags_files((train_text, dev_text), spec.tags)]
    return Opened(network, start, artifact.digest, tasks, files)
