"""Stage `figures`: draw the tables of a run."""

from pathlib import Path

import pandas as pd

from sparse_sharing.errors import ArtifactError
from sparse_sharing.pipeline.specs import FiguresSpec
from sparse_sharing.pipeline.tables.record import record_of
from sparse_sharing.results import figures
from sparse_sharing.storage.artifacts import file_digest, load_json, remedy, write_atomically


def run(spec: FiguresSpec, tables: Path, output: Path) -> None:
    """Draw the figures of a spec from the tables in a folder, as `{name}.svg` and `{name}.png` in `output`.

    Raises:
        ArtifactError: A table is missing, was changed, or was made with other settings.
    """
    provenance = load_json(tables / "provenance.json", "tables", spec.tables)
    for name in spec.figures:
        path = tables / f"{name}.csv"
        try:
            if file_digest(path) != provenance.details["files"][path.name]:
                raise ArtifactError(f"{path}: was changed after it was made. {remedy(path)}")
            table = pd.read_csv(path)
        except OSError as error:
            raise ArtifactError(f"{path}: cannot be read ({error.strerror}). {remedy(path)}") from error
        for ending, content in figures.draw(record_of(name), table).items():
            write_atomically(output / f"{name}.{ending}", content)
