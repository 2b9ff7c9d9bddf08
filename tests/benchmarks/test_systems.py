"""Score against time: each system once, the fastest first, with the scores of the run's own table."""

import pytest
from rich.console import Console


@pytest.fixture(autouse=True)
def _importable(repository, monkeypatch):
    """The benchmarks are no part of the installed package."""
    monkeypatch.syspath_prepend(str(repository))


def test_systems_are_listed_by_their_time_with_scores_of_their_dataset(tmp_path):
    from benchmarks.systems import table_of
    from benchmarks.timing import Series

    (tmp_path / "tables").mkdir()
    rows = [
        "dataset,system,task,mean,parameters",
        *("news,single,ner,81.5,300", "news,single,mean,81.5,300"),
        *("news,hard,ner,79.25,100", "news,hard,mean,79.25,100"),
        *("web,hard,ner,11,100", "web,hard,mean,11,100"),
    ]
    (tmp_path / "tables" / "summary.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    measured = {"single": Series((6.0, 6.0, 9.0)), "hard": Series((2.0, 2.5, 2.5))}
    console = Console(record=True, width=120, file=(tmp_path / "out").open("w"))
    console.print(table_of(tmp_path, "news", measured))
    cells = [[cell.strip() for cell in line.split("│")] for line in console.export_text().splitlines() if "│" in line]
    assert [row[1:-2] for row in cells] == [
        ["hard", "79.25", "79.25", "100", "2.50"],
        ["single", "81.50", "81.50", "300", "6.00"],
    ]


def test_a_system_of_single_models_takes_the_time_of_all_of_them():
    from benchmarks.systems import tag_with

    calls = []

    class Fake:
        def __init__(self, name):
            self.name = name

        def tag(self, sentences):
            calls.append((self.name, sentences))

    tag_with([Fake("pos"), Fake("ner")])(["Ann", "left"])
    assert calls == [("pos", [["Ann", "left"]]), ("ner", [["Ann", "left"]])]
