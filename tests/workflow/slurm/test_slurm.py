"""The workflow on a real Slurm gives what a local run gives, whatever becomes of its jobs and daemons."""

import re
import shutil
import subprocess
import time

import pytest
import yaml

pytestmark = pytest.mark.slow

SLURM = ("--workflow-profile", "workflow/profiles/slurm")
WAIT = 600
"""Seconds after which a test gives up: far more than a busy machine needs."""
PRUNE = "joint/seed1/warmup/prune"
FAIL_ONCE = """#!/bin/sh
# Notes what Slurm has given to this attempt; the first attempt fails.
echo "memory $(squeue --noheader --jobs="$SLURM_JOB_ID" --format=%m), GPU $CUDA_VISIBLE_DEVICES" >> attempts.txt
[ "$(wc -l < attempts.txt)" -gt 1 ] || { echo "a failure made for this test"; exit 1; }
"""


@pytest.fixture(scope="module")
def local(finished, tmp_path_factory):
    """The results of a local run of one system, and the configuration for it: as few jobs as possible."""
    workflow = finished.copy_to(tmp_path_factory.mktemp("local") / "copy")
    with workflow.edited() as config:
        config["train"]["systems"] = [system for system in config["train"]["systems"] if system["name"] == "sparse"]
        config["tables"] = {"baseline": "sparse"}
    workflow.run("all")
    return workflow


@pytest.fixture
def remote(local, tmp_path):
    """The same workflow elsewhere, with a profile for a small and quick cluster."""
    copy = local.copy_to(tmp_path / "remote")
    profile = copy.folder / "workflow/profiles/slurm/profile.yaml"
    values = yaml.safe_load(profile.read_text())
    values |= {"slurm-init-seconds-before-status-checks": 1, "latency-wait": 10}
    for resources in (values["default-resources"], *values["set-resources"].values()):
        resources["mem_mb"] = "attempt * 500"
    values["set-resources"]["evaluate"]["gpu"] = 1
    profile.write_text(yaml.safe_dump(values))
    return copy


def test_it_runs_to_the_bytes_of_a_local_run_and_a_failing_job_is_given_more_memory(local, remote, cluster):
    evaluate = remote.folder / "workflow/rules/evaluate.smk"
    evaluate.write_text(evaluate.read_text().replace('"sparse-sharing ', '"./fail-once > {log:q} && sparse-sharing '))
    script = remote.folder / "fail-once"
    script.write_text(FAIL_ONCE)
    script.chmod(0o755)
    shutil.rmtree(remote.path(""))

    done = remote.snakemake("all", *SLURM)
    assert done.returncode == 0, done.stdout
    assert_same(remote, local)
    attempts = (remote.folder / "attempts.txt").read_text().splitlines()
    assert attempts == ["memory 500M, GPU 0", "memory 1000M, GPU 0"]

    assert "a failure made for this test" in done.stdout
    assert "round 2/2" in remote.path(f"logs/{PRUNE}/chunk.log").read_text()
    (slurm_log,) = (remote.folder / ".snakemake/slurm_logs").rglob("*.log")
    assert re.search(rf"rule_evaluate\S+{slurm_log.name}", done.stdout), "the log of the failed job alone is kept"


def test_a_cancelled_job_and_killed_daemons_are_survived(local, remote, cluster):
    for stage in (f"{PRUNE}/chunk", "joint/seed1/warmup/select"):
        shutil.rmtree(remote.path(stage))
    log = remote.path(f"logs/{PRUNE}/chunk.log")
    log.unlink()
    command = remote.command("masks", *SLURM)
    # However fast or slow the machine, no pruning ends before the hold does.
    surroundings, hold = remote.held()
    snakemake = subprocess.Popen(command, **surroundings, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        wait_for(remote.path(f"{PRUNE}/chunk/work/rounds.safetensors").exists, snakemake)
        assert "round 0/2" in log.read_text()
        (cancelled,) = cluster.jobs("prune")
        cluster.command("scancel", cancelled)
        # The second attempt. It is held before it can finish: a finished job that is lost is rightly made again.
        wait_for(lambda: log.exists() and "round 1/2" in log.read_text(), snakemake)
        assert "round 0/2" not in log.read_text(), "it began again instead of going on"
        (running,) = set(cluster.jobs("prune")) - {cancelled}
        # The controller saves what it was told within seconds; what it had no time to save, no one could know.
        wait_for(cluster.saves_after(time.time()), snakemake)
        cluster.kill("slurmd")
        cluster.kill("slurmctld")
        time.sleep(2)
        assert cluster.up() is None
        assert cluster.jobs("prune") == [running]
        hold.unlink()
        said = snakemake.communicate(timeout=WAIT)[0]
    finally:
        hold.unlink(missing_ok=True)
        snakemake.kill()
        snakemake.wait()
    assert f"SLURM-job '{cancelled}' failed, SLURM status is: 'CANCELLED'" in said
    # Usually Snakemake has finished by itself; if it gave up on the cluster, the same command finishes.
    wait_for(lambda: not cluster.jobs("prune"))
    done = remote.snakemake("masks", *SLURM)
    assert done.returncode == 0, said + done.stdout
    assert_same(remote, local)


def assert_same(remote, local):
    """The remote run made what the local one has, byte for byte but for the time it took."""
    expected = local.reproducible()
    made = remote.reproducible()
    assert [name for name, content in made.items() if content != expected[name]] == []
    assert {"tables/summary.csv", f"{PRUNE}/chunk/masks.safetensors"} < set(made)


def wait_for(condition, snakemake=None):
    """Wait until a condition holds; the jobs of Snakemake, where it is given, must bring it about."""
    end = time.monotonic() + WAIT
    while not condition():
        assert snakemake is None or snakemake.poll() is None, f"Snakemake ended too early: {snakemake.stdout.read()}"
        assert time.monotonic() < end, f"nothing after {WAIT} seconds"
        time.sleep(0.05)
