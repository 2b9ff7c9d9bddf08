"""A Snakemake logger that shows a run as readable lines: `snakemake --logger sparse-sharing ...`.

`sparse-sharing run` uses it. Snakemake finds it by the name of this package.
"""

import logging
import sys
import time
from collections.abc import Mapping
from typing import Any

from snakemake_interface_logger_plugins.base import LogHandlerBase
from snakemake_interface_logger_plugins.common import LogEvent

from sparse_sharing.pipeline.stage import STAGE
from sparse_sharing.running.display import RunDisplay
from sparse_sharing.running.jobs import RunningJob
from sparse_sharing.running.snakemake import locked

STOPPING = ("Terminating processes on user request", "Cancelling snakemake on user request")
LOCKED = "LockException"
SAID_ELSEWHERE = (
    "WorkflowError:\nAt least one job did not complete successfully",
    "Exiting because a job execution",
    "RuleException:\nCalledProcessError in file",
)
"""What Snakemake says of jobs that fail, and at the end of their run: each is shown with its own message."""


class LogHandler(LogHandlerBase):
    """Turns the events of Snakemake into calls of the display."""

    @property
    def writes_to_stream(self) -> bool:
        """It shows the run on standard error."""
        return True

    @property
    def writes_to_file(self) -> bool:
        """It writes no file."""
        return False

    @property
    def has_filter(self) -> bool:
        """It decides by itself which records it shows."""
        return True

    @property
    def has_formatter(self) -> bool:
        """It decides by itself how it shows them."""
        return True

    @property
    def needs_rulegraph(self) -> bool:
        """It shows no graph of rules."""
        return False

    def __post_init__(self) -> None:
        """Begin with an empty display."""
        self.shown = RunDisplay()

    def emit(self, record: logging.LogRecord) -> None:
        """Show a record, if it matters to the user."""
        try:
            self._show(record)
        except Exception:
            self.handleError(record)

    def close(self) -> None:
        """End the display with the run."""
        self.shown.close()
        super().close()

    def _show(self, record: logging.LogRecord) -> None:
        values = vars(record)
        match values.get("event"):
            case LogEvent.RUN_INFO:
                self.shown.plan(sum(count for rule, count in values["stats"].items() if rule in STAGE))
            case LogEvent.JOB_INFO:
                self.shown.announce(values["jobid"], _job(values))
            case LogEvent.JOB_FINISHED:
                self.shown.finish(values["job_id"])
            case LogEvent.JOB_ERROR:
                self.shown.fail(values["jobid"], _job(values))
            case _:
                self._say(record)

    def _say(self, record: logging.LogRecord) -> None:
        text = record.getMessage()
        if text.startswith(STOPPING):
            self.shown.stop()
        elif text.startswith(LOCKED):
            self.shown.say(locked(sys.argv))
        elif record.levelno >= logging.WARNING and not text.startswith(SAID_ELSEWHERE):
            self.shown.say(text)


def _job(values: Mapping[str, Any]) -> RunningJob:
    """The job of a record, from the fields that Snakemake adds to it."""
    wildcards, output, log = values.get("wildcards") or {}, list(values["output"]), list(values["log"])
    return RunningJob(values["rule_name"], dict(wildcards), output, log, time.monotonic())
