"""Reads the files of earlier stages, checked against the specs that the run expects."""

import dataclasses
import logging
from collections.abc import Callable, Iterable, Mapping
from itertools import product
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from sparse_sharing.config.encoders.base import EncoderSection, encoder_section
from sparse_sharing.config.heads import HeadKind
from sparse_sharing.encoders.base import TextSizes, build_encoder
from sparse_sharing.errors import ArtifactError, ConfigError, TrainingError
from sparse_sharing.masks.mask import Mask, Shapes
from sparse_sharing.masks.units import Units
from sparse_sharing.network.network import Network
from sparse_sharing.network.parameters import require_shapes
from sparse_sharing.pipeline.artefact import TRAIN
from sparse_sharing.pipeline.provenance import stored_spec
from sparse_sharing.pipeline.weights import TaskWeights
from sparse_sharing.storage.artifacts import Artifact, load_json, load_tensors, parts_of, remedy
from sparse_sharing.text.checks import check_tags, check_text, check_vocabulary
from sparse_sharing.text.encoded import EncodedText
from sparse_sharing.text.joined import joined_text, sentences_of
from sparse_sharing.text.vocabulary import TaskTags, Vocabulary
from sparse_sharing.training.devices import own_slot
from sparse_sharing.training.initial import first_of_tasks
from sparse_sharing.training.loop import TaskData

log = logging.getLogger(__name__)


def load_vocabulary(
    path: Path, expected: str | None = None, tags: Mapping[str, str | None] | None = None
) -> Vocabulary:
    """The vocabulary of a prepared dataset, with the tags of tasks from the files beside it.

    Args:
        path: the file of words and characters.
        expected: digest of the spec that it must have.
        tags: the tasks, each with the digest of the spec that its tags must have; None: all existing tasks.

    Raises:
        ArtifactError: A file cannot be used.
    """
    artifact = load_json(path, "words", expected)
    tasks = {}
    for task, digest in _tasks_beside(path, tags).items():
        file = tags_file(path.parent / TRAIN.file, task)
        details = load_tensors(file, "tags", digest).details
        with parts_of(file):
            tasks[task] = TaskTags.from_json(details)
            check_tags(task, tasks[task])
    with parts_of(path):
        vocabulary = dataclasses.replace(Vocabulary.from_json(artifact.details), tasks=tasks)
        check_vocabulary(vocabulary)
    return vocabulary


def tags_file(text: Path, task: str) -> Path:
    """The file with the tags of a task for the text of a split: in the folder `tags/TASK` beside it."""
    return text.parent / "tags" / task / text.name


def corpus_of(text: Path, task: str) -> str:
    """The name of the corpus that the tags of a task for the text of a split come from.

    Raises:
        ArtifactError: The file with the tags does not name it.
    """
    path = tags_file(text, task)
    spec = stored_spec(path)
    if spec is None:
        raise ArtifactError(f"{path}: does not name its corpus; prepare the text again")
    return spec["corpus"]["name"]


def tags_files(texts: Iterable[Path], tasks: Iterable[str]) -> list[Path]:
    """The files with the tags of tasks for the texts of splits."""
    return [tags_file(text, task) for text, task in product(texts, tasks)]


def _tasks_beside(path: Path, tags: Mapping[str, str | None] | None) -> Mapping[str, str | None]:
    """The requested tasks, or those whose tags are beside a file of the prepared dataset."""
    if tags is not None:
        return tags
    return {folder.name: None for folder in sorted(path.parent.glob("tags/*"))}


def read_vocabulary(path: Path, artifact: Artifact) -> Vocabulary:
    """The vocabulary in an artifact; `path` names it in messages.

    Raises:
        ArtifactError: Its parts do not fit each other.
    """
    with parts_of(path):
        vocabulary = Vocabulary.from_json(artifact.details)
        check_vocabulary(vocabulary)
        if not vocabulary.tasks:
            raise ValueError("there is no task")
    return vocabulary


def load_text(
    path: Path,
    expected: str | None = None,
    vocabulary: Vocabulary | None = None,
    tags: Mapping[str, str | None] | None = None,
) -> dict[str, EncodedText]:
    """For each task of a split the text with its tags; tasks of the same corpora share the text.

    The tags of each task are in a separate file beside the text; `tags` as in `load_vocabulary`.

    Raises:
        ArtifactError: A file cannot be used, its numbers are out of range, or the tags were read with other sentences
            than the text.
    """
    artifact = load_tensors(path, "text", expected)
    with parts_of(path):
        corpora = dict(artifact.details["corpora"].items())
    read = {task: _load_tags(path, task, digest, corpora) for task, digest in _tasks_beside(path, tags).items()}
    texts = {}
    with parts_of(path):
        for sources in dict.fromkeys(tuple(sentences_of(task_file.details)) for task_file in read.values()):
            tasks = {
                task: task_file for task, task_file in read.items() if tuple(sentences_of(task_file.details)) == sources
            }
            text = joined_text([EncodedText.from_tensors(corpus, artifact.tensors, {}) for corpus in sources])
            text = dataclasses.replace(
                text,
                tags={task: task_file.tensors["tags"] for task, task_file in tasks.items()},
                unseen_tags={task: tuple(task_file.details["unseen"]) for task, task_file in tasks.items()},
            )
            check_text(text, vocabulary)
            texts |= dict.fromkeys(tasks, text)
    return texts


