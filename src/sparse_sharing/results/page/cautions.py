"""Cautions about the scores of a run: generated text, marks of systems, leaked sentences, repaired tags."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

import pandas as pd

from sparse_sharing.evaluation.marks import BARRING, MEANINGS
from sparse_sharing.results.rows import rows_of
from sparse_sharing.results.tables.marks import COLUMN

MOST_NAMED = 8
"""How many datasets with one mark, and notes on texts, are named; further ones are only counted."""


def cautions(tables: Mapping[str, pd.DataFrame], notes: Mapping[str, Sequence[str]], data: pd.DataFrame) -> list[str]:
    """The cautions at the top of the page, as sentences.

    Args:
        tables: the tables of the run, by name.
        notes: for each dataset notes on its text.
        data: sizes of the text by dataset, split and corpus; `synthetic` is true for text that the demo generates.
    """
    texts = _leaks(tables["leaks"])
    texts += [f"{dataset}: {note}." for dataset, dataset_notes in notes.items() for note in dataset_notes]
    if len(texts) > MOST_NAMED:
        texts[MOST_NAMED:] = [f"{len(texts) - MOST_NAMED} more notes on the texts are in tables/summary.md."]
    return [*_synthetic(data), *_marks(tables["summary"]), *texts]


def _leaks(leaks: pd.DataFrame) -> list[str]:
    """A sentence on the leaked test sentences of each dataset, for all tasks of the same counts."""
    tasks: dict[tuple[str, int, int], list[str]] = defaultdict(list)
    for row in rows_of(leaks.drop_duplicates(["dataset", "task"])):
        tasks[row["dataset"], row["leaked"], row["sentences"]].append(row["task"])
    return [
        f"{dataset}: {leaked} of {sentences} test sentences of {', '.join(names)} also occur in the training or dev "
        "text; a table below shows the scores without them."
        for (dataset, leaked, sentences), names in tasks.items()
    ]


def _synthetic(data: pd.DataFrame) -> list[str]:
    """A sentence on the datasets whose text the demo has generated."""
    datasets = dict.fromkeys(data[data["synthetic"]]["dataset"]) if len(data) else {}
    if not datasets:
        return []
    return [
        f"{', '.join(datasets)}: synthetic demo text, generated from templates. "
        "Scores on it say nothing about real text."
    ]


def _marks(summary: pd.DataFrame) -> list[str]:
    """For each kind of mark, the systems that have it, by dataset, and its meaning."""
    systems_by_kind: dict[str, dict[str, dict[str, None]]] = defaultdict(lambda: defaultdict(dict))
    for row in rows_of(summary[summary[COLUMN].notna()]):
        for mark in filter(None, str(row[COLUMN]).split("; ")):
            kind = next(kind for kind in MEANINGS if mark.startswith(kind))
            detail = mark.removeprefix(kind).strip(" :()")
            systems_by_kind[kind][row["dataset"]][row["system"] + (f" ({detail})" if detail else "")] = None
    return [_sentence(kind, systems) for kind, systems in systems_by_kind.items()]


def _sentence(kind: str, systems: Mapping[str, Mapping[str, None]]) -> str:
    """A kind of mark with the systems of each dataset that have it."""
    where = "; ".join(f"{dataset}: {', '.join(names)}" for dataset, names in list(systems.items())[:MOST_NAMED])
    more = len(systems) - MOST_NAMED
    where += f"; and {more} more {'dataset' if more == 1 else 'datasets'}" if more > 0 else ""
    meaning = MEANINGS[kind][:1].upper() + MEANINGS[kind][1:]
    verdict = " Such a score has no verdict." if kind in BARRING else ""
    return f"{kind[:1].upper()}{kind[1:]} ({where}). {meaning}.{verdict}"
