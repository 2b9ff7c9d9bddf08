"""A configuration on small column files that a test may spoil."""

import copy

import pytest
import yaml

from sparse_sharing.config import parse_config
from sparse_sharing.config.schema import SPLITS
from sparse_sharing.pipeline import Specs
from sparse_sharing.pipeline.jobs import jobs_of
from sparse_sharing.storage.artifacts import save_json, save_tensors, write_text
from sparse_sharing.text.demo.corpora import generate

VALUES = {
    "run": "mine",
    "device": "cpu",
    "data": {
        "datasets": [
            {
                "name": "news",
                "corpora": [
                    {
                        "name": "text",
                        **{split: f"{split}.txt" for split in SPLITS},
                        "tasks": [{"name": "pos", "column": 1}, {"name": "ner", "column": 3, "scheme": "iob2"}],
                    }
                ],
            }
        ]
    },
    "model": {"word_dimension": 8, "character_dimension": 4, "character_filters": 4, "hidden": 6},
    "warmup": {"epochs": 2},
    "prune": {"rounds": 2, "final_density": 0.25, "epochs": 2},
    "select": {"choices": [{"name": "half", "rule": "target_density", "target_density": 0.5}]},
    "train": {
        "epochs": 5,
        "systems": [
            {"name": "single", "sharing": "single"},
            {"name": "sparse", "sharing": "sparse", "start": "warmup", "choice": "half"},
        ],
    },
}


class OwnData:
    """Files of three splits in a folder, and the configuration for them."""

    def __init__(self, folder):
        self.folder, self.values = folder, copy.deepcopy(VALUES)
        self.values["data_root"] = str(folder)
        for name, text in generate("joint", {"train": 200, "dev": 10, "test": 10}, 1).items():
            (folder / name).write_text(text)

    @property
    def corpus(self):
        """The section of the corpus."""
        return self.values["data"]["datasets"][0]["corpora"][0]

    def add(self, split, *lines):
        """Add a sentence at the end of a file."""
        with (self.folder / f"{split}.txt").open("a") as stream:
            stream.write("".join(f"{line}\n" for line in lines) + "\n")

    def config(self):
        return parse_config(self.values)

    def file(self):
        """The configuration as a file."""
        path = self.folder / "mine.yaml"
        path.write_text(yaml.safe_dump(self.values))
        return path


@pytest.fixture
def own_data(tmp_path):
    return OwnData(tmp_path)


@pytest.fixture
def jobs(own_data, tmp_path, monkeypatch):
    """The jobs of a run in this folder, by their labels."""
    monkeypatch.chdir(tmp_path)
    own_data.file()
    return {job.label: job for job in jobs_of(Specs(own_data.config()))}


@pytest.fixture
def finish():
    """A function that writes all files of a job, empty but for its spec or another."""

    def write(job, spec=None):
        kinds = {"summary.json": "task_summary" if job.stage == "prepare_task" else "summary"}
        for path in job.outputs:
            if path.suffix == ".safetensors":
                save_tensors(path, "masks", spec or job.spec, {})
            elif path.suffix == ".json":
                save_json(path, kinds.get(path.name, "metrics"), spec or job.spec, {})
            elif path.suffix:
                write_text(path, "")
            else:
                path.mkdir(parents=True, exist_ok=True)

    return write
