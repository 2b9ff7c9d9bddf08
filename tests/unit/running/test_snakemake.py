"""The command line of Snakemake, and how a run ends."""

import os
import signal
import sys
import threading
import time
from pathlib import Path

import pytest

from sparse_sharing.running import snakemake


def command(*options, cores=2, overrides=None, profile=None):
    return snakemake.command(Path("mine.yaml"), cores, overrides or {}, profile, options)


def test_snakemake_is_started_by_the_same_python_on_the_workflow_of_the_program(repository):
    words = command()
    assert words[:3] == [sys.executable, "-m", "snakemake"]
    assert words[words.index("--snakefile") + 1] == str(repository / "Snakefile")
    assert words[words.index("--configfile") + 1] == "mine.yaml"
    assert words[words.index("--cores") + 1] == "2"
    assert words[words.index("--logger") + 1] == "sparse-sharing"


def test_options_and_targets_of_snakemake_are_passed_on_and_come_first():
    words = command("tables", "--forcerun", "prune", overrides={"run": "other"})
    assert words[3:6] == ["tables", "--forcerun", "prune"]
    assert words[words.index("--config") + 1] == "run=other"


@pytest.mark.parametrize("option", ["-n", "--dry-run", "--unlock", "--summary", "--report=page.html", "--logger"])
def test_where_nothing_runs_snakemake_speaks_for_itself(option):
    assert not snakemake.runs_jobs(["tables", option])
    assert "--no-hooks" not in command(option)


def test_a_profile_of_the_workflow_is_found_by_its_name_and_another_by_its_folder(repository):
    words = command(cores=None, profile="slurm")
    assert words[words.index("--workflow-profile") + 1] == str(repository / "workflow" / "profiles" / "slurm")
    assert "--cores" not in words
    assert "own/folder" in command(profile="own/folder")


def test_a_wheel_reads_the_workflow_that_it_carries(tmp_path, monkeypatch):
    monkeypatch.setattr(snakemake, "CARRIED", tmp_path)
    (tmp_path / "Snakefile").touch()
    assert snakemake.workflow_folder() == tmp_path


def test_the_exit_code_of_a_run_is_that_of_snakemake():
    assert snakemake.run([sys.executable, "-c", "raise SystemExit(3)"]) == (3, False)


def test_the_command_that_unlocks_names_the_configuration_of_the_run():
    said = snakemake.locked(["snakemake", "--configfile", "my news.yaml", "--cores", "2"])
    assert said.endswith("sparse-sharing run 'my news.yaml' -- --unlock")


@pytest.fixture
def python_handles_ctrl_c():
    """Ctrl-C raises KeyboardInterrupt here, also in a process that was started in the background, which ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.timeout(60)
def test_ctrl_c_reaches_the_run_once_and_waits_for_its_end(tmp_path, python_handles_ctrl_c):
    code = f"""
import pathlib, signal, time
count = []
signal.signal(signal.SIGINT, lambda *_: count.append(1))
pathlib.Path({str(tmp_path / "ready")!r}).touch()
while not count: time.sleep(0.01)
time.sleep(0.2)
raise SystemExit(10 + len(count))
"""

    def interrupt():
        while not (tmp_path / "ready").exists():
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt).start()
    assert snakemake.run([sys.executable, "-c", code]) == (11, True)
