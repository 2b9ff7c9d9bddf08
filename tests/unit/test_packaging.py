"""Versions, schema and README say the same as the code."""

import importlib.util
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from types import ModuleType

import jsonschema
import pytest
import yaml
from packaging.requirements import Requirement

import sparse_sharing
from sparse_sharing.config import parse_config
from sparse_sharing.config.schema import Config

ROOT = Path(__file__).resolve().parents[2]
CONFIGURATIONS = ["config.yaml", *(f"config/{path.name}" for path in sorted((ROOT / "config").glob("*.yaml")))]


@pytest.fixture(scope="module")
def dependencies(repository: Path) -> ModuleType:
    """The program behind `make dependencies`; it is no part of the installed package."""
    spec = importlib.util.spec_from_file_location("dependencies", repository / "tools" / "dependencies.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def project(repository: Path) -> dict:
    return tomllib.loads((repository / "pyproject.toml").read_text())["project"]


@pytest.fixture(scope="module")
def constraints(repository: Path, dependencies: ModuleType) -> dict[str, str]:
    """The pinned version of each package, without conditions on the platform."""
    pins = dependencies.pinned_versions((repository / "constraints.txt").read_text())
    return {name: version.partition(";")[0].strip() for name, version in pins.items()}


def requirements(project: dict) -> list[Requirement]:
    return [Requirement(text) for text in sum(project["optional-dependencies"].values(), project["dependencies"])]


def test_the_pins_were_made_from_the_dependencies_of_pyproject(repository, dependencies):
    digest = dependencies.digest(dependencies.read_project(repository))
    assert f"sha256:{digest}\n" in (repository / "constraints.txt").read_text(), f"run `{dependencies.COMMAND}`"


def test_environment_has_the_pinned_version_of_every_dependency(repository, dependencies):
    pins = dependencies.pinned_versions((repository / "constraints.txt").read_text())
    made = dependencies.environment(dependencies.read_project(repository), pins)
    assert (repository / "environment.yml").read_text() == made, f"run `{dependencies.COMMAND}`"


def test_every_package_but_torch_is_installed_by_hash(repository, dependencies):
    text = (repository / "hashes.txt").read_text()
    pins = dependencies.pinned_versions((repository / "constraints.txt").read_text())
    del pins["torch"]
    assert dependencies.pinned_versions(text) == pins, f"run `{dependencies.COMMAND}`"
    for entry in text.replace("\\\n", " ").splitlines():
        assert re.search(r" --hash=sha256:[0-9a-f]{64}( |$)", entry), entry


@pytest.mark.parametrize(
    "change",
    [
        {"dependencies": ["numpy>=2.1"]},
        {"extras": {"dev": ["pytest>=8.3"]}},
        {"python": ">=3.12"},
        {"uv": {"constraint-dependencies": ["torch==2.14.0"]}},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_change_of_what_is_required_makes_the_pins_out_of_date(change, repository, dependencies):
    project = dependencies.read_project(repository)
    assert dependencies.digest({**project, **change}) != dependencies.digest(project)


def test_pins_with_the_marks_of_a_merge_conflict_can_be_read(dependencies):
    text = "# versions\nPyYAML==6.0.3\n<<<<<<< HEAD\nrich==15.0.0\n=======\nrich==15.1.0 ; os_name == 'nt'\n>>>>>>> x\n"
    assert dependencies.pinned_versions(text) == {"pyyaml": "6.0.3", "rich": "15.1.0 ; os_name == 'nt'"}


def test_a_cuda_package_is_never_pinned(constraints, dependencies):
    assert [name for name in constraints if name.startswith(("nvidia", "cuda", "triton"))] == []
    with pytest.raises(SystemExit, match="nvidia-cublas"):
        dependencies.forbid_cuda("numpy==2.4.6\nnvidia-cublas==13.1\n")


def test_constraints_pin_every_dependency_within_its_range(project, constraints, dependencies):
    for requirement in requirements(project):
        assert requirement.specifier.contains(constraints[dependencies.normal(requirement.name)]), requirement.name


def test_constraints_keep_the_torch_that_installs_a_cpu_build(constraints):
    assert constraints["torch"] == "2.13.0"


def test_environment_allows_the_python_that_the_project_requires(repository, project):
    environment = yaml.safe_load((repository / "environment.yml").read_text())
    python = next(entry for entry in environment["dependencies"] if str(entry).startswith("python "))
    assert python.split()[1].startswith(project["requires-python"])


def test_every_dependency_is_justified(repository, project):
    justified = (repository / "docs" / "dependencies.md").read_text()
    missing = [r.name for r in requirements(project) if not re.search(rf"\b{re.escape(r.name)}\b", justified)]
    assert missing == []


def test_committed_schema_is_the_one_of_the_typed_configuration(repository):
    # In a process of its own: other tests make kinds of sections known that are no part of the package.
    command = [sys.executable, "-m", "sparse_sharing", "schema"]
    made = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    committed = (repository / "workflow" / "schemas" / "config.schema.json").read_text()
    assert json.loads(committed) == json.loads(made), "run `make generated`"


def test_committed_schema_accepts_the_configurations(repository):
    schema = json.loads((repository / "workflow" / "schemas" / "config.schema.json").read_text())
    paths = [repository / "config.yaml", *sorted((repository / "config").glob("*.yaml"))]
    assert len(paths) > 2
    for path in paths:
        values = yaml.safe_load(path.read_text())
        assert list(jsonschema.Draft202012Validator(schema).iter_errors(values)) == [], path.name


def test_default_configuration_names_every_key(repository):
    values = yaml.safe_load((repository / "config.yaml").read_text())
    assert missing_keys(Config.model_json_schema(), values) == []


def test_a_key_that_the_default_configuration_lacks_is_found(repository):
    values = yaml.safe_load((repository / "config.yaml").read_text())
    del values["prune"]["precision"], values["replicate"]
    missing = missing_keys(Config.model_json_schema(), values)
    assert {"prune.precision", "replicate"} <= set(missing)


def missing_keys(schema: dict, values: dict) -> list[str]:
    """The keys of the top level and of its sections that a configuration does not have."""
    missing = []
    for name, description in schema["properties"].items():
        if name not in values:
            missing.append(name)
        elif reference := description.get("$ref") or kind_of(description, values[name]):
            section = schema["$defs"][reference.rsplit("/", 1)[1]]
            missing += [f"{name}.{key}" for key in section["properties"] if key not in values[name]]
    return missing


def kind_of(description: dict, values: dict) -> str | None:
    """Of a section of several kinds the reference to the one that its values name."""
    if "discriminator" not in description:
        return None
    union = description["discriminator"]
    return union["mapping"][values[union["propertyName"]]]


def test_example_of_the_readme_is_a_valid_configuration(repository):
    readme = (repository / "README.md").read_text()
    example = re.search(r"```yaml\n(.*?)```", readme, re.DOTALL)[1]
    assert parse_config(yaml.safe_load(example)).run == "mine"


def test_links_of_the_pages_lead_somewhere(repository):
    for page in [repository / "README.md", repository / "CONTRIBUTING.md", *(repository / "docs").glob("*.md")]:
        for target in re.findall(r"\]\(([^)#]+)\)", page.read_text()):
            assert target.startswith("http") or (page.parent / target).exists(), f"{page.name}: {target}"


def test_targets_of_make_that_the_guide_for_contributors_names_exist(repository):
    named = set(re.findall(r"`make ([a-z]+)", (repository / "CONTRIBUTING.md").read_text()))
    targets = set(re.findall(r"^([a-z]+):", (repository / "Makefile").read_text(), re.MULTILINE))
    assert {"quick", "test", "dependencies"} <= named <= targets


def test_the_citation_is_of_this_version(repository, project):
    citation = yaml.safe_load((repository / "CITATION.cff").read_text())
    assert (citation["title"], citation["version"]) == (project["name"], sparse_sharing.__version__)
    assert citation["license"] == project["license"] == "MIT"
    (paper,) = citation["references"]
    assert paper["title"] in (repository / "README.md").read_text()


def test_the_tests_run_on_every_python_that_the_package_names(repository, project):
    workflow = yaml.safe_load((repository / ".github" / "workflows" / "test.yml").read_text())
    tested = workflow["jobs"]["test"]["strategy"]["matrix"]["python"]
    named = [re.search(r"Python :: (3\.\d+)$", classifier) for classifier in project["classifiers"]]
    assert tested == [match[1] for match in named if match]
