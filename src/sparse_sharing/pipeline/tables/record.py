"""The record of a table: its name, when a run has it, its columns, its caption, its figure.

Records import no pandas, so that planning can read them. The module of `results.tables` of the same name makes the
table; the stage `tables` imports it.
"""

import importlib
import pkgutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from sparse_sharing.pipeline.experiments import TabulatedRun

DECIMALS_OF_SCORES = 4
"""Decimals of scores and differences in CSV files."""

DECIMALS_OF_SHARES = 6
"""Decimals of densities and overlaps in CSV files."""


@dataclass(frozen=True)
class TableRecord:
    """A table of a run, `tables/{name}.csv`.

    Attributes:
        name: the name of the table, its file and its figure.
        caption: a description in plain text, a sentence or two, for Snakemake's report and the page.
        columns: the columns in their order, and the decimals of each in the CSV file; None: text or whole numbers.
        place: its place among the tables, lowest first.
        is_filled: whether a run has the table.
        systems: the columns with names of systems; these tables get the columns `marks`, `control` and `replicate`.
        title: the heading of its section on the page; None: the page shows it elsewhere or not at all.
        endings: the files beside the CSV file, such as `md`; the builder's function `documents` writes them.
        has_figure: whether a run has a figure of the table; the builder's function `chart` describes it.
        figure_caption: the caption of the figure in Snakemake's report, if it differs from that of the table.
        builder: the module that makes the table; None: the module of this name in `results.tables`.
    """

    name: str
    caption: str
    columns: Mapping[str, int | None]
    place: int = 50
    is_filled: Callable[[TabulatedRun], bool] = field(default=lambda run: True)
    systems: Sequence[str] = ()
    title: str | None = None
    endings: Sequence[str] = ()
    has_figure: Callable[[TabulatedRun], bool] = field(default=lambda run: False)
    builder: str | None = None

    @property
    def files(self) -> list[str]:
        """The names of its files; the CSV file is first."""
        return [f"{self.name}.{ending}" for ending in ("csv", *self.endings)]

    @property
    def module(self) -> str:
        """The full name of the module that makes the table."""
        return self.builder or f"sparse_sharing.results.tables.{self.name}"


_RECORDS: dict[str, TableRecord] = {}


def register(record: TableRecord) -> TableRecord:
    """Register a table; call it once for each table, where its record is defined.

    Raises:
        ValueError: There is a table of this name.
    """
    if record.name in _RECORDS:
        raise ValueError(f"table '{record.name}' is defined twice")
    _RECORDS[record.name] = record
    return record


def load(package: str) -> None:
    """Import every module of a package, so that it registers its tables."""
    for module in pkgutil.iter_modules(importlib.import_module(package).__path__):
        importlib.import_module(f"{package}.{module.name}")


def records() -> list[TableRecord]:
    """All registered tables, in order."""
    return sorted(_RECORDS.values(), key=lambda record: (record.place, record.name))


def record_of(name: str) -> TableRecord:
    """The record of a table."""
    return _RECORDS[name]
