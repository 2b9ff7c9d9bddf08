"""The records of stages say what the workflow does: the rules, and what each writes where."""

import re
from collections import defaultdict

from sparse_sharing.config import load_config
from sparse_sharing.pipeline import Specs, jobs_of
from sparse_sharing.pipeline.stage import STAGES

WRITTEN = {
    "prepare": {
        "joint/data/vocabulary.json",
        "joint/data/vectors.safetensors",
        "joint/data/train.safetensors",
        "joint/data/dev.safetensors",
        "joint/data/test.safetensors",
        "joint/data/summary.json",
    },
    "prepare_task": {
        f"joint/data/tags/{task}/{name}"
        for task in ("chunk", "pos")
        for name in ("train.safetensors", "dev.safetensors", "test.safetensors", "summary.json")
    },
    "warmup": {"joint/seed1/initial/weights.safetensors", "joint/seed1/warmup/weights.safetensors"},
    "prune": {
        f"joint/seed1/warmup/prune/{task}/{name}"
        for task in ("chunk", "pos")
        for name in ("masks.safetensors", "rounds.csv")
    },
    "select": {f"joint/seed1/warmup/select/half/{name}" for name in ("masks.safetensors", "choice.csv", "overlap.csv")},
    "train": {
        f"joint/seed1/train/{model}/{name}"
        for model in ("single/chunk", "single/pos", "hard/shared", "sparse/shared")
        for name in ("model.safetensors", "vocabulary.json", "history.csv", "README.md")
    },
    "evaluate": {
        f"joint/seed1/evaluate/{model}/{name}"
        for model in ("single/chunk", "single/pos", "hard/shared", "sparse/shared")
        for name in ("metrics.json", "sentences.safetensors", "predictions", "README.md")
    },
    "report": {"report.html"},
}
"""What the tiny run writes, by rule, written out by hand; demo, tables and figures depend on the run."""


def outputs_by_rule(workflow):
    """The outputs of every rule as Snakemake lists them, below the folder of the run."""
    plan = workflow.snakemake("all", "--summary")
    assert plan.returncode == 0, plan.stdout
    rows = [line.split("\t") for line in plan.stdout.splitlines()]
    header = next(row for row in rows if row[0] == "output_file")
    rule = header.index("rule")
    written = defaultdict(set)
    for row in rows[rows.index(header) + 1 :]:
        if len(row) == len(header):
            written[row[rule]].add(row[0].removeprefix("results/tiny/"))
    return dict(written)


def test_rules_write_what_is_written_here_and_what_the_jobs_of_the_records_write(finished):
    written = outputs_by_rule(finished)
    assert {rule: files for rule, files in written.items() if rule in WRITTEN} == WRITTEN
    jobs = defaultdict(set)
    for job in jobs_of(Specs(load_config(finished.config_file))):
        jobs[job.stage] |= {str(path).removeprefix("results/tiny/") for path in job.outputs}
    assert jobs == written


def test_every_stage_is_a_rule_of_its_name_and_every_other_rule_is_a_target(finished, repository):
    rules = set()
    for path in [repository / "Snakefile", *(repository / "workflow" / "rules").glob("*.smk")]:
        rules |= set(re.findall(r"^\s*(?:use rule \w+ as|rule) (\w+)", path.read_text(encoding="utf-8"), re.M))
    assert rules - {"all", "data", "masks", "models"} == {stage.name for stage in STAGES}


def test_logs_and_benchmarks_are_where_the_records_have_them(finished):
    for job in jobs_of(Specs(load_config(finished.config_file))):
        assert (finished.folder / job.log).is_file(), job.label
        if job.stage in ("prepare", "prepare_task", "warmup", "prune", "train", "evaluate"):
            below = job.log.relative_to("results/tiny/logs").with_suffix(".tsv")
            assert finished.path(f"benchmarks/{below}").is_file(), job.label
