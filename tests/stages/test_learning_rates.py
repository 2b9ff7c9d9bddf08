"""A grid of learning rates: each is trained from the same start, and the best mean on dev is kept."""

import pytest
from interruption import Interrupted, Interruption

from sparse_sharing.network.storage import load_model
from sparse_sharing.pipeline import layout
from sparse_sharing.storage.artifacts import load_json

RATES = [1e-6, 0.1, 0.02]
"""The first is too small to learn anything."""


def grid(pipeline, *rates, **changes):
    """The pipeline with its hard system trained for two epochs, with a grid of rates."""
    systems = [{"name": "hard", "sharing": "hard"}]
    more = {"learning_rates": list(rates)} if rates else {}
    return pipeline.changed(train={"epochs": 2, "systems": systems, **more, **changes}, tables={"baseline": "hard"})


def model_in(folder):
    return load_model(folder / "model.safetensors")


def test_the_best_rate_on_dev_is_kept_with_what_all_have_reached(pipeline, tmp_path):
    alone = {
        rate: model_in(grid(pipeline, learning_rate=rate).train("hard", output=tmp_path / str(rate))) for rate in RATES
    }
    own = grid(pipeline, *RATES)
    found = model_in(own.train("hard"))
    scores = {rate: mean_of(model) for rate, model in alone.items()}
    assert [row["learning_rate"] for row in found.details["learning_rates"]] == RATES
    for row in found.details["learning_rates"]:
        assert row["dev"] == pytest.approx(scores[row["learning_rate"]], abs=1e-6)
    best = max(RATES, key=scores.get)
    assert best != RATES[0]
    assert found.details["learning_rate"] == best
    assert {k: v.tobytes() for k, v in found.values.items()} == {k: v.tobytes() for k, v in alone[best].values.items()}
    own.evaluate("hard")
    metrics = load_json(own.path(layout.EVALUATION, system="hard", model="shared") / "metrics.json", "metrics").details
    assert metrics["learning_rates"] == found.details["learning_rates"]
    card = (own.path(layout.MODEL, system="hard", model="shared") / "README.md").read_text(encoding="utf-8")
    assert "had the best mean on dev" in card


def mean_of(model):
    """The mean of the tasks' main dev scores."""
    values = [metrics.get("f1", metrics.get("accuracy")) for metrics in model.details["dev"].values()]
    return sum(values) / len(values)


@pytest.mark.parametrize("epochs", [1, 2, 3])
def test_an_interrupted_grid_resumes_to_the_same_bytes(finished, tmp_path, monkeypatch, epochs):
    own = grid(finished, *RATES[:2])
    whole = own.train("hard", output=tmp_path / "whole") / "model.safetensors"
    with monkeypatch.context() as patch, pytest.raises(Interrupted):
        Interruption(patch, after=epochs)
        own.train("hard", output=tmp_path / "part")
    own.train("hard", output=tmp_path / "part")
    assert (tmp_path / "part" / "model.safetensors").read_bytes() == whole.read_bytes()


def test_without_a_grid_the_spec_has_no_trace_of_it(finished):
    spec = grid(finished).specs.train("joint", 1, "hard", "shared")
    assert "learning_rates" not in spec.canonical()
    other = grid(finished, *RATES, learning_rate=0.5).specs.train("joint", 1, "hard", "shared")
    assert (
        other.canonical()
        == grid(finished, *RATES, learning_rate=0.7).specs.train("joint", 1, "hard", "shared").canonical()
    )
