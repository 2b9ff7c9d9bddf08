"""The best model of a dataset, and the command that tags with it."""

import shlex
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from sparse_sharing.pipeline import layout

EXAMPLE = "EU rejects German call to boycott British lamb."
"""The sentence of the tag command."""


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

    @property
    def tag_command(self) -> str:
        """The command that tags a sentence with the first of the models."""
        return f'echo "{EXAMPLE}" | sparse-sharing tag {shlex.quote(str(self.folders[0]))}'


def best_model(results: pd.DataFrame, run_folder: Path) -> BestModel | None:
    """The best model of a dataset, chosen on dev among the systems with every task; None if there is none.

    Args:
        results: the rows of `tables/results.csv` of one dataset.
        run_folder: the folder of the run.
    """
    dev = results[(results["split"] == "dev") & results["metric"].isin(["accuracy", "f1"])]
    # For a task with spans, f1 is used, although the table also has the accuracy of its tags.
    spans = set(dev.loc[dev["metric"] == "f1", "task"])
    dev = dev[(dev["metric"] == "f1") | ~dev["task"].isin(spans)]
    means = dev.groupby(["system", "seed"]).agg(score=("value", "mean"), tasks=("task", "nunique")).reset_index()
    means = means[means["tasks"] == dev["task"].nunique()]
    if not len(means):
        return None
    system = means.groupby("system")["score"].mean().idxmax()
    system_means = means[means["system"] == system]
    best = system_means.iloc[int(system_means["score"].to_numpy().argmax())]
    identity = {"dataset": str(results["dataset"].iloc[0]), "seed": int(best["seed"]), "system": system}
    tasks = sorted(set(dev.loc[dev["system"] == system, "task"]))
    folders = [layout.below(run_folder, layout.MODEL, model=model, **identity) for model in ("shared", *tasks)]
    trained_folders = [folder for folder in folders if (folder / "model.safetensors").exists()]
    return BestModel(str(system), trained_folders, float(best["score"])) if trained_folders else None
