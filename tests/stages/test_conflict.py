"""Gradients of tasks compared in a training: files, tables and figure, and nothing where the key is not set."""

import csv

import pytest

from sparse_sharing.network.storage import load_model
from sparse_sharing.pipeline import layout
from sparse_sharing.stages import report

SYSTEMS = [
    {"name": "hard", "sharing": "hard", "epochs": 2},
    {"name": "sparse", "sharing": "sparse", "start": "warmup", "choice": "half", "epochs_after_start": 2},
]


def rows_of(path):
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


@pytest.fixture
def own(pipeline):
    """A run of hard and sparse sharing in which gradients are compared."""
    return pipeline.changed(train={"systems": SYSTEMS, "measure_conflict": 8}, tables={"baseline": "hard"})


def test_it_is_off_unless_asked_for_and_then_in_no_spec(finished):
    assert "conflict" not in finished.specs.train("joint", 1, "hard", "shared").canonical()
    assert "conflict" not in finished.specs.tables().canonical()
    assert not (finished.path(layout.MODEL, system="hard", model="shared") / "conflict.csv").exists()


def test_only_joint_systems_with_one_encoder_are_measured(finished):
    systems = [{"name": "single", "sharing": "single"}, {"name": "soft", "sharing": "soft"}, SYSTEMS[0]]
    specs = finished.changed(train={"systems": systems, "measure_conflict": 8}).specs
    assert specs.train("joint", 1, "hard", "shared").conflict == 8
    assert specs.train("joint", 1, "soft", "shared").conflict is None
    assert specs.train("joint", 1, "single", "ner").conflict is None


def test_it_is_written_tabulated_and_drawn_and_changes_no_weight(own, tmp_path):
    without = own.changed(train={"systems": SYSTEMS, "measure_conflict": None}).train("sparse", output=tmp_path)
    for system in ("hard", "sparse"):
        own.train(system)
        own.evaluate(system)
    folder = own.path(layout.MODEL, system="sparse", model="shared")
    for part in ("values", "masks"):
        first, second = (getattr(load_model(path / "model.safetensors"), part) for path in (without, folder))
        assert {name: _bytes(value) for name, value in first.items()} == {
            name: _bytes(value) for name, value in second.items()
        }
    rows = rows_of(folder / "conflict.csv")
    assert {row["epoch"] for row in rows} == {"1", "2"}
    assert {row["tasks"] for row in rows} == {"chunk&ner", "chunk&pos", "ner&pos"}
    assert {row["layer"] for row in rows} == {"all", "characters", "lstm 1"}
    assert {row["part"] for row in rows} == {"shared", "private"}
    table = rows_of(own.tables() / "conflict.csv")
    assert {(row["system"], row["part"]) for row in table} == {
        ("hard", "shared"),
        ("sparse", "shared"),
        ("sparse", "private"),
    }
    found = {(row["epoch"], row["tasks"], row["layer"], row["part"]): row for row in rows}
    for row in table:
        if row["system"] == "sparse":
            own_row = found[row["epoch"], row["tasks"], row["layer"], row["part"]]
            assert float(row["cosine"]) == pytest.approx(float(own_row["cosine"]), abs=1e-4)
    own.figures()
    assert (own.path(layout.FIGURES) / "conflict.svg").exists()
    report.run(own.specs.report(), own.path(layout.RUN), own.folder / "report.html")
    assert "cosine of the gradients" in (own.folder / "report.html").read_text(encoding="utf-8")


def _bytes(value):
    return value.keep.numpy().tobytes() if hasattr(value, "keep") else value.tobytes()
