"""What the cluster profiles ask for, as far as it shows without a cluster."""

import re
import shutil
import subprocess

import pytest
import yaml

pytestmark = pytest.mark.slow

PROFILES = ("slurm", "cluster-generic", "kubernetes")
ASKED = {
    "prepare": {"mem_mb": "4000", "runtime": "60"},
    "prepare_task": {"mem_mb": "4000", "runtime": "60"},
    "warmup": {"mem_mb": "4000", "gpu": "1"},
    "prune": {"mem_mb": "4000", "gpu": "1"},
    "train": {"mem_mb": "4000", "gpu": "1"},
    "evaluate": {"mem_mb": "4000", "gpu": "1"},
}


@pytest.mark.parametrize("profile", PROFILES)
def test_every_stage_asks_for_memory_time_and_a_gpu_where_it_trains(fresh, profile):
    with fresh.edited() as config:
        config["device"] = "cuda"
    options = ("--default-storage-prefix", str(fresh.folder / "shared")) if profile == "kubernetes" else ()
    plan = fresh.snakemake("all", "--dry-run", "--workflow-profile", f"workflow/profiles/{profile}", *options)
    assert plan.returncode == 0, plan.stdout
    asked = resources_in(plan.stdout)
    for rule, values in ASKED.items():
        assert values.items() <= asked[rule].items(), rule
    assert all(values["runtime"].isdigit() for rule, values in asked.items() if rule != "all")
    assert int(asked["prune"]["runtime"]) > int(asked["evaluate"]["runtime"])


@pytest.mark.parametrize("profile", PROFILES)
def test_a_profile_keeps_the_safe_settings_of_the_local_one_and_tries_again_with_more_memory(repository, profile):
    values = yaml.safe_load((repository / f"workflow/profiles/{profile}/profile.yaml").read_text())
    local = yaml.safe_load((repository / "profiles/default/profile.yaml").read_text())
    for name in ("rerun-incomplete", "keep-going", "show-failed-logs", "max-checksum-file-size"):
        assert values[name] == local[name]
    assert values["retries"] > 0
    for resources in (values["default-resources"], *values["set-resources"].values()):
        assert resources["mem_mb"].startswith("attempt * ")


@pytest.mark.parametrize(
    ("said", "status", "exit_code"),
    [
        ("COMPLETED", "success", 0),
        ("RUNNING", "running", 0),
        ("PENDING", "running", 0),
        ("FAILED", "failed", 0),
        ("CANCELLED", "failed", 0),
        ("OUT_OF_MEMORY", "failed", 0),
        ("NODE_FAIL", "failed", 0),
        ("slurm_load_jobs error: Invalid job id specified", "failed", 1),
        ("slurm_load_jobs error: Unable to contact slurm controller", "running", 1),
    ],
)
def test_the_status_of_a_job_on_a_generic_cluster(repository, tmp_path, said, status, exit_code):
    squeue = tmp_path / "squeue"
    squeue.write_text(f"#!/bin/sh\necho '{said}'\nexit {exit_code}\n")
    squeue.chmod(0o755)
    script = repository / "workflow/profiles/cluster-generic/status.sh"
    path = f"{tmp_path}:{shutil.os.defpath}"
    answer = subprocess.run([script, "7"], env={"PATH": path}, capture_output=True, text=True, check=True)
    assert answer.stdout == f"{status}\n"


def resources_in(plan):
    """What each rule asks for, from a dry run."""
    blocks = re.findall(r"^(?:local)?rule (\w+):\n(.*?)(?=^\[|^Job stats|\Z)", plan, re.MULTILINE | re.DOTALL)
    asked = {}
    for rule, block in blocks:
        line = re.search(r"^ +resources: (.*)$", block, re.MULTILINE)
        asked[rule] = dict(item.split("=", 1) for item in line[1].split(", ") if "=" in item) if line else {}
    return asked
