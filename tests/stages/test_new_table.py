"""A new table is two files and a test: one from outside the package, and the one that the documentation adds."""

import csv
import os
import re
import shutil
import subprocess
import sys
import types

import pandas as pd
import pytest

from sparse_sharing.pipeline import layout
from sparse_sharing.pipeline.tables import record
from sparse_sharing.pipeline.tables.record import TableRecord, register
from sparse_sharing.stages import tables
from sparse_sharing.storage.spec_files import write_spec


@pytest.fixture
def toy(monkeypatch):
    """A table that is defined here, with the first task and the lowest density of each system."""
    monkeypatch.setattr(record, "_RECORDS", dict(record._RECORDS))
    builder = types.ModuleType("toy_table")

    def build(run):
        results = run.table("results")
        return results.groupby(["dataset", "system"], sort=False, as_index=False).agg(
            task=("task", "min"), share=("density", "min")
        )

    builder.build = build
    monkeypatch.setitem(sys.modules, "toy_table", builder)
    return register(
        TableRecord(
            name="toy",
            caption="A toy.",
            columns={"dataset": None, "system": None, "task": None, "share": 3},
            systems=("system",),
            builder="toy_table",
        )
    )


def test_a_table_from_outside_the_package_is_made_by_the_stage(toy, finished, tmp_path):
    spec = finished.specs.tables()
    assert "toy.csv" in layout.table_files(spec)
    tables.run(spec, finished.path(layout.RUN), tmp_path)
    frame = pd.read_csv(tmp_path / "toy.csv", dtype=str, keep_default_na=False)
    assert list(frame.columns) == ["dataset", "system", "task", "share", "marks"]
    assert dict(zip(frame["system"], frame["share"], strict=True)) == {
        **dict.fromkeys(("single", "hard", "whole"), "1.000"),
        "sparse": "0.500",
    }
    assert {path.name for path in tmp_path.iterdir()} == set(layout.table_files(spec))


def test_the_table_that_the_documentation_adds_is_two_files_and_a_test_that_work(repository, finished, tmp_path):
    text = (repository / "docs" / "extending.md").read_text(encoding="utf-8")
    (diff,) = (
        block for block in re.findall(r"```diff\n(.*?)```", text, re.DOTALL) if "/tables/training_time.py" in block
    )
    changed = re.findall(r"^\+\+\+ b/(\S+)$", diff, re.MULTILINE)
    assert len([path for path in changed if path.startswith("src/")]) == 2
    assert len([path for path in changed if path.startswith("tests/")]) == 1

    clone = tmp_path / "clone"
    for folder in ("src", "tests"):
        shutil.copytree(repository / folder, clone / folder, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    shutil.copy2(repository / "pyproject.toml", clone)
    subprocess.run(["git", "apply", "-"], input=diff, text=True, cwd=clone, check=True)
    python = {"cwd": clone, "env": {**os.environ, "PYTHONPATH": str(clone / "src")}, "check": True}
    own_tests = [path for path in changed if path.startswith("tests/")]
    subprocess.run([sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *own_tests], **python)

    run = finished.path(layout.RUN)
    write_spec(tmp_path / "tables.json", finished.specs.tables())
    command = [sys.executable, "-m", "sparse_sharing", "tables", "--spec", str(tmp_path / "tables.json")]
    subprocess.run([*command, "--run", str(run), "--output", str(tmp_path / "tables")], **python)
    with (tmp_path / "tables" / "training_time.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["system"] for row in rows] == ["single", "hard", "sparse", "whole"]
    assert all(float(row["seconds"]) >= 0 for row in rows)
