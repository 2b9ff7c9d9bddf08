"""Annotates tables with systems that are controls, and systems that reproduce deviations of the original code."""

from collections.abc import Mapping, Sequence

import pandas as pd

from sparse_sharing.pipeline.experiments import CONTROLS
from sparse_sharing.pipeline.specs import TablesSpec


def with_annotations(frame: pd.DataFrame, systems: Sequence[str], spec: TablesSpec) -> pd.DataFrame:
    """A table with the columns `replicate` and `control`, each only if the run has such systems.

    `replicate`: the switches of a row's systems; in tables without systems, those of pruning. `control`: the kind of
    control of a row's systems; only in tables with systems.

    Args:
        frame: the table.
        systems: the columns with systems.
        spec: the spec of the tables.
    """
    if spec.replicate is not None:
        others = " ".join(spec.replicate_pruning or ())
        frame = frame.assign(replicate=_listed(frame, systems, spec.replicate) if systems else others)
    if systems and (kinds := controls(spec)):
        frame = frame.assign(control=_listed(frame, systems, {name: [kind] for name, kind in kinds.items()}))
    return frame


def footnotes(spec: TablesSpec) -> list[str]:
    """The same as plain text: a line on the systems with switches, and one on the controls."""
    notes = []
    if spec.replicate is not None:
        listed = "; ".join(f"{system}: {' '.join(names)}" for system, names in spec.replicate.items())
        notes.append(f"Replicates the original code, as docs/replication.md explains: {listed}.")
    if kinds := controls(spec):
        notes.append(f"Controls: {'; '.join(f'{system}: {CONTROLS[kind]}' for system, kind in kinds.items())}.")
    return notes


def controls(spec: TablesSpec) -> dict[str, str]:
    """The kinds of the systems that are controls, which the paper does not have."""
    return {system: facts.kind for system, facts in spec.facts.items() if facts.kind in CONTROLS}


def _listed(frame: pd.DataFrame, systems: Sequence[str], by_system: Mapping[str, Sequence[str]]) -> list[str]:
    """For each row the values of its systems, each once, separated by spaces."""
    rows = frame[list(systems)].itertuples(index=False)
    return [" ".join(sorted({value for name in row for value in by_system.get(name, ())})) for row in rows]
