"""What the report says in words and tables."""

import pandas as pd

from sparse_sharing.report.texts import lead, score_table, verdict_table

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


def test_the_lead_names_the_best_mean_and_what_it_costs():
    assert lead(SUMMARY, "news", "single") == (
        "hard has the highest mean over the tasks on test, 91.25 %, +1.25 points against single, with 25% of its "
        "parameters."
    )


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
