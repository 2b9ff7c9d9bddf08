"""The affinity of tasks measured in a training: files, tables and figures, and nothing where the key is not set."""

import csv

import pytest

from sparse_sharing.network.storage import load_model
from sparse_sharing.pipeline import layout
from sparse_sharing.stages import report

PAIR = {"tasks": ["ner", "pos"], "epochs": 2}
SYSTEMS = [
    {"name": "single", "sharing": "single"},
    {"name": "hard", "sharing": "hard", "epochs": 3},
    {"name": "hard_pair", "sharing": "hard", **PAIR},
    {"name": "sparse_pair", "sharing": "sparse", "choice": "half", "start": "warmup", **PAIR},
]
TRAIN = {"systems": SYSTEMS, "measure_affinity": {"sentences": 8, "every": 2}}


def rows_of(path):
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def numbers_of(path):
    """The bytes of all weights and masks of a model."""
    model = load_model(path / "model.safetensors")
    masks = {name: mask.keep.numpy().tobytes() for name, mask in model.masks.items()}
    return {name: value.tobytes() for name, value in model.values.items()} | masks


def test_it_is_off_unless_asked_for_and_then_in_no_spec(finished):
    assert "affinity" not in finished.specs.train("joint", 1, "hard", "shared").canonical()
    assert "affinity" not in finished.specs.tables().canonical()
    assert not (finished.path(layout.MODEL, system="hard", model="shared") / "affinity.csv").exists()


def test_only_joint_systems_with_one_encoder_are_measured(finished):
    systems = [*SYSTEMS, {"name": "soft", "sharing": "soft"}]
    specs = finished.changed(train={"systems": systems, "measure_affinity": {}}).specs
    assert specs.train("joint", 1, "hard", "shared").affinity.sentences == 64
    assert specs.train("joint", 1, "soft", "shared").affinity is None
    assert specs.train("joint", 1, "single", "ner").affinity is None


@pytest.fixture
def measured(pipeline):
    """A run of single models, hard sharing of all tasks, and a pair of tasks in two ways, in which it is measured."""
    own = pipeline.changed(train=TRAIN, tables={"baseline": "single"})
    for system in ("hard", "hard_pair", "sparse_pair"):
        own.train(system)
        own.evaluate(system)
    return own


def test_it_is_written_tabulated_and_drawn_beside_who_helps_whom_and_changes_no_weight(measured, tmp_path):
    without = measured.changed(train={"systems": SYSTEMS, "measure_affinity": None}).train("hard", output=tmp_path)
    folder = measured.path(layout.MODEL, system="hard", model="shared")
    assert numbers_of(without) == numbers_of(folder)
    assert not (without / "affinity.csv").exists()
    found = rows_of(folder / "affinity.csv")
    assert [row["epoch"] for row in found] == ["1"] * 9 + ["3"] * 9

    tables = measured.tables()
    assert {row["epoch"] for row in rows_of(tables / "affinity.csv") if row["system"] == "hard"} == {"1", "3"}
    transfers = rows_of(tables / "transfer.csv")
    assert [(row["system"], row["task"], row["partner"]) for row in transfers] == [
        (system, *pair) for system in ("hard_pair", "sparse_pair") for pair in (("ner", "pos"), ("pos", "ner"))
    ]
    tested = {(row["reference"], row["system"], row["task"]): row for row in rows_of(tables / "comparisons.csv")}
    for row in transfers:
        test = tested["single", row["system"], row["task"]]
        assert {key: row[key] for key in ("difference", "lower", "upper", "verdict", "reason")} == {
            key: test[key] for key in ("difference", "lower", "upper", "verdict", "reason")
        }
        pair = (row["task"], row["partner"])
        own = [float(line["affinity"]) for line in found if (line["task"], line["partner"]) == pair]
        assert (row["affinity_of"], float(row["affinity"])) == ("hard", pytest.approx(sum(own) / 2, abs=1e-7))
        assert (row["choice"], float(row["overlap"]) > 0) == ("half", True)
    predicted = rows_of(tables / "predictors.csv")
    assert {(row["correlation"], row["reason"]) for row in predicted} == {("", "a correlation needs 15 pairs of tasks")}

    measured.figures()
    for name in ("affinity", "transfer"):
        assert (measured.path(layout.FIGURES) / f"{name}.svg").exists()
    report.run(measured.specs.report(), measured.path(layout.RUN), measured.folder / "report.html")
    page = (measured.folder / "report.html").read_text(encoding="utf-8")
    assert "Joint training of a task with one partner" in page
    assert "a correlation needs 15 pairs of tasks" in page
