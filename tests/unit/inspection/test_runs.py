"""Two runs are laid side by side from their files."""

import json

import pytest
from typer.testing import CliRunner

from sparse_sharing.cli import app
from sparse_sharing.config import parse_config
from sparse_sharing.errors import ArtifactError
from sparse_sharing.inspection.runs import compare_scores, compare_settings, other_test_texts
from sparse_sharing.pipeline import Specs
from sparse_sharing.pipeline.jobs import jobs_of
from sparse_sharing.storage.artifacts import write_text

HEADER = "dataset,system,seed,task,split,metric,value,parameters,density,seconds\n"


def results(*rows):
    """Results as the tables stage writes them; the rows are (system, seed, task, metric, value) on test."""
    cells = ((system, seed, task, "test", metric, value) for system, seed, task, metric, value in rows)
    return HEADER + "".join(f"news,{','.join(map(str, row))},1,1.0,1.0\n" for row in cells)


@pytest.fixture
def runs(own_data, finish, tmp_path, monkeypatch):
    """Two finished runs; the second has a sparse system of more epochs, and one more system."""
    monkeypatch.chdir(tmp_path)
    for run in "ab":
        own_data.values["run"] = run
        if run == "b":
            own_data.values["train"]["systems"][1]["epochs"] = 11
            own_data.values["train"]["systems"].append({"name": "hard", "sharing": "hard"})
        for job in jobs_of(Specs(parse_config(own_data.values))):
            finish(job)
    a = [("single", 1, "ner", "f1", 50.0), ("single", 2, "ner", "f1", 60.0), ("single", 1, "ner", "accuracy", 99.0)]
    write_text(tmp_path / "results/a/tables/results.csv", results(*a, ("single", 1, "pos", "accuracy", 90.0)))
    b = [("single", 1, "ner", "f1", 57.0), ("hard", 1, "ner", "f1", 1.0)]
    write_text(tmp_path / "results/b/tables/results.csv", results(*b))
    return tmp_path / "results/a", tmp_path / "results/b"


def test_scores_are_joined_by_their_main_metric(runs):
    rows = {(row["system"], row["task"]): row for row in compare_scores(*runs).to_dict("records")}
    ner = rows["single", "ner"]
    assert (ner["metric"], ner["first"], ner["second"], ner["difference"]) == ("f1", 55.0, 57.0, 2.0)
    assert (ner["seeds_first"], ner["seeds_second"]) == (2, 1)
    assert rows["single", "pos"]["metric"] == "accuracy"
    assert rows["hard", "ner"]["first"] != rows["hard", "ner"]["first"]
    assert rows["hard", "ner"]["seeds_first"] == 0


def test_settings_that_differ_are_named_with_their_path_and_digests_are_not(runs):
    found = compare_settings(*runs)
    assert found["train", "optimization.epochs", "3", "9"] == ["news/seed1/train/sparse/shared"]
    assert found["train", "only in the second", "", ""] == ["news/seed1/train/hard/shared"]
    assert {(stage, key) for stage, key, *_ in found} == {
        ("train", "optimization.epochs"),
        ("train", "only in the second"),
        ("evaluate", "only in the second"),
    }


def test_a_run_does_not_differ_from_itself(runs):
    assert compare_settings(runs[0], runs[0]) == {}
    assert set(compare_scores(runs[0], runs[0])["difference"]) == {0.0}


def test_the_command_shows_both_and_writes_the_scores(runs, tmp_path):
    result = CliRunner().invoke(app, ["compare", *map(str, runs), "--output", str(tmp_path / "scores.csv")])
    assert result.exit_code == 0, result.output
    assert "55.00  57.00  +2.00  2 / 1" in result.output
    assert "optimization.epochs" in result.output
    assert "single,ner,f1,55.0000,57.0000,2.0000,2,1" in (tmp_path / "scores.csv").read_text()


def test_the_message_for_a_run_without_tables_says_how_to_make_them(runs, tmp_path):
    with pytest.raises(ArtifactError, match="Make the tables of the run first"):
        compare_scores(runs[0], tmp_path)


def test_no_difference_is_shown_where_the_test_text_differs(runs, tmp_path):
    for run, digest in zip(runs, ("1" * 64, "2" * 64), strict=True):
        corpora = {"text": {"sha256": digest, "sentences": 10}}
        summary = {"details": {"splits": {"test": {"corpora": corpora}}}}
        write_text(run / "news" / "data" / "summary.json", json.dumps(summary))
    assert other_test_texts(*runs) == ["news"]
    assert other_test_texts(runs[0], runs[0]) == []
    assert compare_scores(*runs)["difference"].isna().all()
    output = CliRunner().invoke(app, ["compare", *map(str, runs)]).output
    assert "test text differs (dataset news): the scores are not comparable" in output
    assert "+2.00" not in output
