"""Real workflows killed at random moments: run again until complete, they have made the bytes of an uninterrupted run.

`make chaos` does it a hundred times; SPARSE_SHARING_CHAOS=KILLS[,SEED] sets number and seed.
"""

import os
import random
import signal
import subprocess
import sys
import time

import psutil
import pytest

pytestmark = pytest.mark.slow

KILLS, SEED = map(int, (os.environ.get("SPARSE_SHARING_CHAOS", "2") + ",1").split(",")[:2])
LOCKED = "Directory cannot be locked"
BUSY = "another process is making the same files"


def test_killed_at_random_moments(finished, fresh):
    """Only Snakemake (its jobs continue as orphans), one of its jobs, or all at once, as when a node fails."""
    choices = random.Random(SEED)
    expected = finished.reproducible()
    started = time.monotonic()
    deaths, runs, completed = 0, 0, 0
    while deaths < KILLS or completed == 0:
        runs += 1
        assert runs < 10 * KILLS + 20, "it does not come to an end"
        ended = run_and_kill(fresh, choices, kill=deaths < KILLS)
        if ended is None:
            deaths += 1
        elif ended.returncode == 0:
            completed += 1
            assert fresh.reproducible() == expected, f"differs after {deaths} kills, seed {SEED}"
            wait_for_orphans(fresh)
            fresh.forget()
            fresh.remove_results()
        else:
            assert BUSY in ended.stdout, ended.stdout
        if KILLS > 10:
            minutes = (time.monotonic() - started) / 60
            sys.stderr.write(f"{deaths} of {KILLS} kills, {completed} complete runs alike, {minutes:.0f} min\n")


def run_and_kill(workflow, choices, kill):
    """One attempt, while jobs of an earlier one may still run; returns its output, or None if it was killed."""
    unlocked = workflow.snakemake("--unlock")
    assert unlocked.returncode == 0, unlocked.stdout
    with subprocess.Popen(
        workflow.command("all", "--cores", "2"),
        **(workflow.surroundings if kill else workflow.forking),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as snakemake:
        try:
            said, _ = snakemake.communicate(timeout=choices.uniform(1, 30) if kill else 1800)
        except subprocess.TimeoutExpired:
            target = choices.choice(["snakemake", "job", "all"])
            number = choices.choice([signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
            jobs = jobs_below(snakemake.pid)
            if target == "all":
                os.killpg(snakemake.pid, signal.SIGKILL)
            elif target == "job" and jobs:
                end(choices.choice(jobs), number)
                # It runs its other jobs to the end; that need not be waited for.
                os.kill(snakemake.pid, signal.SIGTERM)
            else:
                os.kill(snakemake.pid, number)
            return leave(snakemake)
    return subprocess.CompletedProcess(snakemake.args, snakemake.returncode, said)


def leave(snakemake):
    """Have Snakemake gone, by force if it does not go by itself; jobs that it has started may go on."""
    try:
        snakemake.communicate(timeout=20)
    except subprocess.TimeoutExpired:
        snakemake.kill()
        # Orphans hold the other end of its output.
        snakemake.stdout.close()
        snakemake.wait()


def jobs_below(number):
    """The stages that run below a process."""
    children = psutil.Process(number).children(recursive=True)
    return [child for child in children if "sparse-sharing" in " ".join(command_of(child))]


def command_of(process):
    """The command line of a process that may be gone."""
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def end(process, number):
    """Send a signal to a process that may be gone."""
    try:
        process.send_signal(number)
    except psutil.Error:
        return


def orphans(workflow):
    """The processes whose folder is that of the workflow."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.cwd() == str(workflow.folder.resolve()):
                found.append(process)
        except psutil.Error:
            continue
    return found


def wait_for_orphans(workflow):
    """Let the jobs that killed Snakemakes have left come to their end, and see that they have changed nothing."""
    before = workflow.reproducible()
    gone, left = psutil.wait_procs(orphans(workflow), timeout=300)
    assert not left, gone
    assert workflow.reproducible() == before


def test_a_second_snakemake_on_the_same_folder_ends_with_a_message_that_it_is_locked(workflow):
    workflow.path("tables/summary.csv").unlink()
    with subprocess.Popen(
        workflow.command("all", "--cores", "1"),
        **workflow.surroundings,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as first:
        locks = workflow.folder / ".snakemake/locks"
        while not (locks.exists() and list(locks.iterdir())):
            assert first.poll() is None
            time.sleep(0.01)
        first.send_signal(signal.SIGSTOP)
        try:
            second = workflow.snakemake("all", "--cores", "1")
        finally:
            first.send_signal(signal.SIGCONT)
    assert second.returncode != 0
    assert LOCKED in second.stdout
    assert "--unlock" in second.stdout
    assert first.returncode == 0
    assert workflow.path("tables/summary.csv").exists()
