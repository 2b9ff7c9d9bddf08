"""The column `marks`: which models it is read off, and which rows it marks."""

import json

import pandas as pd
import pytest
from handmade import accuracy, spans

from sparse_sharing.results.tables.marks import barred, marks, with_marks
from sparse_sharing.results.tables.scores import read_all

GOOD = {"best_epoch": 2, "epochs": 5, "planned_epochs": 5}
NO_CHOICES = pd.DataFrame(columns=["dataset", "seed", "start", "choice"])


@pytest.fixture
def trained(model):
    """A function that writes the metrics of a model whose training went in a certain way."""

    def write(system, *tasks, seed=1, **training):
        scores = {task: accuracy(90.0) if task == "pos" else spans(80.0) for task in tasks}
        path = model(system, scores, dataset="news", seed=seed)
        content = json.loads(path.read_text(encoding="utf-8"))
        content["training"] = {**GOOD, "best_dev": dict.fromkeys(tasks, 80.0), **training, "seconds": 1.0}
        path.write_text(json.dumps(content), encoding="utf-8")
        return path

    return write


def chosen(**rows):
    """Choices of the masks `best` from the warm-up, as the selections write them: text."""
    common = {"dataset": "news", "seed": 1, "start": "warmup", "choice": "best"}
    return pd.DataFrame(
        [
            {**common, "task": task, "dev_score": score, "tied_rounds": tied, "allowed_rounds": allowed}
            for task, (score, tied, allowed) in rows.items()
        ]
    )


def marked(found):
    """Marks by system, seed and task."""
    return {(row["system"], row["seed"], row["task"]): row["mark"] for row in found.to_dict("records")}


def test_a_mark_counts_for_all_tasks_of_its_model_and_for_no_other_model(trained, facts):
    paths = [
        trained("single", "ner", best_dev={"ner": 0.0}),
        trained("single", "pos"),
        trained("hard", "ner", "pos", best_dev={"ner": 0.0, "pos": 90.0}),
    ]
    found = marks(read_all(paths), NO_CHOICES, facts)
    assert set(marked(found)) == {("single", 1, "ner"), ("hard", 1, "ner"), ("hard", 1, "pos")}
    assert set(found["mark"]) == {"zero on dev: ner"}
    assert set(barred(found)) == {
        *(("news", "single", task) for task in ("ner", "mean")),
        *(("news", "hard", task) for task in ("ner", "pos", "mean")),
    }


def test_a_choice_marks_the_systems_that_use_it(trained, facts):
    paths = [trained("sparse", "ner", "pos"), trained("hard", "ner", "pos"), trained("cold", "ner", "pos")]
    choices = chosen(ner=("0.000000", "3", "3"), pos=("91.000000", "1", "3"))
    found = marks(read_all(paths), choices, facts)
    assert marked(found) == {("sparse", 1, task): "mask chosen at dev score 0: ner" for task in ("ner", "pos")}


def test_a_choice_by_another_rule_has_no_tie_and_marks_nothing(trained, facts):
    choices = chosen(ner=("0.000000", "", ""))
    assert len(marks(read_all([trained("sparse", "ner")]), choices, facts)) == 0
    assert len(marks(read_all([trained("sparse", "ner")]), choices.drop(columns=["tied_rounds"]), facts)) == 0


def test_not_converged_is_a_mark_that_forbids_nothing(trained, facts):
    found = marks(read_all([trained("hard", "ner", best_epoch=5)]), NO_CHOICES, facts)
    assert list(found["mark"]) == ["not converged"]
    assert barred(found) == {}


def test_metrics_without_facts_about_the_training_are_marked_by_the_dev_score_of_the_kept_epoch(model, facts):
    paths = [model("hard", {"pos": accuracy(50.0), "ner": spans(0.0)}), model("single", {"pos": accuracy(50.0)})]
    found = marks(read_all(paths), NO_CHOICES, facts)
    assert marked(found) == {("hard", 1, task): "zero on dev: ner" for task in ("pos", "ner")}


def test_a_row_shows_the_marks_of_its_system_task_and_seed(trained, facts):
    paths = [trained("single", "ner", seed=seed, best_dev={"ner": score}) for seed, score in ((1, 0.0), (2, 50.0))]
    found = marks(read_all(paths), NO_CHOICES, facts)
    rows = [
        *({"dataset": "news", "system": "single", "seed": seed, "task": "ner"} for seed in (1, 2)),
        {"dataset": "news", "system": "single", "seed": 1, "task": "pos"},
        {"dataset": "chat", "system": "single", "seed": 1, "task": "ner"},
        {"dataset": "news", "system": "hard", "seed": 1, "task": "ner"},
    ]
    frame = with_marks(pd.DataFrame(rows), ["system"], found, [1, 2])
    assert list(frame["marks"]) == ["zero on dev: ner", "", "", "", ""]


def test_a_row_over_seeds_names_the_seeds_of_a_mark_that_not_all_have(trained, facts):
    paths = [trained("single", "ner", seed=seed, best_epoch=epoch) for seed, epoch in ((1, 5), (2, 5), (3, 4))]
    found = marks(read_all(paths), NO_CHOICES, facts)
    frame = pd.DataFrame([{"dataset": "news", "system": "single", "task": task} for task in ("ner", "pos", "mean")])
    assert list(with_marks(frame, ["system"], found, [1, 2, 3])["marks"]) == [
        "not converged (seed 1, 2)",
        "",
        "not converged (seed 1, 2)",
    ]


def test_a_row_of_two_systems_says_which_one_a_mark_is_of(trained, facts):
    paths = [
        trained("single", "ner", best_epoch=5, best_dev={"ner": 0.0}),
        trained("hard", "ner", best_epoch=5),
    ]
    frame = pd.DataFrame([{"dataset": "news", "reference": "single", "system": "hard", "task": "ner"}])
    assert with_marks(frame, ["system", "reference"], marks(read_all(paths), NO_CHOICES, facts), [1])["marks"][0] == (
        "hard: not converged; single: zero on dev: ner; not converged"
    )


def test_a_table_that_names_no_system_does_not_change(trained, facts):
    found = marks(read_all([trained("single", "ner", best_epoch=5)]), NO_CHOICES, facts)
    frame = pd.DataFrame([{"dataset": "news", "task": "ner"}])
    assert list(with_marks(frame, [], found, [1]).columns) == ["dataset", "task"]
