"""The status of jobs, told from files as jobs of all kinds leave them."""

import json
import os
import socket
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from sparse_sharing.cli import app
from sparse_sharing.errors import ConfigError
from sparse_sharing.inspection.status import FRESH, status_of
from sparse_sharing.storage.artifacts import write_text
from sparse_sharing.terminal.progress import RECORD, Reporter


@pytest.fixture
def pruning(jobs):
    return jobs["prune news seed1 warmup pos"]


def record(job, **values):
    """What a job has written down of itself."""
    write_text(job.work / RECORD, json.dumps({"host": socket.gethostname(), "process": os.getpid(), **values}))


def dead_process():
    """The number of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_every_job_waits_at_first_and_none_is_named_twice(jobs):
    assert {status_of(job).state for job in jobs.values()} == {"waiting"}
    assert len({job.folder for job in jobs.values()}) == len({job.log for job in jobs.values()}) == len(jobs)


def test_a_job_is_done_when_all_its_files_are_there_under_its_spec(jobs, finish):
    for job in jobs.values():
        finish(job)
        assert status_of(job).state == "done", job.label
    job = jobs["tables"]
    job.outputs[0].unlink()
    assert status_of(job).state == "outdated"


def test_files_of_other_settings_are_outdated(pruning, finish):
    finish(pruning, pruning.spec.model_copy(update={"rounds": 9}))
    assert status_of(pruning).state == "outdated"


def test_a_process_of_this_machine_is_looked_for(pruning):
    record(pruning, at="round 1/2, epoch 1/2", best=50.5, left=7.0)
    status = status_of(pruning)
    assert (status.state, status.record["best"]) == ("running", 50.5)
    record(pruning, process=dead_process())
    assert status_of(pruning).state == "interrupted"


def test_a_process_of_another_machine_is_at_work_while_its_files_change_as_often_as_epochs_end(pruning):
    record(pruning, host="elsewhere", seconds=2000.0)
    written = (pruning.work / RECORD).stat().st_mtime
    assert status_of(pruning, written + 5000).state == "running"
    assert status_of(pruning, written + 7000).state == "interrupted"


def test_a_record_that_gives_no_pace_is_fresh_for_the_usual_time(pruning):
    record(pruning, host="elsewhere", seconds="soon")
    written = (pruning.work / RECORD).stat().st_mtime
    assert status_of(pruning, written + 1).state == "running"
    assert status_of(pruning, written + 7000).state == "interrupted"


def test_a_job_without_a_record_is_at_work_while_its_log_is_fresh(jobs):
    job = jobs["prepare news"]
    write_text(job.log, "INFO: text train: 200 sentences\n")
    written = job.log.stat().st_mtime
    assert status_of(job, written + FRESH - 1).state == "running"
    late = status_of(job, written + FRESH + 1)
    assert (late.state, late.message) == ("interrupted", "INFO: text train: 200 sentences")


@pytest.mark.parametrize("end", ["error: train.txt, line 7: found x\nmore", "Traceback ...\nMemoryError: too much"])
def test_a_log_that_ends_with_an_error_is_that_of_a_failed_job(jobs, end):
    job = jobs["prepare news"]
    write_text(job.log, f"INFO: reading\n{end}\n")
    status = status_of(job)
    assert status.state == "failed"
    assert status.message in end


def test_the_reporter_writes_the_record_that_status_reads(pruning):
    pruning.work.mkdir(parents=True)
    with Reporter("prune pos", 4, work=pruning.work) as report:
        assert status_of(pruning).state == "running"
        report.epoch("", 10.0, at="round 0/2, epoch 1/2", best=12.5)
    found = status_of(pruning).record
    assert (found["at"], found["best"], found["seconds"], found["left"]) == ("round 0/2, epoch 1/2", 12.5, 10.0, 30.0)


def test_the_command_shows_counts_and_what_runs_and_has_failed(jobs, pruning, finish, tmp_path):
    finish(jobs["prepare news"])
    record(pruning, at="round 1/2, epoch 1/2", best=50.5, left=70.0)
    failed = jobs["warmup news seed1 initial"]
    write_text(failed.log, "error: the disk is full\n")
    (tmp_path / "results" / "mine").mkdir(exist_ok=True)
    by_file = CliRunner().invoke(app, ["status", "mine.yaml"])
    by_folder = CliRunner().invoke(app, ["status", "results/mine"])
    assert by_file.exit_code == 0, by_file.output
    assert by_file.output == by_folder.output
    rows = [line.split() for line in by_file.output.splitlines()]
    assert ["stage", "jobs", "done", "running", "failed", "waiting"] in rows
    assert ["prepare", "1", "1", "0", "0", "0"] in rows
    assert ["prune", "2", "0", "1", "0", "1"] in rows
    assert "prune news seed1 warmup pos  round 1/2, epoch 1/2  50.50     1 min 10 s" in by_file.output
    assert "the disk is full" in by_file.output


def test_a_folder_without_its_configuration_is_explained(jobs, tmp_path):
    (tmp_path / "results" / "other").mkdir(parents=True)
    error = CliRunner().invoke(app, ["status", "results/other"]).exception
    assert isinstance(error, ConfigError)
    assert "found none here" in str(error)


def test_a_run_that_was_not_started_here_is_called_that(jobs, tmp_path, monkeypatch):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    result = CliRunner().invoke(app, ["status", "../mine.yaml"])
    assert result.exit_code == 0
    assert f"results/mine: not found in {elsewhere}; the run was not started here." in result.output
    assert "stage" not in result.output


def test_a_mistyped_data_root_is_noticed_on_a_finished_run(own_data, jobs, finish, tmp_path):
    for job in jobs.values():
        finish(job)
    assert "missing" not in CliRunner().invoke(app, ["status", "mine.yaml"]).output
    text = (tmp_path / "mine.yaml").read_text().replace(str(tmp_path), str(tmp_path / "dta"))
    (tmp_path / "mine.yaml").write_text(text)
    output = CliRunner().invoke(app, ["status", "mine.yaml"]).output
    assert f"3 files of the configuration are missing; the first is {tmp_path}/dta/train.txt." in output
