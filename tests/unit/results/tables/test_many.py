"""Fifty datasets in one table: quick to make, and read at one glance."""

import time

import pandas as pd
import pytest
from handmade import latex_of, markdown_of

from sparse_sharing.results.tables.summary import summary

DATASETS, SEEDS = 50, 5
SYSTEMS = {"single": 90.0, "hard": 91.0, "sparse": 92.0}


def results(datasets):
    """Tidy results of a number of datasets with two tasks each; systems differ by a point, seeds by a tenth."""
    rows = [
        {"dataset": f"dataset{number:02}", "system": system, "seed": seed, "task": task, "split": split}
        | {
            "metric": "accuracy",
            "value": score + seed / 10,
            "parameters": 1000,
            "trained_parameters": 1000,
            "density": 1.0,
            "seconds": 1.0,
        }
        for number in range(datasets)
        for system, score in SYSTEMS.items()
        for seed in range(SEEDS)
        for task in ("chunk", "pos")
        for split in ("dev", "test")
    ]
    return pd.DataFrame(rows)


@pytest.fixture(params=[(markdown_of, " | "), (latex_of, " & ")])
def written(request):
    """A function that writes the summary of some datasets as lines of text, and the separator of its cells."""
    write, separator = request.param
    return lambda found: write(summary(found)).splitlines(), separator


def test_a_table_of_all_datasets_comes_before_those_of_each(written):
    lines, separator = written
    text = lines(results(DATASETS))
    rows = [line for line in text if line.lstrip("| ").startswith("dataset") and line.count(separator) == 3]
    assert len(rows) == 1 + DATASETS
    assert all("90.20" in row and "91.20" in row and "92.20" in row for row in rows[1:])
    means = next(line for line in text if line.lstrip("| ").startswith("mean"))
    assert all(score in means for score in ("90.20", "91.20", "92.20"))
    assert text.index(rows[0]) < next(number for number, line in enumerate(text) if line.count(separator) > 3)


def test_few_datasets_have_no_such_table(written):
    lines, _ = written
    assert "All datasets" not in "\n".join(lines(results(8)))
    assert "All datasets" in "\n".join(lines(results(9)))


def test_a_system_that_lacks_a_dataset_has_no_mean_over_the_datasets(written):
    lines, separator = written
    found = results(DATASETS)
    found = found[(found["system"] != "hard") | (found["dataset"] != "dataset07")]
    means = next(line for line in lines(found) if line.lstrip("| ").startswith("mean"))
    cells = [cell.strip(" |\\") for cell in means.split(separator.strip())]
    assert [cell for cell in cells if cell] == ["mean", "90.20", "92.20"]


def test_the_time_is_that_of_the_number_of_rows(written):
    lines, _ = written
    started = time.process_time()
    lines(results(DATASETS))
    assert time.process_time() - started < 5
