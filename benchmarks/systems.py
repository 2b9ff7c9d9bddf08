"""Score and milliseconds for one sentence of each system of a finished run.

`python -m benchmarks.systems results/RUN DATASET FILE` times the models of one seed on sentences of a file of columns,
one sentence at a time and with all tasks, and prints this beside the scores in the run's tables. Systems take turns
after every `benchmarks.tagging.TURN` sentences; times are processor times of one thread.
"""

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

import pandas as pd
import torch
from rich.console import Console
from rich.table import Table

from benchmarks.tagging import Written, sentence_milliseconds
from benchmarks.timing import Series
from sparse_sharing.results.tables.means import MEAN
from sparse_sharing.tagging.base import BaseTagger
from sparse_sharing.tagging.loading import load_tagger


def tag_with(taggers: Sequence[BaseTagger]) -> Callable[[list[str]], None]:
    """A function that tags a sentence with all models of a system: one, or one for each task."""

    def tag(words: list[str]) -> None:
        for tagger in taggers:
            tagger.tag([words])

    return tag


def measure(run: Path, dataset: str, seed: int, sentences: list[list[str]]) -> dict[str, Series]:
    """Milliseconds for one sentence of each system, with words that its models have seen before."""
    folders = sorted((run / dataset / f"seed{seed}" / "train").iterdir())
    actions = {
        folder.name: tag_with([load_tagger(model) for model in sorted(folder.iterdir()) if model.is_dir()])
        for folder in folders
    }
    for action in actions.values():
        for words in sentences:
            action(words)
    return sentence_milliseconds(actions, sentences)


def table_of(run: Path, dataset: str, measured: dict[str, Series]) -> Table:
    """Test scores (mean over the seeds), parameters and milliseconds, the fastest system first."""
    summary = pd.read_csv(run / "tables" / "summary.csv")
    summary = summary[summary["dataset"] == dataset].set_index(["system", "task"])
    tasks = [*sorted(set(summary.index.get_level_values("task")) - {MEAN}), MEAN]
    table = Table(title=f"{run.name}, {dataset}: test scores, and one sentence with all tasks", title_justify="left")
    for column in ("system", *tasks, "parameters", "ms", "middle half"):
        table.add_column(column, justify="left" if column == "system" else "right")
    for system, series in sorted(measured.items(), key=lambda item: item[1].median):
        values = pd.Series(series.values)
        scores = [f"{summary.loc[(system, task), 'mean']:.2f}" for task in tasks]
        parameters = f"{summary.loc[(system, MEAN), 'parameters']:,.0f}"
        middle = f"{values.quantile(0.25):.2f}-{values.quantile(0.75):.2f}"
        table.add_row(system, *scores, parameters, f"{series.median:.2f}", middle)
    return table


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.systems", description=__doc__)
    parser.add_argument("run", type=Path, help="folder of a finished run")
    parser.add_argument("dataset", help="name of a dataset of the run")
    parser.add_argument("file", type=Path, help="file in the columns of CoNLL-2003, for its sentences")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--sentences", type=int, default=400, help="how many, from the end of the file")
    options = parser.parse_args()
    torch.set_num_threads(1)
    sentences = Written.read(options.file).words[-options.sentences :]
    measured = measure(options.run, options.dataset, options.seed, sentences)
    Console().print(table_of(options.run, options.dataset, measured))


if __name__ == "__main__":
    main()
