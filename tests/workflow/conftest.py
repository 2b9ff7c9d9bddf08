"""The real workflow on a tiny configuration: run to the end once, then copied by every test that needs its results."""

import contextlib
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import programs
import pytest
import yaml
from reproducible import without_time
from shared import made_once
from small import shrink, write_data

WORKFLOW_PARTS = ("Snakefile", "config.yaml", "workflow", "profiles")
STAGE_TARGETS = ("all", "data", "masks", "models")
NOTHING = "Nothing to be done"
NO_RESULTS = ("logs", "benchmarks", "report.html")
HELD = Path(__file__).with_name("held.py")
TINY = Path(__file__).with_name("tiny.yaml")


class Workflow:
    """A folder that holds the workflow, started there with the configuration `tiny.yaml` of that folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.config_file = folder / "tiny.yaml"

    @classmethod
    def fresh(cls, repository: Path, folder: Path) -> "Workflow":
        """The workflow of the checkout in a new folder, with nothing run yet."""
        folder.mkdir(parents=True)
        for part in WORKFLOW_PARTS:
            source = repository / part
            (shutil.copytree if source.is_dir() else shutil.copy2)(source, folder / part)
        shutil.copy2(TINY, folder)
        return cls(folder)

    def copy_to(self, folder: Path) -> "Workflow":
        """The same folder elsewhere, with results, Snakemake's records and times of change."""
        shutil.copytree(self.folder, folder)
        return Workflow(folder)

    @contextlib.contextmanager
    def edited(self) -> Iterator[dict]:
        """The values of the configuration, written back when the block is left."""
        values = yaml.safe_load(self.config_file.read_text())
        yield values
        self.config_file.write_text(yaml.safe_dump(values, sort_keys=False))

    def command(self, *arguments: str) -> list[str]:
        """A Snakemake command with this folder's configuration; targets come first among the arguments."""
        return ["snakemake", *arguments, "--configfile", self.config_file.name]

    def snakemake(self, *arguments: str) -> subprocess.CompletedProcess:
        """Run Snakemake here; `stdout` holds all it says."""
        return self.start(self.command(*arguments))

    def start(self, command: list[str]) -> subprocess.CompletedProcess:
        """Run a command here; `stdout` holds all it says."""
        return subprocess.run(
            command, **self.forking, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=1800
        )

    @property
    def surroundings(self) -> dict:
        """Folder and environment of a command: the programs of this Python come first, and no colours."""
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
        return {"cwd": self.folder, "env": {**os.environ, "PATH": path, "NO_COLOR": "1"}}

    @property
    def forking(self) -> dict:
        """The same with programs that start in a fraction of the time, by `programs.py`."""
        values = self.surroundings
        values["env"]["PATH"] = os.pathsep.join([str(programs.folder()), values["env"]["PATH"]])
        return values

    def held(self) -> tuple[dict, Path]:
        """Surroundings in which prunings wait after each round while a file is there; and that file, which now is."""
        program, hold = self.folder / "programs" / "sparse-sharing", self.folder / "hold"
        program.parent.mkdir()
        program.write_text(f"#!{sys.executable}\n{HELD.read_text()}")
        program.chmod(0o755)
        hold.touch()
        surroundings = self.surroundings
        surroundings["env"]["PATH"] = os.pathsep.join([str(program.parent), surroundings["env"]["PATH"]])
        return surroundings, hold

    def run(self, *arguments: str) -> Counter:
        """Run the workflow to the end; how many jobs of each rule it took."""
        done = self.snakemake("--cores", "2", *arguments)
        assert done.returncode == 0, done.stdout
        return jobs_in(done.stdout)

    def planned(self, *arguments: str) -> Counter:
        """How many jobs of each rule a run would take."""
        plan = self.snakemake(*arguments, "--dry-run")
        assert plan.returncode == 0, plan.stdout
        return jobs_in(plan.stdout)

    def planned_files(self, *targets: str) -> set[str]:
        """The files that a run would write."""
        plan = self.snakemake(*targets, "--summary")
        assert plan.returncode == 0, plan.stdout
        rows = [line.split("\t") for line in plan.stdout.splitlines()]
        header = next(number for number, row in enumerate(rows) if row[0] == "output_file")
        return {row[0] for row in rows[header + 1 :] if len(row) == len(rows[header]) and row[-1] == "update pending"}

    def path(self, name: str) -> Path:
        """A path below the results of the run."""
        return self.folder / "results" / "tiny" / name

    def contents(self) -> dict[str, bytes]:
        """Every file of the run that is a result: neither a log nor a measurement of time, as the report shows it."""
        root = self.path("")
        files = {str(file.relative_to(root)): file for file in root.rglob("*") if file.is_file()}
        return {name: file.read_bytes() for name, file in files.items() if not name.startswith(NO_RESULTS)}

    def reproducible(self) -> dict[str, object]:
        """Every result without the time it took: what any two runs of one configuration agree on."""
        visible = {name: content for name, content in self.contents().items() if "/." not in name}
        return {name: without_time(name, content) for name, content in visible.items()}

    def remove_results(self) -> None:
        """Start anew."""
        shutil.rmtree(self.path(""))

    def forget(self) -> None:
        """Drop Snakemake's records, as where results are brought from elsewhere."""
        shutil.rmtree(self.folder / ".snakemake")


def jobs_in(output: str) -> Counter:
    """The table "Job stats" of Snakemake without the stage targets, which do nothing themselves."""
    table = re.search(r"^Job stats:\njob +count\n[- ]+\n((?:\S+ +\d+\n)+)", output, re.MULTILINE)
    if table is None:
        assert NOTHING in output, output
        return Counter()
    jobs = Counter({name: int(count) for name, count in map(str.split, table[1].splitlines())})
    assert jobs.pop("total") == jobs.total(), output
    return Counter({name: count for name, count in jobs.items() if name not in STAGE_TARGETS})


@pytest.fixture
def fresh(repository: Path, tmp_path: Path) -> Workflow:
    """The workflow with nothing run yet."""
    return Workflow.fresh(repository, tmp_path / "fresh")


@pytest.fixture
def configured(fresh, repository):
    """A function that gives the workflow with a configuration of the checkout in small, and its data."""

    def configure(name):
        write_data(fresh.folder / "data")
        values = shrink(yaml.safe_load((repository / "config" / f"{name}.yaml").read_text(encoding="utf-8")))
        if values["model"].get("encoder") == "transformer":
            pytest.importorskip("tiny_transformers").save(fresh.folder / "data" / "pretrained")
        fresh.config_file.write_text(yaml.safe_dump(values, sort_keys=False), encoding="utf-8")
        return fresh

    return configure


@pytest.fixture(scope="session")
def finished(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Workflow:
    """The workflow after a complete run; not to be changed."""
    return Workflow(
        made_once(tmp_path_factory, "workflow", lambda folder: Workflow.fresh(repository, folder).run("all"))
    )


@pytest.fixture
def workflow(finished: Workflow, tmp_path: Path) -> Workflow:
    """A copy of the finished workflow."""
    return finished.copy_to(tmp_path / "copy")


@pytest.fixture
def separate_dataset() -> dict:
    """A dataset with a demo corpus of its own for each of two tasks."""
    tasks = {"pos": {"column": 1}, "chunk": {"column": 2, "scheme": "iob2"}}
    corpora = [
        {
            "name": name,
            **{split: f"demo:separate/{name}.{split}.txt" for split in ("train", "dev", "test")},
            "tasks": [{"name": name, **columns}],
        }
        for name, columns in tasks.items()
    ]
    return {"name": "separate", "corpora": corpora}
