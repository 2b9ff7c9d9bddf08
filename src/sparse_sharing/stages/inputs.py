"""Reading what earlier stages wrote, checked against the spec that the run expects."""

import dataclasses
from collections.abc import Iterable, Mapping
from pathlib import Path

import torch
from torch import Tensor

from sparse_sharing.artifacts import Artifact, load_json, load_tensors
from sparse_sharing.config.schema import Architecture
from sparse_sharing.config.weights import TaskWeights
from sparse_sharing.data.text import EncodedText
from sparse_sharing.data.vocabulary import Vocabulary
from sparse_sharing.errors import ArtifactError, ConfigError
from sparse_sharing.masks import Mask, unpack
from sparse_sharing.models.network import Network
from sparse_sharing.training.devices import own_slot
from sparse_sharing.training.loop import TaskData


def load_vocabulary(path: Path, expected: str | None = None) -> Vocabulary:
    """The vocabulary of a prepared dataset."""
    return Vocabulary.from_json(load_json(path, "vocabulary", expected).details)


def load_text(path: Path, expected: str | None = None) -> dict[str, EncodedText]:
    """For each task of a split the text that carries its tags; tasks of one corpus share it."""
    artifact = load_tensors(path, "text", expected)
    texts = {}
    for corpus, unseen in artifact.details["corpora"].items():
        text = EncodedText.from_tensors(corpus, artifact.tensors, unseen)
        texts |= dict.fromkeys(unseen, text)
    return texts


def load_task_data(
    train: Path,
    dev: Path,
    tasks: Iterable[str],
    expected: str,
    weights: Mapping[str, TaskWeights] | None = None,
    lenient_spans: bool = False,
) -> dict[str, TaskData]:
    """Training and dev text of the named tasks, with the weights of those that have any, and the scorer for dev.

    Raises:
        ConfigError: The dataset has no task of that name.
    """
    texts = load_text(train, expected), load_text(dev, expected)
    if missing := [task for task in tasks if task not in texts[0]]:
        raise ConfigError(f"{train}: has no task '{missing[0]}'; its tasks are {', '.join(texts[0])}")
    return {
        task: TaskData(texts[0][task], texts[1][task], own.sampling or 1.0, own.loss or 1.0, lenient_spans)
        for task in tasks
        for own in [(weights or {}).get(task, TaskWeights())]
    }


def load_weights(path: Path, expected: str | None = None) -> tuple[dict[str, Tensor], Artifact]:
    """The starting weights by name, and the artifact that holds them."""
    artifact = load_tensors(path, "weights", expected)
    return to_tensors(artifact), artifact


def to_tensors(artifact: Artifact) -> dict[str, Tensor]:
    """The arrays of an artifact as torch tensors that share their memory."""
    return {name: torch.from_numpy(array) for name, array in artifact.tensors.items()}


def build_network(artifact: Artifact, vocabulary: Vocabulary, tasks: Iterable[str], device: torch.device) -> Network:
    """The network that starting weights belong to, with the heads of the named tasks."""
    return Network(Architecture.model_validate(artifact.details["model"]), for_tasks(vocabulary, tasks), device)


def for_tasks(vocabulary: Vocabulary, tasks: Iterable[str]) -> Vocabulary:
    """The vocabulary with the tags of the named tasks alone."""
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


def load_mask(artifact: Artifact, name: str, path: Path) -> Mask:
    """One packed mask of an artifact."""
    if name not in artifact.tensors:
        raise ArtifactError(f"{path}: holds no mask '{name}', only {', '.join(artifact.tensors)}")
    shapes = {tensor: tuple(shape) for tensor, shape in artifact.details["shapes"]}
    return unpack(artifact.tensors[name], shapes, artifact.details["weights"])


def read_selection(path: Path, expected: str | None) -> dict[str, Mask]:
    """The masks of a selection by task, checked against the spec that is expected, if one is."""
    artifact = load_tensors(path, "selection", expected)
    return {task: load_mask(artifact, task, path) for task in artifact.tensors}
