"""The log of a diagnostic: rows by epoch, kept through interruptions."""

import csv
import io

from sparse_sharing.training.epoch_log import EpochLog
from sparse_sharing.training.loop import Epoch


def epoch(number):
    """An epoch of which only the number counts."""
    return Epoch(number, 0.1, 1.0, {}, 0.0, 1.0, 0.0)


def log(path, value):
    """A log that finds the same value after every epoch."""
    return EpochLog(lambda epoch: [{"value": value}], ("epoch", "value"), path)


def test_rows_of_an_attempt_before_are_kept_and_those_of_the_same_epoch_replaced(tmp_path):
    path = tmp_path / "log.csv"
    first = log(path, "first")
    first.after_epoch(epoch(1))
    first.after_epoch(epoch(2))
    second = log(path, "second")
    second.after_epoch(epoch(2))
    rows = list(csv.DictReader(io.StringIO(second.table())))
    assert rows == [{"epoch": "1", "value": "first"}, {"epoch": "2", "value": "second"}]
    assert path.read_text(encoding="utf-8") == second.table()


def test_an_epoch_without_rows_is_no_gap(tmp_path):
    empty = EpochLog(lambda epoch: [], ("epoch", "value"), tmp_path / "log.csv")
    empty.after_epoch(epoch(1))
    assert empty.table() == "epoch,value\n"
