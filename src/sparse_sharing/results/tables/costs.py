"""The table `costs`: updates and tokens of each task, dev scores used for choices, processor time.

Warm-up and pruning are shown apart from the training. Costs that several systems share, such as a warm-up, are counted
in full for each of them: they are what the system would cost by itself.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from sparse_sharing.config.systems import models_of
from sparse_sharing.pipeline import layout
from sparse_sharing.pipeline.specs import TablesSpec
from sparse_sharing.pipeline.tables.costs import RECORD
from sparse_sharing.results.rows import rows_of
from sparse_sharing.results.tables.inputs import RunInputs
from sparse_sharing.results.tables.markup import Markup, Section
from sparse_sharing.storage.costs import Costs, read_costs

PARTS = ("start", "pruning", "training")
"""The warm-up that a system starts from, the prunings behind its masks, and its own training."""

ALL = "all"
"""The task of the rows with the sum over the tasks of a system."""

SECONDS = [name for name in RECORD.columns if name.startswith("seconds_")]

Jobs = dict[str, list[Costs]]
"""The costs of the jobs behind a system by part; a part is missing if a job has no record of its costs."""


def build(run: RunInputs) -> pd.DataFrame:
    """The table of a run."""
    return costs(run.spec, run.folder, run.systems)


def section(run: RunInputs, dataset: str, markup: Markup) -> Section | None:
    """The part of the summary on a dataset."""
    rows = run.rows_of("costs", dataset)
    cells = [[markup.escape(cell) for cell in row] for row in cost_cells(rows)] if len(rows) else []
    return Section("Cost", CAPTION, cells) if cells else None


def costs(spec: TablesSpec, folder: Path, systems: Iterable[str]) -> pd.DataFrame:
    """One row per dataset, system and task, and one for all tasks together, with the processor seconds of all jobs.

    Args:
        spec: the spec of the tables.
        folder: the folder of the run.
        systems: the systems in the order of the rows.

    Returns:
        The columns of the record, means over the seeds: updates and tokens of the tasks that the system trains, and
        of those that its warm-up has seen besides; dev_scores, the scores on dev that chose an epoch (those that a
        choice of rounds compares are among them); processor seconds of the jobs. Values without a record are missing.

    Raises:
        ArtifactError: A record is damaged.
    """
    columns = list(RECORD.columns)
    rows = [
        row
        for dataset in spec.datasets
        for system in systems
        for seed in spec.seeds
        for row in _rows(spec, folder, dataset, seed, system)
    ]
    frame = pd.DataFrame(rows, columns=[name for name in columns if name != "seeds"]).assign(seeds=1)
    keys = ["dataset", "system", "task"]
    frame = frame.astype({name: float for name in columns if name not in (*keys, "seeds")})
    how = {name: "sum" if name == "seeds" else "mean" for name in columns if name not in keys}
    mean = frame.groupby(keys, sort=False, as_index=False).agg(how)[columns]
    counts = [name for name in columns if name not in (*keys, *SECONDS)]
    return mean.assign(**{name: mean[name].round().astype("Int64") for name in counts})


def _rows(spec: TablesSpec, folder: Path, dataset: str, seed: int, system: str) -> Iterator[dict[str, Any]]:
    """The rows of one system and seed."""
    jobs = _jobs(spec, folder, dataset, seed, system)
    recorded_parts = [part for part in PARTS if part in jobs]
    updated_tasks = sorted({task for part in recorded_parts for job in jobs[part] for task in job.updates})
    trained = spec.facts[system].tasks or spec.datasets[dataset]
    tasks = [task for task in spec.datasets[dataset] if task in updated_tasks or task in trained]
    for task in [*tasks, ALL]:
        counted_tasks = tasks if task == ALL else [task]
        row: dict[str, Any] = {"dataset": dataset, "system": system, "task": task}
        for part in recorded_parts:
            row[f"updates_{part}"] = sum(job.updates.get(name, 0) for job in jobs[part] for name in counted_tasks)
            row[f"tokens_{part}"] = sum(job.tokens.get(name, 0) for job in jobs[part] for name in counted_tasks)
        if len(recorded_parts) == len(PARTS):
            row["dev_scores"] = sum(
                job.dev_scores.get(name, 0) for part in PARTS for job in jobs[part] for name in counted_tasks
            )
        if task == ALL:
            row |= {
                f"seconds_{part}": sum(job.processor_seconds for job in part_jobs) for part, part_jobs in jobs.items()
            }
        yield row


def _jobs(spec: TablesSpec, folder: Path, dataset: str, seed: int, system: str) -> Jobs:
    """The costs of the jobs behind a system: of pruning, those of the tasks that it trains."""
    facts, identity = spec.facts[system], {"dataset": dataset, "seed": seed}

    def of(pattern: str, **more: str) -> Costs | None:
        return read_costs(layout.below(folder, pattern, **identity, **more))

    tasks = facts.tasks or spec.datasets[dataset]
    start = of(layout.START, start=f"{facts.start}-{system}") or of(layout.START, start=facts.start)
    pruned = tasks if facts.choice is not None and facts.choice not in (spec.given or []) else []
    trained = [(system, model) for model in models_of(spec.systems[system], tasks)]
    trained += [(facts.merges, task) for task in tasks if facts.merges is not None]
    named = (spec.named_prunings or {}).get(facts.choice or "")
    pattern, more = (layout.PRUNE, {}) if named is None else (layout.PRUNE_NAMED, {"pruning": named})
    searched = [choice for choice in spec.searched or () if choice == facts.choice]
    parts = {
        "start": [start],
        "pruning": [of(pattern, start=facts.start, task=task, **more) for task in pruned]
        + [of(layout.SEARCH, start=facts.start, choice=choice) for choice in searched],
        "selection": [of(layout.SELECT, start=facts.start, choice=facts.choice)] if facts.choice is not None else [],
        "training": [of(layout.MODEL, system=name, model=model) for name, model in trained],
    }
    recorded = {part: [job for job in jobs if job is not None] for part, jobs in parts.items()}
    return {part: jobs for part, jobs in recorded.items() if len(jobs) == len(parts[part])}


CAPTION = (
    "Updates of each task, which are optimizer steps on batches of its sentences: those of the warm-up that a system "
    "starts from + those of its own training. In brackets: those of the prunings behind its masks, which are not part "
    "of the budget. Tokens: of all these batches. Dev scores: the number used to choose an epoch or a mask. Means over "
    "the seeds; shared costs are counted for each system, and with several learning rates the trainings of all rates. "
    "Processor seconds are in costs.csv."
)
"""The caption in the summary. The table has no seconds, so that two equal runs write equal text."""


def cost_cells(costs: pd.DataFrame) -> list[list[str]]:
    """The header and the rows of one dataset's table in the summary, as plain text; one row per system."""
    tasks = sorted(set(costs["task"]) - {ALL})
    rows = [["system", *tasks, "tokens", "dev scores"]]
    for system, block in costs.groupby("system", sort=False):
        by_task = {row["task"]: row for row in rows_of(block)}
        cells = [_counts(by_task[task], "updates") if task in by_task else "" for task in tasks]
        rows.append([str(system), *cells, _counts(by_task[ALL], "tokens"), _count(by_task[ALL]["dev_scores"])])
    return rows


def _counts(row: dict[str, Any], what: str) -> str:
    """Start + training [pruning]; parts that do not exist are omitted."""
    start, pruning, training = (row[f"{what}_{part}"] for part in PARTS)
    parts = [_count(training)] if _is_zero(start) else [_count(start), _count(training)]
    return " + ".join(parts) + ("" if _is_zero(pruning) else f" [{_count(pruning)}]")


def _is_zero(count: float) -> bool:
    return not pd.isna(count) and count == 0


def _count(count: float) -> str:
    return "?" if pd.isna(count) else f"{int(count):,}"
