"""The wheel contains all that a run needs: it trains, reports, tags, exports and serves in a folder without a clone."""

import filecmp
import json
import os
import re
import shutil
import subprocess
import sys
import urllib.request
import zipfile

import pytest
from packages import build_wheel

pytestmark = pytest.mark.slow
FOLDERS = ("src", "workflow", "profiles")
FILES = ["Snakefile", "config.yaml", "environment.yml", "pyproject.toml", "setup.py"]
FILES += ["MANIFEST.in", "README.md", "LICENSE"]
ASKED = os.environ.get("SPARSE_SHARING_README")


@pytest.fixture(scope="module")
def wheel(repository, tmp_path_factory):
    """The wheel, built from a copy of the repository."""
    sources = tmp_path_factory.mktemp("sources")
    for name in FOLDERS:
        shutil.copytree(repository / name, sources / name, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    for name in FILES:
        shutil.copy2(repository / name, sources)
    return build_wheel(sources, sources)


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """The content of the wheel."""
    folder = tmp_path_factory.mktemp("installed")
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


@pytest.mark.skipif(not ASKED, reason="installs 2 GB in a new environment: make readme")
@pytest.mark.timeout(5400)
def test_a_new_environment_without_the_repository_trains_reports_tags_exports_and_serves(repository, wheel, tmp_path):
    shutil.copy2(repository / "tests" / "workflow" / "tiny.yaml", tmp_path / "mine.yaml")
    environment = {"HOME": str(tmp_path), "LANG": "C.UTF-8", "PATH": f"{tmp_path}/new/bin:/usr/local/bin:/usr/bin:/bin"}
    environment |= {name: value for name, value in os.environ.items() if name.startswith("PIP_")}

    def run(*command, text=None):
        options = {"cwd": tmp_path, "env": environment, "capture_output": True, "text": True, "check": False}
        done = subprocess.run([str(part) for part in command], input=text, **options)
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
        return done.stdout

    run("python3", "-m", "venv", "new")
    run("new/bin/pip", "install", "--quiet", "--upgrade", "pip")
    pinned = ("-c", repository / "constraints.txt")
    run("new/bin/pip", "install", "--quiet", *pinned, "torch==2.13.0")
    run("new/bin/pip", "install", "--quiet", *pinned, f"{wheel}[onnx,serve]")
    run("sparse-sharing", "run", "mine.yaml", "--cores", "2")
    (results,) = (tmp_path / "results").iterdir()
    assert (results / "report.html").exists()
    assert json.loads(run("sparse-sharing", "tag", results, "--output", "jsonl", text="Bob left.\n"))["tags"]
    (model,) = results.glob("joint/seed1/train/hard/shared")
    run("sparse-sharing", "export", model, "--onnx", "--output", "small")
    assert json.loads(run("sparse-sharing", "tag", "small", "--output", "jsonl", text="Bob left.\n"))["tags"]
    assert answer_of_a_service(tmp_path, environment, "small", "Bob left.")


def answer_of_a_service(folder, environment, model, text):
    """What `sparse-sharing serve` answers to a text."""
    command = ["sparse-sharing", "serve", model, "--port", "0"]
    path = shutil.which(command[0], path=environment["PATH"])
    service = subprocess.Popen([path, *command[1:]], cwd=folder, env=environment, stderr=subprocess.PIPE, text=True)
    try:
        address = next(found[0] for line in service.stderr if (found := re.search(r"http://[0-9.]+:[0-9]+", line)))
        body = json.dumps({"texts": [text]}).encode()
        request = urllib.request.Request(f"{address}/tag", body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=60) as response:
            return json.load(response)
    finally:
        service.terminate()
        service.wait(60)
        service.stderr.close()
