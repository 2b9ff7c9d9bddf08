"""Systems that are controls are marked in every table that names systems; without any nothing is written."""

from pathlib import Path

import pandas as pd

from sparse_sharing.config import parse_config
from sparse_sharing.config.systems import rows_in_order
from sparse_sharing.pipeline import Specs
from sparse_sharing.pipeline.experiments import CONTROLS
from sparse_sharing.results.tables.annotations import footnotes, with_annotations
from sparse_sharing.results.tables.inputs import RunInputs

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


FRAMES = {
    ("system",): pd.DataFrame({"system": ["hard", "hard_warm"], "value": ["1.50", "2.00"]}),
    ("system", "reference"): pd.DataFrame({"reference": ["hard_warm"], "system": ["permuted"]}),
    (): pd.DataFrame({"task": ["ner"]}),
}
"""Tables with and without columns that name systems."""


def test_controls_are_named_in_the_rows_of_their_systems_and_below_the_summary():
    spec = spec_of()
    first, second, third = (with_annotations(frame, systems, spec) for systems, frame in FRAMES.items())
    assert first.to_dict("list") == {
        "system": ["hard", "hard_warm"],
        "value": ["1.50", "2.00"],
        "control": ["", "hard_warm"],
    }
    assert list(second["control"]) == ["hard_warm permuted_masks"]
    assert list(third) == ["task"]
    assert footnotes(spec)[0].startswith("Controls: hard_warm: dense joint training from the warmed-up weights; ")


def test_without_controls_the_tables_do_not_change():
    spec = spec_of("single", "hard", "sparse")
    for systems, frame in FRAMES.items():
        pd.testing.assert_frame_equal(with_annotations(frame, systems, spec), frame)
    assert footnotes(spec) == []


def test_controls_come_last_in_the_tables():
    assert not set(CONTROLS) & set(rows_in_order())
    expected = ["single", "hard", "sparse", "single_warm", "hard_warm", "largest", "permuted"]
    assert RunInputs(spec_of(), Path()).systems == expected
