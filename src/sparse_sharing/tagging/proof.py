"""Texts on which an exported model is compared with the original model."""

from collections.abc import Mapping
from pathlib import Path

from sparse_sharing.text.encoded import EncodedText
from sparse_sharing.text.random_text import random_text
from sparse_sharing.text.vocabulary import Vocabulary
from sparse_sharing.training.inputs import load_text

DEV_FROM_MODEL = "../../../../data/dev.safetensors"
"""The path of the dev text in the folder of a run, relative to a model."""


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
    found: dict[str, Mapping[str, EncodedText]] = {}
    path = dev or folder.resolve() / DEV_FROM_MODEL
    if dev is not None or (tags and path.exists()):
        found["dev"] = load_text(path, data, vocabulary, {task: (tags or {}).get(task) for task in tasks})
    text = random_text(vocabulary)
    return found | {"random": dict.fromkeys(tasks, text)}
