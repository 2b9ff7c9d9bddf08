"""The experiments of the paper as tables: rounds of pruning, density sweep, pairs of tasks, warm-up ablation."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from sparse_sharing.pipeline.experiments import SystemFacts, ablation_of, pairs_of, sweep_of
from sparse_sharing.results.tables.means import MEAN, main_metric
from sparse_sharing.results.tables.paper import Experiment, experiments

SWEEP = ["dataset", "system", "start", "target_density", "seeds", "density", "lowest_density", "highest_density"]
SWEEP += ["overlap", "chance", "chance_by_tensor", "mean", "std", "published", "published_overlap"]
PAIRS = ["dataset", "tasks", "task", "sparse", "hard", "seeds", "sparse_score", "hard_score", "gain", "gain_std"]
PAIRS += ["overlap", "chance", "chance_by_tensor", "overlap_with_start", "published_overlap", "published_gain"]
ABLATION = ["dataset", "choice", "task", "with_warmup", "without_warmup", "seeds", "with_score", "without_score"]
ABLATION += ["difference", "std", "published_with", "published_without"]


@dataclass(frozen=True)
class Measured:
    """What the experiments are read off.

    Attributes:
        results: as `scores.results` returns it.
        overlaps: for each dataset, seed, start and choice the overlap of groups of tasks, and that of chance.
        facts: what is known of each system.
        tasks: the tasks of each dataset.
        paper: the experiment of each dataset that has a counterpart in the paper.
    """

    results: pd.DataFrame
    overlaps: pd.DataFrame
    facts: Mapping[str, SystemFacts]
    tasks: Mapping[str, Sequence[str]]
    paper: Mapping[str, str]

    def experiment(self, dataset: str) -> Experiment | None:
        """What the paper prints about a dataset."""
        return experiments()[self.paper[dataset]] if dataset in self.paper else None

    def by_seed(self, dataset: str, system: str) -> pd.DataFrame:
        """The main test score of a system: one row per seed, one column per task."""
        test = main_metric(self.results[self.results["split"] == "test"])
        own = test[(test["dataset"] == dataset) & (test["system"] == system)]
        return own.pivot(index="seed", columns="task", values="value")

    def overlap(self, dataset: str, system: str, tasks: Sequence[str]) -> dict[str, float]:
        """The overlap of the masks of a system on some tasks, and that of chance: means over seeds; 1 without masks.

        For two tasks also the overlap of their masks with those of the largest starting weights.
        """
        known, names = self.facts[system], ["overlap", "chance", "chance_by_tensor"]
        names += ["overlap_with_start"] if len(tasks) == 2 else []
        if known.choice is None:
            return dict.fromkeys(names, 1.0)
        keys = {"dataset": dataset, "start": known.start, "choice": known.choice, "tasks": "&".join(sorted(tasks))}
        own = self.overlaps[(self.overlaps[list(keys)] == pd.Series(keys)).all(axis=1)]
        return {name: own[name].astype(float).mean() for name in names}


def rounds(pruned: pd.DataFrame, chosen: pd.DataFrame, paper: Mapping[str, str]) -> pd.DataFrame:
    """All rounds of pruning with their dev scores (Fig. 3).

    Args:
        pruned: the rounds of every pruning, under its dataset, seed, start and task.
        chosen: the round of every choice of masks, under its dataset, seed, start, choice and task.
        paper: the experiment of each dataset that has a counterpart in the paper.

    Returns:
        The rows of `pruned` with two more columns: the choices that took this round, separated by spaces, and the dev
        score that the paper has for this density.
    """
    keys = ["dataset", "seed", "start", "task", "round"]
    names = chosen.astype(str).groupby(keys)["choice"].agg(lambda column: " ".join(sorted(column)))
    places = pd.MultiIndex.from_frame(pruned[keys].astype(str))

    def published(row: pd.Series) -> float | None:
        curves = experiments()[paper[row["dataset"]]].rounds if row["dataset"] in paper else None
        return curves.at(row["task"], float(row["density"])) if curves else None

    taken = names.reindex(places).fillna("").to_numpy()
    return pruned.assign(chosen=taken, published=pruned.apply(published, axis=1).astype(float))


def sweep(measured: Measured) -> pd.DataFrame:
    """Sparse sharing at one density for all tasks (Fig. 4), and hard sharing: one row per system, densest first.

    Returns:
        The density asked for, the densities found (mean, lowest and highest over tasks and seeds), the overlap of the
        masks of all tasks and that of independent masks, mean and std over seeds of the mean test score over tasks,
        and the score and overlap that the paper prints for this density.
    """
    rows = []
    wanted = sweep_of(measured.facts)
    for dataset, system in _on_each_dataset(measured, list(wanted)):
        scores = measured.by_seed(dataset, system)
        own = measured.results[(measured.results["dataset"] == dataset) & (measured.results["system"] == system)]
        density, experiment = wanted[system], measured.experiment(dataset)
        point = experiment.sweep.at(density) if experiment and experiment.sweep else None
        rows.append(
            {
                "dataset": dataset,
                "system": system,
                "start": measured.facts[system].start,
                "target_density": density,
                "seeds": len(scores),
                "density": own["density"].mean(),
                "lowest_density": own["density"].min(),
                "highest_density": own["density"].max(),
                **measured.overlap(dataset, system, measured.tasks[dataset]),
                "mean": scores.mean(axis=1).mean(),
                "std": scores.mean(axis=1).std(),
                "published": point.score if point else None,
                "published_overlap": point.overlap if point else None,
            }
        )
    return pd.DataFrame(rows, columns=SWEEP)


def pairs(measured: Measured) -> pd.DataFrame:
    """Sparse sharing of two tasks: the overlap of their masks beside the gain over hard sharing of the same tasks.

    Returns:
        One row per dataset, system, and task of the pair, and one of task "mean": the scores of the sparse and the hard
        system (means over seeds), the gain with its deviation over seeds, the overlap and that of independent masks,
        and the overlap and gain that the paper prints.
    """
    rows = []
    partners = dict(pairs_of(measured.facts))
    for dataset, sparse in _on_each_dataset(measured, list(partners)):
        tasks, experiment = measured.facts[sparse].tasks, measured.experiment(dataset)
        point = experiment.pairs.at(tasks) if experiment and experiment.pairs else None
        for row in _contrast(measured, dataset, sparse, partners[sparse], tasks):
            paper = point if row["task"] == MEAN else None
            rows.append(
                {
                    "dataset": dataset,
                    "tasks": "&".join(tasks),
                    "task": row["task"],
                    "sparse": sparse,
                    "hard": partners[sparse] or "",
                    "seeds": row["seeds"],
                    "sparse_score": row["first"],
                    "hard_score": row["second"],
                    "gain": row["difference"],
                    "gain_std": row["std"],
                    **measured.overlap(dataset, sparse, tasks),
                    "published_overlap": paper.overlap if paper else None,
                    "published_gain": paper.gain if paper else None,
                }
            )
    return pd.DataFrame(rows, columns=PAIRS)


def ablation(measured: Measured) -> pd.DataFrame:
    """Sparse sharing with and without warm-up, alike in all else (Table 8).

    Returns:
        One row per dataset, pair of systems and task, and one of task "mean": both scores (means over seeds), their
        difference with its deviation over seeds, and both scores that the paper prints.
    """
    rows = []
    partners = dict(ablation_of(measured.facts))
    for dataset, warm in _on_each_dataset(measured, list(partners)):
        cold, known = partners[warm], measured.facts[warm]
        experiment = measured.experiment(dataset) if known.kind == "sparse" and known.tasks is None else None
        for row in _contrast(measured, dataset, warm, cold, known.tasks or measured.tasks[dataset]):
            rows.append(
                {
                    "dataset": dataset,
                    "choice": known.choice,
                    "task": row["task"],
                    "with_warmup": warm,
                    "without_warmup": cold,
                    "seeds": row["seeds"],
                    "with_score": row["first"],
                    "without_score": row["second"],
                    "difference": row["difference"],
                    "std": row["std"],
                    "published_with": experiment.score("sparse", row["task"]) if experiment else None,
                    "published_without": experiment.score("sparse_no_warmup", row["task"]) if experiment else None,
                }
            )
    return pd.DataFrame(rows, columns=ABLATION)


def _on_each_dataset(measured: Measured, systems: Sequence[str]) -> Iterator[tuple[str, str]]:
    """The (dataset, system) pairs that have results."""
    found = set(zip(measured.results["dataset"], measured.results["system"], strict=True))
    return ((dataset, system) for dataset in measured.tasks for system in systems if (dataset, system) in found)


def _contrast(
    measured: Measured, dataset: str, first: str, second: str | None, tasks: Sequence[str]
) -> Iterator[dict[str, object]]:
    """Two systems by task and on the mean over tasks; differences are taken within each seed."""
    ours = measured.by_seed(dataset, first)[list(tasks)]
    theirs = ours * float("nan") if second is None else measured.by_seed(dataset, second)[list(tasks)]
    for task in (*tasks, *([MEAN] if len(tasks) > 1 else [])):
        one, other = (frame.mean(axis=1, skipna=False) if task == MEAN else frame[task] for frame in (ours, theirs))
        difference = one - other
        yield {
            "task": task,
            "seeds": len(one),
            "first": one.mean(),
            "second": other.mean(),
            "difference": difference.mean(),
            "std": difference.std(),
        }
