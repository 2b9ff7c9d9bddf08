"""A task that is added to a dataset on the same text: only its own jobs run, and nothing of the others changes."""

from collections import Counter

import pytest

pytestmark = pytest.mark.slow

NER = {"name": "ner", "column": 3, "scheme": "iob2"}
OLD = ["chunk", "pos"]
SHOWN = ("tables", "figures", "joint/seed1/warmup/select/")
"""What shows or holds the new task beside the old ones."""


def add(workflow, limited):
    """Add the task; the warm-up stays one of the old tasks, and so do the joint systems if they are limited."""
    with workflow.edited() as config:
        config["data"]["datasets"][0]["corpora"][0]["tasks"].append(NER)
        config["warmup"]["tasks"] = OLD
        for system in config["train"]["systems"]:
            if limited and system["sharing"] != "single":
                system["tasks"] = OLD


def test_a_task_that_is_added_plans_its_own_jobs_and_those_of_systems_that_contain_it(workflow):
    add(workflow, limited=False)
    new = {"prepare_task": 1, "prune": 1, "select": 1}
    systems = {"train": 3, "evaluate": 3}
    assert workflow.planned("all") == Counter(**new, **systems, tables=1, figures=1, report=1)


def test_a_task_that_is_added_leaves_every_file_and_run_of_the_others_as_it_was(workflow):
    before = {name: data for name, data in workflow.contents().items() if not name.startswith(SHOWN)}
    times = {name: workflow.path(name).stat().st_mtime_ns for name in before}
    add(workflow, limited=True)
    jobs = Counter(prepare_task=1, prune=1, select=1, train=1, evaluate=1, tables=1, figures=1, report=1)
    assert workflow.run("all") == jobs
    after = workflow.contents()
    assert {name: after[name] for name in before} == before
    assert {name: workflow.path(name).stat().st_mtime_ns for name in before} == times
    assert workflow.path("joint/seed1/train/single/ner/model.safetensors").exists()
    assert workflow.planned("all") == Counter()


def test_the_warm_up_over_all_tasks_runs_again_with_a_new_task_and_what_starts_from_theta_zero_does_not(workflow):
    with workflow.edited() as config:
        config["data"]["datasets"][0]["corpora"][0]["tasks"].append(NER)
    jobs = Counter(prepare_task=1, warmup=1, prune=3, select=1, train=3, evaluate=3, tables=1, figures=1, report=1)
    assert workflow.planned("all") == jobs
    assert not {name for name in workflow.planned_files("all") if "train/single/pos" in name or "/initial/" in name}
