"""What the report says in words and tables."""

import pandas as pd
import pytest

from sparse_sharing.results.page.texts import cost_table, jobs_table, lead, leads, overview, score_table, verdict_table

SUMMARY = pd.DataFrame(
    {
        "dataset": "news",
        "system": ["single", "hard", "single", "hard"],
        "task": ["ner", "ner", "mean", "mean"],
        "metric": ["f1", "f1", "mean", "mean"],
        "seeds": 2,
        "mean": [80.0, 79.5, 90.0, 91.25],
        "std": [0.5, float("nan"), 0.1, 0.2],
        "difference": [float("nan"), -0.5, float("nan"), 1.25],
        "best": [True, False, False, True],
        "parameters": [400, 100, 400, 100],
        "trained_parameters": [400, 100, 400, 100],
        "density": 1.0,
    }
)
COMPARED = pd.DataFrame(
    {
        "reference": "single",
        "system": ["hard", "sparse"],
        "task": "ner",
        "metric": "f1",
        "difference": [-0.5, 2.0],
        "lower": [-2.0, 1.0],
        "upper": [1.0, 3.0],
        "detectable": [1.8, 1.2],
        "verdict": ["no measurable difference", "helped"],
    }
)


def shown(table):
    return [column.title for column in table.columns], [[cell["text"] for cell in row] for row in table.rows]


def compared(*verdicts, seeds=3, reference="single"):
    """Comparisons of one dataset, each a (system, task, verdict) triple."""
    rows = [{"system": system, "task": task, "verdict": verdict} for system, task, verdict in verdicts]
    return pd.DataFrame(rows).assign(dataset="news", reference=reference, seeds=seeds)


NONE = "no measurable difference"


@pytest.mark.parametrize(
    ("frame", "expected"),
    [
        (
            compared(("hard", "ner", NONE), ("sparse", "ner", NONE)),
            "No measurable difference in any of the 2 comparisons with single.",
        ),
        (
            compared(("hard", "ner", NONE), ("sparse", "ner", "helped"), ("sparse", "pos", "hurt")),
            "Of 3 comparisons with single: helped in 1 (sparse on ner), hurt in 1 (sparse on pos), "
            "no measurable difference in 1.",
        ),
        (
            compared(("hard", "ner", "no verdict"), ("hard", "pos", NONE), ("sparse", "pos", "helped")),
            "Of 3 comparisons with single: helped in 1 (sparse on pos), no verdict in 1 (hard on ner), "
            "no measurable difference in 1.",
        ),
        (
            compared(("hard", "ner", "no verdict"), ("sparse", "ner", "no verdict")),
            "No verdict in any of the 2 comparisons with single.",
        ),
        (compared(("hard", "ner", "hurt")), "hard against single, ner: hurt."),
        (
            compared(("hard", "ner", "helped"), ("hard", "pos", "helped"), reference="other"),
            "Helped in all 2 comparisons.",
        ),
        (
            compared(("hard", "ner", "these models: higher"), ("hard", "pos", f"these models: {NONE}"), seeds=1),
            "Of 2 comparisons with single: higher in 1 (hard on ner), no measurable difference in 1. "
            "With one seed, the verdicts apply to these trained models only, not to the systems in general.",
        ),
        (
            compared(("hard", "ner", "these models: no measurable difference"), ("hard", "pos", "helped")),
            "Of 2 comparisons with single: helped in 1 (hard on pos), these models: no measurable difference in 1.",
        ),
        (pd.DataFrame(columns=["dataset", "reference"]), "No systems are compared."),
        (None, "No systems are compared."),
    ],
)
def test_the_lead_is_what_the_table_of_verdicts_comes_to(frame, expected):
    assert lead(frame, "news", "single") == expected


def test_what_is_true_of_all_datasets_is_said_once_after_the_last():
    frame = compared(("hard", "ner", f"these models: {NONE}"), seeds=1)
    found = leads(pd.concat([frame, frame.assign(dataset="chat")]), ["news", "chat"], "single")
    assert found == {
        "news": "hard against single, ner: no measurable difference.",
        "chat": "hard against single, ner: no measurable difference. With one seed, the verdicts apply to these "
        "trained models only, not to the systems in general.",
    }


def test_of_many_datasets_the_verdicts_are_counted_together():
    names = [f"dataset{number}" for number in range(9)]
    frame = pd.concat(
        [compared(("hard", "ner", NONE), ("hard", "pos", "helped")).assign(dataset=name) for name in names]
    )
    assert leads(frame, names, "single") == {
        "All 9 datasets": "Of 18 comparisons with single: helped in 9, no measurable difference in 9."
    }


def test_the_overview_has_a_row_for_each_dataset_and_marks_its_best_systems():
    two = pd.concat([SUMMARY, SUMMARY.assign(dataset="chat", mean=[80.0, 80.0, 90.0, 90.0])])
    (table,) = overview(two).items
    assert shown(table) == (["dataset", "single", "hard"], [["news", "90.00", "91.25"], ["chat", "90.00", "90.00"]])
    assert table.best == {(0, 2), (1, 1), (1, 2)}


def test_of_thousands_of_jobs_the_page_shows_the_longest_and_the_file_has_all():
    jobs = pd.DataFrame({"stage": "train", "job": [f"job{number}" for number in range(500)], "seconds": range(500)})
    table = jobs_table(jobs)
    assert len(table.rows) == 200
    assert table.rows[0][1]["text"] == "job499"
    assert len(table.data) == 500
    assert table.title == "The 200 jobs that took longest, of 500"


def test_the_lead_of_a_dataset_says_nothing_of_others():
    frame = compared(("hard", "ner", "helped"), ("hard", "pos", NONE)).assign(dataset=["other", "news"])
    assert lead(frame, "news", "single") == "hard against single, pos: no measurable difference."


def test_scores_have_deviation_and_difference_and_the_best_is_marked():
    table = score_table(SUMMARY)
    titles, rows = shown(table)
    assert titles == ["system", "ner F1", "Δ", "mean", "Δ", "parameters", "density"]
    assert rows[0] == ["single", "80.00 ± 0.50", "", "90.00 ± 0.10", "", "400", "100.0%"]
    assert rows[1][1:5] == ["79.50", "−0.50", "91.25 ± 0.20", "+1.25"]
    assert table.best == {(0, 1), (1, 3)}


def test_the_trained_parameters_are_shown_if_a_system_froze_some():
    titles, rows = shown(score_table(SUMMARY.assign(trained_parameters=[400, 5, 400, 5])))
    assert titles[-3:] == ["parameters", "trained", "density"]
    assert [row[-2] for row in rows] == ["400", "5"]


def test_the_verdict_comes_before_its_reasons_and_is_marked_where_there_is_one():
    table = verdict_table(COMPARED)
    titles, rows = shown(table)
    assert titles == ["system", "against", "task", "verdict", "points", "from", "to", "detectable"]
    assert [row[3] for row in rows] == ["no measurable difference", "helped"]
    assert table.best == {(1, 3)}
    assert list(table.data.columns) == list(COMPARED.columns)
    assert table.folded


def test_the_cost_of_a_system_is_that_of_all_its_tasks_and_the_file_has_each():
    spent = pd.DataFrame({"system": "hard", "task": ["ner", "all"], "seeds": 1, "updates_training": [10, 30]})
    table = cost_table(spent)
    assert shown(table) == (["system", "updates training"], [["hard", "30"]])
    assert len(table.data) == 2
