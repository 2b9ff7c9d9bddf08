"""Paths: where files are read from, and that no two jobs of a run ever share one."""

import re

import pytest

from sparse_sharing.config import parse_config
from sparse_sharing.config.schema import RESERVED_DATASETS
from sparse_sharing.pipeline import Specs, layout
from sparse_sharing.text.demo.corpora import CORPORA, file_names

PATTERNS = [
    "DEMO_FOLDER",
    "DATASET",
    "DATA",
    "START",
    "PRUNE",
    "SELECT",
    "MODEL",
    "EVALUATION",
    "TABLES",
    "FIGURES",
]
IDENTITY = {"run", "dataset", "seed", "start", "task", "choice", "system", "model"}


def job_paths(config):
    """The folder, or file, of every job of a configuration."""
    specs = Specs(config)
    paths = [layout.DEMO_FOLDER.format(run=config.run), layout.TABLES.format(run=config.run)]
    for dataset in specs.datasets:
        paths.append(layout.DATA.format(run=config.run, dataset=dataset))
        for seed in config.seeds:
            for start in ("initial", "warmup"):
                identity = {"run": config.run, "dataset": dataset, "seed": seed, "start": start}
                paths.append(f"{layout.START.format(**identity)}/weights.safetensors")
                paths += [layout.PRUNE.format(**identity, task=task) for task in specs.tasks(dataset)]
                paths += [layout.SELECT.format(**identity, choice=choice) for choice in specs.choices]
    for pattern in (layout.MODEL, layout.EVALUATION):
        for dataset, seed, system, model in specs.tables().models():
            paths.append(pattern.format(run=config.run, dataset=dataset, seed=seed, system=system, model=model))
    return paths


@pytest.mark.parametrize("name", PATTERNS)
def test_paths_are_in_the_folder_of_the_run_and_have_identity_only(name):
    pattern = getattr(layout, name)
    assert pattern.startswith("results/{run}/")
    assert set(re.findall(r"{(\w+)}", pattern)) <= IDENTITY


@pytest.mark.parametrize("name", ["data", "seed1", "train", "prune", "work", "initial", "weights"])
def test_no_job_is_in_the_folder_of_another_with_any_names(changed, name):
    values = changed("data.datasets.1.name", name)
    values["data"]["datasets"][0]["corpora"][0]["tasks"][0]["name"] = name
    values["select"]["choices"][0]["name"] = values["train"]["systems"][2]["choice"] = name
    values["train"]["systems"][0]["name"] = name
    paths = job_paths(parse_config(values))
    assert len(set(paths)) == len(paths)
    assert not [(one, other) for one in paths for other in paths if other.startswith(f"{one}/")]


def test_folders_beside_the_datasets_are_names_that_no_dataset_can_take():
    beside = {getattr(layout, name).split("/")[2] for name in [*PATTERNS, "SPEC"]} - {"{dataset}"}
    assert beside
    assert beside <= set(RESERVED_DATASETS)


@pytest.mark.parametrize(
    ("root", "path", "expected"),
    [
        (".", "a/b.txt", "a/b.txt"),
        ("", "a/b.txt", "a/b.txt"),
        ("corpora", "a/b.txt", "corpora/a/b.txt"),
        ("corpora/", "a/b.txt", "corpora/a/b.txt"),
        ("/corpora", "a/b.txt", "/corpora/a/b.txt"),
        ("corpora", "/elsewhere/b.txt", "/elsewhere/b.txt"),
        ("corpora", "demo:joint/train.txt", "results/small/demo/joint/train.txt"),
    ],
)
def test_a_relative_path_starts_from_data_root_and_a_demo_path_from_the_folder_of_the_run(
    changed, root, path, expected
):
    assert layout.source_path(parse_config(changed("data_root", root)), path) == expected


def test_the_files_of_a_split_come_by_corpus_and_a_split_without_file_is_left_out(changed):
    config = parse_config(changed("data_root", "root"))
    joint, pair = config.data.datasets
    assert layout.source_files(config, joint, "dev") == [("text", "root/joint/dev.txt")]
    assert layout.source_files(config, pair, "test") == [("first", "root/b"), ("second", "root/d")]
    assert layout.source_files(config, pair, "dev") == []


def test_lists_of_documents_come_by_corpus_and_split_below_data_root(changed):
    values = changed("data_root", "root")
    values["data"]["datasets"][1]["corpora"][0] |= {"format": "conll2012", "documents": {"train": "ids.txt"}}
    values["data"]["datasets"][1]["corpora"][0]["tasks"] = [{"name": "pos", "layer": "pos"}]
    config = parse_config(values)
    joint, pair = config.data.datasets
    assert layout.document_lists(config, pair, "train") == [("first.train", "root/ids.txt")]
    assert layout.document_lists(config, pair, "test") == layout.document_lists(config, joint, "train") == []


def test_the_demo_files_are_those_that_are_generated():
    assert set(layout.DEMO_FILES) == {f"{corpus}/{name}" for corpus in CORPORA for name in file_names(corpus)}


def test_the_demo_files_that_the_default_configuration_names_exist(repository):
    text = (repository / "config.yaml").read_text(encoding="utf-8")
    named = set(re.findall(r"demo:(\S+\.txt)", text))
    assert named
    assert named <= set(layout.DEMO_FILES)


def test_a_missing_file_among_several_of_a_split_is_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    tasks = [{"name": "pos", "column": 1}]
    corpus = {"name": "text", "train": ["a.txt", "b.txt"], "dev": "dev.txt", "test": "test.txt", "tasks": tasks}
    config = parse_config(
        {
            "run": "r",
            "seeds": [1],
            "data": {"datasets": [{"name": "d", "corpora": [corpus]}]},
            "train": {"systems": [{"name": "single", "sharing": "single"}]},
        }
    )
    for name in ("a.txt", "dev.txt", "test.txt"):
        (tmp_path / name).write_text("")
    assert layout.missing_sources(config) == ["b.txt"]
