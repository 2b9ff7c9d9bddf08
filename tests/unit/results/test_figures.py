"""Figures: from every table that a run may have, the same bytes each time, with nothing of the machine in them."""

import io

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from handmade import csv_of

from sparse_sharing.pipeline.tables.record import record_of
from sparse_sharing.results import figures

NONE = float("nan")
EQUAL = "no measurable difference"
ROUNDS = ["dataset", "seed", "start", "task", "round", "density", "dev_score", "chosen", "published"]


def compared(dataset, reference, system, task, seeds, difference, half, verdict, reason=""):
    """A row of the comparisons: a difference and half the width of its interval."""
    start = [dataset, reference, system, task, "f1", seeds, "documents", 50, 5]
    return [*start, difference, difference - half, difference + half, 2 * half, half, half, verdict, reason]


TABLES = {
    "comparisons": (
        list(record_of("comparisons").columns),
        [
            compared("joint", "single", "hard", "ner", 3, -1.0, 0.5, "hurt"),
            compared("joint", "single", "a_long_name_of_a_system", "pos", 3, 0.1, 0.2, EQUAL),
            compared("joint", "single", "stopped", "pos", 3, 5.0, NONE, "no verdict", "dev F1 is 0"),
            compared("other", "hard", "sparse", "pos", 2, 2.0, 1.0, "these models: higher"),
            compared("other", "hard", "sparse", "ner", 2, 0.0, 1.0, "these models: no measurable difference"),
        ],
    ),
    "rounds": (
        ROUNDS,
        [
            ["joint", seed, start, task, k, 0.5**k, 90.0 - k, "best" if k == 1 else NONE, 91.0 if k else NONE]
            for start in ("initial", "warmup")
            for task in ("ner", "pos")
            for seed in range(9)
            for k in range(3)
        ],
    ),
    "sweep": (
        list(record_of("sweep").columns),
        [
            ["joint", "hard", "initial", 1.0, 2, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 91.0, 0.2, 91.65, 1.0],
            ["joint", "half", "warmup", 0.5, 2, 0.5, 0.5, 0.5, 0.4, 0.2, 0.25, 92.0, 0.1, 91.96, 0.248],
            ["joint", "third", "warmup", 0.3, 1, 0.3, 0.3, 0.3, 0.3, 0.1, 0.15, 91.5, NONE, NONE, NONE],
        ],
    ),
    "pairs": (
        list(record_of("pairs").columns),
        [
            ["joint", "ner&pos", "mean", "sparse", "hard", 1, 90.0, 89.0, 1.0, NONE, 0.4, 0.3, 0.35, 0.5, 0.18, 0.4],
            [
                "joint",
                "chunk&pos",
                "mean",
                "sparse2",
                "hard2",
                2,
                90.0,
                89.0,
                0.5,
                0.1,
                0.5,
                0.3,
                0.35,
                0.5,
                NONE,
                NONE,
            ],
            ["joint", "chunk&ner", "mean", "sparse3", NONE, 1, 90.0, NONE, NONE, NONE, 0.5, 0.3, 0.35, 0.5, 0.2, 0.34],
        ],
    ),
    "ablation": (
        list(record_of("ablation").columns),
        [
            ["joint", "best", "ner", "sparse", "cold", 2, 90.0, 89.0, 1.0, 0.3, 90.35, 89.62],
            ["joint", "best", "pos", "sparse", "cold", 1, 95.0, 94.0, 1.0, NONE, NONE, NONE],
        ],
    ),
}


@pytest.fixture(params=TABLES)
def name(request):
    return request.param


@pytest.fixture
def table(name):
    columns, rows = TABLES[name]
    return pd.DataFrame(rows, columns=columns)


def test_a_table_becomes_an_svg_and_a_png(name, table):
    drawn = figures.draw(name, table)
    assert drawn["svg"].startswith(b"<?xml")
    assert drawn["png"].startswith(b"\x89PNG")


def test_the_same_table_gives_the_same_bytes_whatever_a_user_has_set(name, table):
    first = figures.draw(name, table)
    with mpl.rc_context({"font.size": 30, "lines.linewidth": 9, "svg.hashsalt": "mine"}):
        assert figures.draw(name, table) == first


def test_no_date_and_no_version_stand_in_a_figure(name, table):
    for content in figures.draw(name, table).values():
        assert b"<dc:date>" not in content
        assert f"v{mpl.__version__}".encode() not in content
        assert b"matplotlib.org" not in content


def test_missing_seeds_and_figures_of_the_paper_leave_a_figure(name, table):
    blank = [column for column in table if column.startswith("published") or column in ("std", "gain_std", "chosen")]
    assert figures.draw(name, table.assign(**dict.fromkeys(blank, np.nan)))["svg"]


def test_there_is_a_way_to_draw_each_figure_that_a_run_can_have():
    assert figures.DRAWN.keys() == TABLES.keys()


def test_what_the_stage_of_the_tables_writes_can_be_drawn(name, table):
    assert figures.draw(name, pd.read_csv(io.StringIO(csv_of(name, table))))["png"]


def test_no_name_in_a_figure_is_read_as_a_formula(name, table):
    evil = {column: r"$\frac$" for column in ("dataset", "system", "reference", "task") if column in table}
    assert figures.draw(name, table.assign(**evil))["svg"]


def test_texts_are_inside_the_figure(name, table):
    """No label or legend is cut off at an edge."""
    with mpl.style.context(["default", figures.STYLE]):
        figure = figures.DRAWN[name](table)
        figure.draw_without_rendering()
        inside, needed = figure.bbox, figure.get_tightbbox().transformed(figure.dpi_scale_trans)
    assert (needed.x0, needed.y0) >= (inside.x0 - 1, inside.y0 - 1)
    assert needed.x1 <= inside.x1 + 1
    assert needed.y1 <= inside.y1 + 1


def many(datasets, tasks):
    """Comparisons of one system on so many datasets with so many tasks."""
    rows = [
        {"dataset": f"d{dataset:02}", "reference": "single", "system": "hard", "task": f"t{task:03}", "metric": "f1"}
        | {"difference": 1.0, "lower": 0.5, "upper": 1.5, "seeds": 3, "verdict": "helped"}
        for dataset in range(datasets)
        for task in range(tasks)
    ]
    return pd.DataFrame(rows)


@pytest.mark.parametrize(
    ("datasets", "tasks", "said"),
    [
        (50, 2, "The first 12 of 50 datasets"),
        (1, 200, "The first 6 of 200 tasks"),
        (50, 200, "The first 4 of 50 datasets, the first 6 of 200 tasks"),
        (4, 6, ""),
        (24, 1, ""),
    ],
)
def test_a_figure_shows_no_more_than_can_be_read_and_says_so(datasets, tasks, said):
    table, left_out = figures.bounded(many(datasets, tasks))
    assert left_out == said
    assert len(table[["dataset", "task"]].drop_duplicates()) <= figures.MOST_PANELS
    if not said:
        pd.testing.assert_frame_equal(table, many(datasets, tasks))


def test_the_mean_over_tasks_is_always_shown():
    table = pd.concat([many(1, 20), many(1, 1).assign(task="mean")], ignore_index=True)
    assert set(figures.bounded(table)[0]["task"]) == {*(f"t{task:03}" for task in range(6)), "mean"}


def test_a_table_of_200_tasks_becomes_an_image():
    contents = figures.draw("comparisons", many(1, 200))
    assert contents["png"].startswith(b"\x89PNG")
    assert len(contents["svg"]) < 500_000
