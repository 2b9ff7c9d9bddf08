"""What the head of the page says against its scores: each thing once."""

import pandas as pd

from sparse_sharing.evaluation.marks import NOT_CONVERGED
from sparse_sharing.results.page.cautions import cautions

NO_LEAKS = pd.DataFrame(columns=["dataset", "task"])
NO_DATA = pd.DataFrame({"dataset": ["news"], "synthetic": [False]})


def summary(*marks):
    """A summary with (dataset, system, marks) rows."""
    return pd.DataFrame(marks, columns=["dataset", "system", "marks"])


def found(rows, leaks=NO_LEAKS, notes=None, data=NO_DATA):
    return cautions({"summary": rows, "leaks": leaks}, notes or {}, data)


def test_a_mark_is_explained_once_with_all_systems_that_have_it():
    rows = summary(
        ("news", "single", "zero on dev: ner; not converged"),
        ("news", "hard", "not converged (seed 1, 2)"),
        ("news", "sparse", float("nan")),
        ("chat", "hard", "not converged"),
    )
    assert found(rows) == [
        "Zero on dev (news: single (ner)). The dev score of the task was 0 after every epoch, so its text chose no "
        "epoch. Such a score has no verdict.",
        "Not converged (news: single, hard (seed 1, 2); chat: hard). The best epoch was the last one planned, so more "
        "epochs might have improved the score.",
    ]


def test_of_many_datasets_with_a_mark_the_first_are_named():
    (line,) = found(summary(*((f"dataset{number}", "hard", NOT_CONVERGED) for number in range(20))))
    assert "dataset7: hard; and 12 more datasets" in line


def test_leaks_and_notes_on_the_text_are_named_and_of_many_only_the_first():
    leaks = pd.DataFrame({"dataset": "news", "system": ["single", "hard"], "task": "ner", "sentences": 50, "leaked": 3})
    rows = summary(("news", "hard", float("nan")))
    assert found(rows, leaks, {"news": ["c, train: 2 repaired tags"], "chat": []}) == [
        "news: 3 of 50 test sentences of ner also occur in the training or dev text; a table below shows the scores "
        "without them.",
        "news: c, train: 2 repaired tags.",
    ]
    of_two = pd.concat([leaks, leaks.assign(task="pos"), leaks.assign(task="chunk", leaked=4)])
    assert [line.partition(" also")[0] for line in found(rows, of_two)] == [
        "news: 3 of 50 test sentences of ner, pos",
        "news: 4 of 50 test sentences of chunk",
    ]
    many = found(rows, leaks, {f"dataset{number}": ["c, train: 2 repaired tags"] for number in range(50)})
    assert len(many) == 9
    assert many[-1] == "43 more notes on the texts are in tables/summary.md."


def test_a_run_without_marks_leaks_and_notes_has_no_caution():
    assert found(summary(("news", "hard", float("nan")))) == []


def test_demo_text_is_called_synthetic():
    data = pd.DataFrame({"dataset": ["joint", "joint", "news"], "synthetic": [True, True, False]})
    assert found(summary(("news", "hard", float("nan"))), data=data) == [
        "joint: synthetic demo text, generated from templates. Scores on it say nothing about real text."
    ]
