"""The last words of a run: what was found, where it is, how to use it; or what failed, and how to go on."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from sparse_sharing.config import Config, Specs, artefact, jobs_of, layout
from sparse_sharing.inspection.status import status_of
from sparse_sharing.report.texts import lead

EXAMPLE = "EU rejects German call to boycott British lamb."
"""The sentence of the tag command."""

NAMES = ("dataset", "system", "reference", "task")
"""Columns of the tables that hold names; one may look like a number."""


@dataclass(frozen=True)
class BestModel:
    """The models of the system with the highest dev score, from its best seed.

    Attributes:
        system: the system.
        folders: one for all tasks, or one for each.
        score: the mean over the tasks of the dev score, in percent.
    """

    system: str
    folders: list[Path]
    score: float


def success(config: Config) -> str:
    """What a finished run found: a headline for each dataset, the report, the best model and how to tag with it.

    Where the run stopped after an earlier stage, only where its files are.
    """
    folder = Path(layout.RUN.format(run=config.run))
    report = folder / artefact.REPORT.file
    try:
        results = pd.read_csv(folder / "tables" / "results.csv", dtype=dict.fromkeys(NAMES, str))
        compared = pd.read_csv(folder / "tables" / "comparisons.csv", dtype=dict.fromkeys(NAMES, str))
    except OSError:
        return f"Done. The files of the run are below {folder}."
    lines = []
    for dataset in sorted(set(results["dataset"])):
        lines.append(f"{dataset}: {lead(compared, dataset, config.tables.baseline)}")
        best = best_model(results[results["dataset"] == dataset], folder)
        if best is not None:
            models = ", ".join(map(str, best.folders))
            lines.append(f"  Best on dev: {best.system}, {best.score:.2f} %. Model: {models}")
            lines.append(f'  Tag with it: echo "{EXAMPLE}" | sparse-sharing tag {best.folders[0]}')
    if report.exists():
        lines.append(f"Report: {report}")
    return "\n".join(lines)


def best_model(results: pd.DataFrame, run_folder: Path) -> BestModel | None:
    """The best model of a dataset, chosen on dev among the systems that know every task; none without one.

    Args:
        results: the rows of `tables/results.csv` of one dataset.
        run_folder: the folder of the run.
    """
    dev = results[(results["split"] == "dev") & results["metric"].isin(["accuracy", "f1"])]
    # Of a task with spans, f1 counts; the accuracy of its tags stands beside it.
    spans = set(dev.loc[dev["metric"] == "f1", "task"])
    dev = dev[(dev["metric"] == "f1") | ~dev["task"].isin(spans)]
    means = dev.groupby(["system", "seed"]).agg(score=("value", "mean"), tasks=("task", "nunique")).reset_index()
    means = means[means["tasks"] == dev["task"].nunique()]
    if not len(means):
        return None
    system = means.groupby("system")["score"].mean().idxmax()
    own = means[means["system"] == system]
    best = own.loc[own["score"].idxmax()]
    identity = {"dataset": str(results["dataset"].iloc[0]), "seed": int(best["seed"]), "system": system}
    tasks = sorted(set(dev.loc[dev["system"] == system, "task"]))
    folders = [layout.below(run_folder, layout.MODEL, model=model, **identity) for model in ("shared", *tasks)]
    found = [folder for folder in folders if (folder / "model.safetensors").exists()]
    return BestModel(str(system), found, float(best["score"])) if found else None


def failure(config: Config) -> str:
    """What stopped a run: the jobs that failed, each with its message and log, and how to go on."""
    statuses = [status_of(job) for job in jobs_of(Specs(config))]
    done = sum(status.state == "done" for status in statuses)
    failed = [status for status in statuses if status.state == "failed"]
    lines = [f"{len(failed)} {'job' if len(failed) == 1 else 'jobs'} failed:"] if failed else []
    for status in failed:
        lines += [f"  {status.job.label}: {status.message}", f"    log: {status.job.log}"]
    lines.append(
        f"{done} of {len(statuses)} jobs are done. Finished jobs are kept: start the same command again to continue."
    )
    return "\n".join(lines)
