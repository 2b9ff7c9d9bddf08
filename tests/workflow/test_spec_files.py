"""Specs reach the stages in files, which are written when the workflow runs and at no other time."""

import json
import shutil
from collections import Counter

import pytest

from sparse_sharing.config import load_config
from sparse_sharing.pipeline import Specs, jobs_of, layout
from sparse_sharing.storage.spec_files import spec_text

pytestmark = pytest.mark.slow

RECORDS = ".snakemake/metadata"
PLANS = (["--dry-run", "--printshellcmds"], ["--summary"], ["--list-changes", "params"], ["--dag"])


def expected(workflow):
    """The spec of each job of the configuration by its file."""
    return {
        layout.spec_file("tiny", job.stage, job.spec): job.spec
        for job in jobs_of(Specs(load_config(workflow.config_file)))
    }


def written(workflow):
    """The text of each file of a spec."""
    folder = workflow.path("specs")
    files = sorted(folder.iterdir()) if folder.exists() else []
    return {str(file.relative_to(workflow.folder)): file.read_text(encoding="utf-8") for file in files}


def records(workflow):
    """Snakemake's records of how files were made, by the file that holds each."""
    files = (path for path in (workflow.folder / RECORDS).rglob("*") if path.is_file())
    return {path: json.loads(path.read_text(encoding="utf-8")) for path in files}


def test_a_run_writes_the_spec_of_each_of_its_jobs_and_a_command_names_the_file(finished):
    specs = expected(finished)
    assert written(finished) == {file: spec_text(spec) for file, spec in specs.items()}
    commands = {record["shellcmd"] for record in records(finished).values()}
    assert len(commands) == len(specs)
    assert {command.split("--spec ")[1].split(" ")[0] for command in commands} == set(specs)


def test_a_run_writes_missing_specs_and_a_plan_or_a_list_writes_none(workflow):
    before = written(workflow)
    shutil.rmtree(workflow.path("specs"))
    for options in PLANS:
        assert workflow.snakemake("all", *options).returncode == 0
    assert workflow.snakemake("all", "--cores", "1", "--touch").returncode == 0
    assert written(workflow) == {}
    assert workflow.run("all") == Counter()
    assert written(workflow) == before


def test_results_of_a_version_that_gave_specs_as_text_are_made_again_or_kept_by_a_touch(workflow):
    texts = {repr(file): repr(spec.canonical()) for file, spec in expected(workflow).items()}
    for path, record in records(workflow).items():
        record["params"] = [texts.get(param, param) for param in record["params"]]
        path.write_text(json.dumps(record), encoding="utf-8")
    assert workflow.planned("all").total() == len(texts)
    assert workflow.snakemake("all", "--cores", "1", "--touch").returncode == 0
    assert workflow.planned("all") == Counter()
