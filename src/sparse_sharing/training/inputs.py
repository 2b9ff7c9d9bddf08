"""Reading what earlier stages wrote, checked against the spec that the run expects."""

import dataclasses
import logging
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from sparse_sharing.config.encoders.base import encoder_section
from sparse_sharing.encoders.base import TextSizes, build_encoder
from sparse_sharing.errors import ArtifactError, ConfigError, TrainingError
from sparse_sharing.masks.mask import Mask, Shapes
from sparse_sharing.masks.units import Units
from sparse_sharing.network.network import Network
from sparse_sharing.network.parameters import require_shapes
from sparse_sharing.pipeline.weights import TaskWeights
from sparse_sharing.storage.artifacts import Artifact, load_json, load_tensors, parts_of, remedy
from sparse_sharing.text.checks import check_text, check_vocabulary
from sparse_sharing.text.encoded import EncodedText
from sparse_sharing.text.vocabulary import Vocabulary
from sparse_sharing.training.devices import own_slot
from sparse_sharing.training.loop import TaskData

log = logging.getLogger(__name__)


def load_vocabulary(path: Path, expected: str | None = None) -> Vocabulary:
    """The vocabulary of a prepared dataset."""
    return read_vocabulary(path, load_json(path, "vocabulary", expected))


def read_vocabulary(path: Path, artifact: Artifact) -> Vocabulary:
    """The vocabulary that an artifact holds; `path` names it in messages.

    Raises:
        ArtifactError: Its parts do not fit each other.
    """
    with parts_of(path):
        vocabulary = Vocabulary.from_json(artifact.details)
        check_vocabulary(vocabulary)
    return vocabulary


def load_text(path: Path, expected: str | None = None, vocabulary: Vocabulary | None = None) -> dict[str, EncodedText]:
    """For each task of a split the text that carries its tags; tasks of one corpus share it.

    Raises:
        ArtifactError: The file cannot be used, or its numbers point to nothing, in the vocabulary or elsewhere.
    """
    artifact = load_tensors(path, "text", expected)
    texts = {}
    with parts_of(path):
        for corpus, unseen in artifact.details["corpora"].items():
            text = EncodedText.from_tensors(corpus, artifact.tensors, unseen)
            check_text(text, vocabulary)
            texts |= dict.fromkeys(unseen, text)
    return texts


def load_vectors(path: Path, expected: str, words: int, dimension: int) -> tuple[np.ndarray, np.ndarray]:
    """The vectors float32 [words, d] of a vocabulary, d at most the dimension, and bool [words], which are given."""
    given = load_tensors(path, "vectors", expected).tensors
    with parts_of(path):
        vectors, has_vector = given["vectors"], given["has_vector"]
        if vectors.ndim != 2 or len(vectors) != words or vectors.shape[1] > dimension or has_vector.shape != (words,):
            raise ValueError(f"{vectors.shape} vectors for {words} words of {dimension} numbers")
        if has_vector.dtype != bool or not np.isfinite(vectors).all():
            raise ValueError("a vector is not finite")
    return vectors, has_vector


def load_task_data(
    train: Path,
    dev: Path,
    tasks: Iterable[str],
    expected: str,
    vocabulary: Vocabulary,
    weights: Mapping[str, TaskWeights] | None = None,
    lenient_spans: bool = False,
) -> dict[str, TaskData]:
    """Training and dev text of the named tasks, with the weights of those that have any, and the scorer for dev.

    Raises:
        ConfigError: The dataset has no task of that name.
        ArtifactError: A text cannot be used.
        TrainingError: A task has no training sentence.
    """
    texts = tuple(load_text(path, expected, vocabulary) for path in (train, dev))
    if missing := [task for task in tasks if task not in texts[0]]:
        raise ConfigError(f"{train}: has no task '{missing[0]}'; its tasks are {', '.join(texts[0])}")
    for task in tasks:
        if not texts[0][task].sentences:
            raise TrainingError(f"{train}: task '{task}' has no training sentence; give it some, or take the task out")
        if texts[0][task].unseen_tags[task]:
            raise ArtifactError(f"{train}: has tags of task '{task}' that are not in the vocabulary. {remedy(train)}")
    return {
        task: TaskData(
            texts[0][task],
            texts[1][task],
            own.sampling or 1.0,
            own.loss or 1.0,
            lenient_spans,
            vocabulary.tasks[task].choose_on_dev,
        )
        for task in tasks
        for own in [(weights or {}).get(task, TaskWeights())]
    }


def load_weights(path: Path, expected: str | None = None) -> tuple[dict[str, Tensor], Artifact]:
    """The starting weights by name, and the artifact that holds them."""
    artifact = load_tensors(path, "weights", expected)
    for name, array in artifact.tensors.items():
        if not np.isfinite(array).all():
            raise ArtifactError(f"{path}: the weights {name} are not all finite. {remedy(path)}")
    return to_tensors(artifact), artifact


def to_tensors(artifact: Artifact) -> dict[str, Tensor]:
    """The arrays of an artifact as torch tensors that share their memory."""
    return {name: torch.from_numpy(array) for name, array in artifact.tensors.items()}


def build_network(
    path: Path, artifact: Artifact, vocabulary: Vocabulary, tasks: Iterable[str], device: torch.device
) -> Network:
    """The network that starting weights belong to, with the heads of the named tasks; `path` names their file.

    Raises:
        ArtifactError: The weights do not fit the network or the vocabulary.
    """
    with parts_of(path):
        network = Network(encoder_section(artifact.details["model"]), for_tasks(vocabulary, tasks), device)
        network.load(to_tensors(artifact))
    return network


def start_magnitudes(path: Path, artifact: Artifact) -> tuple[Tensor, Shapes, Units]:
    """The absolute values of the prunable starting weights, float32 [P] in the order of masks; their shapes and units.

    Raises:
        ArtifactError: The weights do not fit the network that they say they belong to.
    """
    with parts_of(path), torch.device("meta"):
        # How many words and characters there are changes no prunable tensor.
        encoder = build_encoder(encoder_section(artifact.details["model"]), TextSizes())
        shapes = encoder.prunable_shapes()
    with parts_of(path):
        weights = to_tensors(artifact)
        require_shapes({name: torch.empty(shape, device="meta") for name, shape in shapes.items()}, weights)
    magnitudes = torch.cat([weights[name].abs().reshape(-1) for name in shapes])
    return magnitudes, shapes, Units(encoder.tensors())


def for_tasks(vocabulary: Vocabulary, tasks: Iterable[str]) -> Vocabulary:
    """The vocabulary with the tags of the named tasks only."""
    return dataclasses.replace(vocabulary, tasks={task: vocabulary.tasks[task] for task in tasks})


def choose_device(name: str) -> torch.device:
    """The device of a configuration: `auto` is a GPU if there is one. A GPU is waited for until it has a free slot.

    Raises:
        ConfigError: A GPU is asked for where there is none.
    """
    if name == "cuda" and not torch.cuda.is_available():
        raise ConfigError("device: cuda was asked for, but no GPU is available; use auto or cpu")
    if name == "cpu" or not torch.cuda.is_available():
        return torch.device("cpu")
    return torch.device("cuda", own_slot().gpu)


def warn_of_emptied_layers(mask: Mask, label: str) -> None:
    """Say in the log in which layers a mask keeps no weight; that is allowed, but seldom meant."""
    for layer, part in mask.by_layer().items():
        if part.kept == 0:
            log.warning(
                "%s keeps no weight of layer '%s'. The task goes on without it: above the last layer with weights it "
                "is left out, below it gives the same for every token. An earlier round keeps more",
                *(label, layer),
            )
