"""Each configuration of the repository, in small: the real snakemake plans it, its jobs run in that order."""

import re
import shlex
from pathlib import Path

import pandas
import pytest
import yaml

from sparse_sharing.cli.program import app
from sparse_sharing.config import load_config
from sparse_sharing.pipeline import Specs, jobs_of, layout
from sparse_sharing.storage.spec_files import write_spec

pytestmark = pytest.mark.slow

CONFIGURATIONS = sorted((Path(__file__).resolve().parents[2] / "config").glob("*.yaml"))


def commands(plan):
    """The commands of a dry run, each as words, without what is done with their output."""
    return [
        shlex.split(line.partition(" > ")[0])
        for line in re.findall(r"^Shell command: (sparse-sharing .+)$", plan, re.MULTILINE)
    ]


@pytest.mark.parametrize("name", [path.stem for path in CONFIGURATIONS])
def test_a_configuration_in_small_runs_to_its_tables(configured, monkeypatch, name):
    workflow = configured(name)
    plan = workflow.snakemake("tables", "--dry-run", "--printshellcmds")
    assert plan.returncode == 0, plan.stdout
    monkeypatch.chdir(workflow.folder)
    config = load_config(workflow.config_file)
    for job in jobs_of(Specs(config)):
        # A dry run writes no specs.
        write_spec(Path(layout.spec_file(config.run, job.stage, job.spec)), job.spec)
    for _, *arguments in commands(plan.stdout):
        app(arguments, standalone_mode=False)

    config = yaml.safe_load(workflow.config_file.read_text())
    summary = pandas.read_csv(workflow.path("tables/summary.csv"))
    assert set(summary["system"]) == {system["name"] for system in config["train"]["systems"]}
