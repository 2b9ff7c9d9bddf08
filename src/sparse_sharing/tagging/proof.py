"""Texts on which an exported model is compared with the one that it was taken out of."""

from collections.abc import Mapping
from pathlib import Path

from sparse_sharing.text.encoded import EncodedText
from sparse_sharing.text.random_text import random_text
from sparse_sharing.text.vocabulary import Vocabulary
from sparse_sharing.training.inputs import load_text

DEV_FROM_MODEL = "../../../../data/dev.safetensors"
"""Where the dev text is in the folder of a run, seen from a model."""


def proof_texts(
    folder: Path,
    dev: Path | None,
    tasks: list[str],
    data: str,
    vocabulary: Vocabulary,
    tags: Mapping[str, str] | None = None,
) -> dict[str, Mapping[str, EncodedText]]:
    """For `dev`, where it is named or found, and `random`: the text of each task.

    Args:
        folder: of the model; in a run, the dev text is found from there.
        dev: the dev text, if it is named.
        tasks: what is exported.
        data: digest of the spec that the dev text must be made under.
        vocabulary: of the model.
        tags: digest of the spec that the dev tags of each task must be made under; a model of an earlier version has
            none, and the text that it was made with is not read.

    Raises:
        ArtifactError: The dev text, or the tags of a task in it, cannot be used.
    """
    found: dict[str, Mapping[str, EncodedText]] = {}
    path = dev or folder.resolve() / DEV_FROM_MODEL
    if dev is not None or (tags and path.exists()):
        found["dev"] = load_text(path, data, vocabulary, {task: (tags or {}).get(task) for task in tasks})
    text = random_text(vocabulary)
    return found | {"random": dict.fromkeys(tasks, text)}
