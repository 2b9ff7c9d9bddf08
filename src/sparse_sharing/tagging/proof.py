"""Texts on which an exported model is compared with the original model."""

from collections.abc import Mapping
from pathlib import Path

from sparse_sharing.errors import ConfigError
from sparse_sharing.text.encoded import EncodedText
from sparse_sharing.text.random_text import random_text
from sparse_sharing.text.vocabulary import Vocabulary
from sparse_sharing.training.inputs import load_text
from sparse_sharing.training.trained import OpenModel

DEV_FROM_MODEL = "../../../../data/dev.safetensors"
"""The path of the dev text in the folder of a run, relative to a model."""


def dev_of_run(folder: Path) -> Path:
    """The path of the dev text of the run that the folder of a model is in."""
    return folder.resolve() / DEV_FROM_MODEL


def proof_texts(
    folder: Path,
    dev: Path | None,
    tasks: list[str],
    data: str,
    vocabulary: Vocabulary,
    tags: Mapping[str, str] | None = None,
) -> dict[str, Mapping[str, EncodedText]]:
    """For `dev`, if it is given or found, and `random`: the text of each task.

    Args:
        folder: the folder of the model; in a run, it leads to the dev text.
        dev: the dev text, if it is given.
        tasks: the exported tasks.
        data: digest of the spec that the dev text must have.
        vocabulary: the vocabulary of the model.
        tags: for each task, the digest of the spec that its dev tags must have; for a model of an earlier version it
            is empty, and its dev text is not read.

    Raises:
        ArtifactError: The dev text, or the tags of a task in it, cannot be used.
    """
    texts: dict[str, Mapping[str, EncodedText]] = {}
    path = dev or dev_of_run(folder)
    if dev is not None or (tags and path.exists()):
        texts["dev"] = load_text(path, data, vocabulary, {task: (tags or {}).get(task) for task in tasks})
    text = random_text(vocabulary)
    return texts | {"random": dict.fromkeys(tasks, text)}


def kept_words(
    source: OpenModel,
    folder: Path,
    dev: Path | None,
    task: str,
    texts: Mapping[str, Mapping[str, EncodedText]],
    word_file: Path | None,
) -> set[str]:
    """The words of a model's vocabulary, of the training text if it is found, of proof texts, and of a given file.

    Raises:
        ConfigError: The given file cannot be read.
        ArtifactError: The training text cannot be used.
    """
    kept = {*source.vocabulary.words, *(word for text in texts.values() for word in text[task].surfaces())}
    tags = source.trained.spec.get("tags")
    train = (dev or dev_of_run(folder)).with_name("train.safetensors")
    if tags and train.exists():
        kept |= set(load_text(train, source.data, source.vocabulary, {task: tags.get(task)})[task].surfaces())
    if word_file is not None:
        try:
            with word_file.open(encoding="utf-8") as lines:
                kept |= {word for line in lines for word in line.split()}
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"--words: {word_file} cannot be read as a text in UTF-8 ({error})") from error
    return kept
