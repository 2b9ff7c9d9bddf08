"""Every chart is a specification that Vega-Lite accepts, with a tooltip and its rows to take away."""

import re
from itertools import pairwise

import pandas as pd
import pytest
import vl_convert

from sparse_sharing.results.drawing import DARK_PALETTE, PALETTE, panel
from sparse_sharing.results.page import charts
from sparse_sharing.results.page.results import LARGEST_AT_START
from sparse_sharing.results.tables import rounds

SCORES = pd.DataFrame(
    {
        "system": ["single", "hard", "sparse"],
        "task": "ner",
        "mean": [80.0, 81.0, 82.0],
        "min": [79.0, 80.5, 81.0],
        "max": [81.0, 81.5, 83.0],
        "parameters": [300, 100, 80],
    }
)
ROUNDS = pd.DataFrame(
    {
        "task": "ner",
        "start": "warmup",
        "seed": 1,
        "round": [0, 1],
        "density": [1.0, 0.5],
        "dev_score": [90.0, 91.0],
        "chosen": ["", "half"],
        "published": [float("nan"), float("nan")],
    }
)
CURVES = pd.DataFrame({"task": "ner", "system": "hard", "epoch": [1, 2], "score": [50.0, 60.0]})
LAYERS = pd.DataFrame({"choice": "half", "layer": ["all layers", "lstm 1"], "task": "ner", "density": [0.5, 0.4]})
OVERLAPS = pd.DataFrame(
    {"layer": ["all layers"], "a": ["ner"], "b": ["pos"], "overlap": [0.5], "chance": [0.33], "chance_by_tensor": [0.4]}
)
SERVED = pd.DataFrame(
    {"choice": "half", "serves": ["no task", "all tasks"], "tasks": [0, 2], "weights": [3, 5], "share": [0.375, 0.625]}
)
COSTS = pd.DataFrame({"stage": ["prune", "train"], "job": ["a", "b"], "seconds": [60.0, 5.0], "memory": [300.0, 400.0]})
SYSTEMS = ["single", "hard", "sparse"]

ALL = [
    charts.sizes(SCORES, SYSTEMS),
    rounds.chart(ROUNDS),
    charts.learning_curves(CURVES, SYSTEMS),
    charts.densities(LAYERS),
    charts.overlap_maps(OVERLAPS, "half"),
    charts.unions(SERVED),
    charts.costs(COSTS),
]


@pytest.mark.parametrize("chart", ALL, ids=[chart.name for chart in ALL])
def test_a_chart_is_drawn_by_vega_lite_and_has_a_caption_and_data(chart):
    assert chart.caption.endswith(".")
    assert len(chart.data)
    for drawn in chart.panels:
        drawing = vl_convert.vegalite_to_svg({**drawn.on_page, "width": 300})
        assert "undefined" not in drawing
        assert "NaN" not in drawing
        assert "tooltip" in str(drawn.on_page)


def test_a_system_has_one_colour_in_every_chart():
    scales = [charts.sizes(SCORES, SYSTEMS).panels[0].on_page["encoding"]["color"]["scale"]]
    scales.append(charts.learning_curves(CURVES, SYSTEMS).panels[0].on_page["encoding"]["color"]["scale"])
    assert all(scale == {"domain": SYSTEMS, "range": list(PALETTE[:3])} for scale in scales)


def test_systems_that_repeat_a_colour_have_dashed_curves_and_only_systems_with_curves_are_in_the_legend():
    systems = ["hard", *(f"other{number}" for number in range(9)), "sparse"]
    curves = pd.concat([CURVES, CURVES.assign(system="sparse")])
    chart = charts.learning_curves(curves, systems)
    encoding = chart.panels[0].on_page["encoding"]
    assert encoding["color"]["scale"]["range"][8] == encoding["color"]["scale"]["range"][0]
    lines = dict(zip(systems, encoding["strokeDash"]["scale"]["range"], strict=True))
    assert lines["hard"] == lines["other6"] != lines["other7"] == lines["sparse"]
    assert chart.legend == ["hard", "sparse"]


