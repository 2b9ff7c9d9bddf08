"""What masks share, counted weight by weight."""

import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from sparse_sharing.masks.mask import Mask
from sparse_sharing.results.page.results import (
    ALL_LAYERS,
    LARGEST_AT_START,
    layer_densities,
    overlaps,
    reference_overlaps,
    served,
    span_counts,
)

SHAPES = {"characters.convolution.weight": (2, 1), "recurrent.0.left_to_right.weight_ih_l0": (2, 3)}


def mask(bits):
    return Mask(torch.tensor([bit == "1" for bit in bits]), SHAPES, "weights")


def test_spans_are_counted_by_split_and_type_and_none_where_a_split_lacks_the_type():
    def corpora(**types):
        return {"corpora": {"news": {"spans": {"ner": types}}, "tags": {}}}

    splits = {"train": corpora(PER=9, LOC=4), "dev": corpora(PER=2), "test": corpora(PER=3, LOC=1)}
    rows = span_counts({"d": {"splits": splits}}).to_dict("records")
    key = {"dataset": "d", "corpus": "news", "task": "ner"}
    assert rows == [
        key | {"type": "PER", "train": 9, "dev": 2, "test": 3},
        key | {"type": "LOC", "train": 4, "dev": 0, "test": 1},
    ]


def test_weights_are_counted_by_the_set_of_tasks_that_keeps_them():
    found = served({"chunk": mask("11110000"), "ner": mask("11001100"), "pos": mask("10101000")})
    expected = {
        ("no task", 0): 2,
        ("only chunk", 1): 1,
        ("only ner", 1): 1,
        ("only pos", 1): 0,
        ("only chunk + ner", 2): 1,
        ("only chunk + pos", 2): 1,
        ("only ner + pos", 2): 1,
        ("all tasks", 3): 1,
    }
    assert dict(zip(zip(found["serves"], found["tasks"], strict=True), found["weights"], strict=True)) == expected


@given(st.lists(st.text("01", min_size=8, max_size=8), min_size=2, max_size=8))
def test_every_weight_is_counted_once_for_any_number_of_tasks(bits):
    found = served({f"task{number}": mask(text) for number, text in enumerate(bits)})
    assert found["weights"].sum() == 8
    assert found["share"].sum() == pytest.approx(1)
    assert (found["tasks"] * found["weights"]).sum() == sum(text.count("1") for text in bits)


def test_overlap_is_that_of_all_layers_and_of_each_beside_that_of_chance():
    found = overlaps({"ner": mask("11110000"), "pos": mask("10110000")}).set_index("layer")
    assert found.loc[ALL_LAYERS, "overlap"] == pytest.approx(3 / 4)
    assert found.loc["characters", "overlap"] == pytest.approx(1 / 2)
    assert found.loc["lstm 1", "overlap"] == pytest.approx(1)
    a, b = 4 / 8, 3 / 8
    assert found.loc[ALL_LAYERS, "chance"] == pytest.approx(a * b / (a + b - a * b))
    # of 2 weights 2 and 1 are kept, of 6 weights 2 and 2
    expected = (2 * 1 * 1 / 2 + 6 * 2 / 6 * 2 / 6) / (2 * (1 - 0 * 1 / 2) + 6 * (1 - 4 / 6 * 4 / 6))
    assert found.loc[ALL_LAYERS, "chance_by_tensor"] == pytest.approx(expected)
    assert found.loc["characters", "chance_by_tensor"] == found.loc["characters", "chance"] == pytest.approx(1 / 2)


def test_overlaps_with_the_largest_starting_weights_and_of_a_task_with_itself_are_rows_of_their_own():
    chosen = pd.DataFrame({"task": ["ner", "pos"], "overlap_with_start": [0.6, 0.7], "self_overlap": [0.8, None]})
    rows = reference_overlaps(chosen).to_dict("records")
    cells = [(row["a"], row["b"], row["overlap"]) for row in rows]
    assert cells == [("ner", LARGEST_AT_START, 0.6), ("ner", "ner", 0.8), ("pos", LARGEST_AT_START, 0.7)]
    assert {row["layer"] for row in rows} == {ALL_LAYERS}


def test_density_by_layer():
    found = layer_densities({"ner": mask("10111000")})
    expected = pd.DataFrame(
        {"layer": [ALL_LAYERS, "characters", "lstm 1"], "task": "ner", "density": [4 / 8, 1 / 2, 3 / 6]}
    )
    pd.testing.assert_frame_equal(found, expected)
