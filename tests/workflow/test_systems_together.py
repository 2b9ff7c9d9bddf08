"""Every way of sharing beside the others in one run: what each adds to it, and no more."""

from collections import Counter

import pytest

TASK_LAYERS = {"pos": 1, "chunk": 2}
SYSTEMS = [
    {"name": "hierarchical", "sharing": "hierarchical", "layers": 2, "task_layers": TASK_LAYERS},
    {"name": "soft", "sharing": "soft"},
    {"name": "subnet", "sharing": "single", "start": "warmup", "choice": "half", "tasks": ["pos"]},
    {"name": "random_masks", "sharing": "sparse", "start": "warmup", "choice": "half_random"},
]
RANDOM = {"name": "half_random", "rule": "target_density", "target_density": 0.5, "random": True}


def add_systems(workflow):
    """Put these systems beside those of the tiny configuration."""
    with workflow.edited() as config:
        config["select"]["choices"].append(RANDOM)
        config["train"]["systems"] += SYSTEMS


def test_a_pair_of_tasks_is_one_model_more_and_no_pruning_more(fresh):
    with fresh.edited() as config:
        tasks = config["data"]["datasets"][0]["corpora"][0]["tasks"]
        tasks.append({"name": "ner", "column": 3, "scheme": "iob2"})
    before = fresh.planned("all")
    with fresh.edited() as config:
        pair = {"name": "pair", "sharing": "sparse", "start": "warmup", "choice": "half", "tasks": ["pos", "ner"]}
        config["train"]["systems"].append(pair)
    assert fresh.planned("all") - before == Counter(train=1, evaluate=1)
    assert before["prune"] == 3


def test_an_impossible_system_is_explained_without_a_traceback(fresh):
    with fresh.edited() as config:
        config["train"]["systems"] = [{"name": "soft", "sharing": "soft", "start": "warmup"}]
    said = fresh.snakemake("all", "--dry-run")
    assert said.returncode != 0
    assert "'soft' trains another network" in said.stdout
    assert "Traceback" not in said.stdout


@pytest.mark.slow
def test_systems_that_are_added_reuse_what_is_there_and_run_to_the_tables(workflow):
    add_systems(workflow)
    done = workflow.run("all")
    assert done == Counter(warmup=2, select=1, train=4, evaluate=4, tables=1, figures=1, report=1)
    for start in ("initial-hierarchical", "initial-soft"):
        assert workflow.path(f"joint/seed1/{start}/weights.safetensors").exists()
    rows = workflow.path("tables/summary.csv").read_text(encoding="utf-8").splitlines()[1:]
    order = ["single", "subnet", "hard", "soft", "hierarchical", "sparse", "random_masks"]
    assert list(dict.fromkeys(row.split(",")[1] for row in rows)) == order
    assert workflow.planned("all") == Counter()
