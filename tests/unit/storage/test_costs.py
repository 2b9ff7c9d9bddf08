"""The record of what a job has cost, and the processor time of a job that is interrupted."""

import pytest

from sparse_sharing.errors import ArtifactError
from sparse_sharing.storage import costs
from sparse_sharing.storage.costs import Costs, Meter, read_costs, write_costs


@pytest.fixture
def clock(monkeypatch):
    """A processor clock that a test moves on."""

    class Clock:
        now = 100.0

    monkeypatch.setattr(costs.time, "process_time", lambda: Clock.now)
    return Clock


def test_a_record_is_read_as_it_was_written(tmp_path):
    written = Costs(12.34, {"ner": 5}, {"ner": 70}, {"ner": 2})
    write_costs(tmp_path, written)
    assert read_costs(tmp_path) == written


def test_results_of_earlier_versions_have_no_record(tmp_path):
    assert read_costs(tmp_path) is None


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"processor_seconds": "x", "updates": {}, "tokens": {}}'])
def test_a_damaged_record_is_refused_with_its_path(tmp_path, content):
    (tmp_path / "costs.json").write_text(content)
    with pytest.raises(ArtifactError, match=r"costs.json: is damaged"):
        read_costs(tmp_path)


def test_a_meter_counts_from_its_start(clock):
    meter = Meter()
    clock.now += 3
    assert meter.seconds == 3


def test_the_time_of_an_interrupted_attempt_is_kept(clock, tmp_path):
    first = Meter()
    clock.now += 5
    first.keep_in(tmp_path)
    clock.now += 2
    first.save()
    clock.now += 1  # lost: the attempt was killed before it saved again
    second = Meter()
    clock.now += 4
    second.keep_in(tmp_path)
    assert second.seconds == 5 + 2 + 4


@pytest.mark.parametrize("content", ["", "many", "\xff"])
def test_an_unreadable_time_counts_as_none(clock, tmp_path, content):
    (tmp_path / costs.SECONDS_FILE).write_text(content, encoding="latin-1")
    meter = Meter()
    meter.keep_in(tmp_path)
    assert meter.seconds == 0
