"""The marks of every model of a run, and the column `marks` of the tables that show systems."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from sparse_sharing.evaluation.marks import BARRING, MEANINGS, ZERO, Mark, Tie, TrainingFacts, of_choice, of_training
from sparse_sharing.pipeline.experiments import SystemFacts
from sparse_sharing.results.rows import rows_of
from sparse_sharing.results.tables.means import MEAN
from sparse_sharing.results.tables.scores import MODEL

MARKS = [*MODEL, "task", "mark", "bars"]
COLUMN = "marks"


def marks(scores: Sequence[Mapping[str, Any]], choices: pd.DataFrame, facts: Mapping[str, SystemFacts]) -> pd.DataFrame:
    """The marks of all models: one row per dataset, system, seed, task of the model, and mark.

    A mark counts for every task of its model, since they share the chosen epoch and the masks.

    Args:
        scores: the tasks of all models, as `scores.read_all` returns them; for a model without facts about its
            training, the dev score of the kept epoch shows whether a task was at 0.
        choices: the round of every choice of masks, under its dataset, seed, start, choice and task, as text.
        facts: the facts about each system.

    Returns:
        The columns dataset, system, seed, task, mark (text) and bars (whether a verdict is barred).
    """
    chosen = _marks_of_choices(choices)
    models: dict[Path, list[Mapping[str, Any]]] = defaultdict(list)
    for row in scores:
        models[row["path"]].append(row)
    rows = []
    for model in models.values():
        first, tasks = model[0], [row["task"] for row in model]
        if first["training"]:
            model_marks = of_training(TrainingFacts(**first["training"]), tasks)
        else:
            model_marks = [Mark(ZERO, row["task"]) for row in model if row["dev"][row["metric"]] <= 0]
        system = facts[first["system"]]
        for task in tasks:
            key = (first["dataset"], str(first["seed"]), system.start, system.choice, task)
            model_marks += chosen.get(key, [])
        identity = {key: first[key] for key in MODEL}
        rows += [
            {**identity, "task": task, "mark": str(mark), "bars": mark.bars} for task in tasks for mark in model_marks
        ]
    return pd.DataFrame(rows, columns=MARKS)


def barred(mark_table: pd.DataFrame) -> dict[tuple[str, str, str], str]:
    """For each dataset, system and task without a verdict, the marks that bar it; also for the mean over tasks.

    Args:
        mark_table: as `marks` returns it.
    """
    rows = mark_table[mark_table["bars"].astype(bool)]
    rows = pd.concat([rows, rows.assign(task=MEAN)])
    found_marks: dict[tuple[str, str, str], dict[str, None]] = defaultdict(dict)
    for row in rows_of(rows):
        found_marks[row["dataset"], row["system"], row["task"]][row["mark"]] = None
    return {key: "; ".join(barring) for key, barring in found_marks.items()}


def with_marks(
    frame: pd.DataFrame, naming: Sequence[str], mark_table: pd.DataFrame, seeds: Sequence[int]
) -> pd.DataFrame:
    """A table with a column `marks`: the marks of a row's systems, on its task and seed if it has them.

    If a row has several systems, each text begins with its system. A table without systems is unchanged.

    Args:
        frame: a table with at least a row for each dataset and system.
        naming: the columns with systems.
        mark_table: as `marks` returns it.
        seeds: all seeds of the run; a mark on only some of them names these.
    """
    if not naming:
        return frame
    if not naming:
        return frame
    by_system: dict[tuple[str, str], list[dict]] = defaultdict(list)
    for mark in rows_of(mark_table):
        by_system[mark["dataset"], mark["system"]].append(mark)

    def text(row: Mapping, system: str) -> str:
        system_marks = by_system.get((row["dataset"], system), [])
        if (task := row.get("task", MEAN)) != MEAN:
            system_marks = [mark for mark in system_marks if mark["task"] == task]
        if "seed" in row:
            system_marks = [mark for mark in system_marks if mark["seed"] == row["seed"]]
        return _listed(system_marks, [row["seed"]] if "seed" in row else seeds)

    def cell(row: Mapping) -> str:
        texts = {system: text(row, system) for system in dict.fromkeys(row[name] for name in naming)}
        named = (
            f"{system}: {mark_text}" if len(naming) > 1 else mark_text
            for system, mark_text in texts.items()
            if mark_text
        )
        return "; ".join(named)

    return frame.assign(**{COLUMN: [cell(row) for row in rows_of(frame)]})


def system_marks(rows: pd.DataFrame) -> str:
    """The marks of one system's rows of a table, each once."""
    return "; ".join(dict.fromkeys(mark for cell in rows[COLUMN] if cell for mark in cell.split("; ")))


def explanation(frame: pd.DataFrame) -> str:
    """The meanings of the marks of a table, and which of them bar a verdict; empty if there are none."""
    shown = "; ".join(frame[COLUMN]) if COLUMN in frame else ""
    parts = [
        f"{kind}: {meaning}{' (no verdict)' if kind in BARRING else ''}."
        for kind, meaning in MEANINGS.items()
        if kind in shown
    ]
    return " ".join(["Marks.", *parts]) if parts else ""


def _listed(mark_rows: Sequence[Mapping], seeds: Sequence[int]) -> str:
    """Marks as text, each once, in the order of their meanings, with their seeds if not all have them."""
    by_mark: dict[str, set[int]] = defaultdict(set)
    for mark in mark_rows:
        by_mark[mark["mark"]].add(mark["seed"])
    kinds = list(MEANINGS)
    order = sorted(by_mark, key=lambda mark: (kinds.index(mark.split(": ")[0]), mark))
    return "; ".join(
        mark if by_mark[mark] >= set(seeds) else f"{mark} (seed {', '.join(map(str, sorted(by_mark[mark])))})"
        for mark in order
    )


def _marks_of_choices(choices: pd.DataFrame) -> dict[tuple[str | None, ...], list[Mark]]:
    """The marks of the masks that were chosen by dev scores, under dataset, seed, start, choice and task."""
    if "tied_rounds" not in choices:
        return {}
    by_mask = {}
    for row in rows_of(choices[choices["tied_rounds"] != ""]):
        key = tuple(str(row[name]) for name in ("dataset", "seed", "start", "choice", "task"))
        tie = Tie(int(row["tied_rounds"]), int(row["allowed_rounds"]))
        by_mask[key] = of_choice(tie, float(row["dev_score"]), row["task"])
    return by_mask
