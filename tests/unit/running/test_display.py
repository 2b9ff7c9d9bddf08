"""What a person sees of a run: a line for each job that ends, its own message where it fails, nothing after Ctrl-C."""

import io

import pytest
from rich.console import Console

from sparse_sharing.running.display import RunDisplay
from sparse_sharing.running.jobs import RunningJob
from sparse_sharing.storage.artifacts import write_text


class Clock:
    """A clock that the test sets."""

    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def display(clock):
    return RunDisplay(Console(file=io.StringIO(), highlight=False, soft_wrap=True), clock)


def shown(display):
    return display.console.file.getvalue().splitlines()


def pruning(folder, started=0.0):
    rounds = folder / "prune" / "ner" / "rounds.csv"
    log = folder / "logs" / "ner.log"
    identity = {"dataset": "joint", "seed": "1", "start": "warmup", "task": "ner"}
    return RunningJob("prune", identity, [str(rounds)], [str(log)], started)


def test_a_job_that_ends_has_one_line_with_its_count_its_result_and_its_time(display, clock, tmp_path):
    write_text(tmp_path / "prune" / "ner" / "rounds.csv", "round,density,dev_score\n0,1.0,67.9\n1,0.5,76.4\n")
    display.plan(7)
    display.announce(3, pruning(tmp_path))
    clock.now = 65.0
    display.finish(3)
    assert shown(display) == [
        "7 jobs to run",
        "[1/7] prune joint seed1 warmup ner: best dev 76.40 at density 0.50, 1 rounds (1 min 05 s)",
    ]


def test_a_job_that_fails_shows_its_own_message_and_its_log(display, tmp_path):
    write_text(tmp_path / "logs" / "ner.log", "epoch 1\nerror: task ner: the loss is not finite\n")
    display.plan(7)
    display.announce(3, pruning(tmp_path))
    display.fail(3, pruning(tmp_path))
    assert shown(display)[1:] == [
        "[0/7] failed: prune joint seed1 warmup ner",
        "    error: task ner: the loss is not finite",
        f"    log: {tmp_path}/logs/ner.log",
    ]


def test_a_job_that_was_killed_without_a_word_is_called_that(display, tmp_path):
    display.fail(3, pruning(tmp_path))
    assert "it ended without a message; the process may have been killed" in shown(display)[1]


def test_after_ctrl_c_no_job_counts_as_failed_and_nothing_is_complained_of(display, tmp_path):
    display.stop()
    display.stop()
    display.fail(3, pruning(tmp_path))
    display.say("WorkflowError: at least one job did not complete")
    assert shown(display) == ["Stopping the running jobs ..."]


def test_a_job_that_ctrl_c_reaches_before_snakemake_is_stopped_and_has_not_failed(display, tmp_path):
    write_text(tmp_path / "logs" / "ner.log", "interrupted; training resumes after its last finished epoch\n")
    display.fail(3, pruning(tmp_path))
    assert shown(display)[0] == "[0] stopped: prune joint seed1 warmup ner"


def test_what_a_log_quotes_cannot_steer_the_terminal(display, tmp_path):
    write_text(tmp_path / "logs" / "ner.log", "error: no \x1b]0;owned\x07 task\n")
    display.fail(3, pruning(tmp_path))
    assert "\x1b" not in "".join(shown(display))


def test_the_line_of_a_job_at_work_has_round_epoch_score_and_time_left(display, clock, tmp_path):
    job = pruning(tmp_path)
    display.announce(3, job)
    clock.now = 5.0
    assert "prune joint seed1 warmup ner: 5 s" in display._at_work().plain
    record = '{"at": "round 1/2, epoch 1/2", "best": 50.5, "left": 70.0}'
    write_text(tmp_path / "prune" / "ner" / "work" / "progress.json", record)
    line = "prune joint seed1 warmup ner: round 1/2, epoch 1/2, best dev 50.50, 1 min 10 s left"
    assert line in display._at_work().plain
