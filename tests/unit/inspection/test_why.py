"""Why a job would run again: told from its files and the configuration."""

import os

import pytest
from typer.testing import CliRunner

from sparse_sharing.cli import app
from sparse_sharing.errors import ConfigError
from sparse_sharing.inspection.why import job_of, reasons
from sparse_sharing.pipeline import Specs
from sparse_sharing.pipeline.jobs import jobs_of


@pytest.fixture
def done(jobs, finish, own_data):
    """All jobs, with their files written in the order of the stages."""
    for moment, job in enumerate(jobs.values()):
        finish(job)
        for path in job.outputs:
            os.utime(path, (moment + 1, moment + 1))
    for split in ("train", "dev", "test"):
        os.utime(own_data.folder / f"{split}.txt", (0, 0))
    return jobs


def texts(job):
    """The reasons of a job, each with the job where it arises."""
    return [f"{reason.job.label}: {reason.text}" for reason in reasons(job)]


def changed(own_data, label, **sections):
    """A job under a configuration in which some values of some sections differ."""
    for name, values in sections.items():
        own_data.values[name] = {**own_data.values[name], **values}
    return next(job for job in jobs_of(Specs(own_data.config())) if job.label == label)


SPARSE = "train news seed1 sparse shared"


def test_nothing_runs_again_where_nothing_has_changed(done):
    assert not any(reasons(job) for job in done.values())


def test_a_changed_key_is_named_with_both_values(done, own_data):
    job = changed(own_data, SPARSE, train={"epochs": 11})
    assert texts(job) == [f"{SPARSE}: optimization.epochs: 3 -> 9"]


def test_a_change_of_an_earlier_stage_is_followed_to_where_it_begins(done, own_data):
    job = changed(own_data, SPARSE, prune={"rounds": 5})
    assert texts(job) == [
        f"{SPARSE}: masks: the settings of select news seed1 warmup half have changed",
        "select news seed1 warmup half: masks.ner: the settings of prune news seed1 warmup ner have changed",
        "select news seed1 warmup half: masks.pos: the settings of prune news seed1 warmup pos have changed",
        "prune news seed1 warmup ner: rounds: 2 -> 5",
        "prune news seed1 warmup pos: rounds: 2 -> 5",
    ]


def test_a_file_made_from_an_earlier_result_is_reported(done, own_data, finish):
    job = changed(own_data, "evaluate news seed1 sparse shared", train={"epochs": 11})
    finish(job.needs["model"])
    assert (
        f"{job.label}: model: it was made from an earlier result of {SPARSE}, which has been made again since"
        in texts(job)
    )


def test_missing_files_and_newer_inputs_are_reported(done, own_data):
    job = done[SPARSE]
    (job.folder / "history.csv").unlink()
    os.utime(own_data.folder / "train.txt", (1e9, 1e9))
    assert f"{SPARSE}: {job.folder / 'history.csv'} is missing" in texts(job)
    assert any("train.txt is newer" in text for text in texts(job))


def test_a_file_of_another_program_is_reported(done):
    carrier = done[SPARSE].carrier
    moment = carrier.stat().st_mtime
    carrier.write_bytes(b"something")
    os.utime(carrier, (moment, moment))
    assert texts(done[SPARSE]) == [f"{SPARSE}: {carrier} is damaged or was not written by sparse-sharing"]


def test_files_in_the_folder_of_the_predictions_belong_to_the_evaluation(jobs):
    job = jobs["evaluate news seed1 sparse shared"]
    assert job_of(job.folder / "predictions" / "ner.txt", list(jobs.values())) is job
    assert job_of(job.folder, list(jobs.values())) is job


def test_the_command_speaks_in_words(done, own_data):
    model = done[SPARSE].carrier
    same = CliRunner().invoke(app, ["why", str(model), "--configfile", "mine.yaml"])
    assert "would not run again" in same.output
    own_data.values["train"]["epochs"] = 11
    own_data.file()
    other = CliRunner().invoke(app, ["why", str(model), "--configfile", "mine.yaml"])
    assert other.output.splitlines() == [f"{SPARSE} would run again:", "  optimization.epochs: 3 -> 9"]


def test_a_file_of_no_job_is_refused(jobs):
    error = CliRunner().invoke(app, ["why", "elsewhere.txt", "--configfile", "mine.yaml"]).exception
    assert isinstance(error, ConfigError)
    assert "no job of this configuration makes it" in str(error)


def test_why_without_a_configuration_asks_for_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    error = CliRunner().invoke(app, ["why", "results/tiny/report.html"]).exception
    assert "--configfile FILE" in str(error)
