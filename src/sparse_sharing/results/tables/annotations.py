"""Marks in the tables of a run: systems that are controls, and those that replicate something of the original code."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import pandas as pd

from sparse_sharing.pipeline.experiments import CONTROLS
from sparse_sharing.pipeline.specs import TablesSpec
from sparse_sharing.results.tables.markup import LATEX, MARKDOWN
from sparse_sharing.storage.artifacts import write_text

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
    _mark(written, "replicate", spec.replicate, note, spec.replicate_pruning or ())


def mark_controls(spec: TablesSpec, written: Iterable[Path]) -> None:
    """Say in every table that names systems which of them are controls, and what each is; nothing without any.

    CSV tables get a column `control`: the kinds of a row's systems that are controls (`config.experiments.CONTROLS`).
    The others end with a line that lists them.
    """
    kinds = {system: [known.kind] for system, known in spec.facts.items() if known.kind in CONTROLS}
    if kinds:
        note = f"Controls: {'; '.join(f'{system}: {CONTROLS[kind]}' for system, (kind,) in kinds.items())}."
        _mark(written, "control", kinds, note, None)


def _mark(
    written: Iterable[Path], column: str, marks: Mapping[str, Sequence[str]], note: str, others: Sequence[str] | None
) -> None:
    """Add a column to CSV tables and a line to others; `others` are the marks where a table names no system."""
    for path in written:
        if path.suffix != ".csv":
            markup = MARKDOWN if path.suffix == ".md" else LATEX
            write_text(path, f"{path.read_text(encoding='utf-8')}\n{markup.escape(note)}\n")
            continue
        # Numbers pass through as text.
        frame = pd.read_csv(path, dtype=str, keep_default_na=False)
        naming = [name for name in NAMING if name in frame]
        if naming:
            rows = frame[naming].itertuples(index=False)
            values = [" ".join(sorted({mark for name in row for mark in marks.get(name, ())})) for row in rows]
        elif others is not None:
            values = [" ".join(others)] * len(frame)
        else:
            continue
        write_text(path, frame.assign(**{column: values}).to_csv(index=False, lineterminator="\n"))
