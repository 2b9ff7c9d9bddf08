"""Compared systems have equal budgets, updates of each task with the warm-up included, or `validate` names them."""

import re
from pathlib import Path

import pytest
import yaml
from packages import skip_without_package
from typer.testing import CliRunner

from sparse_sharing.cli import app
from sparse_sharing.config import load_config, parse_config
from sparse_sharing.inspection.budgets import compare_budgets, planned_updates, shown_pairs
from sparse_sharing.inspection.findings import Findings
from sparse_sharing.pipeline import Specs
from sparse_sharing.training.sampling import steps_in_epoch

ROOT = Path(__file__).resolve().parents[3]
SENTENCES = dict.fromkeys(("pos", "chunk", "ner", "position", "upos", "xpos", "web_ner"), 103)


def readme_example():
    """The configuration that the README shows."""
    blocks = re.findall(r"```yaml\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    return parse_config(next(values for values in map(yaml.safe_load, blocks) if "run" in values))


def shipped():
    """Every configuration of the repository by name."""
    paths = [ROOT / "config.yaml", *sorted((ROOT / "config").glob("*.yaml"))]
    return {path.name: load_config(path) for path in paths} | {"README.md": readme_example()}


def findings_of(config):
    """Level and text of what is found for every dataset."""
    specs, findings = Specs(config), Findings()
    for dataset in specs.datasets:
        compare_budgets(specs, dataset, SENTENCES, findings)
    return [(item.level, item.text) for item in findings]


@pytest.mark.parametrize("name", shipped())
def test_compared_systems_of_every_shipped_configuration_have_equal_budgets(name):
    config = shipped()[name]
    skip_without_package(config.model.source)
    assert [text for level, text in findings_of(config) if level == "warning"] == []


def config_of(own_data, *systems, **sections):
    """A configuration with these systems, a warm-up of 2 epochs and a budget of 5."""
    values = own_data.values
    values["warmup"] = {"epochs": 2, **sections.pop("warmup", {})}
    values["train"] = {"epochs": 5, "systems": list(systems)}
    return parse_config(values | sections)


SINGLE = {"name": "single", "sharing": "single"}
HARD = {"name": "hard", "sharing": "hard"}
SPARSE = {"name": "sparse", "sharing": "sparse", "start": "warmup", "choice": "half"}


def test_the_updates_of_a_merged_system_are_those_of_the_models_that_it_merges(own_data):
    merged = {"name": "merged", "sharing": "merged", "merges": "single", "method": "ties"}
    specs = Specs(config_of(own_data, SINGLE, merged))
    assert planned_updates(specs, "news", "merged", SENTENCES) == planned_updates(specs, "news", "single", SENTENCES)


def test_the_updates_of_a_warm_start_are_those_of_the_warm_up_and_of_the_training(own_data):
    specs = Specs(config_of(own_data, SINGLE, HARD, SPARSE))
    planned = [planned_updates(specs, "news", system, SENTENCES) for system in ("single", "hard", "sparse")]
    assert planned == [dict.fromkeys(["ner", "pos"], 5 * 11)] * 3
    assert specs.train("news", 1, "sparse", "shared").optimization.epochs == 3


def test_a_task_that_the_warm_up_leaves_out_has_no_updates_in_it(own_data):
    whole = Specs(config_of(own_data, SINGLE, SPARSE))
    named = Specs(config_of(own_data, SINGLE, SPARSE, warmup={"tasks": ["pos"]}))
    all_tasks, some = (planned_updates(specs, "news", "sparse", SENTENCES) for specs in (whole, named))
    warmed_up = steps_in_epoch(SENTENCES["ner"], whole.config.warmup.batch_size) * whole.config.warmup.epochs
    assert some == {**all_tasks, "ner": all_tasks["ner"] - warmed_up}


def test_more_epochs_after_the_warm_up_are_named_with_numbers_and_remedy(own_data):
    longer = {**SPARSE, "epochs_after_start": 5}
    ((level, text),) = findings_of(config_of(own_data, SINGLE, longer))
    assert level == "warning"
    assert "'single' and 'sparse' are compared, but their planned updates differ: ner 55 and 77" in text
    assert "Give them the same epochs" in text


def test_a_difference_that_is_meant_is_a_note(own_data):
    short = {**SINGLE, "name": "short", "epochs": 3, "unequal_budget": True}
    ((level, text),) = findings_of(config_of(own_data, SINGLE, short))
    assert (level, "ner 55 and 33" in text, "unequal_budget" in text) == ("note", True, True)


def test_another_batch_size_of_the_warm_up_makes_other_updates(own_data):
    ((level, text),) = findings_of(config_of(own_data, SINGLE, SPARSE, warmup={"batch_size": 16}))
    assert (level, "pos 55 and 47" in text) == ("warning", True)
    assert "give warmup.batch_size (16) and train.batch_size (10) the same value" in text


def test_a_sampling_weight_gives_joint_systems_more_updates(own_data):
    own_data.corpus["tasks"][1]["sampling_weight"] = 2.5
    ((level, text),) = findings_of(config_of(own_data, SINGLE, HARD))
    assert (level, "ner 55 and 140" in text, "sampling_weight (ner)" in text) == ("warning", True, True)


def test_systems_that_meet_in_no_table_need_no_equal_budget(own_data):
    one, other = {**HARD, "name": "a", "epochs": 3}, {**HARD, "name": "b", "epochs": 4}
    config = config_of(own_data, HARD, one, other, tables={"baseline": "hard", "comparisons": ["hard"]})
    assert shown_pairs(Specs(config).tables()) == [("hard", "a"), ("hard", "b")]


def test_validate_shows_the_pairs(own_data):
    own_data.values["train"]["systems"][1]["epochs_after_start"] = 5
    result = CliRunner().invoke(app, ["validate", str(own_data.file()), "--no-estimate"], env={"COLUMNS": "300"})
    assert result.exit_code == 0, result.output
    assert "planned updates differ: ner 100 and 140, pos 100 and 140" in " ".join(result.output.split())
