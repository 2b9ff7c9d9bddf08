"""Dev text by which nothing can be chosen, through the real commands: a refusal, or a mark and no verdict."""

import csv
import re

import pytest

from sparse_sharing.text.demo.corpora import generate

pytestmark = pytest.mark.slow


@pytest.fixture
def own(fresh):
    """A function that gives the workflow with files of its own, where every token of dev has one tag for its name."""

    def write(tag):
        for name, text in generate("joint", {"train": 40, "dev": 10, "test": 20}, 1).items():
            if name == "dev.txt":
                text = re.sub(r"(?m) \S+$", f" {tag}", text)
            (fresh.folder / name).write_text(text, encoding="utf-8")
        with fresh.edited() as config:
            del config["data"]["demo"]
            config["data"]["datasets"][0]["corpora"][0] |= {
                **{split: f"{split}.txt" for split in ("train", "dev", "test")},
                "tasks": [
                    {"name": "pos", "column": 1},
                    {"name": "ner", "column": 3, "scheme": "iob2", "model_scheme": "bioes"},
                ],
            }
            config["select"] = {"choices": [{"name": "best", "rule": "best_dev"}]}
            config["prune"] |= {"epochs": 2, "patience": 1}
            config["train"] = {
                "epochs": 3,
                "patience": 1,
                "systems": [
                    {"name": "single", "sharing": "single"},
                    {"name": "sparse", "sharing": "sparse", "start": "warmup", "choice": "best"},
                ],
            }
        return fresh

    return write


def test_a_dev_text_without_spans_is_refused_by_validate_and_by_the_first_job(own):
    workflow = own("O")
    message = "dev.txt: the dev text of corpus 'text' has no span of task 'ner'"
    checked = workflow.start(["sparse-sharing", "validate", workflow.config_file.name])
    assert checked.returncode != 0
    assert message in re.sub(r"\s+", " ", checked.stdout)
    failed = workflow.snakemake("all", "--cores", "1")
    assert failed.returncode == 1
    log = workflow.path("logs/joint/data/tags/ner.log").read_text(encoding="utf-8")
    assert message in log
    assert "choose_on_dev: false" in log
    assert "Traceback" not in log


def test_a_run_whose_dev_scores_stay_zero_ends_with_marks_and_without_verdicts(own):
    workflow = own("B-NOWHERE")
    workflow.run("all")
    with workflow.path("tables/comparisons.csv").open(encoding="utf-8", newline="") as stream:
        rows = {row["task"]: row for row in csv.DictReader(stream)}
    assert {row["verdict"] for row in rows.values()} == {"no verdict"}
    assert "single: zero on dev: ner" in rows["ner"]["marks"]
    assert "mask chosen at dev score 0: ner" in rows["pos"]["marks"]
    history = workflow.path("joint/seed1/train/single/ner/history.csv").read_text(encoding="utf-8")
    assert len(history.splitlines()) == 1 + 3, "patience must not end a training that has found nothing"
    log = workflow.path("logs/joint/seed1/train/single/ner.log").read_text(encoding="utf-8")
    assert "zero on dev: ner" in log
    head = workflow.path("report.html").read_text(encoding="utf-8").split("<nav")[0]
    assert "<strong>joint</strong>: No verdict in any of the 3 comparisons with single." in head
    for mark in ("Zero on dev", "Mask chosen at dev score 0"):
        (systems,) = re.findall(rf"{mark} \(joint: (.*?)\)\.", head)
        assert "sparse (ner)" in systems.split(", ")
