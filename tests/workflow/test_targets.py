"""What the workflow offers: stage targets, forced stages, several runs side by side, clear words about mistakes."""

import re
import shutil
import sys
from collections import Counter
from pathlib import Path

import pytest
import yaml
from packages import skip_without_package

ROOT = Path(__file__).resolve().parents[2]
AWKWARD = """it's a "folder" for $HOME;\ntouch `pwd`"""
"""A name with what a shell would make something of: spaces, quotes, dollar, semicolon, newline, backquotes."""


@pytest.mark.parametrize(
    ("target", "jobs"),
    [
        ("data", {"demo": 1, "prepare": 1, "prepare_task": 2}),
        ("masks", {"demo": 1, "prepare": 1, "prepare_task": 2, "warmup": 1, "prune": 2, "select": 1}),
        ("models", {"demo": 1, "prepare": 1, "prepare_task": 2, "warmup": 2, "prune": 2, "select": 1, "train": 4}),
    ],
)
def test_a_stage_target_plans_its_stage_and_what_leads_there(fresh, target, jobs):
    assert fresh.planned(target) == Counter(jobs)


def test_tables_and_figures_are_the_default_and_the_whole_workflow(fresh):
    jobs = {"demo": 1, "prepare": 1, "prepare_task": 2, "warmup": 2, "prune": 2, "select": 1, "train": 4, "evaluate": 4}
    assert fresh.planned("tables") == Counter(tables=1, **jobs)
    assert fresh.planned("figures") == Counter(tables=1, figures=1, **jobs)
    assert fresh.planned("all") == fresh.planned() == Counter(tables=1, figures=1, report=1, **jobs)


def test_datasets_seeds_tasks_and_systems_multiply(fresh, separate_dataset):
    with fresh.edited() as config:
        config["seeds"] = [1, 2, 3]
        config["data"]["datasets"].append(separate_dataset)
    runs = 2 * 3
    assert fresh.planned("all") == Counter(
        demo=1,
        prepare=2,
        prepare_task=4,
        warmup=2 * runs,
        prune=2 * runs,
        select=runs,
        train=4 * runs,
        evaluate=4 * runs,
        tables=1,
        figures=1,
        report=1,
    )


def test_only_what_systems_use_is_planned(fresh):
    with fresh.edited() as config:
        config["select"]["choices"].append({"name": "unused", "rule": "best_dev"})
        config["train"]["systems"] = [{"name": "hard", "sharing": "hard"}]
    jobs = {
        "demo": 1,
        "prepare": 1,
        "prepare_task": 2,
        "warmup": 1,
        "train": 1,
        "evaluate": 1,
        "tables": 1,
        "report": 1,
    }
    assert fresh.planned("all") == Counter(jobs)


def test_training_is_given_the_test_text_only_to_replicate_a_choice_of_the_epoch_on_it(fresh):
    jobs = fresh.snakemake("models", "--dry-run", "--printshellcmds").stdout
    assert jobs.count("sparse-sharing train ") == 4
    assert "--test results" not in jobs.replace("--test text=", "")
    with fresh.edited() as config:
        config["train"]["systems"][1]["replicate"] = {"epoch_on_test": True}
    lines = fresh.snakemake("models", "--dry-run", "--printshellcmds").stdout.splitlines()
    given = [line for line in lines if "sparse-sharing train " in line and " --test " in line]
    assert len(given) == 1
    assert "/train/hard/shared" in given[0]


def test_the_order_of_lists_changes_no_job(fresh, separate_dataset):
    """Datasets, corpora, tasks, seeds, choices and systems, each in two orders: the same files and commands."""
    with fresh.edited() as config:
        config["seeds"] = [1, 2]
        config["data"]["datasets"].append(separate_dataset)
        config["select"]["choices"].append({"name": "best", "rule": "best_dev"})
        config["train"]["systems"].append({"name": "best", "sharing": "sparse", "start": "warmup", "choice": "best"})
    before = descriptions(fresh)
    with fresh.edited() as config:
        lists = [config["seeds"], config["data"]["datasets"], config["select"]["choices"], config["train"]["systems"]]
        lists += [dataset["corpora"] for dataset in config["data"]["datasets"]]
        lists += [corpus["tasks"] for dataset in config["data"]["datasets"] for corpus in dataset["corpora"]]
        for values in lists:
            values.reverse()
    assert len(before) > 40
    assert descriptions(fresh) == before


def test_runs_of_different_names_share_no_file(fresh):
    written = {}
    for name in ("one", "two"):
        with fresh.edited() as config:
            config["run"] = name
        written[name] = written_files(fresh)
        assert all(file.startswith(f"results/{name}/") for file in written[name])
    assert len(written["one"]) == len(written["two"]) > 60
    assert written["one"].isdisjoint(written["two"])


@pytest.mark.parametrize(
    ("section", "values", "words"),
    [
        ("train", {"learning_rat": 0.1}, ["train.learning_rat", "did you mean 'learning_rate'?"]),
        ("train", {"epochs": "many"}, ["train.epochs", "'many'"]),
        ("train", {"optimizer": "sdg"}, ["train.optimizer", "'sdg'", "did you mean 'sgd'?"]),
        ("prune", {"final_density": 2}, ["prune.final_density", "less than 1"]),
        ("select", {"choices": []}, ["'sparse' names the choice 'half'; known: none"]),
    ],
)
def test_a_wrong_configuration_is_explained_without_a_traceback(fresh, section, values, words):
    with fresh.edited() as config:
        config[section].update(values)
    said = fresh.snakemake("all", "--dry-run")
    assert said.returncode != 0
    assert all(word in said.stdout for word in words), said.stdout
    assert "Traceback" not in said.stdout


