"""The wheel contains all that a run needs: it plans a run in a folder without a clone."""

import filecmp
import os
import shutil
import subprocess
import sys
import zipfile

import pytest

pytestmark = pytest.mark.slow
FOLDERS = ("src", "workflow", "profiles")
FILES = ["Snakefile", "config.yaml", "environment.yml", "pyproject.toml", "setup.py"]
FILES += ["MANIFEST.in", "README.md", "LICENSE"]


@pytest.fixture(scope="module")
def installed(repository, tmp_path_factory):
    """The content of the wheel, built from a copy of the repository."""
    sources, folder = tmp_path_factory.mktemp("sources"), tmp_path_factory.mktemp("installed")
    for name in FOLDERS:
        shutil.copytree(repository / name, sources / name, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    for name in FILES:
        shutil.copy2(repository / name, sources)
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "-w", str(sources)]
    subprocess.run([*command, str(sources)], check=True)
    (wheel,) = sources.glob("*.whl")
    zipfile.ZipFile(wheel).extractall(folder)
    return folder


def test_the_wheel_has_the_files_of_the_workflow_and_no_file_of_the_light_distribution(repository, installed):
    names = {path.name for path in installed.iterdir() if path.suffix != ".dist-info"}
    assert names == {"sparse_sharing", "snakemake_logger_plugin_sparse_sharing"}
    contained = installed / "sparse_sharing" / "_workflow"
    assert filecmp.cmp(repository / "Snakefile", contained / "Snakefile", shallow=False)
    for folder in ("workflow", "profiles"):
        for path in (path for path in (repository / folder).rglob("*") if path.is_file()):
            name = path.relative_to(repository)
            assert (contained / name).read_bytes() == path.read_bytes(), name


def test_a_run_is_planned_without_a_clone(repository, installed, tmp_path):
    shutil.copy2(repository / "tests" / "workflow" / "tiny.yaml", tmp_path / "mine.yaml")
    command = [sys.executable, "-m", "sparse_sharing", "run", "mine.yaml", "--cores", "1", "--", "--dry-run"]
    environment = os.environ | {"PYTHONPATH": str(installed)}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "rule report:" in done.stdout + done.stderr
    assert f"{installed}/sparse_sharing/_workflow/profiles" in done.stdout + done.stderr
