"""Marks in the tables of a run that replicates something of the original code (`replicate` in the configuration)."""

from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from sparse_sharing.artifacts import write_text
from sparse_sharing.config.specs import TablesSpec
from sparse_sharing.tables.markup import LATEX, MARKDOWN

NAMING = ("system", "reference", "sparse", "hard", "with_warmup", "without_warmup")
"""Columns of tables that name systems."""


def mark_replicas(spec: TablesSpec, written: Iterable[Path]) -> None:
    """Say in every table what of the original code its numbers replicate; nothing where nothing does.

    CSV tables get a column `replicate`: the switches of a row's systems, or those of pruning in tables that name no
    system. The others end with a line that lists the systems and their switches.
    """
    if spec.replicate is None:
        return
    listed = "; ".join(f"{system}: {' '.join(names)}" for system, names in spec.replicate.items())
    note = f"Replicates the original code, as docs/replication.md explains: {listed}."
    for path in written:
        if path.suffix == ".csv":
            # Numbers pass through as text.
            frame = pd.read_csv(path, dtype=str, keep_default_na=False)
            write_text(path, frame.assign(replicate=_marks(frame, spec)).to_csv(index=False, lineterminator="\n"))
        else:
            markup = MARKDOWN if path.suffix == ".md" else LATEX
            write_text(path, f"{path.read_text(encoding='utf-8')}\n{markup.escape(note)}\n")


def _marks(frame: pd.DataFrame, spec: TablesSpec) -> list[str]:
    """The switches behind each row."""
    naming = [name for name in NAMING if name in frame]
    if not naming:
        return [" ".join(spec.replicate_pruning or [])] * len(frame)
    rows = frame[naming].itertuples(index=False)
    return [" ".join(sorted({switch for name in row for switch in spec.replicate.get(name, ())})) for row in rows]
