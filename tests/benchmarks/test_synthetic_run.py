"""Runs of many datasets and of many tasks: their tables and their report stay small, and are made in bounded time."""

import re

import pytest

SECONDS = 60
"""Of processor time for each stage: several times what a quiet machine needs, since a busy one counts more."""


@pytest.fixture(autouse=True)
def _importable(repository, monkeypatch):
    """The benchmarks are no part of the installed package."""
    monkeypatch.syspath_prepend(str(repository))


@pytest.mark.slow
@pytest.mark.parametrize(("datasets", "tasks", "systems"), [(9, 2, 6), (1, 40, 4)], ids=["datasets", "tasks"])
def test_the_report_of_a_large_run_is_small_and_quick(tmp_path, datasets, tasks, systems):
    from benchmarks.synthetic_run import measure, specs_of

    found = measure(specs_of(datasets, tasks, seeds=1, systems=systems), tmp_path)
    assert max(found["tables"], found["figures"], found["report"]) < SECONDS
    page = (tmp_path / "results" / "synthetic" / "report.html").read_text(encoding="utf-8")
    assert len(page) < 3_000_000
    folded = re.findall(r'<section id="dataset-[^>]*>\s*<h2[^>]*>[^<]*</h2>\s*<details class="whole">', page)
    assert len(folded) == (datasets if datasets > 8 else 0)
    assert ("All datasets" in page) == (datasets > 8)
