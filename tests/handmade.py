"""Small hand-made scores: every figure made of them can be checked in the head."""

from pathlib import Path

import pandas as pd

from sparse_sharing.pipeline.specs import TablesSpec
from sparse_sharing.pipeline.tables.record import record_of
from sparse_sharing.results.tables import documents
from sparse_sharing.results.tables.inputs import RunInputs
from sparse_sharing.results.tables.markup import csv_text
from sparse_sharing.results.tables.results import results
from sparse_sharing.results.tables.scores import read_all

ORDER = {"dataset": ["joint", "chat"], "system": ["single", "hard", "sparse"], "task": ["pos", "ner", "chunk"]}
TYPES = {"X": {"precision": 60.0, "recall": 40.0, "f1": 48.0, "support": 5}}


def accuracy(test, density=1.0, per_type=TYPES):
    """The scores of a task of single tags."""
    scores = {"dev": {"accuracy": test + 1}, "test": {"accuracy": test}}
    return {"metric": "accuracy", **scores, "per_type": per_type, "density": density}


def spans(test, density=1.0, per_type=TYPES):
    """The scores of a task of spans."""
    scores = {"precision": test + 2, "recall": test - 2, "f1": test, "accuracy": 99.0}
    return {"metric": "f1", "dev": scores, "test": scores, "per_type": per_type, "density": density}


def summary_row(table, system, task):
    """The row of a system and task."""
    return table[(table["system"] == system) & (table["task"] == task)].iloc[0]


def results_of(paths, order=None):
    """The table `results` of some files of metrics."""
    return results(read_all(paths), order)


def csv_of(name, frame):
    """A table of this name as the text of its file."""
    return csv_text(frame, record_of(name).columns)


def run_of(summary, baseline="single", notes=(), **frames):
    """A run of which the summary and some further tables are made already; nothing is read from files."""
    names = {"seeds": [1], "datasets": {}, "systems": {}, "facts": {}, "comparisons": [], "chosen": []}
    run = RunInputs(TablesSpec(baseline=baseline, paper_notes=list(notes) or None, metrics="", **names), Path())
    run.frames = {"summary": summary, **frames}
    run.records = [record_of(name) for name in run.frames]
    run.marks = pd.DataFrame(columns=["dataset", "system"])
    run.notes = {}
    return run


def markdown_of(summary, *arguments, **frames):
    """The summary of a run in Markdown; takes what `run_of` takes."""
    return documents.markdown(run_of(summary, *arguments, **frames))


def latex_of(summary, *arguments, **frames):
    """The summary of a run in LaTeX; takes what `run_of` takes."""
    return documents.latex(run_of(summary, *arguments, **frames))
