"""Two hundred tasks and five seeds: the plan has the jobs that it must have and no more, and is made in seconds."""

import resource

import pytest

pytestmark = pytest.mark.slow

TASKS, SEEDS = 200, 5
SECONDS = 60
"""Of processor time for a plan that takes about 12."""


def test_a_run_of_many_tasks_is_planned(fresh):
    # A plan does not read the text.
    for split in ("train", "dev", "test"):
        (fresh.folder / f"{split}.txt").write_text("")
    with fresh.edited() as values:
        tasks = [{"name": f"task{number:03}", "column": number + 1} for number in range(TASKS)]
        corpus = {"name": "text", **{split: f"{split}.txt" for split in ("train", "dev", "test")}, "tasks": tasks}
        values["data"] = {"datasets": [{"name": "wide", "corpora": [corpus]}]}
        values["seeds"] = list(range(1, SEEDS + 1))
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    assert fresh.planned("all", "--quiet", "reason") == {
        "prepare": 1,
        "prepare_task": TASKS,
        "warmup": 2 * SEEDS,
        "prune": TASKS * SEEDS,
        "select": SEEDS,
        "train": (TASKS + 2) * SEEDS,
        "evaluate": (TASKS + 2) * SEEDS,
        "tables": 1,
        "figures": 1,
        "report": 1,
    }
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before < SECONDS


def test_the_command_of_a_selection_fits_on_a_command_line(fresh):
    """Its options name every task; Linux takes 128 KiB for one argument, and a shell command is one."""
    with fresh.edited() as values:
        corpus = values["data"]["datasets"][0]["corpora"][0]
        corpus["tasks"] = [{"name": f"task{number:03}", "column": number + 1} for number in range(TASKS)]
    selected = "results/tiny/joint/seed1/warmup/select/half/masks.safetensors"
    plan = fresh.snakemake(selected, "--dry-run", "--printshellcmds")
    assert plan.returncode == 0, plan.stdout
    command = next(line for line in plan.stdout.splitlines() if "sparse-sharing select" in line)
    assert command.count("--masks") == TASKS
    assert len(command) < 64 * 1024
