"""The forest plot: one axis for all comparisons of a dataset, with the verdict in each row."""

import pandas as pd
import pytest

from sparse_sharing.results.forest import forest

MISSING = float("nan")
COMPARED = pd.DataFrame(
    [
        ("hard", "mean", "mean", 0.5, -1.0, 2.0, "no measurable difference", MISSING),
        ("hard", "ner", "f1", 2.0, 1.0, 3.0, "helped", MISSING),
        ("sparse", "ner", "f1", -2.5, -4.0, -1.0, "hurt", MISSING),
        ("sparse", "pos", "accuracy", 0.2, -0.1, 0.5, "no verdict", "zero on dev"),
        ("soft", "pos", "accuracy", 0.2, MISSING, MISSING, "no verdict", "one text"),
    ],
    columns=["system", "task", "metric", "difference", "lower", "upper", "verdict", "reason"],
).assign(dataset="news", reference="single", seeds=3, units="documents", unit_count=231, comparisons=5)


def bars():
    return {(group.title, bar.system): bar for group in forest(COMPARED).groups for bar in group.bars}


def test_comparisons_are_grouped_by_task_and_the_mean_is_last():
    assert [group.title for group in forest(COMPARED).groups] == ["ner, F1", "pos, accuracy", "mean over the tasks"]


def test_each_row_has_its_verdict_in_words_and_its_figures():
    row = bars()["ner, F1", "sparse"]
    assert (row.verdict, row.look, row.difference_text, row.interval_text) == (
        "hurt",
        "worse",
        "−2.50",
        "[−4.00, −1.00]",
    )
    assert bars()["ner, F1", "hard"].look == "better"
    assert bars()["mean over the tasks", "hard"].look == "equal"


def test_a_row_without_a_verdict_has_the_reason_and_one_without_an_interval_only_a_point():
    row = bars()["pos, accuracy", "soft"]
    assert (row.verdict, row.look, row.interval_text) == ("no verdict (one text)", "none", "")


def test_all_rows_have_the_same_axis_and_its_ticks_are_on_it():
    plot = forest(COMPARED)
    assert [text for text, _ in plot.ticks] == ["−4", "−2", "0", "2", "4"]
    low, high = plot.axis
    assert low < -4 < 4 < high
    assert plot.place(0) == 50
    assert plot.place(low) == 0
    for row in bars().values():
        ends = row.interval or (row.difference, row.difference)
        assert 0 <= plot.place(ends[0]) <= plot.place(row.difference) <= plot.place(ends[1]) <= 100


@pytest.mark.parametrize(
    ("differences", "labels"),
    [
        ([0.0, 0.0], ["−1", "−0.5", "0", "0.5", "1"]),
        ([0.011, 0.034], ["0", "0.01", "0.02", "0.03", "0.04"]),
        ([-120.0, -5.0], ["−125", "−100", "−75", "−50", "−25", "0"]),
    ],
)
def test_ticks_are_round_numbers_that_hold_all_differences_and_zero(differences, labels):
    rows = COMPARED[:2].assign(difference=differences, lower=MISSING, upper=MISSING)
    assert [text for text, _ in forest(rows).ticks] == labels


def test_the_caption_names_seeds_and_what_was_resampled():
    assert "means over 3 seeds" in forest(COMPARED).caption
    assert "231 test documents" in forest(COMPARED).caption


def test_a_very_wide_interval_does_not_widen_the_axis_but_leaves_it():
    wide = COMPARED.copy()
    wide.loc[0, ["difference", "lower", "upper"]] = [-6.0, -150.0, 140.0]
    plot = forest(wide)
    low, high = plot.axis
    assert -10 < low < -6 and 3 < high < 10
    places = {bar.system: plot.beyond(bar) for group in plot.groups for bar in group.bars if "mean" in group.title}
    assert places == {"hard": ["left", "right"]}
    assert (plot.place(-150.0), plot.place(140.0)) == (0, 100)
    assert plot.caption.endswith("An arrow marks an interval that goes beyond the axis.")
    assert "arrow" not in forest(COMPARED).caption
