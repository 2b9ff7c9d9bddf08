"""What the commands for own data write is what the workflow takes."""

import re
from collections import Counter

import yaml
from typer.testing import CliRunner

from sparse_sharing.cli import app
from sparse_sharing.config import load_config
from sparse_sharing.pipeline import Specs
from sparse_sharing.pipeline.jobs import jobs_of
from sparse_sharing.text.demo.corpora import generate


def planned_by_specs(config):
    """The jobs of a configuration by stage, as `validate` counts them."""
    return Counter(job.stage for job in jobs_of(Specs(config)))


def test_a_drafted_configuration_is_planned_and_its_jobs_are_those_that_were_counted(fresh):
    data = fresh.folder / "it's data"
    data.mkdir()
    for name, text in generate("joint", {"train": 60, "dev": 20, "test": 20}, 1).items():
        (data / f"news.{name}").write_text(text)
    command = ["init", *map(str, sorted(data.iterdir())), "--output", str(fresh.config_file), "--force"]
    assert CliRunner().invoke(app, command).exit_code == 0
    config = load_config(fresh.config_file)
    assert fresh.planned("all") == planned_by_specs(config)
    assert config.run == "tiny"


def test_jobs_are_counted_as_the_workflow_plans_them(fresh, separate_dataset):
    with fresh.edited() as config:
        config["seeds"] = [1, 2]
        config["data"]["datasets"].append(separate_dataset)
        config["select"]["choices"].append({"name": "unused", "rule": "best_dev"})
    assert fresh.planned("all") == planned_by_specs(load_config(fresh.config_file))


def test_a_finished_run_is_done_in_every_job_and_none_would_run_again(finished, monkeypatch):
    monkeypatch.chdir(finished.folder)
    table = CliRunner().invoke(app, ["status", finished.config_file.name]).output
    rows = [line.split() for line in table.splitlines() if re.match(r"\w+ +\d", line)]
    assert len(rows) == len({job.stage for job in jobs_of(Specs(load_config(finished.config_file)))})
    assert all(jobs == done and failed == "0" for _, jobs, done, _, failed, *_ in rows)
    why = ["why", "results/tiny/tables", "--configfile", finished.config_file.name]
    assert "would not run again" in CliRunner().invoke(app, why).output


def test_masks_of_a_file_are_trained_without_another_pruning(workflow, monkeypatch):
    monkeypatch.chdir(workflow.folder)
    selection = "results/tiny/joint/seed1/warmup/select/half/masks.safetensors"
    made = CliRunner().invoke(app, ["masks", "shuffle-layer", selection, "--output", "own.safetensors"])
    assert made.exit_code == 0, made.output
    with workflow.edited() as config:
        config["select"]["choices"].append({"name": "own", "rule": "file", "file": "own.safetensors"})
        config["train"]["systems"].append({"name": "own", "sharing": "sparse", "start": "warmup", "choice": "own"})
    assert workflow.run("all") == Counter(select=1, train=1, evaluate=1, tables=1, figures=1, report=1)
    assert workflow.planned("all") == Counter()
    densities = yaml.safe_load(workflow.path("joint/seed1/evaluate/own/shared/metrics.json").read_text())
    assert {task["density"] for task in densities["details"]["tasks"].values()} == {0.5}
