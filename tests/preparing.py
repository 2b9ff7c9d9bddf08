"""A dataset prepared as the workflow does: its text, and the tags of each of its tasks."""

from collections.abc import Mapping
from pathlib import Path

from sparse_sharing.pipeline import Specs
from sparse_sharing.stages import prepare, prepare_task
from sparse_sharing.text.corpus import Files


def prepare_all(
    specs: Specs,
    dataset: str,
    files: Files,
    output: Path,
    vectors: Path | None = None,
    documents: Mapping[str, Path] | None = None,
) -> Path:
    """Run the stage `prepare` into the folder `output`, and `prepare_task` for each task; returns the folder."""
    prepare.run(specs.prepare(dataset), files, vectors, output, documents)
    for task in specs.tasks(dataset):
        prepare_task.run(specs.prepare_task(dataset, task), files, output / "tags" / task, documents)
    return output
