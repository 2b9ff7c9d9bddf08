"""The progress of a run, read from its files only: it may be running on this machine, on a cluster, or not at all.

A job is done if its files exist and were made with its spec. A running job has a record of its process in its work
folder, or a fresh log. The lock is not tested, since a job that starts at that moment would find it taken.
"""

import json
import os
import socket
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from sparse_sharing.pipeline.jobs import Job
from sparse_sharing.terminal.progress import RECORD

State = Literal["done", "running", "failed", "interrupted", "outdated", "waiting"]
STATES: tuple[State, ...] = ("done", "running", "failed", "interrupted", "outdated", "waiting")

FRESH = 600.0
"""Seconds for which a fresh log counts as that of a running job, if nothing better is known."""

SLOWER = 3.0
"""How many times as long as the last epoch an epoch may take before its job counts as interrupted."""


@dataclass(frozen=True)
class JobStatus:
    """The status of a job, as shown by its files.

    Attributes:
        job: the job.
        state: done; running; failed: its log ends with an error; interrupted: it began and is not running; outdated:
            its files were made with other settings; waiting: not begun.
        record: the last state that the job recorded: at, best, left (seconds); empty before the first epoch.
        message: the last line of the log of a failed or interrupted job.
    """

    job: Job
    state: State
    record: Mapping[str, object]
    message: str = ""


def status_of(job: Job, now: float | None = None) -> JobStatus:
    """The status of one job; `now` in seconds since 1970, the present if None."""
    now = time.time() if now is None else now
    record = _read_record(job.work / RECORD)
    if job.is_current():
        return JobStatus(job, "done", {})
    if _at_work(job, record, now):
        return JobStatus(job, "running", record)
    last = last_words(job.log)
    if _is_error(last):
        return JobStatus(job, "failed", record, last)
    if job.carrier is not None and job.carrier.exists():
        return JobStatus(job, "outdated", record)
    if record or job.log.exists():
        return JobStatus(job, "interrupted", record, last)
    return JobStatus(job, "waiting", record)


def counts_by_stage(statuses: list[JobStatus]) -> dict[str, Counter[str]]:
    """The number of jobs of each stage in each state."""
    counts: dict[str, Counter[str]] = {}
    for status in statuses:
        counts.setdefault(status.job.stage, Counter())[status.state] += 1
    return counts


def _at_work(job: Job, record: Mapping[str, object], now: float) -> bool:
    """Whether a process is making the job's files."""
    if record:
        if record.get("host") == socket.gethostname():
            return _is_alive(record.get("process"))
        seconds = record.get("seconds")
        limit = max(FRESH, SLOWER * seconds if isinstance(seconds, int | float) else 0.0)
        return now - max(_changed(job.work / RECORD), _changed(job.log)) < limit
    # The workflow removes old outputs before a job begins.
    begun = job.carrier is None or not job.carrier.exists()
    return begun and now - _changed(job.log) < FRESH and not _is_error(last_words(job.log))


def _is_error(line: str) -> bool:
    """Whether a log's last line says that the job has failed: an error of this program or of Python."""
    return line.startswith("error:") or line.split(":")[0].endswith("Error")


def _is_alive(process: object) -> bool:
    if not isinstance(process, int) or process <= 0:
        return False
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _read_record(path: Path) -> dict[str, object]:
    try:
        record = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return record if isinstance(record, dict) else {}


def _changed(path: Path) -> float:
    """When a file was last changed, in seconds since 1970; 0 where it is missing."""
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def last_words(path: Path, size: int = 4000) -> str:
    """The last non-empty line of a log; for an error of several lines, its first line."""
    try:
        with path.open("rb") as stream:
            stream.seek(max(0, path.stat().st_size - size))
            lines = [line for line in stream.read().decode("utf-8", "replace").splitlines() if line.strip()]
    except OSError:
        return ""
    errors = [line for line in lines if line.startswith("error:")]
    return errors[-1] if errors else lines[-1] if lines else ""
