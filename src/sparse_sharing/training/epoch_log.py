"""Stores the rows of a diagnostic after each epoch in a file, so that no row is lost after an interruption."""

import csv
import io
from collections.abc import Callable, Sequence
from pathlib import Path

from sparse_sharing.storage.artifacts import write_text
from sparse_sharing.training.loop import Epoch

Row = dict[str, str]
"""A line of the CSV file of a diagnostic; the column `epoch` is added by the log."""


class EpochLog:
    """The rows of a training so far, in a file of its work folder."""

    def __init__(self, measure: Callable[[Epoch], Sequence[Row]], columns: Sequence[str], path: Path) -> None:
        """Continue with the rows of the file `path`, if there is one.

        Args:
            measure: returns the rows of an epoch, with the weights at its end.
            columns: the columns of the file; the first is `epoch`.
            path: the path of the file.
        """
        self.measure, self.columns, self.path = measure, columns, path
        self.rows: list[Row] = []
        if path.exists():
            with path.open(encoding="utf-8", newline="") as stream:
                self.rows = list(csv.DictReader(stream))

    def after_epoch(self, epoch: Epoch) -> None:
        """Measure at the end of an epoch; rows of this epoch and later, of an attempt before, are replaced."""
        earlier_rows = [row for row in self.rows if int(row["epoch"]) < epoch.number]
        self.rows = earlier_rows + [{"epoch": str(epoch.number), **row} for row in self.measure(epoch)]
        write_text(self.path, self.table())

    def table(self) -> str:
        """All rows as CSV."""
        text = io.StringIO()
        writer = csv.DictWriter(text, self.columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(self.rows)
        return text.getvalue()
