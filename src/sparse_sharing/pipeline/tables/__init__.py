"""The tables of a run: one module with a record for each, used by planning, stages, page and documentation."""

from sparse_sharing.pipeline.artefact import PROVENANCE
from sparse_sharing.pipeline.experiments import TabulatedRun
from sparse_sharing.pipeline.tables.record import TableRecord, load, records

load(__name__)

FIGURE_ENDINGS = ("svg", "png")
"""The formats of every figure."""


def tables_of(run: TabulatedRun) -> list[TableRecord]:
    """The tables of a run, in order."""
    return [record for record in records() if record.is_filled(run)]


def table_files(run: TabulatedRun) -> list[str]:
    """The files of the tables of a run; the record of their provenance is the last."""
    return [*(file for record in tables_of(run) for file in record.files), PROVENANCE.file]


def figures_of(run: TabulatedRun) -> list[str]:
    """The figures of a run, each drawn from the table of its name."""
    return [record.name for record in tables_of(run) if record.has_figure(run)]


def figure_files(run: TabulatedRun) -> list[str]:
    """The files of the figures."""
    return [f"{name}.{ending}" for name in figures_of(run) for ending in FIGURE_ENDINGS]
