"""Calibration: with no true difference, verdicts are as rare as the tables promise; with a large one, they are there.

`make calibrate` does the same at length. Rates of so few runs have an error of their own, which the bounds allow for.
"""

from pathlib import Path

import numpy as np
import pytest

COUNTS = Path(__file__).with_name("same_system.safetensors")
RUNS = 1000


@pytest.fixture(autouse=True)
def importable(monkeypatch, repository):
    """The benchmarks are no part of the installed package."""
    monkeypatch.syspath_prepend(str(repository))


def at_most(level, runs):
    """The rate that a test of that level stays below in 999 of 1,000 simulations of that number of runs."""
    return level + 3.1 * np.sqrt(level * (1 - level) / runs)


@pytest.mark.parametrize("family", [0, 1], ids=["9 rows", "39 rows"])
@pytest.mark.parametrize("seeds", [3, 5, 10])
@pytest.mark.parametrize("deviation", [0.1, 0.3, 1.0])
def test_equal_systems_get_a_verdict_in_at_most_5_percent_of_the_runs(family, seeds, deviation):
    from benchmarks import calibration

    family = calibration.FAMILIES[family]
    drawn = calibration.simulate(family, calibration.equal(family, deviation), seeds, RUNS)
    assert calibration.false_rate(drawn) <= at_most(0.05, RUNS)


@pytest.mark.parametrize("family", [0, 1], ids=["9 rows", "39 rows"])
@pytest.mark.parametrize("seeds", [3, 5, 10])
def test_beside_a_far_noisier_system_it_is_at_most_10_percent(family, seeds):
    from benchmarks import calibration

    for drawn in calibration.noisy(calibration.FAMILIES[family], seeds, RUNS):
        assert calibration.false_rate(drawn) <= at_most(0.10, RUNS)


@pytest.mark.parametrize("method", ["before", "welch", "pooled"])
def test_these_checks_would_fail_with_the_test_of_before_and_with_either_half_of_the_method(method):
    from benchmarks import calibration

    family = calibration.FAMILIES[1]
    same = calibration.simulate(family, calibration.equal(family, 0.3), 3, RUNS)
    noisier = calibration.noisy(family, 3, RUNS)
    equal, worst = calibration.false_rate(same, method), max(calibration.false_rate(own, method) for own in noisier)
    assert equal > at_most(0.05, RUNS) or worst > at_most(0.10, RUNS)
    if method == "before":
        assert equal > 0.8


def test_a_difference_of_the_stated_size_is_found_in_four_of_five_runs():
    from benchmarks import calibration

    family = calibration.FAMILIES[0]
    drawn = calibration.simulate(family, calibration.equal(family, 0.3), 5, RUNS)
    effect = calibration.found_in_four_of_five(drawn)
    again = calibration.simulate(family, calibration.equal(family, 0.3), 5, RUNS, seed=2)
    found = np.mean(again.differences + effect > calibration.half_widths(again))
    assert found == pytest.approx(0.8, abs=0.05)
    assert effect < 1.2


@pytest.mark.parametrize(("systems", "seeds"), [(2, 3), (2, 10), (8, 3)])
def test_trainings_of_one_system_seldom_get_a_verdict(systems, seeds):
    """24 stored trainings, split at random, on documents drawn at random."""
    from safetensors.numpy import load_file

    from benchmarks import calibration
    from benchmarks.trainings import documents_of

    counts = load_file(COUNTS)
    documents = documents_of(counts["pos"].shape[1])
    found = calibration.real_runs(counts, documents, systems, seeds, runs=20, resamples=1000)
    assert found.rows == 4 * (systems - 1)
    assert found.false <= 4  # at a rate of .05 there are more in 1 of 400 simulations
    assert found.false_before >= 10


def test_the_tables_go_between_their_marks(tmp_path):
    from benchmarks import calibration

    path = tmp_path / "page.md"
    path.write_text("a\n<!-- power -->\nold\n<!-- /power -->\nb\n", encoding="utf-8")
    calibration.put_into(path, "power", calibration.power_table(50))
    text = path.read_text(encoding="utf-8")
    assert text.startswith("a\n<!-- power -->\n\n| rows | seeds |")
    assert text.endswith("|\n\n<!-- /power -->\nb\n")
    with pytest.raises(SystemExit, match="has no place for the table 'other'"):
        calibration.put_into(path, "other", "")


def test_the_document_has_the_tables_that_the_program_writes(repository):
    from benchmarks import calibration

    text = (repository / "docs" / "statistics.md").read_text(encoding="utf-8")
    for name, table in {
        "calibration": calibration.simulated_table(1),
        "power": calibration.power_table(1),
        "trainings": calibration.real_table([]),
    }.items():
        header = table.splitlines()[0]
        assert header in text.partition(f"<!-- {name} -->")[2].partition(f"<!-- /{name} -->")[0]


def test_a_training_of_the_same_system_can_be_counted(tmp_path, monkeypatch):
    from benchmarks import calibration, trainings

    monkeypatch.setattr(trainings, "SENTENCES", {"train": 20, "dev": 5, "test": 12})
    short = trainings.OPTIMIZATION.model_copy(update={"epochs": 1})
    monkeypatch.setattr(trainings, "OPTIMIZATION", short)
    counts = calibration.stored_counts(tmp_path, 2)
    assert {task: values.shape for task, values in counts.items()} == {
        "chunk": (2, 12, 3),
        "ner": (2, 12, 3),
        "pos": (2, 12, 2),
    }
    assert trainings.documents_of(12).tolist() == [0] * 10 + [1] * 2
