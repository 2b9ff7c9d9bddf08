"""Systems that are controls are marked in every table that names systems; without any nothing is written."""

import pandas as pd
import pytest

from sparse_sharing.config import parse_config
from sparse_sharing.config.systems import rows_in_order
from sparse_sharing.pipeline import Specs
from sparse_sharing.pipeline.experiments import CONTROLS
from sparse_sharing.results.tables.annotations import mark_controls
from sparse_sharing.stages.tables import system_order

WARM = {"sharing": "hard", "start": "warmup", "name": "hard_warm"}
VALUES = {
    "run": "marks",
    "data": {
        "datasets": [
            {
                "name": "joint",
                "corpora": [
                    {
                        "name": "text",
                        **{split: split for split in ("train", "dev", "test")},
                        "tasks": [{"name": "pos", "column": 1}, {"name": "ner", "column": 2}],
                    }
                ],
            }
        ]
    },
    "select": {
        "choices": [
            {"name": "best", "rule": "best_dev"},
            {"name": "permuted", "rule": "best_dev", "random": "permuted"},
            {"name": "largest", "rule": "magnitude", "target_density": 0.5},
        ]
    },
    "train": {
        "systems": [
            {"name": "single", "sharing": "single"},
            {"name": "single_warm", "sharing": "single", "start": "warmup"},
            WARM,
            {"name": "hard", "sharing": "hard"},
            {"name": "sparse", "sharing": "sparse", "start": "warmup", "choice": "best"},
            {"name": "permuted", "sharing": "sparse", "start": "warmup", "choice": "permuted"},
            {"name": "largest", "sharing": "sparse", "start": "warmup", "choice": "largest"},
        ]
    },
}


def spec_of(*systems):
    """The spec of the tables of a run with some of the systems."""
    train = {"systems": [system for system in VALUES["train"]["systems"] if not systems or system["name"] in systems]}
    return Specs(parse_config({**VALUES, "train": train})).tables()


@pytest.fixture
def files(tmp_path):
    """Tables with and without names of systems, and a summary."""
    pd.DataFrame({"system": ["hard", "hard_warm"], "value": ["1.50", "2.00"]}).to_csv(tmp_path / "a.csv", index=False)
    pd.DataFrame({"reference": ["hard_warm"], "system": ["permuted"]}).to_csv(tmp_path / "b.csv", index=False)
    pd.DataFrame({"task": ["ner"]}).to_csv(tmp_path / "c.csv", index=False)
    (tmp_path / "summary.md").write_text("table\n", encoding="utf-8")
    return sorted(tmp_path.iterdir())


def test_controls_are_named_in_the_rows_of_their_systems_and_below_the_summary(files):
    mark_controls(spec_of(), files)
    first, second, third = (pd.read_csv(path, dtype=str, keep_default_na=False) for path in files[:3])
    assert first.to_dict("list") == {
        "system": ["hard", "hard_warm"],
        "value": ["1.50", "2.00"],
        "control": ["", "hard_warm"],
    }
    assert list(second["control"]) == ["hard_warm permuted_masks"]
    assert list(third) == ["task"]
    assert "Controls: hard\\_warm: dense joint training from the warmed-up weights; " in files[3].read_text("utf-8")


def test_without_controls_the_tables_stay_as_they_are(files):
    before = [path.read_bytes() for path in files]
    mark_controls(spec_of("single", "hard", "sparse"), files)
    assert [path.read_bytes() for path in files] == before


def test_controls_come_last_in_the_tables():
    assert not set(CONTROLS) & set(rows_in_order())
    expected = ["single", "hard", "sparse", "single_warm", "hard_warm", "largest", "permuted"]
    assert system_order(spec_of()) == expected
