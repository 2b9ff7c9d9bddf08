"""Opens a trained model: its file, its vocabulary and its network, checked against each other."""

from dataclasses import dataclass
from pathlib import Path

import torch

from sparse_sharing.config.encoders.base import encoder_section
from sparse_sharing.errors import ArtifactError
from sparse_sharing.network.network import Network
from sparse_sharing.network.storage import TrainedModel, load_model, vocabulary_digest
from sparse_sharing.storage.artifacts import load_json, parts_of, spec_digest
from sparse_sharing.text.vocabulary import Vocabulary
from sparse_sharing.training.inputs import choose_device, for_tasks, read_vocabulary

MODEL_FILE, VOCABULARY_FILE = "model.safetensors", "vocabulary.json"


@dataclass(frozen=True)
class OpenModel:
    """A model that is ready for use.

    Attributes:
        trained: the content of its file.
        vocabulary: the vocabulary of the dataset; the network's own has only the model's tasks.
        network: the network with its weights and masks.
        data: digest of the spec of the training text.
    """

    trained: TrainedModel
    vocabulary: Vocabulary
    network: Network
    data: str


def open_model(folder: Path, device: str, expected: str | None = None) -> OpenModel:
    """Open the model in a folder; `expected` is the digest of the spec that it must have.

    Raises:
        ArtifactError: A file is missing, damaged, of another version or made with other settings, or the vocabulary
            is not the one that the model was trained with.
        ConfigError: A GPU is asked for where there is none.
    """
    trained = load_model(folder / MODEL_FILE, expected)
    stored = load_json(folder / VOCABULARY_FILE, "vocabulary")
    vocabulary = read_vocabulary(folder / VOCABULARY_FILE, stored)
    if vocabulary_digest(vocabulary) != trained.details.get("vocabulary"):
        raise ArtifactError(
            f"{folder / VOCABULARY_FILE}: is not the vocabulary that {folder / MODEL_FILE} was trained with; "
            "copy both files from the same folder"
        )
    network = network_of(trained, vocabulary, folder / MODEL_FILE, device)
    return OpenModel(trained, vocabulary, network, spec_digest(stored.spec))


def load_own_epoch(opened: OpenModel, task: str) -> None:
    """Load the weights of a task's own best epoch into the network of a model, which is then only for this task."""
    values = {**opened.trained.values, **opened.trained.own_values[task]}
    opened.network.load({name: torch.from_numpy(value.copy()) for name, value in values.items()})


def network_of(trained: TrainedModel, vocabulary: Vocabulary, path: Path, device: str) -> Network:
    """The network of a trained model, with its masks; `path` names its file in messages.

    Raises:
        ArtifactError: The parts of the model do not fit each other.
        ConfigError: A GPU is asked for where there is none.
    """
    chosen = choose_device(device)
    with parts_of(path):
        model = encoder_section(trained.details["model"])
        network = Network(model, for_tasks(vocabulary, trained.tasks), chosen, trained.details.get("units"))
        network.load({name: torch.from_numpy(value.copy()) for name, value in trained.values.items()})
        network.load_base({name: torch.from_numpy(value.copy()) for name, value in trained.base.items()})
        for task, mask in trained.masks.items():
            network.require_fit(mask, mask.weights, f"task {task}")
        network.set_masks(trained.masks)
        network.word_limits = {task: int(limit) for task, limit in trained.details.get("word_limits", {}).items()}
    return network
