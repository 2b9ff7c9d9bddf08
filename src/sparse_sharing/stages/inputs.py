"""Reading what earlier stages wrote, checked against the spec that the run expects."""

import dataclasses
from collections.abc import Iterable
from pathlib import Path

import torch
from torch import Tensor

from sparse_sharing.artifacts import Artifact, load_json, load_tensors
from sparse_sharing.config.schema import Model
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


def load_task_data(train: Path, dev: Path, tasks: Iterable[str], expected: str) -> dict[str, TaskData]:
    """Training and dev text of the named tasks.

    Raises:
        ConfigError: The dataset has no task of that name.
    """
    texts = load_text(train, expected), load_text(dev, expected)
    if missing := [task for task in tasks if task not in texts[0]]:
        raise ConfigError(f"{train}: has no task '{missing[0]}'; its tasks are {', '.join(texts[0])}")
    return {task: TaskData(texts[0][task], texts[1][task]) for task in tasks}


def load_weights(path: Path, expected: str | None = None) -> tuple[dict[str, Tensor], Artifact]:
    """The starting weights by name, and the artifact that holds them."""
    artifact = load_tensors(path, "weights", expected)
    return to_tensors(artifact), artifact


def to_tensors(artifact: Artifact) -> dict[str, Tensor]:
    """The arrays of an artifact as torch tensors of their own."""
    return {name: torch.from_numpy(array.copy()) for name, array in artifact.tensors.items()}


def build_network(artifact: Artifact, vocabulary: Vocabulary, tasks: Iterable[str], device: torch.device) -> Network:
    """The network that starting weights belong to, with the heads of the named tasks."""
    own = dataclasses.replace(vocabulary, tasks={task: vocabulary.tasks[task] for task in tasks})
    return Network(Model.model_validate(artifact.details["model"]), own, device)


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