def _load_tags(text: Path, task: str, expected: str | None, corpora: Mapping[str, str]) -> Artifact:
    """The tags of a task for the text of a split; `corpora` has a digest of the sentences of each corpus."""
    path = tags_file(text, task)
    artifact = load_tensors(path, "tags", expected)
    with parts_of(path):
        if (artifact.details["task"], artifact.details["split"]) != (task, text.stem):
            raise ValueError(f"tags of task {artifact.details['task']}, {artifact.details['split']}")
        is_same_text = all(corpora.get(name) == sentences for name, sentences in sentences_of(artifact.details).items())
    if not is_same_text:
        raise ArtifactError(f"{path}: was read with other sentences than {text}. {remedy(path)}")
    return artifact


def load_vectors(path: Path, expected: str, word_count: int, dimension: int) -> tuple[np.ndarray, np.ndarray]:
    """The vectors float32 [words, d] of a vocabulary, d at most the dimension, and bool [words], which words have
    one.
    """
    tensors = load_tensors(path, "vectors", expected).tensors
    with parts_of(path):
        vectors, has_vector = tensors["vectors"], tensors["has_vector"]
        if (
            vectors.ndim != 2
            or len(vectors) != word_count
            or vectors.shape[1] > dimension
            or has_vector.shape != (word_count,)
        ):
            raise ValueError(f"{vectors.shape} vectors for {word_count} words of {dimension} numbers")
        if has_vector.dtype != bool or not np.isfinite(vectors).all():
            raise ValueError("a vector is not finite")
    return vectors, has_vector


def load_task_data(
    train: Path,
    dev: Path,
    tags: Mapping[str, str],
    expected: str,
    vocabulary: Vocabulary,
    weights: Mapping[str, TaskWeights] | None = None,
    lenient_spans: bool = False,
) -> dict[str, TaskData]:
    """Training and dev text of tasks, with the weights of tasks that have any, and the scorer for dev.

    `tags` has for each task the digest of the spec that its tags must have.

    Raises:
        ArtifactError: A text cannot be used.
        TrainingError: A task has no training sentence.
    """
    texts = tuple(load_text(path, expected, vocabulary, tags) for path in (train, dev))
    for task in tags:
        if not texts[0][task].sentences:
            raise TrainingError(f"{train}: task '{task}' has no training sentence; add some, or remove the task")
        if texts[0][task].unseen_tags[task]:
            path = tags_file(train, task)
            raise ArtifactError(f"{path}: has tags of task '{task}' that are not in the vocabulary. {remedy(path)}")
    return {
        task: TaskData(
            texts[0][task],
            texts[1][task],
            task_weights.sampling or 1.0,
            task_weights.loss or 1.0,
            lenient_spans,
            vocabulary.tasks[task].choose_on_dev,
        )
        for task in tags
        for task_weights in [(weights or {}).get(task, TaskWeights())]
    }


def load_weights(path: Path, expected: str | None = None) -> Artifact:
    """The starting weights by name, as the tensors of an artifact."""
    artifact = load_tensors(path, "weights", expected)
    for name, array in artifact.tensors.items():
        if not np.isfinite(array).all():
            raise ArtifactError(f"{path}: the weights {name} are not all finite. {remedy(path)}")
    return artifact


def to_tensors(artifact: Artifact) -> dict[str, Tensor]:
    """The arrays of an artifact as torch tensors that share their memory."""
    return {name: torch.from_numpy(array) for name, array in artifact.tensors.items()}


def build_network(
    path: Path,
    artifact: Artifact,
    vocabulary: Vocabulary,
    heads: Mapping[str, HeadKind] | None,
    device: torch.device,
    change: Callable[[EncoderSection], EncoderSection] = lambda model: model,
) -> tuple[Network, dict[str, Tensor]]:
    """The network with its starting weights, and these weights by name.

    Missing heads and other tensors of single tasks get initial values: see `first_of_tasks`.

    Args:
        path: the path of the weights.
        artifact: the content of the file.
        vocabulary: the vocabulary with only the tasks of the network.
        heads: the heads of tasks whose head is not linear.
        device: the device of the network.
        change: gives the section of the encoder from that of the weights.

    Raises:
        ArtifactError: The weights do not fit the network or the vocabulary.
    """
    with parts_of(path):
        model = change(encoder_section({**artifact.details["model"], "head": heads}))
        network = Network(model, vocabulary, device)
        values = to_tensors(artifact)
        values |= first_of_tasks(network, artifact.spec["seed"], values)
        network.load(values)
    return network, values


def start_magnitudes(path: Path, artifact: Artifact) -> tuple[Tensor, Shapes, Units]:
    """The absolute values of the prunable starting weights, float32 [P] in the order of masks; their shapes and units.

    Raises:
        ArtifactError: The weights do not fit the network that the file names.
    """
    with parts_of(path), torch.device("meta"):
        # The numbers of words and characters change no prunable tensor.
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
    """The device of a configuration: `auto` is a GPU if there is one. For a GPU, wait until it has a free slot.

    Raises:
        ConfigError: A GPU is requested, but there is none.
    """
    if name == "cuda" and not torch.cuda.is_available():
        raise ConfigError("device: got cuda, but no GPU is available; use auto or cpu")
    if name == "cpu" or not torch.cuda.is_available():
        return torch.device("cpu")
    return torch.device("cuda", own_slot().gpu)


def warn_of_emptied_layers(mask: Mask, label: str) -> None:
    """Log a warning for layers of which a mask keeps no weight; this is allowed, but rarely intended."""
    for layer, part in mask.by_layer().items():
        if part.kept == 0:
            log.warning(
                "%s keeps no weight of layer '%s'. Above the last layer with weights, the task skips this layer; below "
                "it, the layer has the same output for every token. An earlier round keeps more weights",
                *(label, layer),
            )