def test_names_of_points_near_each_other_do_not_overlap():
    scores = pd.DataFrame(
        {
            "system": ["a", "b", "c", "d", "e"],
            "mean": [70.0, 70.1, 70.2, 80.0, 70.0],
            "parameters": [100, 110, 100, 105, 400],
        }
    )
    rows = charts.sizes(scores, list(scores["system"])).panels[0].on_page["data"]["values"]
    labels = {row["system"]: row["label"] for row in rows}
    near = sorted(labels[name] for name in "abcd")
    assert min(second - first for first, second in pairwise(near)) >= 0.5 - 1e-9
    assert (labels["a"], labels["d"], labels["e"]) == (70.0, 80.0, 70.0)


def test_each_colour_has_a_counterpart_on_dark_ground():
    assert len(PALETTE) == len(DARK_PALETTE) == len({*PALETTE, *DARK_PALETTE}) / 2


def test_overlaps_are_drawn_on_both_sides_of_the_diagonal_and_are_once_in_the_data():
    chart = charts.overlap_maps(OVERLAPS, "half")
    assert {(row["a"], row["b"]) for row in chart.panels[0].on_page["data"]["values"]} == {
        ("ner", "pos"),
        ("pos", "ner"),
    }
    assert len(chart.data) == 1


def test_a_heat_map_has_the_largest_starting_weights_and_a_task_with_itself_too():
    rows = {"a": ["ner", "ner"], "b": [LARGEST_AT_START, "ner"], "overlap": [0.6, 0.7]}
    chart = charts.overlap_maps(pd.concat([OVERLAPS, pd.DataFrame({"layer": "all layers", **rows})]), "half")
    cells = [(row["a"], row["b"], row["overlap"]) for row in chart.panels[0].on_page["data"]["values"]]
    assert sorted(cells) == sorted(
        [
            ("ner", "pos", 0.5),
            ("pos", "ner", 0.5),
            ("ner", LARGEST_AT_START, 0.6),
            (LARGEST_AT_START, "ner", 0.6),
            ("ner", "ner", 0.7),
        ]
    )
    assert "NaN" not in vl_convert.vegalite_to_svg({**chart.panels[0].on_page, "width": 300})


def test_names_that_vega_would_read_as_paths_are_escaped():
    frame = pd.DataFrame({"a.b[0]": [1]})
    drawn = panel("title", frame, {"mark": "point", "encoding": {}})
    assert drawn.on_page["encoding"]["tooltip"] == [{"field": "a\\.b\\[0\\]"}]


@pytest.mark.parametrize("chart", ALL, ids=[chart.name for chart in ALL])
@pytest.mark.parametrize("width", [300, 900])
def test_a_drawing_is_exactly_as_high_as_the_page_reserves_for_it(chart, width):
    for drawn in chart.panels:
        drawing = vl_convert.vegalite_to_svg({**drawn.on_page, "width": width})
        assert float(re.search(r'<svg[^>]* height="([0-9.]+)"', drawing)[1]) == drawn.height


def test_rounds_are_differences_to_the_whole_network_with_their_spread_over_seeds_on_one_scale():
    first = ROUNDS.assign(dev_score=[90.0, 91.0])
    second = ROUNDS.assign(seed=2, dev_score=[92.0, 90.0])
    other = ROUNDS.assign(task="pos", dev_score=[50.0, 46.0])
    chart = rounds.chart(pd.concat([first, second, other], ignore_index=True))
    ner, pos = chart.panels
    rows = [(row["round"], row["change"], row["lowest"], row["highest"]) for row in ner.on_page["data"]["values"]]
    assert rows == [(0, 0, 0, 0), (1, -0.5, -2, 1)]
    assert {str(drawn.on_page["encoding"]["y"]["scale"]["domain"]) for drawn in (ner, pos)} == {"[-4.0, 1.0]"}


def test_heat_maps_must_be_opened():
    assert charts.overlap_maps(OVERLAPS, "half").folded
