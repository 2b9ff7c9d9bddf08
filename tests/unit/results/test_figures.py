"""Figures: from every table that a run may have, the same bytes each time, drawn from the charts of the page."""

import html
import io
import re

import numpy as np
import pandas as pd
import pytest
from handmade import csv_of

from sparse_sharing.pipeline.tables.record import record_of, records
from sparse_sharing.results import figures
from sparse_sharing.results.tables import rounds
from sparse_sharing.results.tables.inputs import builder_of

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
    "search": (
        list(record_of("search").columns),
        [
            ["joint", 1, "warmup", "searched", 1, 1, "ner 0.5, pos 0.5", 900, 80.0, True, True],
            ["joint", 1, "warmup", "searched", 1, 1, "ner 0.25, pos 0.5", 700, 79.0, False, True],
            ["joint", 1, "warmup", "searched", 2, 2, "ner 0.5, pos 0.5", 900, 82.0, True, True],
        ],
    ),
    "conflict": (
        list(record_of("conflict").columns),
        [
            ["joint", system, "ner&pos", layer, part, epoch, 2, 100, 0.1 * epoch, 0.05]
            for system in ("hard", "sparse")
            for layer in ("1", "all")
            for part in ("shared", "private")
            for epoch in (1, 2)
        ],
    ),
    "affinity": (
        list(record_of("affinity").columns),
        [
            ["joint", "hard", task, partner, epoch, 1, 0.5, 0.01 * epoch, NONE]
            for task in ("ner", "pos")
            for partner in ("ner", "pos")
            for epoch in (1, 2)
        ],
    ),
    "transfer": (
        list(record_of("transfer").columns),
        [
            [
                "joint",
                task,
                partner,
                "hard",
                "single",
                "f1",
                3,
                "documents",
                50,
                2,
                -1.0,
                -1.5,
                -0.5,
                1.0,
                "hurt",
                "",
                "half",
                0.5,
                0.3,
                0.35,
                0.5,
                "hard",
                0.01,
            ]
            for task, partner in (("ner", "pos"), ("pos", "ner"))
        ],
    ),
}


@pytest.fixture(params=TABLES)
def name(request):
    return request.param


@pytest.fixture
def table(name):
    columns, rows = TABLES[name]
    return read(name, pd.DataFrame(rows, columns=columns))


def read(name, table):
    """A table as the stage `figures` reads it."""
    return pd.read_csv(io.StringIO(csv_of(name, table)))


def drawn(name, table):
    """The figure of a table by file ending."""
    return figures.draw(record_of(name), table)


def texts(svg):
    """The labels in a figure."""
    return [html.unescape(label) for label in re.findall(r"<text[^>]*>([^<]*)</text>", svg.decode())]


def test_a_table_becomes_an_svg_and_a_png_without_missing_values(name, table):
    contents = drawn(name, table)
    assert contents["svg"].startswith(b"<svg")
    assert contents["png"].startswith(b"\x89PNG")
    assert not {"undefined", "null", "NaN"} & set(texts(contents["svg"]))
    assert b"NaN" not in contents["svg"]


def test_the_same_table_gives_the_same_bytes(name, table):
    assert drawn(name, table) == drawn(name, table)


def test_missing_seeds_and_figures_of_the_paper_leave_a_figure(name, table):
    blank = [column for column in table if column.startswith("published") or column in ("std", "gain_std", "chosen")]
    svg = drawn(name, table.assign(**dict.fromkeys(blank, np.nan)))["svg"]
    assert "undefined" not in texts(svg)


def test_every_figure_that_a_run_can_have_is_tested_here():
    assert {record.name for record in records() if hasattr(builder_of(record), "chart")} == TABLES.keys()


def test_names_with_markup_and_formulas_are_shown_as_they_are(name, table):
    evil = "$\\frac$ <b> & a.b[0]"
    columns = [column for column in ("dataset", "reference") if column in table]
    labels = " ".join(texts(drawn(name, table.assign(**dict.fromkeys(columns, evil)))["svg"]))
    assert evil in labels


@pytest.mark.parametrize(("figure", "expected"), [
    ("comparisons", ["hard against single", "better", "worse", "no measurable difference", "no verdict"]),
    ("rounds", ["joint: Dev score over pruning rounds", "from the warm-up", "from the initial weights"]),
    ("sweep", ["hard sharing", "masks from the warm-up", "overlap of all masks"]),
    ("pairs", ["ner&pos", "gain over hard sharing, points"]),
    ("ablation", ["sparse minus cold", "gain by the warm-up, points"]),
])  # fmt: skip
def test_a_figure_names_what_it_shows(figure, expected):
    columns, rows = TABLES[figure]
    labels = texts(drawn(figure, read(figure, pd.DataFrame(rows, columns=columns)))["svg"])
    assert set(expected) <= set(labels)


def test_a_figure_draws_what_the_page_draws():
    columns, rows = TABLES["rounds"]
    table = read("rounds", pd.DataFrame(rows, columns=columns))
    chart = rounds.chart(table)
    block = figures.figure([("joint", chart)])["vconcat"][0]
    for on_page, in_file in zip(chart.panels, block["concat"], strict=True):
        assert on_page.on_page["data"] == in_file["data"]
        assert [layer["mark"] for layer in on_page.on_page["layer"]] == [layer["mark"] for layer in in_file["layer"]]


def many(datasets, tasks):
    """Comparisons of one system on a number of datasets and tasks."""
    rows = [
        {"dataset": f"d{dataset:02}", "reference": "single", "system": "hard", "task": f"t{task:03}", "metric": "f1"}
        | {"difference": 1.0, "lower": 0.5, "upper": 1.5, "seeds": 3, "verdict": "helped"}
        | {"units": "sentences", "unit_count": 100, "comparisons": 9}
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
    contents = drawn("comparisons", many(1, 200))
    assert contents["png"].startswith(b"\x89PNG")
    assert len(contents["svg"]) < 500_000
