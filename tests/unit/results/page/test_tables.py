"""Tables in place of many charts: systems, overlaps, scores by type."""

import pandas as pd

from sparse_sharing.pipeline.experiments import SystemFacts
from sparse_sharing.results.page.results import LARGEST_AT_START
from sparse_sharing.results.page.tables import describe, overlap_table, type_table


def texts(table):
    return [column.title for column in table.columns], [[cell["text"] for cell in row] for row in table.rows]


def test_a_line_describes_a_system_by_what_it_shares_its_masks_and_its_start():
    facts = SystemFacts(kind="sparse", start="warmup", choice="half", tasks=["ner", "pos"])
    assert describe("sparse", facts) == (
        "One network; each task uses only the weights of its own mask; masks: choice half; starts from the multi-task "
        "warm-up; only the tasks ner, pos."
    )
    single = SystemFacts(kind="single", start="initial")
    assert describe("single", single, baseline=True).endswith("starts from random weights; the baseline.")


def test_a_merged_system_is_described_by_its_models_and_method():
    facts = SystemFacts(kind="merged", start="warmup", merges="single", method="ties")
    assert "; models: single, method: ties; " in describe("merged", facts)


def test_a_control_is_called_one():
    facts = SystemFacts(kind="random_masks", start="warmup", choice="random")
    assert "random positions" in describe("sparse", facts)
    assert "a control that the paper does not have" in describe("sparse", facts)


def test_overlaps_by_layer_are_beside_chance_and_the_other_baselines():
    rows = [
        ("all layers", "ner", "pos", 0.5, 0.3, 0.4),
        ("all layers", "ner", LARGEST_AT_START, 0.6, None, None),
        ("all layers", "ner", "ner", 0.7, None, None),
        ("lstm 1", "ner", "pos", 0.3, 0.3, 0.35),
    ]
    frame = pd.DataFrame(rows, columns=["layer", "a", "b", "overlap", "chance", "chance_by_tensor"])
    titles, cells = texts(overlap_table(frame.assign(choice="half, from warmup")))
    assert titles == ["masks", "layer", "pair", "overlap %", "chance %", "above chance"]
    assert [row[1:] for row in cells] == [
        ["all layers", "ner + pos", "50.0", "40.0", "+10.0"],
        ["all layers", f"ner + {LARGEST_AT_START}", "60.0", "", ""],
        ["all layers", "ner + second pruning of ner", "70.0", "", ""],
        ["lstm 1", "ner + pos", "30.0", "35.0", "−5.0"],
    ]


def test_scores_by_type_have_a_column_for_each_system_with_its_difference():
    rows = [
        ("hard", 1, "ner", "LOC", 80.0),
        ("hard", 2, "ner", "LOC", 82.0),
        ("single", 1, "ner", "LOC", 70.0),
        ("single", 2, "ner", "LOC", 74.0),
        ("sparse", 1, "ner", "LOC", 70.0),
        ("single", 1, "ner", "PER", 50.0),
    ]
    frame = pd.DataFrame(rows, columns=["system", "seed", "task", "type", "f1"]).assign(support=12)
    table = type_table(frame, ["single", "hard", "sparse"], "single")
    titles, cells = texts(table)
    assert titles == ["task", "type", "gold", "single", "hard", "Δ hard", "sparse", "Δ sparse"]
    assert cells == [
        ["ner", "LOC", "12", "72.0", "81.0", "+9.0", "70.0", "−2.0"],
        ["ner", "PER", "12", "50.0", "", "", "", ""],
    ]
    assert list(table.data.columns) == list(frame.columns)
