"""Stage `tables`: collect the metrics and masks of all models of a run in tables."""

from pathlib import Path

from sparse_sharing import __version__
from sparse_sharing.pipeline.artefact import PROVENANCE
from sparse_sharing.pipeline.specs import TablesSpec
from sparse_sharing.pipeline.tables.record import TableRecord
from sparse_sharing.results.tables.annotations import with_annotations
from sparse_sharing.results.tables.inputs import RunInputs, builder_of
from sparse_sharing.results.tables.marks import with_marks
from sparse_sharing.results.tables.markup import csv_text
from sparse_sharing.storage.artifacts import file_digest, save_json, write_text


def run(spec: TablesSpec, run_folder: Path, output: Path) -> None:
    """Read all results below `run_folder` and write the tables of the run into `output`.

    Raises:
        ArtifactError: A result is missing, damaged, or made with other settings; nothing is written then.
    """
    inputs = RunInputs(spec, run_folder)
    inputs.check()
    texts = {name: text for record in inputs.records for name, text in contents(record, inputs).items()}
    for name, text in texts.items():
        write_text(output / name, text)
    details = {
        "version": __version__,
        "files": {name: file_digest(output / name) for name in texts},
        "metrics": {str(path.relative_to(run_folder)): file_digest(path) for path in inputs.metrics},
    }
    save_json(output / PROVENANCE.file, "tables", spec, details)


def contents(record: TableRecord, inputs: RunInputs) -> dict[str, str]:
    """The text of every file of a table, by its name."""
    frame = inputs.table(record.name)
    frame = with_marks(frame, record.systems, inputs.marks, inputs.spec.seeds)
    frame = with_annotations(frame, record.systems, inputs.spec)
    texts = {"csv": csv_text(frame, record.columns)}
    if record.endings:
        texts |= builder_of(record).documents(inputs)
    return {f"{record.name}.{ending}": texts[ending] for ending in ("csv", *record.endings)}
