"""Adds a task to a model: prepares its text with a configuration, then runs the stage `add_task`."""

import shutil
from pathlib import Path

from sparse_sharing.config.schema import Config, Dataset, Optimization
from sparse_sharing.errors import ConfigError
from sparse_sharing.pipeline import Specs, layout
from sparse_sharing.pipeline.specs import AddTaskSpec, PrepareSpec
from sparse_sharing.stages import add_task, prepare, prepare_task
from sparse_sharing.storage.artifacts import spec_digest
from sparse_sharing.text.corpus import Files
from sparse_sharing.training.trained import open_model

TEXT = "prepared"
"""The folder in the output with the prepared text; it is removed after the training."""


def run(
    model: Path,
    config: Config,
    task: str | None,
    output: Path,
    device: str,
    share: float = 0.5,
    seed: int | None = None,
) -> dict[str, int]:
    """Write the model in the folder `model`, with a task of a configuration added, into `output`.

    The task's corpus is read with the section `data` and encoded for the model; it is trained with the section `train`.

    Args:
        model: folder of a trained model.
        config: the configuration with the new task, its files, and how to train it.
        task: the new task; None: the only task of the configuration that the model lacks.
        output: folder to write into.
        device: where to train.
        share: the share of the free weights that the new task keeps.
        seed: seed of initial weights and of the order of the data; None: the first seed of the configuration.

    Returns:
        How many weights masks cover (`weights`), how many of them were `free`, how many the task has `taken`, how many
        are `left`, and how many `words` were added to those of the model.

    Raises:
        ConfigError: The configuration and the model do not fit, or no weight is free.
        DataError: The text cannot be read.
        ArtifactError: A file of the model cannot be used, or another task would change; no model is written then.
    """
    if output.resolve() == model.resolve():
        raise ConfigError(f"--output: {output} is the folder of the model itself; name another folder")
    source = open_model(model, device)
    dataset, task = _find(config, task, source.trained.tasks)
    specs, vocabulary = Specs(config), source.vocabulary
    task_spec = specs.prepare_task(dataset.name, task)
    prepared = PrepareSpec(
        dataset=dataset.name,
        corpora=[corpus.model_copy(update={"tasks": []}) for corpus in task_spec.corpora],
        lowercase=vocabulary.lowercase,
        minimum_word_count=config.data.minimum_word_count,
        minimum_character_count=config.data.minimum_character_count,
        maximum_characters=vocabulary.maximum_characters,
        word_dimension=source.network.model.vector_width,
        vectors=config.data.vectors is not None,
    )
    files, documents = _sources(config, dataset, [corpus.name for corpus in task_spec.corpora])
    vectors = None if config.data.vectors is None else Path(layout.source_path(config, config.data.vectors))
    folder = output / TEXT
    prepare.run(prepared, files, vectors, folder, documents)
    prepare_task.run(task_spec, files, folder / "tags" / task, documents)
    spec = AddTaskSpec(
        data=prepared.digest(),
        tags={**source.trained.spec.get("tags", {}), task: task_spec.digest()},
        model=spec_digest(source.trained.spec),
        seed=config.seeds[0] if seed is None else seed,
        system="extended",
        sharing="extended",
        tasks=[*source.trained.tasks, task],
        task=task,
        share=share,
        minimum_word_count=config.data.minimum_word_count,
        head=specs.heads([task]),
        optimization=Optimization(**{key: getattr(config.train, key) for key in Optimization.model_fields}),
    )
    vocabulary_file, vectors_file = folder / "vocabulary.json", folder / "vectors.safetensors"
    train_text, dev_text = folder / "train.safetensors", folder / "dev.safetensors"
    counts = add_task.run(spec, model, vocabulary_file, vectors_file, train_text, dev_text, output, device)
    shutil.rmtree(folder)
    return counts


def _find(config: Config, task: str | None, existing_tasks: list[str]) -> tuple[Dataset, str]:
    """The new task and its dataset."""
    places = [(dataset, entry.name) for dataset in config.data.datasets for entry in dataset.tasks]
    if task is None:
        places = [(dataset, name) for dataset, name in places if name not in existing_tasks]
    else:
        places = [(dataset, name) for dataset, name in places if name == task]
    if len(places) != 1:
        names = ", ".join(name for _, name in places) or "none"
        asked = "tasks that the model lacks" if task is None else f"tasks called '{task}'"
        raise ConfigError(f"the configuration must have one new task; {asked}: {names}. Name one with --task NAME")
    return places[0]


def _sources(config: Config, dataset: Dataset, corpora: list[str]) -> tuple[Files, dict[str, Path]]:
    """The files of corpora by split, and their lists of documents by CORPUS.SPLIT."""
    files: dict[str, dict[str, list[Path]]] = {}
    documents = {}
    for split in ("train", "dev", "test"):
        files[split] = {}
        for name, path in layout.source_files(config, dataset, split):
            if name in corpora:
                files[split].setdefault(name, []).append(Path(path))
        documents |= {
            name: Path(path)
            for name, path in layout.document_lists(config, dataset, split)
            if name.removesuffix(f".{split}") in corpora
        }
    return files, documents
