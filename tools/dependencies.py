"""`make dependencies`: write constraints.txt, hashes.txt and environment.yml from the dependencies of pyproject.toml.

Versions pinned in constraints.txt are kept if they still fit, so that a new dependency changes only what it requires.
For newer versions: `python -m tools.dependencies --upgrade-package NAME`, or `--upgrade` for all packages.
"""

import hashlib
import json
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
COMMAND = "make dependencies"
PYTHON = "3.11"
"""The oldest supported Python for the versions. Debian 12 has 3.11.2; some packages require a later 3.11."""

CONSTRAINTS_HEADER = """\
# The versions that are tested, written by `make dependencies`. Install with: pip install -c constraints.txt -e .
# Dependencies of pyproject.toml: sha256:{digest}
"""
ENVIRONMENT_HEADER = """\
# Written by `make dependencies`. conda env create -f environment.yml, then pip install --no-deps -e .
name: sparse-sharing
channels:
  - conda-forge
dependencies:
  - python {python}
  - pip
  - git
  - make
  - pip:
"""


def main(options: list[str]) -> None:
    """Resolve, and write the three files; `options` go to `uv pip compile` (for example `--upgrade`)."""
    if shutil.which("uv") is None:
        sys.exit('uv is not installed; it is in the dev extra: pip install -c constraints.txt -e ".[dev]"')
    project = read_project(ROOT)
    with tempfile.TemporaryDirectory() as folder:
        pins = Path(folder) / "constraints.txt"
        # Only the pins, so that a file with merge conflict markers can be used too.
        present = pinned_versions((ROOT / "constraints.txt").read_text(encoding="utf-8"))
        pins.write_text("".join(f"{name}=={version}\n" for name, version in present.items()), encoding="utf-8")
        compile_with_uv("pyproject.toml", pins, "--all-extras", *options)
        forbid_cuda(pins.read_text(encoding="utf-8"))
        hashes = Path(folder) / "hashes.txt"
        compile_with_uv(str(pins), hashes, "--no-deps", "--generate-hashes", "--no-emit-package", "torch")
        constraints = CONSTRAINTS_HEADER.format(digest=digest(project)) + pins.read_text(encoding="utf-8")
        (ROOT / "constraints.txt").write_text(constraints, encoding="utf-8")
        (ROOT / "hashes.txt").write_text(hashes.read_text(encoding="utf-8"), encoding="utf-8")
        (ROOT / "environment.yml").write_text(environment(project, pinned_versions(constraints)), encoding="utf-8")


def compile_with_uv(source: str, output: Path, *options: str) -> None:
    """Resolve the requirements of a file for every platform; pins in `output` are kept if they fit."""
    command = ["uv", "pip", "compile", source, "--universal", "--python-version", PYTHON, "--quiet"]
    command += ["--no-header", "--no-annotate", "--output-file", str(output), *options]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.DEVNULL)
    if done.returncode:
        sys.exit(f"uv could not resolve {source}; no file was changed")


def forbid_cuda(pins: str) -> None:
    """Exit if a CUDA package was pinned: the metadata of torch in [tool.uv] must be that of the CPU build."""
    if cuda_packages := re.findall(r"^(?:nvidia|cuda|triton)[\w-]*==\S+", pins, re.MULTILINE):
        sys.exit(f"CUDA packages must not be pinned: {', '.join(cuda_packages)}; correct [tool.uv] in pyproject.toml")


def read_project(root: Path) -> dict:
    """The dependencies in pyproject.toml: Python, requirements, extras, and how they are resolved."""
    values = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    project = values["project"]
    return {
        "python": project["requires-python"],
        "dependencies": project["dependencies"],
        "extras": project["optional-dependencies"],
        "uv": values["tool"]["uv"],
    }


def digest(project: dict) -> str:
    """The SHA-256 of everything that the pins depend on; if constraints.txt has another one, the pins are out of
    date.
    """
    return hashlib.sha256(json.dumps(project, sort_keys=True).encode()).hexdigest()


def normal(name: str) -> str:
    """The normalised name of a package: `PyYAML`, `pyyaml`; `ml_dtypes`, `ml-dtypes`."""
    return re.sub(r"[-_.]+", "-", name).lower()


def pinned_versions(text: str) -> dict[str, str]:
    """The version of each package in a file of pins, with the condition on the platform if there is one."""
    pins = re.findall(r"^([\w.-]+)==(.*?)\s*\\?$", text, re.MULTILINE)
    return {normal(name): version for name, version in pins}


def required_names(project: dict) -> list[str]:
    """The normalised names of all requirements, of the package and then of its extras, each once."""
    requirements = [*project["dependencies"], *(text for extra in project["extras"].values() for text in extra)]
    return list(dict.fromkeys(normal(re.split(r"[^\w.-]", text)[0]) for text in requirements))


def environment(project: dict, pins: dict[str, str]) -> str:
    """The text of environment.yml: Python from conda, all requirements at their pinned versions from pip."""
    header = ENVIRONMENT_HEADER.format(python=f"{project['python']},<3.14")
    return header + "".join(f"      - {name}=={pins[name]}\n" for name in required_names(project))


if __name__ == "__main__":
    main(sys.argv[1:])
