"""Marks: what speaks against a model, read off how it was trained and how its masks were chosen."""

import pytest

from sparse_sharing.evaluation.marks import MEANINGS, Mark, Tie, TrainingFacts, of_choice, of_training, tie_of


def training(best_epoch=3, epochs=10, planned_epochs=10, **best_dev):
    """The facts of a training that went well, but for what is given."""
    return TrainingFacts(best_epoch, epochs, planned_epochs, best_dev)


def kinds(found):
    return [str(mark) for mark in found]


@pytest.mark.parametrize(
    ("tasks", "facts", "expected"),
    [
        ("ner pos", training(ner=80.0, pos=90.0), []),
        ("ner pos", training(ner=0.0, pos=90.0), ["zero on dev: ner"]),
        ("ner", training(ner=0.0), ["zero on dev: ner"]),
        ("ner", training(1, 4, 60, ner=0.0), ["zero on dev: ner", "stopped before it began"]),
        ("ner pos", training(1, 4, 60, ner=0.0, pos=90.0), ["zero on dev: ner"]),
        ("ner", training(best_epoch=10, ner=80.0), ["not converged"]),
        ("ner", training(best_epoch=6, epochs=6, ner=80.0), []),
        ("ner", training(best_epoch=10), ["not chosen on dev: ner"]),
        ("ner pos", training(best_epoch=10, pos=90.0), ["not chosen on dev: ner", "not converged"]),
    ],
)
def test_the_marks_of_a_training(tasks, facts, expected):
    assert kinds(of_training(facts, tasks.split())) == expected


@pytest.mark.parametrize(
    ("scores", "chosen", "expected"),
    [
        ([50.0, 60.0, 55.0], 60.0, []),
        ([60.0, 60.0, 55.0], 60.0, []),
        ([60.0, 60.0, 60.0], 60.0, ["mask chosen among equal rounds: ner"]),
        ([0.0, 0.0, 0.0], 0.0, ["mask chosen at dev score 0: ner"]),
        ([0.0], 0.0, []),
        ([70.0], 70.0, []),
    ],
)
def test_the_marks_of_a_choice_by_dev_scores(scores, chosen, expected):
    tie = tie_of([{"dev_score": score} for score in scores])
    assert kinds(of_choice(tie, chosen, "ner")) == expected


def test_a_tie_counts_the_rounds_that_share_the_best_score():
    assert tie_of([{"dev_score": score} for score in (1.0, 3.0, 3.0)]) == Tie(2, 3)


def test_marks_of_models_that_dev_did_not_choose_forbid_a_verdict_and_others_do_not():
    barring = {kind for kind in MEANINGS if Mark(kind).bars}
    assert barring == {
        "zero on dev",
        "stopped before it began",
        "mask chosen at dev score 0",
        "mask chosen among equal rounds",
    }


def test_the_documentation_explains_every_mark_and_whether_it_forbids_a_verdict(repository):
    text = (repository / "docs" / "marks.md").read_text(encoding="utf-8").replace("`", "")
    for kind, meaning in MEANINGS.items():
        row = next(line for line in text.splitlines() if line.startswith(f"| {kind} |"))
        assert f"| {meaning}" in row
        assert row.endswith("| none |" if Mark(kind).bars else "| as usual |")
