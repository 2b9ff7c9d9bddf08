"""The list of tables: complete by construction, and filled by what a configuration has."""

import importlib
import pkgutil
import subprocess
import sys

import pytest

from sparse_sharing.config import parse_config
from sparse_sharing.pipeline import Specs, layout, tables
from sparse_sharing.pipeline.tables import figures_of
from sparse_sharing.pipeline.tables.record import TableRecord, records, register

MODULES = {module.name for module in pkgutil.iter_modules(tables.__path__)} - {"record"}


def test_every_module_of_the_package_is_a_table_of_its_name_with_a_module_that_builds_it():
    assert {record.name for record in records()} == MODULES
    for record in records():
        assert callable(importlib.import_module(record.module).build), record.name
        assert record.columns, record.name


def test_a_table_that_has_a_figure_or_further_files_says_how_they_are_made(full_run):
    for record in tables.tables_of(full_run):
        builder = importlib.import_module(record.module)
        assert not record.endings or callable(builder.documents), record.name


def test_two_tables_of_one_name_are_refused():
    with pytest.raises(ValueError, match="table 'rounds' is defined twice"):
        register(TableRecord(name="rounds", caption="Other rounds.", columns={"round": None}))


def test_the_list_of_tables_loads_no_pandas():
    code = "import sys, sparse_sharing.pipeline.tables; sys.stdout.write(' '.join(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "sparse_sharing.pipeline.tables.rounds" in loaded
    assert not {"pandas", "numpy", "torch", "sparse_sharing.results"} & set(loaded)


@pytest.fixture
def full_run(changed):
    """A run that fills every table."""
    values = changed("data.datasets.0.paper", "exp1")
    values["select"]["choices"].append({"name": "third", "rule": "target_density", "target_density": 0.35})
    values["select"]["choices"].append({"name": "found", "rule": "search"})
    values["train"] |= {"measure_conflict": 10, "measure_affinity": {}}
    pair = {"tasks": ["ner", "pos"]}
    values["train"]["systems"] += [
        {"name": "third", "sharing": "sparse", "start": "warmup", "choice": "third"},
        {"name": "cold_third", "sharing": "sparse", "choice": "third"},
        {"name": "searched", "sharing": "sparse", "start": "warmup", "choice": "found"},
        {"name": "hard_pair", "sharing": "hard", **pair},
        {"name": "sparse_pair", "sharing": "sparse", "choice": "third", **pair},
    ]
    return Specs(parse_config(values)).tables()


def test_a_run_of_every_experiment_has_every_table(full_run):
    assert tables.tables_of(full_run) == records()


@pytest.mark.parametrize(
    ("path", "value", "more"),
    [
        (None, None, set()),
        ("data.datasets.0.paper", "exp1", {"paper"}),
        ("train.systems.3", {"name": "cold", "sharing": "sparse", "choice": "half"}, {"ablation"}),
        ("tables.baseline", "hard", set()),
    ],
)
def test_the_tables_are_those_that_the_configuration_fills(changed, path, value, more):
    run = Specs(parse_config(changed(path, value))).tables()
    always = {"results", "per_type", "masks", "overlap", "summary", "comparisons", "costs", "leaks", "provenance"}
    files = layout.table_files(run)
    assert {name.split(".")[0] for name in files} == always | {"rounds"} | more
    assert files[-1] == "provenance.json"
    figures = {"comparisons", "rounds"} | (more & {"ablation"})
    assert set(layout.figure_files(run)) == {f"{name}.{kind}" for name in figures for kind in ("svg", "png")}


def test_the_densities_of_the_paper_fill_a_sweep(changed):
    values = changed("select.choices.+", {"name": "third", "rule": "target_density", "target_density": 0.35})
    values["train"]["systems"].append({"name": "third", "sharing": "sparse", "start": "warmup", "choice": "third"})
    specs = Specs(parse_config(values))
    assert "sweep.csv" in layout.table_files(specs.tables())
    assert specs.figures().figures == ["comparisons", "rounds", "sweep"]


def test_a_run_of_one_system_without_masks_has_no_figure(changed):
    values = changed()
    values["train"]["systems"] = [{"name": "hard", "sharing": "hard"}]
    run = Specs(parse_config(values)).tables()
    assert figures_of(run) == layout.figure_files(run) == []
    assert "rounds.csv" not in layout.table_files(run)
