"""Every command that README and docs show is run on a small run, or, where it would run for hours, planned."""

import re
import shlex
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml

GUIDES = (
    "own-data following tagging extend merge search conflict transfer encoders configuration masks cluster results"
    " replication performance reliability"
)
PAGES = ("README.md", "docs/index.md", *(f"docs/{name}.md" for name in GUIDES.split()))
BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
MODEL = "results/demo/joint/seed1/train/sparse/shared"

# Set-up is what `make test` itself has done; the rest needs a terminal, a cluster, a volume, a GPU or the network.
NOT_RUN = (
    "git clone",
    "cd sparse-sharing",
    "source .venv",
    "python3 -m venv",
    "python -m benchmarks",
    "sparse-sharing download",
    "sparse-sharing tensorboard",
    "sparse-sharing serve",
    # tests/stages/test_extend.py does these.
    "sparse-sharing extend",
    "sparse-sharing remove",
    "sparse-sharing-tagger",
    # Reads a corpus that is not part of the repository.
    "sparse-sharing validate config/conll03_minilm.yaml",
    "curl",
    "pip install",
)
NOT_RUN += ("tests/workflow/slurm", "export SLURM_CONF", "snakemake --workflow-profile workflow/profiles/kubernetes")
NOT_RUN += ("export CUDA_MPS", "mkdir -p /tmp/mps", "nvidia-cuda-mps-control", "echo quit")


def commands(repository, page):
    """The commands of a page's shell blocks, continued lines joined, comments left out."""
    text = (repository / page).read_text(encoding="utf-8")
    lines = "\n".join(BLOCK.findall(text)).replace("\\\n", " ").splitlines()
    return [line for line in (re.sub(r"(^|\s)#.*$", "", line).strip() for line in lines) if line]


@pytest.fixture(scope="module")
def sandbox(repository, finished, tmp_path_factory):
    """A finished small run called demo, with the files that the pages name."""
    folder = finished.copy_to(tmp_path_factory.mktemp("documentation") / "folder").folder
    values = yaml.safe_load((folder / "tiny.yaml").read_text(encoding="utf-8"))
    values["run"] = "demo"
    tasks = values["data"]["datasets"][0]["corpora"][0]["tasks"]
    tasks.append({"name": "ner", "column": 3, "scheme": "iob2", "model_scheme": "bioes"})
    (folder / "config.yaml").write_text(yaml.safe_dump(values), encoding="utf-8")
    shutil.copytree(repository / "config", folder / "config")
    shutil.copy2(repository / "Makefile", folder)
    done = subprocess.run(["snakemake", "--cores", "2", "all"], **finished.forking | {"cwd": folder}, check=False)
    assert done.returncode == 0
    results = folder / "results"
    for split in ("train", "dev", "test"):
        shutil.copy2(results / f"demo/demo/joint/{split}.txt", folder / f"news.{split}.txt")
    shutil.copy2(folder / "news.test.txt", folder / "corpus.txt")
    for name, split in {"a": "train", "b": "test", "c": "dev", "d": "test", "all": "train"}.items():
        shutil.copy2(folder / f"news.{split}.txt", folder / f"{name}.conll")
    (folder / "MODEL").symlink_to(folder / MODEL)
    for name in ("masks", "a", "b"):
        shutil.copy2(results / "demo/joint/seed1/warmup/select/half/masks.safetensors", folder / f"{name}.safetensors")
    return folder


def as_run(command):
    """A command as it is run here: workflows are planned, unless they only report."""
    if command.startswith("sparse-sharing run"):
        return f"{command} {'' if ' -- ' in command else '-- '}--dry-run --quiet"
    if not command.startswith("snakemake") or "--report" in command:
        return command
    return command.replace("FOLDER", "data").replace("../shared/data", "data") + " --dry-run --quiet"


def needs_corpora(command):
    """Whether a workflow reads corpora that are not part of the repository."""
    return "data_root=" in command


@pytest.mark.slow
def test_every_command_of_the_pages_ends_well(repository, sandbox, finished, real_data):
    failed, seen = [], 0
    draft = next(command for command in commands(repository, "README.md") if " init " in command)
    for page in PAGES:
        shutil.rmtree(sandbox / "ner", ignore_errors=True)
        (sandbox / "mine.yaml").unlink(missing_ok=True)
        own = commands(repository, page)
        for command in own if draft in own else [draft, *own]:
            words = shlex.split(command)
            if command.startswith(NOT_RUN) or words[0] in ("make", "pip"):
                continue
            for compared in re.findall(r"results/(mine\w*)", command) if "compare" in words else ():
                shutil.copytree(sandbox / "results/demo", sandbox / "results" / compared)
            if needs_corpora(command):
                (sandbox / "data").exists() or (sandbox / "data").symlink_to(real_data("conll03").parent)
            surroundings = finished.forking | {"cwd": sandbox}
            shell = ["bash", "-c", as_run(command)]
            done = subprocess.run(shell, **surroundings, capture_output=True, text=True, timeout=600, check=False)
            seen += 1
            if done.returncode:
                failed.append(f"{page}: {command}\n{done.stdout[-600:]}{done.stderr[-600:]}")
            if "compare" in words:
                shutil.rmtree(sandbox / "results/mine")
            if "--task ner" in command and not command.endswith("--onnx"):
                shutil.rmtree(sandbox / "ner", ignore_errors=True)
    assert not failed, "\n\n".join(failed)
    assert seen >= 25


def test_targets_of_make_and_extras_of_pip_exist(repository):
    makefile = (repository / "Makefile").read_text(encoding="utf-8")
    project = tomllib.loads((repository / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    for page in PAGES:
        for command in commands(repository, page):
            words = shlex.split(command)
            if words[0] == "make":
                assert re.search(rf"^{words[1]}:", makefile, re.MULTILINE), command
            if words[0] == "pip":
                wanted = re.search(r"\.\[(.*)\]", command)
                assert set(wanted[1].split(",") if wanted else ()) <= set(project["optional-dependencies"]), command


def test_every_page_with_commands_is_among_those_that_are_tried(repository):
    pages = [Path("README.md"), *sorted((repository / "docs").glob("*.md"))]
    shown = {str(page.relative_to(repository) if page.is_absolute() else page) for page in pages}
    assert {page for page in shown if commands(repository, page)} <= set(PAGES)
