"""What the report says in words and tables."""

import pandas as pd
import pytest

from sparse_sharing.results.page.texts import cost_table, lead, score_table, synthetic, verdict_table, warnings

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
            "No measurable difference in each of the 2 comparisons with single.",
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
            "No verdict in each of the 2 comparisons with single.",
        ),
        (compared(("hard", "ner", "hurt")), "hard against single, ner: hurt."),
        (
            compared(("hard", "ner", "helped"), ("hard", "pos", "helped"), reference="other"),
            "Helped in each of the 2 comparisons.",
        ),
        (
            compared(("hard", "ner", "these models: higher"), ("hard", "pos", f"these models: {NONE}"), seeds=1),
            "Of 2 comparisons with single: higher in 1 (hard on ner), no measurable difference in 1. "
            "With one seed this is about these trained models, not about the systems.",
        ),
        (
            compared(("hard", "ner", "these models: no measurable difference"), ("hard", "pos", "helped")),
            "Of 2 comparisons with single: helped in 1 (hard on pos), these models: no measurable difference in 1.",
        ),
        (pd.DataFrame(columns=["dataset", "reference"]), "No two systems are compared."),
        (None, "No two systems are compared."),
    ],
)
def test_the_lead_is_what_the_table_of_verdicts_comes_to(frame, expected):
    assert lead(frame, "news", "single") == expected


def test_the_lead_of_a_dataset_says_nothing_of_others():
    frame = compared(("hard", "ner", "helped"), ("hard", "pos", NONE)).assign(dataset=["other", "news"])
    assert lead(frame, "news", "single") == "hard against single, pos: no measurable difference."


def test_the_head_shows_marks_with_their_meaning_leaks_and_notes_on_the_text():
    summary = SUMMARY.assign(marks=["zero on dev: ner", float("nan"), "zero on dev: ner", float("nan")])
    leaked = {"dataset": "news", "system": ["single", "hard"], "task": "ner", "sentences": 50, "leaked": 3}
    notes = {"news": ["c, train: 2 repaired tags"], "chat": []}
    assert warnings({"summary": summary, "leaks": pd.DataFrame(leaked)}, notes) == [
        "news, single: zero on dev: ner.",
        "Marks. zero on dev: the dev score of the task was 0 after every epoch, so its text chose no epoch "
        "(no verdict).",
        "news: 3 of 50 test sentences of ner also occur in the training or dev text; a table below shows the scores "
        "without them.",
        "news: c, train: 2 repaired tags.",
    ]


def test_a_run_without_marks_leaks_and_notes_has_no_warning():
    summary = SUMMARY.assign(marks=float("nan"))
    assert warnings({"summary": summary, "leaks": pd.DataFrame(columns=["dataset", "task"])}, {"news": []}) == []


def test_scores_stand_with_deviation_and_difference_and_the_best_is_marked():
    table = score_table(SUMMARY)
    titles, rows = shown(table)
    assert titles == ["system", "ner F1", "Δ", "mean", "Δ", "parameters", "density"]
    assert rows[0] == ["single", "80.00 ± 0.50", "", "90.00 ± 0.10", "", "400", "100.0%"]
    assert rows[1][1:5] == ["79.50", "−0.50", "91.25 ± 0.20", "+1.25"]
    assert table.best == {(0, 1), (1, 3)}


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


def test_demo_text_is_called_synthetic():
    data = pd.DataFrame({"dataset": ["joint", "joint", "news"], "synthetic": [True, True, False]})
    assert synthetic(data) == [
        "joint: synthetic demo text, generated from templates. Scores on it say nothing about real text."
    ]
    assert synthetic(data[~data["synthetic"]]) == []
