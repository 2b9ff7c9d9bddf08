"""What goes wrong in practice: broken texts, killed jobs, results from elsewhere. Each says what to do, or mends itself."""

import re
import shlex
import shutil
import subprocess
import time
from collections import Counter

import psutil
import pytest

pytestmark = pytest.mark.slow

PRUNE = "joint/seed1/warmup/prune"
SELECT = "joint/seed1/warmup/select/half"
SPARSE_STAGES = (PRUNE, SELECT, "joint/seed1/train/sparse", "joint/seed1/evaluate/sparse", "tables")
SPARSE_JOBS = {"prune": 2, "select": 1, "train_model": 1, "evaluate": 1, "summarise": 1}


def test_a_broken_text_fails_its_own_job_alone(workflow, separate_dataset):
    texts = workflow.folder / "texts"
    shutil.copytree(workflow.path("demo/separate"), texts)
    broken = texts / "pos.train.txt"
    broken.write_text(broken.read_text() + "word-without-a-tag\n")
    before = workflow.contents()
    with workflow.edited() as config:
        config["data_root"] = "texts"
        config["data"]["datasets"].append(separate_dataset)
        separate_dataset["corpora"][0]["train"] = broken.name
    failed = workflow.snakemake("all", "--cores", "2")
    assert failed.returncode == 1
    log = workflow.path("logs/separate/data.log").read_text()
    line = broken.read_text().count("\n")
    assert f"error: texts/pos.train.txt, line {line}: " in log
    assert "Traceback" not in failed.stdout + log
    assert log.strip() in failed.stdout
    assert workflow.contents() == before


def test_a_killed_job_goes_on_where_it_was_and_ends_with_the_same_bytes(finished, workflow):
    for stage in SPARSE_STAGES:
        shutil.rmtree(workflow.path(stage))
    work = workflow.path(f"{PRUNE}/pos/work")
    with subprocess.Popen(
        workflow.command("all", "--cores", "2"), **workflow.surroundings, stdout=subprocess.DEVNULL
    ) as snakemake:
        wait_for(work / "rounds.safetensors", snakemake)
        job_of(snakemake, "pos").kill()
    assert snakemake.returncode == 1
    assert (work / "rounds.safetensors").exists()
    assert not workflow.path(f"{PRUNE}/pos/masks.safetensors").exists()

    workflow.run("all")
    assert "going on after epoch" in workflow.path(f"logs/{PRUNE}/pos.log").read_text()
    assert not work.exists()
    for name in (
        f"{PRUNE}/pos/masks.safetensors",
        f"{SELECT}/masks.safetensors",
        "joint/seed1/train/sparse/shared/model.safetensors",
        "tables/summary.csv",
    ):
        assert workflow.path(name).read_bytes() == finished.path(name).read_bytes()


def test_masks_of_other_settings_are_refused_and_the_command_that_is_named_mends_it(workflow):
    foreign = workflow.path(f"{PRUNE}/pos/masks.safetensors").read_bytes()


def wait_for(path, process, seconds=300):
    """Wait until a file exists that a process makes."""
    end = time.monotonic() + seconds
    while not path.exists():
        assert process.poll() is None, f"it ended without making {path}"
        assert time.monotonic() < end, f"no {path} after {seconds} seconds"
        time.sleep(0.005)


def job_of(snakemake, task):
    """The process that prunes for a task."""
    jobs = psutil.Process(snakemake.pid).children(recursive=True)
    (job,) = [job for job in jobs if job.name() != "bash" and f"{PRUNE}/{task}" in " ".join(job.cmdline())]
    return job