def test_every_mistake_has_its_line(fresh):
    with fresh.edited() as config:
        config["model"]["hidden"] = 0
        config["warmup"]["epochs"] = -1
        config["colour"] = "red"
    said = fresh.snakemake("all", "--dry-run").stdout
    assert "config: 3 errors" in said
    assert all(re.search(rf"^ +{key}: ", said, re.MULTILINE) for key in ("model.hidden", "warmup.epochs", "colour"))


def test_a_missing_corpus_is_named(fresh):
    with fresh.edited() as config:
        config["data"]["datasets"][0]["corpora"][0]["train"] = "nowhere/train.txt"
    said = fresh.snakemake("all", "--dry-run")
    assert said.returncode != 0
    assert "nowhere/train.txt" in said.stdout
    assert "Traceback" not in said.stdout


def test_lint_finds_nothing(fresh, repository):
    said = fresh.start([sys.executable, repository / "tools" / "lint.py"])
    assert said.returncode == 0, said.stdout


def test_lint_finds_a_rule_without_a_log(fresh, repository):
    rules = fresh.folder / "workflow" / "rules" / "select.smk"
    without_log = re.sub(r"    log:\n.*\n", "", rules.read_text()).replace(" > {log:q} 2>&1", "")
    rules.write_text(without_log)
    said = fresh.start([sys.executable, repository / "tools" / "lint.py"])
    assert said.returncode == 1, said.stdout
    assert "Lints for rule select" in said.stdout
    assert "No log directive defined" in said.stdout


def test_the_default_run_is_planned_without_a_configuration_file(fresh):
    plan = fresh.start(["snakemake", "--dry-run"])
    assert plan.returncode == 0, plan.stdout
    assert "tables" in plan.stdout


@pytest.mark.parametrize("config", sorted((ROOT / "config").glob("*.yaml")), ids=lambda path: path.stem)
def test_every_configuration_of_the_repository_can_be_planned(fresh, config):
    skip_without_package(yaml.safe_load(config.read_text()).get("model", {}).get("pretrained"))
    shutil.copy2(config, fresh.config_file)
    for name in source_names(yaml.safe_load(config.read_text())):
        file = fresh.folder / AWKWARD / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    with fresh.edited() as values:
        values["data_root"] = AWKWARD
    plan = fresh.snakemake("all", "--dry-run")
    assert plan.returncode == 0, plan.stdout
    assert "tables" in plan.stdout


@pytest.mark.slow
def test_a_forced_stage_takes_with_it_all_that_follows(workflow):
    following = {"select": 1, "train": 1, "evaluate": 1, "tables": 1, "figures": 1, "report": 1}
    assert workflow.planned("all", "--forcerun", "prune") == Counter(prune=2, **following)


@pytest.mark.slow
def test_a_target_of_a_finished_run_plans_nothing(workflow):
    assert all(
        workflow.planned(target) == Counter() for target in ("all", "data", "masks", "models", "tables", "figures")
    )


@pytest.mark.slow
def test_folders_may_have_any_names(finished, tmp_path):
    """The folder that the workflow is started in, and that of the texts."""
    workflow = finished.copy_to(tmp_path / AWKWARD)
    texts = workflow.folder / AWKWARD
    shutil.copytree(workflow.path("demo/joint"), texts)
    with workflow.edited() as config:
        (corpus,) = config["data"]["datasets"][0]["corpora"]
        corpus.update({split: f"{split}.txt" for split in ("train", "dev", "test")})
        config["data_root"] = AWKWARD
    prepared = {name: text for name, text in workflow.contents().items() if name.startswith("joint/data/")}
    prepared = {name: text for name, text in prepared.items() if not name.endswith("summary.json")}
    assert workflow.run("data") == Counter(prepare=1, prepare_task=2)
    assert {name: workflow.contents()[name] for name in prepared} == prepared
    assert workflow.planned("all") == Counter()


def descriptions(workflow):
    """What a dry run says about each job: its files and its command, without numbers and reasons."""
    plan = workflow.snakemake("all", "--dry-run", "--printshellcmds")
    assert plan.returncode == 0, plan.stdout
    blocks = re.findall(r"^\[.+\]\n(?:local)?rule (\w+):\n((?:.+\n)+?)(?=\n|\[)", plan.stdout, re.MULTILINE)
    passing = re.compile(r" +(jobid|reason|resources): ")
    return {
        name + "\n" + "\n".join(line for line in block.splitlines() if not passing.match(line))
        for name, block in blocks
    }


def written_files(workflow):
    """Every output, log and measurement of time that a dry run names."""
    plan = workflow.snakemake("all", "--dry-run")
    assert plan.returncode == 0, plan.stdout
    lines = re.findall(r"^ +(?:output|log|benchmark): (.+)$", plan.stdout, re.MULTILINE)
    return {file.split(" ")[0] for line in lines for file in line.split(", ")}


def source_names(config):
    """The files that a configuration reads below data_root."""
    data = config.get("data", {})
    corpora = [corpus for dataset in data.get("datasets", []) for corpus in dataset["corpora"]]
    names = [corpus[split] for corpus in corpora for split in ("train", "dev", "test") if corpus.get(split)]
    names += [name for corpus in corpora for name in corpus.get("documents", {}).values()]
    names += [data["vectors"]] if data.get("vectors") else []
    return [name for name in names if not name.startswith("demo:")]
