"""The tables of a run: one module with a record for each, which planning, stages, page and documentation read."""

from sparse_sharing.pipeline.artefact import PROVENANCE
from sparse_sharing.pipeline.experiments import TabulatedRun
from sparse_sharing.pipeline.tables.record import TableRecord, load, records

load(__name__)

FIGURE_ENDINGS = ("svg", "png")
"""The formats in which every figure is written."""


def tables_of(run: TabulatedRun) -> list[TableRecord]:
    """The tables that a run can fill, in their order."""
    return [record for record in records() if record.is_filled(run)]


def table_files(run: TabulatedRun) -> list[str]:
    """The files of the tables of a run; the record of where they come from is the last."""
    return [*(file for record in tables_of(run) for file in record.files), PROVENANCE.file]


def figures_of(run: TabulatedRun) -> list[str]:
    """The figures that a run can fill, each drawn from the table of its name."""
    return [record.name for record in tables_of(run) if record.has_figure(run)]


def figure_files(run: TabulatedRun) -> list[str]:
    """The files of the figures."""
    return [f"{name}.{ending}" for name in figures_of(run) for ending in FIGURE_ENDINGS]
