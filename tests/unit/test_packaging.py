"""Versions, schema and README say the same as the code."""

import json
import re
import tomllib
from pathlib import Path

import jsonschema
import pytest
import yaml
from packaging.requirements import Requirement

from sparse_sharing.config import parse_config
from sparse_sharing.config.schema import Config

ROOT = Path(__file__).resolve().parents[2]
CONFIGURATIONS = ["config.yaml", *(f"config/{path.name}" for path in sorted((ROOT / "config").glob("*.yaml")))]


@pytest.fixture(scope="module")
def project(repository: Path) -> dict:
    return tomllib.loads((repository / "pyproject.toml").read_text())["project"]


@pytest.fixture(scope="module")
def constraints(repository: Path) -> dict[str, str]:
    lines = (repository / "constraints.txt").read_text().splitlines()
    pairs = (line.split("==") for line in lines if not line.startswith("#"))
    return {normal(name): version for name, version in pairs}


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def requirements(project: dict) -> list[Requirement]:
    return [Requirement(text) for text in sum(project["optional-dependencies"].values(), project["dependencies"])]


def test_constraints_pin_every_dependency_within_its_range(project, constraints):
    for requirement in requirements(project):
        assert requirement.specifier.contains(constraints[normal(requirement.name)]), requirement.name


def test_constraints_keep_the_torch_that_installs_a_cpu_build(constraints):
    assert constraints["torch"] == "2.13.0"


def test_all_but_torch_is_installed_by_hash(repository, constraints):
    entries = (repository / "hashes.txt").read_text().replace("\\\n", " ").splitlines()
    pinned = {}
    for requirement, *hashes in map(str.split, entries):
        name, version = requirement.split("==")
        pinned[normal(name)] = version.rstrip(";")
        assert [h for h in hashes if re.fullmatch(r"--hash=sha256:[0-9a-f]{64}", h)], name
    assert pinned == {name: version for name, version in constraints.items() if name != "torch"}


def test_environment_has_the_versions_of_the_constraints(repository, project, constraints):
    environment = yaml.safe_load((repository / "environment.yml").read_text())
    pip = next(entry["pip"] for entry in environment["dependencies"] if isinstance(entry, dict))
    pinned = {normal(name): version for name, version in (entry.split("==") for entry in pip)}
    assert pinned == {normal(r.name): constraints[normal(r.name)] for r in requirements(project)}


def test_environment_allows_the_python_that_the_project_requires(repository, project):
    environment = yaml.safe_load((repository / "environment.yml").read_text())
    python = next(entry for entry in environment["dependencies"] if str(entry).startswith("python "))
    assert python.split()[1].startswith(project["requires-python"])


def test_every_dependency_is_justified(repository, project):
    justified = (repository / "docs" / "dependencies.md").read_text()
    missing = [r.name for r in requirements(project) if not re.search(rf"\b{re.escape(r.name)}\b", justified)]
    assert missing == []


def test_committed_schema_is_the_one_of_the_typed_configuration(repository):
    committed = json.loads((repository / "workflow" / "schemas" / "config.schema.json").read_text())
    assert committed == Config.model_json_schema(), "run `make schema`"


def test_committed_schema_accepts_the_configurations(repository):
    schema = json.loads((repository / "workflow" / "schemas" / "config.schema.json").read_text())
    paths = [repository / "config.yaml", *sorted((repository / "config").glob("*.yaml"))]
    assert len(paths) > 2
    for path in paths:
        values = yaml.safe_load(path.read_text())
        assert list(jsonschema.Draft202012Validator(schema).iter_errors(values)) == [], path.name


def test_default_configuration_names_every_key(repository):
    values = yaml.safe_load((repository / "config.yaml").read_text())
    assert list(values) == list(Config.model_fields)
    for name, field in Config.model_fields.items():
        keys = set(getattr(field.annotation, "model_fields", ()))
        assert keys - set(values[name] if keys else ()) <= {"patience"}, name


def test_example_of_the_readme_is_a_valid_configuration(repository):
    readme = (repository / "README.md").read_text()
    example = re.search(r"```yaml\n(.*?)```", readme, re.DOTALL)[1]
    assert parse_config(yaml.safe_load(example)).run == "mine"


def test_links_of_the_pages_lead_somewhere(repository):
    for page in [repository / "README.md", *(repository / "docs").glob("*.md")]:
        for target in re.findall(r"\]\(([^)#]+)\)", page.read_text()):
            assert target.startswith("http") or (page.parent / target).exists(), f"{page.name}: {target}"
