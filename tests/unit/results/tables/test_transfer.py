"""Who helps whom, and whether overlap or affinity tells it in advance: from numbers that can be checked in the head."""

from itertools import combinations

import pandas as pd
import pytest
from handmade import csv_of

from sparse_sharing.pipeline.experiments import SystemFacts, transfers_of
from sparse_sharing.results.tables.affinity import one_training, over_seeds
from sparse_sharing.results.tables.measured import Measured
from sparse_sharing.results.tables.predictors import predictors
from sparse_sharing.results.tables.transfer import chart, transfer

COMPARISONS = [("single", "hard"), ("single", "hard_pair"), ("single", "sparse_pair"), ("hard_pair", "sparse_pair")]


@pytest.fixture
def compared():
    """The table of tests: sparse sharing of the pair helps ner, and nothing is known of pos."""
    rows = [
        (reference, system, task, 1.0 if task == "ner" else -0.1)
        for reference, system in COMPARISONS
        for task in (("chunk", "ner", "pos", "mean") if system == "hard" else ("ner", "pos"))
    ]
    frame = pd.DataFrame(rows, columns=["reference", "system", "task", "difference"])
    constants = {"dataset": "conll03", "metric": "f1", "seeds": 2, "units": "documents", "unit_count": 231}
    frame = frame.assign(**constants, comparisons=len(frame), detectable=0.9, training_error=None, text_error=0.2)
    words = {1.0: "these models: higher", -0.1: "these models: no measurable difference"}
    return frame.assign(
        lower=frame["difference"] - 0.5,
        upper=frame["difference"] + 0.5,
        verdict=frame["difference"].map(words),
        reason="",
    )


@pytest.fixture
def affinity():
    """Affinity in a training of the pair and in one of all three tasks: two epochs, two seeds."""
    rows = [
        {
            **{"dataset": "conll03", "system": system, "seed": seed, "task": task, "partner": partner, "epoch": epoch},
            **{"loss": 1.0, "affinity": (0.2 if system == "hard" else 0.9) + 0.1 * epoch + 0.01 * seed},
        }
        for system, tasks in (("hard_pair", ("ner", "pos")), ("hard", ("chunk", "ner", "pos")))
        for seed in (1, 2)
        for epoch in (1, 2)
        for task in tasks
        for partner in tasks
    ]
    return over_seeds(pd.DataFrame(rows), ["single", "hard", "hard_pair"])


def test_joint_trainings_of_two_tasks_that_are_tested_against_single_models_are_transfers(facts):
    assert transfers_of(facts, COMPARISONS) == [("single", "hard_pair"), ("single", "sparse_pair")]
    merged = {**facts, "merged": SystemFacts(kind="merged", start="warmup", tasks=["ner", "pos"], merges="single")}
    assert transfers_of(merged, [("single", "merged"), ("hard_pair", "single")]) == []


def test_a_row_has_the_numbers_and_words_of_the_test_beside_overlap_and_affinity(compared, measured, affinity):
    frame = transfer(compared, measured, COMPARISONS, affinity)
    assert list(zip(frame["system"], frame["task"], frame["partner"], strict=True)) == [
        ("hard_pair", "ner", "pos"),
        ("hard_pair", "pos", "ner"),
        ("sparse_pair", "ner", "pos"),
        ("sparse_pair", "pos", "ner"),
    ]
    row = frame.iloc[2]
    assert (row["difference"], row["lower"], row["upper"], row["comparisons"]) == (1.0, 0.5, 1.5, 10)
    assert (row["verdict"], row["choice"]) == ("these models: higher", "best")
    assert (row["overlap"], row["chance"]) == (pytest.approx(0.21), pytest.approx(0.105, abs=0.01))
    # of the training of all tasks: 0.2 + the means over epochs 1, 2 and seeds 1, 2
    assert (row["affinity_of"], row["affinity"]) == ("hard", pytest.approx(0.2 + 0.15 + 0.015))
    assert "these models: higher" in csv_of("transfer", frame)


def test_hard_sharing_is_described_by_the_masks_of_the_same_tasks(compared, measured):
    frame = transfer(compared, measured, COMPARISONS)
    assert frame.iloc[0][["choice", "overlap"]].tolist() == frame.iloc[2][["choice", "overlap"]].tolist()
    assert frame["affinity"].isna().all()
    facts = {name: known for name, known in measured.facts.items() if not known.kind.startswith("sparse")}
    own = Measured(measured.results, measured.overlaps, facts, measured.tasks, {})
    alone = transfer(compared[compared["system"] == "hard_pair"], own, COMPARISONS[:2])
    assert alone["overlap"].isna().all()


def test_affinity_is_that_of_the_training_of_most_tasks(affinity):
    frame = one_training(affinity)
    assert len(frame) == 9
    assert set(frame["affinity_of"]) == {"hard"}


def test_the_figure_has_a_row_for_each_partner(compared, measured):
    plot = chart(transfer(compared, measured, COMPARISONS))
    assert [group.title for group in plot.groups] == ["ner, F1", "pos, F1"]
    assert [bar.system for bar in plot.groups[0].bars] == ["with pos (hard_pair)", "with pos (sparse_pair)"]
    assert "10 intervals" in plot.caption


def many(tasks, verdict="no measurable difference"):
    """Transfers of all pairs of some tasks, where affinity has the order of the differences and overlap has another."""
    pairs = list(combinations([f"t{number}" for number in range(tasks)], 2))
    rows = [
        {
            **{"dataset": "joint", "task": task, "partner": partner, "system": "hard_pair", "reference": "single"},
            **{"choice": "best", "difference": place + turn / 10, "verdict": verdict, "affinity": place**2 + turn},
            **{"overlap": 0.3 + (place * 7 % 15) / 100, "chance_by_tensor": 0.2},
        }
        for place, pair in enumerate(pairs)
        for turn, (task, partner) in enumerate((pair, pair[::-1]))
    ]
    return pd.DataFrame(rows)


def test_with_fewer_than_15_pairs_nothing_is_claimed(facts):
    frame = predictors(many(5), facts)
    assert set(frame["pairs"]) == {10}
    assert frame[["correlation", "lower", "upper"]].isna().all(axis=None)
    assert set(frame["reason"]) == {"a correlation needs 15 pairs of tasks"}


def test_from_15_pairs_on_each_number_has_its_correlation(facts):
    frame = predictors(many(6), facts, resamples=200).set_index("predictor")
    assert set(frame["pairs"]) == {15}
    assert set(frame["comparisons"]) == {4}
    assert frame.loc["affinity", "correlation"] == pytest.approx(1, abs=0.02)
    assert frame.loc["overlap", "lower"] < 0 < frame.loc["overlap", "upper"]
    assert frame.loc["chance_by_tensor", "reason"] == "all values are equal"


def test_pairs_without_a_verdict_and_numbers_that_are_missing_do_not_count(facts):
    frame = predictors(many(6, verdict="no verdict").assign(affinity=float("nan")), facts)
    assert set(frame["pairs"]) == {0}
    assert "affinity" not in set(frame["predictor"])
