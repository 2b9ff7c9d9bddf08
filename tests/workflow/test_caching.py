"""What a change of the configuration, or of the results, makes Snakemake compute again: no more and no less."""

import os
from collections import Counter

import pytest
import yaml

pytestmark = pytest.mark.slow

SEED_JOBS = {"warmup": 2, "prune": 2, "select": 1, "train": 4, "evaluate": 4}
"""Jobs of a dataset and seed: starts initial and warmup; two tasks; systems single (a model per task), hard, sparse."""


def test_a_second_run_does_nothing(workflow):
    before = workflow.contents()
    again = workflow.snakemake("all", "--cores", "2")
    assert again.returncode == 0
    assert "Nothing to be done" in again.stdout
    assert workflow.contents() == before


@pytest.mark.parametrize(
    ("section", "values", "jobs"),
    [
        ("train", {"learning_rate": 0.05}, {"train": 4, "evaluate": 4}),
        ("prune", {"epochs": 2}, {"prune": 2, "select": 1, "train": 1, "evaluate": 1}),
        ("warmup", {"epochs": 2}, {"warmup": 1, "prune": 2, "select": 1, "train": 1, "evaluate": 1}),
        ("model", {"hidden": 5}, SEED_JOBS),
        ("data", {"lowercase": False}, {"prepare": 1, **SEED_JOBS}),
        ("data", {"demo": {"train": 50}}, {"demo": 1, "prepare": 1, "prepare_task": 2, **SEED_JOBS}),
        ("evaluate", {"batch_size": 7}, {"evaluate": 4}),
        ("tables", {"baseline": "hard"}, {}),
    ],
)
def test_a_changed_value_reruns_its_stage_and_what_follows(workflow, section, values, jobs):
    with workflow.edited() as config:
        config.setdefault(section, {}).update(values)
    assert workflow.planned("all") == Counter(tables=1, figures=1, report=1, **jobs)


def test_a_changed_target_density_reruns_from_selection_on(workflow):
    with workflow.edited() as config:
        config["select"]["choices"][0]["target_density"] = 0.25
    assert workflow.planned("all") == Counter(select=1, train=1, evaluate=1, tables=1, figures=1, report=1)


def test_a_changed_system_reruns_only_itself(workflow):
    with workflow.edited() as config:
        config["train"]["systems"][1]["epochs"] = 2
    assert workflow.planned("all") == Counter(train=1, evaluate=1, tables=1, figures=1, report=1)
    assert folders(workflow.planned_files("all")) == {
        "joint/seed1/train/hard",
        "joint/seed1/evaluate/hard",
        "tables",
        "figures",
    }


def test_a_new_seed_adds_only_its_own_jobs(workflow):
    with workflow.edited() as config:
        config["seeds"].append(2)
    assert workflow.planned("all") == Counter(tables=1, figures=1, report=1, **SEED_JOBS)
    assert folders(workflow.planned_files("all"), depth=2) == {"joint/seed2", "tables", "figures"}


def test_a_new_dataset_adds_only_its_own_jobs(workflow, separate_dataset):
    with workflow.edited() as config:
        config["data"]["datasets"].append(separate_dataset)
    assert workflow.planned("all") == Counter(prepare=1, prepare_task=2, tables=1, figures=1, report=1, **SEED_JOBS)
    assert folders(workflow.planned_files("all"), depth=1) == {"separate", "tables", "figures"}


def test_a_new_system_adds_only_its_own_training_and_evaluation(workflow):
    with workflow.edited() as config:
        config["train"]["systems"].append({"name": "warm", "sharing": "hard", "start": "warmup"})
    assert workflow.planned("all") == Counter(train=1, evaluate=1, tables=1, figures=1, report=1)
    assert folders(workflow.planned_files("all")) == {
        "joint/seed1/train/warm",
        "joint/seed1/evaluate/warm",
        "tables",
        "figures",
    }


def test_a_new_choice_of_masks_prunes_nothing_again(workflow):
    with workflow.edited() as config:
        config["select"]["choices"].append({"name": "best", "rule": "best_dev"})
        config["train"]["systems"].append({"name": "best", "sharing": "sparse", "start": "warmup", "choice": "best"})
    assert workflow.planned("all") == Counter(select=1, train=1, evaluate=1, tables=1, figures=1, report=1)


def test_the_order_of_keys_means_nothing(workflow):
    text = yaml.safe_dump(reversed_keys(yaml.safe_load(workflow.config_file.read_text())), sort_keys=False)
    assert text.index("train:") < text.index("data:")
    workflow.config_file.write_text(text)
    assert workflow.planned("all") == Counter()


def test_the_order_of_tasks_and_systems_means_nothing(workflow):
    with workflow.edited() as config:
        config["data"]["datasets"][0]["corpora"][0]["tasks"].reverse()
        config["train"]["systems"].reverse()
    assert workflow.planned("all") == Counter()


def test_comments_and_spelled_out_defaults_mean_nothing(workflow):
    with workflow.edited() as config:
        config["model"].update(layers=1, dropout=0.5)
        config["train"].update(momentum=0.9, patience=None)
        config["data"]["datasets"][0]["corpora"][0].update(word_column=0, repair=False)
    text = workflow.config_file.read_text()
    workflow.config_file.write_text("# Another remark.\n" + text.replace("\n", "  # and another\n"))
    assert workflow.planned("all") == Counter()


@pytest.mark.parametrize("device", ["auto", "cuda"])
def test_the_device_means_nothing(workflow, device):
    with workflow.edited() as config:
        config["device"] = device
    assert workflow.planned("all") == Counter()


def test_new_times_of_change_mean_nothing(workflow):
    """A copy that loses the times of change, in whatever order, is recognised by the bytes of its files."""
    for age, file in enumerate(sorted(workflow.path("").rglob("*"))):
        os.utime(file, (1e9 - age, 1e9 - age))
    assert workflow.planned("all") == Counter()


def test_a_deleted_mask_is_rebuilt_by_one_job_and_nothing_after_it(workflow):
    """No finished file needs it; when requested it is made again, and files made from it stay."""
    name = "joint/seed1/warmup/prune/pos/masks.safetensors"
    before = workflow.path(name).read_bytes()
    workflow.path(name).unlink()
    assert workflow.planned("all") == Counter()
    assert workflow.run(f"results/tiny/{name}") == Counter(prune=1)
    assert workflow.path(name).read_bytes() == before
    assert workflow.planned("all") == Counter()


def folders(files, depth=4):
    """The folders of results, relative to the run and no deeper than `depth`, that files lie in; not the run itself."""
    parents = [file.split("/")[2:-1] for file in files]
    return {"/".join(parts[:depth]) for parts in parents if parts}


def reversed_keys(value):
    """The same values, with the keys of every section in reverse order."""
    if isinstance(value, dict):
        return {key: reversed_keys(value[key]) for key in reversed(value)}
    return [reversed_keys(item) for item in value] if isinstance(value, list) else value
