"""Tables for people: drawn on a terminal, plain columns everywhere else."""

import sys
from collections.abc import Iterable, Sequence

import typer

from sparse_sharing.terminal.display import visible

STYLES = {"error": "bold red", "failed": "bold red", "warning": "yellow", "running": "green", "done": "dim"}
"""The colours of cells with these words on a terminal."""


def show_table(header: Sequence[str], rows: Iterable[Sequence[object]], title: str = "") -> None:
    """Print rows below a header; columns of numbers are aligned right."""
    rows = [list(row) for row in rows]
    right = [bool(rows) and all(isinstance(row[index], int | float) for row in rows) for index in range(len(header))]
    cells = [["" if value is None else visible(str(value)) for value in row] for row in rows]
    if sys.stdout.isatty():
        _draw(header, cells, right, title)
        return
    widths = [max(len(row[index]) for row in [list(header), *cells]) for index in range(len(header))]
    lines = [title] if title else []
    for row in [list(header), *cells]:
        fields = (
            cell.rjust(width) if to_right else cell.ljust(width)
            for cell, width, to_right in zip(row, widths, right, strict=True)
        )
        lines.append("  ".join(fields).rstrip())
    typer.echo("\n".join(lines) + "\n")


def _draw(header: Sequence[str], cells: list[list[str]], right: Sequence[bool], title: str) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(title=title or None, title_justify="left", title_style="bold")
    for name, to_right in zip(header, right, strict=True):
        table.add_column(Text(name), justify="right" if to_right else "left", overflow="fold")
    for row in cells:
        table.add_row(*(Text(cell, style=STYLES.get(cell, "")) for cell in row))
    Console().print(table)
