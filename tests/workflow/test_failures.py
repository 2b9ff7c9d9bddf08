"""What goes wrong: broken texts, killed jobs, results from elsewhere. Each says what to do, or mends itself."""

import os
import re
import shlex
import shutil
import subprocess
import time
from collections import Counter

import psutil
import pytest

from sparse_sharing.pipeline.specs import PruneSpec
from sparse_sharing.storage.artifacts import load_tensors, save_tensors

pytestmark = pytest.mark.slow

PRUNE = "joint/seed1/warmup/prune"
MASKS = f"{PRUNE}/chunk/masks.safetensors"
SELECT = "joint/seed1/warmup/select/half"
SPARSE_STAGES = (PRUNE, SELECT, "joint/seed1/train/sparse", "joint/seed1/evaluate/sparse", "tables")


def test_a_broken_text_fails_only_its_own_job(workflow, separate_dataset):
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
    # The tags of the other tasks come from files of their own, and are made.
    made = {name for name in workflow.contents() if name not in before and not name.startswith("specs/")}
    assert made
    assert all(name.startswith(("separate/data/tags/chunk/", "separate/data/tags/ner/")) for name in made)
    assert {name: content for name, content in workflow.contents().items() if name in before} == before


def test_a_killed_job_resumes_and_gives_the_same_bytes(finished, workflow):
    for stage in SPARSE_STAGES:
        shutil.rmtree(workflow.path(stage))
    work = workflow.path(f"{PRUNE}/pos/work")
    surroundings, hold = workflow.held()
    with subprocess.Popen(
        workflow.command("all", "--cores", "2"),
        **surroundings,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as snakemake:
        wait_for(work / "rounds.safetensors", snakemake)
        job_of(snakemake, "pos").kill()
        hold.unlink()
    assert snakemake.returncode == 1
    assert (work / "rounds.safetensors").exists()
    assert not workflow.path(f"{PRUNE}/pos/masks.safetensors").exists()

    workflow.run("all")
    log = workflow.path(f"logs/{PRUNE}/pos.log").read_text()
    assert "round 2/2" in log
    assert "round 0/2" not in log
    assert not work.exists()
    for name in (
        f"{PRUNE}/pos/masks.safetensors",
        f"{SELECT}/masks.safetensors",
        "joint/seed1/train/sparse/shared/model.safetensors",
        "tables/summary.csv",
    ):
        assert workflow.path(name).read_bytes() == finished.path(name).read_bytes()


def test_foreign_masks_are_refused_with_the_command_that_rebuilds_them(finished, workflow):
    """Copied masks of another run among valid results, in a folder without Snakemake's records."""
    workflow.forget()
    make_foreign(workflow.path(MASKS))
    for stage in SPARSE_STAGES[1:]:
        shutil.rmtree(workflow.path(stage))

    refused = workflow.snakemake("models", "--cores", "2")
    assert_refused(refused, f"results/tiny/{MASKS}")
    assert workflow.planned(*command_in(refused))["prune"] > 0

    refused = workflow.snakemake(f"results/tiny/{SELECT}/masks.safetensors", "--cores", "2")
    assert_refused(refused, f"error: results/tiny/{MASKS}: was made with other settings")
    assert command_in(refused) == ["--cores", "1", "--force", f"results/tiny/{MASKS}"]

    assert workflow.run(*command_in(refused)) == Counter(prune=1)
    assert workflow.path(MASKS).read_bytes() == finished.path(MASKS).read_bytes()
    assert workflow.run("models") == Counter(select=1, train=1)


def test_foreign_masks_that_replace_recorded_ones_are_refused(workflow):
    """Even if they have the same time, so that Snakemake sees no difference."""
    masks = workflow.path(MASKS)
    times = masks.stat()
    make_foreign(masks)
    os.utime(masks, ns=(times.st_atime_ns, times.st_mtime_ns))
    refused = workflow.snakemake("all", "--cores", "2")
    assert_refused(refused, f"results/tiny/{MASKS}")
    assert workflow.planned(*command_in(refused))["prune"] > 0


@pytest.mark.parametrize(
    ("section", "values", "jobs"),
    [
        (
            "train",
            {"learning_rate": 0.05},
            {"train": 4, "evaluate": 4, "tables": 1, "figures": 1, "report": 1},
        ),
        (
            "prune",
            {"epochs": 2},
            {"prune": 2, "select": 1, "train": 1, "evaluate": 1, "tables": 1, "figures": 1, "report": 1},
        ),
        ("tables", {"baseline": "hard"}, {"tables": 1, "figures": 1, "report": 1}),
    ],
)
def test_a_foreign_run_is_refused_with_the_command_that_rebuilds_it(workflow, section, values, jobs):
    """All results of a run with one different value, in a folder without Snakemake's records."""
    workflow.forget()
    with workflow.edited() as config:
        config.setdefault(section, {}).update(values)
    before = workflow.contents()
    refused = workflow.snakemake("all", "--cores", "2")
    assert_refused(refused, "results/tiny/")
    assert workflow.contents() == before
    assert workflow.planned(*command_in(refused)) == Counter(jobs)


def test_the_command_that_is_named_for_a_foreign_run_mends_it(workflow):
    workflow.forget()
    with workflow.edited() as config:
        config["tables"] = {"baseline": "hard"}
    refused = workflow.snakemake("all", "--cores", "2")
    assert_refused(refused, "results/tiny/tables/provenance.json")
    assert workflow.run(*command_in(refused)) == Counter(tables=1, figures=1, report=1)
    workflow.forget()
    assert workflow.planned("all") == Counter()


def test_a_run_of_the_same_settings_is_taken_over_without_records(workflow):
    workflow.forget()
    assert workflow.run("all") == Counter()


def make_foreign(masks):
    """Rewrite the masks of a pruning as if they had been made in other epochs."""
    made = load_tensors(masks, "masks")
    optimization = {**made.spec["optimization"], "epochs": made.spec["optimization"]["epochs"] + 1}
    spec = PruneSpec.model_validate({**made.spec, "optimization": optimization})
    save_tensors(masks, "masks", spec, made.tensors, made.details)


def assert_refused(said, words):
    """Snakemake ended with an error that holds these words, and no traceback."""
    assert said.returncode == 1
    assert words in said.stdout, said.stdout
    assert "Traceback" not in said.stdout


def command_in(said):
    """The arguments of the Snakemake command that an error names."""
    return shlex.split(re.findall(r"snakemake (--cores .+)", said.stdout)[-1])


def wait_for(path, process, seconds=600):
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
