"""What a person sees of a long job."""

import io
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from sparse_sharing.terminal.progress import Reporter, duration

UNITS = {"s": 1, "min": 60, "h": 3600}


def log_of(work, epochs=4):
    """The text that a reporter writes into a log, as lines."""
    console = Console(file=io.StringIO(), soft_wrap=True, highlight=False)
    with Reporter("train sparse pos", epochs, console) as report:
        work(report)
    return console.file.getvalue().splitlines()


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s"),
        (0.4, "0 s"),
        (59.4, "59 s"),
        (59.6, "1 min 00 s"),
        (185, "3 min 05 s"),
        (3599.7, "1 h 00 min"),
        (7620, "2 h 07 min"),
        (360_000, "100 h 00 min"),
    ],
)
def test_durations_are_words(seconds, words):
    assert duration(seconds) == words


@given(st.floats(min_value=0, max_value=1e7))
def test_a_duration_reads_back_as_its_seconds_to_the_precision_shown(seconds):
    words = duration(seconds)
    parts = re.findall(r"(\d+) (s|min|h)", words)
    read = sum(int(number) * UNITS[unit] for number, unit in parts)
    assert -0.5 <= seconds - read <= (60 if "h" in words else 0.5)
    assert all(int(number) < 60 for number, unit in parts if unit != "h")


def test_an_epoch_is_a_line_with_its_time_and_what_is_left_at_this_pace():
    def work(report):
        report.epoch("epoch 1/4: loss 0.5", 10)
        report.epoch("epoch 2/4: loss 0.4", 30)

    assert log_of(work) == [
        "train sparse pos: epoch 1/4: loss 0.5, 10 s, 30 s left",
        "train sparse pos: epoch 2/4: loss 0.4, 30 s, 40 s left",
    ]


def test_epochs_of_an_earlier_attempt_do_not_count_as_remaining_work():
    def work(report):
        report.skip(2)
        report.epoch("epoch 3/4", 10)
        report.epoch("epoch 4/4", 10)

    assert [line.split(", ")[-1] for line in log_of(work)] == ["10 s left", "0 s left"]


@pytest.mark.parametrize("text", ["[bold]x[/bold]", "[/]", ":warning: a", "a:b:c", "\\[x]", "{x}", "ä 水 \U0001f600"])
def test_a_line_is_shown_as_it_is_whatever_its_characters(text):
    assert log_of(lambda report: report.line(text)) == [f"train sparse pos: {text}"]


def test_a_long_line_stays_one_line_in_a_log():
    assert log_of(lambda report: report.line("word " * 100 + "end")) == ["train sparse pos: " + "word " * 100 + "end"]


def test_a_log_has_no_bar_and_no_control_character():
    def work(report):
        show = report.on_step("epoch 1")
        for step in range(5):
            show(step, 5)
        report.epoch("epoch 1/4", 1)

    lines = log_of(work)
    assert len(lines) == 1
    assert lines[0].isprintable()


def test_a_terminal_has_a_bar_that_moves_with_the_steps_and_is_taken_away_at_the_end():
    console = Console(file=io.StringIO(), force_terminal=True, width=100, highlight=False)
    with Reporter("train", 4, console) as report:
        show = report.on_step("epoch 2")
        report.epoch("epoch 1/4", 1)
        show(1, 2)
        (bar,) = report.bars.tasks
        assert (bar.completed, bar.total, bar.fields["note"]) == (1.5, 4, "epoch 2")
    assert not report.bars.live.is_started
    assert "epoch 1/4, 1 s, 3 s left" in console.file.getvalue()


def test_the_bar_is_taken_away_where_the_job_fails():
    console = Console(file=io.StringIO(), force_terminal=True)
    reporter = Reporter("train", 4, console)
    with pytest.raises(RuntimeError), reporter:
        raise RuntimeError
    assert not reporter.bars.live.is_started
