"""What dev has not chosen is refused, or marked and without a verdict: text without spans, trainings that find nothing.

The dev text of these tests has spans only of a type that training lacks, so that every dev score of names is 0.
"""

import copy
import csv
import logging
import re
import shutil

import pytest
import vl_convert

from sparse_sharing.config import parse_config
from sparse_sharing.errors import ConfigError, DataError
from sparse_sharing.evaluation.marks import MEANINGS, Mark
from sparse_sharing.pipeline import layout
from sparse_sharing.stages import report
from sparse_sharing.storage.artifacts import load_json, load_tensors

SYSTEMS = [
    {"name": "single", "sharing": "single"},
    {"name": "sparse", "sharing": "sparse", "start": "warmup", "choice": "best"},
]


def rewrite_names(path, tag):
    """Replace every tag of the column of names by one that starts no span or spans of its own."""
    lines = path.read_text(encoding="utf-8").splitlines()
    path.write_text("".join((" ".join([*line.split()[:3], tag]) if line else "") + "\n" for line in lines))


def values_of(pipeline, choose_on_dev=True, rule=None, **train):
    """The values of a run of two systems, the second with masks that dev scores choose."""
    values = copy.deepcopy(pipeline.values)
    values["data"]["datasets"][0]["corpora"][0]["tasks"][2]["choose_on_dev"] = choose_on_dev
    values["select"] = {"choices": [{"name": "best", **(rule or {"rule": "best_dev"})}]}
    values["train"] |= {"systems": SYSTEMS, "epochs": 3, **train}
    return values


def rows_of(path):
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_a_dev_text_without_a_span_is_refused_with_its_file_the_task_and_what_to_do(unprepared):
    rewrite_names(unprepared.folder / "dev.txt", "O")
    with pytest.raises(DataError) as refused:
        unprepared.prepare()
    message = str(refused.value)
    assert message.startswith(
        f"{unprepared.folder / 'dev.txt'}: the dev text of corpus 'text' has no span of task 'ner'"
    )
    assert "choose_on_dev: false" in message


@pytest.mark.parametrize("change", [{"metric": "accuracy"}, {"choose_on_dev": False}])
def test_a_dev_text_without_a_span_is_taken_where_no_f1_of_it_chooses(unprepared, change):
    rewrite_names(unprepared.folder / "dev.txt", "O")
    values = copy.deepcopy(unprepared.values)
    values["data"]["datasets"][0]["corpora"][0]["tasks"][2] |= change
    type(unprepared)(unprepared.folder, values).prepare()


def test_the_best_dev_score_cannot_choose_a_mask_of_a_task_that_may_not_choose(unprepared):
    with pytest.raises(ConfigError, match="cannot choose a mask for task 'ner', which has choose_on_dev: false"):
        parse_config(values_of(unprepared, choose_on_dev=False))


def test_an_option_that_is_off_leaves_no_trace_in_a_spec(unprepared):
    values = values_of(unprepared, choose_on_dev=True)
    plain = copy.deepcopy(values)
    del plain["data"]["datasets"][0]["corpora"][0]["tasks"][2]["choose_on_dev"]
    specs = [type(unprepared)(unprepared.folder, own).specs.prepare("joint").canonical() for own in (values, plain)]
    assert specs[0] == specs[1]
    assert "choose_on_dev" not in specs[0]


@pytest.fixture(scope="module")
def insisted(finished, tmp_path_factory):
    """A run whose dev text has no name, and whose user insists: it chooses nothing, and masks come from a density."""
    folder = tmp_path_factory.mktemp("insisted")
    for split in ("train", "dev", "test"):
        shutil.copy2(finished.folder / f"{split}.txt", folder)
    rewrite_names(folder / "dev.txt", "O")
    density = {"rule": "target_density", "target_density": 0.5}
    values = values_of(finished, choose_on_dev=False, rule=density, patience=1)
    values["prune"] |= {"epochs": 2, "patience": 1, "stop_after": 1}
    return type(finished)(folder, values).run()


def test_a_training_of_such_a_task_keeps_its_last_epoch_and_ignores_the_patience(insisted):
    folder = insisted.path(layout.MODEL, system="single", model="ner")
    rows = rows_of(folder / "history.csv")
    assert [row["best"] for row in rows] == ["0", "0", "1"]


def test_a_joint_training_is_chosen_by_the_other_tasks(insisted):
    rows = rows_of(insisted.path(layout.MODEL, system="sparse", model="shared") / "history.csv")
    for row in rows:
        assert float(row["dev mean"]) == pytest.approx((float(row["dev chunk"]) + float(row["dev pos"])) / 2, abs=1e-4)


def test_a_pruning_of_such_a_task_ranks_last_epochs_and_goes_through_all_rounds(insisted):
    masks = load_tensors(insisted.masks("ner"), "masks").details
    assert [(row["best_epoch"], row["epochs"]) for row in masks["rounds"]] == [(2, 2)] * 4
    assert masks["chosen_on_dev"] is False
    assert "chosen_on_dev" not in load_tensors(insisted.masks("pos"), "masks").details


def test_such_a_task_is_marked_and_may_have_a_verdict(insisted):
    rows = [row for row in rows_of(insisted.path(layout.TABLES) / "comparisons.csv") if row["task"] == "ner"]
    assert "not chosen on dev: ner" in rows[0]["marks"]
    assert rows[0]["verdict"] != "no verdict"


