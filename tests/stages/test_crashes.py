"""However a stage is stopped, run again until it is through it has made the bytes of an uninterrupted run."""

import os
import random
import shutil
import signal
import subprocess
from functools import partial

import pytest
from crashing import FAILED, limit_file_size, outcome, start
from reproducible import results_in

from sparse_sharing.pipeline import layout

STAGES = ("prepare", "prepare_task", "warmup", "prune", "select", "train", "evaluate", "tables")
SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)


def job(pipeline, stage, output):
    """The arguments of a stage that is to write into the folder `output`."""
    specs = pipeline.specs
    weights = pipeline.weights("warmup")
    texts = pipeline.texts
    return {
        "prepare": lambda: (specs.prepare("joint"), pipeline.files, None, output),
        "prepare_task": lambda: (specs.prepare_task("joint", "ner"), pipeline.files, output),
        "warmup": lambda: (
            specs.warmup("joint", 1, "warmup"),
            texts[0],
            pipeline.data / "vectors.safetensors",
            *texts[1:],
            output / "weights.safetensors",
            "cpu",
        ),
        "prune": lambda: (specs.prune("joint", 1, "warmup", "ner"), *texts, weights, output, "cpu"),
        "select": lambda: (
            specs.select("joint", 1, "warmup", "half"),
            {task: pipeline.masks(task) for task in ("chunk", "ner", "pos")},
            weights,
            output,
        ),
        "train": lambda: (
            specs.train("joint", 1, "sparse", "shared"),
            *texts,
            weights,
            pipeline.selection("sparse"),
            output,
            "cpu",
        ),
        "evaluate": lambda: (
            specs.evaluate("joint", 1, "sparse", "shared"),
            pipeline.path(layout.MODEL, system="sparse", model="shared"),
            pipeline.data / "test.safetensors",
            output,
            "cpu",
        ),
        "tables": lambda: (specs.tables(), pipeline.path(layout.RUN), output),
    }[stage]()


def folder_of(pipeline, stage):
    """Where the finished pipeline has the results of that job."""
    pattern = {
        "prepare": layout.DATA,
        "prepare_task": layout.TASK,
        "warmup": layout.START,
        "prune": layout.PRUNE,
        "select": layout.SELECT,
        "train": layout.MODEL,
        "evaluate": layout.EVALUATION,
        "tables": layout.TABLES,
    }[stage]
    return pipeline.path(pattern, start="warmup", task="ner", choice="half", system="sparse", model="shared")


def expected(pipeline, stage):
    """The results of that job in the finished pipeline."""
    results = results_in(folder_of(pipeline, stage))
    if stage == "warmup":
        return {name: results[name] for name in ("weights.safetensors", "costs.json")}
    # Below the text of a dataset are the tags of its tasks, which other jobs write.
    return {name: content for name, content in results.items() if not (stage == "prepare" and name.startswith("tags/"))}


@pytest.mark.parametrize("stage", STAGES)
def test_killed_at_write_after_write(finished, tmp_path, stage):
    """The n-th attempt dies at its n-th write, half of them with the file in place, half of them just before."""
    output = tmp_path / "output"
    arguments = job(finished, stage, output)
    kills = 0
    while (code := outcome(start(stage, arguments, write=kills + 1, after=kills % 2 == 1))) == -signal.SIGKILL:
        kills += 1
    assert code == 0
    assert kills > 0
    assert results_in(output) == expected(finished, stage)


@pytest.mark.parametrize("stage", ["warmup", "prune", "train"])
def test_stopped_at_random_moments(finished, tmp_path, stage):
    choices = random.Random(stage)
    output = tmp_path / "output"
    arguments = job(finished, stage, output)
    for patience in (0.2, 0.5, 1.0):
        process = start(stage, arguments)
        process.join(choices.random() * patience)
        if process.exitcode is None:
            os.kill(process.pid, choices.choice(SIGNALS))
        outcome(process)
    assert outcome(start(stage, arguments)) == 0
    assert results_in(output) == expected(finished, stage)


@pytest.mark.parametrize("stage", STAGES)
def test_files_that_cannot_be_written_to_the_end_leave_nothing_half_written(finished, tmp_path, stage):
    output = tmp_path / "output"
    arguments = job(finished, stage, output)
    largest = max(file.stat().st_size for file in folder_of(finished, stage).rglob("*") if file.is_file())
    assert outcome(start(stage, arguments, prepare=partial(limit_file_size, size=largest // 3))) == FAILED
    whole = expected(finished, stage)
    outside_work = {name: content for name, content in results_in(output).items() if not name.startswith("work/")}
    assert outside_work.items() <= whole.items() if stage != "evaluate" else set(outside_work) <= set(whole)
    assert not [file for file in output.rglob(".*") if file.is_file()]
    assert outcome(start(stage, arguments)) == 0
    assert results_in(output) == whole


@pytest.fixture
def small_disk(tmp_path):
    """A separate disk, and a function that sets its size in kilobytes."""
    disk = tmp_path / "disk"
    disk.mkdir()
    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("a disk of its own needs root")
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", disk], capture_output=True, text=True)
    if mounted.returncode:
        pytest.skip(f"no disk can be mounted: {mounted.stderr}")
    yield disk, lambda options: subprocess.run(["mount", "-o", f"remount,{options}", disk], check=True)
    subprocess.run(["umount", "--lazy", disk], check=True)


@pytest.mark.parametrize("stage", ["prune", "train"])
def test_a_full_disk_stops_a_training_which_resumes_when_there_is_space(finished, small_disk, stage):
    disk, remount = small_disk
    remount("size=40k")
    arguments = job(finished, stage, disk / "output")
    assert outcome(start(stage, arguments)) == FAILED
    remount("size=50m")
    assert outcome(start(stage, arguments)) == 0
    assert results_in(disk / "output") == expected(finished, stage)


def test_a_folder_that_cannot_be_written_is_an_error_of_the_system(finished, small_disk):
    disk, remount = small_disk
    remount("ro")
    for stage in STAGES:
        assert outcome(start(stage, job(finished, stage, disk / "output"))) == FAILED
    remount("rw")
    assert list(disk.iterdir()) == []


def test_of_two_commands_for_the_same_files_one_is_refused_and_nothing_is_corrupted(finished, tmp_path):
    output = tmp_path / "output"
    arguments = job(finished, "train", output)
    processes = [start("train", arguments) for _ in range(4)]
    codes = sorted(outcome(process) for process in processes)
    assert codes[0] == 0
    assert set(codes) <= {0, 1}
    assert results_in(output) == expected(finished, "train")
