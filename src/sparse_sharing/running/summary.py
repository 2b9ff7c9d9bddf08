"""The summary at the end of a run: results and how to use them, or failures and how to continue."""

from pathlib import Path

import pandas as pd

from sparse_sharing.config import Config
from sparse_sharing.inspection.status import status_of
from sparse_sharing.pipeline import Specs, jobs_of, layout
from sparse_sharing.pipeline.artefact import REPORT
from sparse_sharing.results.page.best import best_model
from sparse_sharing.results.page.texts import MANY_DATASETS, leads

NAMES = {"dataset": str, "system": str, "reference": str, "task": str}
"""Columns that are text, even if they look like numbers."""


def success(config: Config) -> str:
    """The results of a finished run: a headline for each dataset, the report, the best model and how to tag with it.

    If the run ended after an earlier stage, only the folder of its files.
    """
    folder = Path(layout.RUN.format(run=config.run))
    report = folder / REPORT.file
    try:
        results = pd.read_csv(folder / "tables" / "results.csv", dtype=NAMES)
        compared = pd.read_csv(folder / "tables" / "comparisons.csv", dtype=NAMES)
    except OSError:
        return f"Done. The files of the run are in {folder}."
    datasets = sorted(set(results["dataset"]))
    lines = [f"{name}: {text}" for name, text in leads(compared, datasets, config.tables.baseline).items()]
    for dataset in datasets if len(datasets) <= MANY_DATASETS else []:
        best = best_model(results[results["dataset"] == dataset], folder)
        if best is not None:
            models = ", ".join(map(str, best.folders))
            lines.append(f"{dataset}: best on dev is {best.system}, {best.score:.2f} %. Model: {models}")
            lines.append(f"  Tag with it: {best.tag_command}")
    if report.exists():
        lines.append(f"Report: {report}")
    return "\n".join(lines)


def failure(config: Config) -> str:
    """The failure of a run: the failed jobs, each with its message and log, and how to continue."""
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