@pytest.fixture(scope="module")
def nothing_found(finished, tmp_path_factory):
    """A run whose dev score of names is 0 after every epoch of every training and round, with patience."""
    folder = tmp_path_factory.mktemp("nothing")
    for split in ("train", "dev", "test"):
        shutil.copy2(finished.folder / f"{split}.txt", folder)
    rewrite_names(folder / "dev.txt", "B-NOWHERE")
    values = values_of(finished, patience=1)
    values["prune"] |= {"epochs": 2, "patience": 1}
    return type(finished)(folder, values).run()


def test_patience_does_not_end_a_training_that_has_found_nothing(nothing_found):
    rows = rows_of(nothing_found.path(layout.MODEL, system="single", model="ner") / "history.csv")
    assert [row["dev ner"] for row in rows] == ["0.0000"] * 3
    losses = [float(row["dev_loss"]) for row in rows]
    assert [row["best"] for row in rows].index("1") == losses.index(min(losses))


def test_no_round_of_pruning_is_ended_by_patience_before_it_has_found_anything(nothing_found):
    rounds = load_tensors(nothing_found.masks("ner"), "masks").details["rounds"]
    assert [row["epochs"] for row in rounds] == [2] * 4


def test_the_facts_of_the_training_and_the_choice_are_stored(nothing_found):
    path = nothing_found.path(layout.EVALUATION, system="single", model="ner") / "metrics.json"
    training = load_json(path, "metrics").details["training"]
    assert (training["epochs"], training["planned_epochs"], training["best_dev"]) == (3, 3, {"ner": 0.0})
    chosen = {row["task"]: row for row in rows_of(nothing_found.selection("sparse").with_name("choice.csv"))}
    assert (chosen["ner"]["tied_rounds"], chosen["ner"]["allowed_rounds"]) == ("3", "3")
    ties = load_tensors(nothing_found.selection("sparse"), "selection").details["ties"]
    assert ties["ner"] == {"tied": 3, "allowed": 3}


def test_a_system_that_was_not_selected_gets_marks_and_no_verdict_in_every_table(nothing_found):
    folder = nothing_found.path(layout.TABLES)
    verdicts = {row["task"]: row for row in rows_of(folder / "comparisons.csv")}
    for task in ("chunk", "ner", "pos"):
        assert verdicts[task]["verdict"] == "no verdict"
    assert "single: zero on dev: ner" in verdicts["ner"]["marks"]
    assert "zero on dev" not in verdicts["pos"]["marks"].split("sparse: ")[0]
    assert "sparse: zero on dev: ner; mask chosen at dev score 0: ner" in verdicts["ner"]["marks"]
    for name in ("results", "summary", "per_type"):
        rows = [row for row in rows_of(folder / f"{name}.csv") if row["system"] == "sparse"]
        assert rows
        assert all("mask chosen at dev score 0: ner" in row["marks"] for row in rows)
    for name in ("summary.md", "summary.tex"):
        text = (folder / name).read_text(encoding="utf-8")
        assert "mask chosen at dev score 0: ner" in text
        assert "so dev chose no mask (no verdict)" in text


def test_the_report_begins_with_the_verdicts_and_shows_the_marks_at_its_head(nothing_found, tmp_path, monkeypatch):
    monkeypatch.setattr(vl_convert, "javascript_bundle", lambda snippet: "")
    page = tmp_path / "report.html"
    report.run(nothing_found.specs.report(), nothing_found.path(layout.RUN), page)
    head = page.read_text(encoding="utf-8").split("<nav")[0]
    lead = re.search(r'<p class="lead">(.*?)</p>', head)[1]
    assert lead.startswith("<strong>joint</strong>: No verdict in any of the 4 comparisons with single.")
    for mark in ("Zero on dev", "Mask chosen at dev score 0"):
        (systems,) = re.findall(rf"{mark} \(joint: (.*?)\)\.", head)
        assert "sparse (ner)" in systems.split(", ")


def test_the_log_warns_of_a_training_and_a_choice_that_found_nothing(nothing_found, tmp_path, caplog):
    with caplog.at_level(logging.WARNING):
        nothing_found.train("single", "ner", output=tmp_path / "train")
        nothing_found.prune("ner", output=tmp_path / "prune")
        nothing_found.select("best", output=tmp_path / "select")
    assert "train single ner: zero on dev: ner: the dev score of the task was 0 after every epoch" in caplog.text
    assert "prune ner: the dev score was 0 after every epoch of every round" in caplog.text
    assert "choice 'best': mask chosen at dev score 0: ner" in caplog.text


def test_a_comparison_has_no_verdict_if_and_only_if_a_mark_forbids_it(finished, nothing_found):
    barring = [kind for kind in MEANINGS if Mark(kind).bars]
    rows = [row for run in (finished, nothing_found) for row in rows_of(run.path(layout.TABLES) / "comparisons.csv")]
    for row in rows:
        assert (row["verdict"] == "no verdict") == any(kind in row["marks"] for kind in barring)
    assert len({row["verdict"] == "no verdict" for row in rows}) == 2


def test_the_card_of_a_model_says_whose_dev_text_chose_nothing(insisted):
    cards = {
        model: (insisted.path(layout.MODEL, system="single", model=model) / "README.md").read_text(encoding="utf-8")
        for model in ("ner", "pos")
    }
    assert "nor on the dev text of ner" in cards["ner"]
    assert "Everything was chosen on dev" in cards["pos"]
