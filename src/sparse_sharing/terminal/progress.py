"""Shows the progress of a long job: bars on a terminal, plain lines in a log, a record for `sparse-sharing status`."""

import json
import os
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from sparse_sharing.storage.files import write_text
from sparse_sharing.terminal.escaping import visible

# Imported on demand: commands that only read the record need no library for bars.
if TYPE_CHECKING:
    from rich.console import Console

RECORD = "progress.json"
"""Name of the record in the work folder of a job."""


def duration(seconds: float) -> str:
    """Seconds in words: `42 s`, `3 min 05 s`, `2 h 07 min`."""
    seconds = round(seconds)
    if seconds < 60:
        return f"{seconds} s"
    if seconds < 3600:
        return f"{seconds // 60} min {seconds % 60:02d} s"
    return f"{seconds // 3600} h {seconds % 3600 // 60:02d} min"


class Reporter:
    """Reports the progress of one job, by epochs and steps."""

    def __init__(self, title: str, epochs: int, console: "Console | None" = None, work: Path | None = None) -> None:
        """Report with a title; `epochs` is the largest number of epochs. The record is written in the folder `work`."""
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

        self.work = work
        self.console = console or Console(file=sys.stderr, highlight=False, soft_wrap=True)
        self.title, self.epochs, self.done = title, epochs, 0
        self.started, self.spent = time.perf_counter(), 0.0
        self.bars: Progress | None = None
        if self.console.is_terminal:
            columns = (TextColumn("{task.description}", markup=False), BarColumn(), TextColumn("{task.fields[note]}"))
            self.bars = Progress(*columns, TimeElapsedColumn(), console=self.console, transient=True)

    def __enter__(self) -> "Reporter":
        """Show the bar on a terminal."""
        self._record()
        if self.bars:
            self.bars.start()
            self.bar = self.bars.add_task(self.title, total=self.epochs, note="")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Remove the bar."""
        if self.bars:
            self.bars.stop()

    def line(self, text: str) -> None:
        """Print one line, without interpreting markup."""
        self.console.print(visible(f"{self.title}: {text}"), markup=False, emoji=False)

    def skip(self, epochs: int) -> None:
        """Count epochs that an earlier attempt, or early stopping, has saved."""
        self.epochs -= epochs

    def on_step(self, note: str) -> Callable[[int, int], None]:
        """A function to call with (step, steps) after each step."""
        bars = self.bars
        if bars is None:
            return lambda step, steps: None

        def show(step: int, steps: int) -> None:
            bars.update(self.bar, completed=self.done + step / steps, total=self.epochs, note=note)

        return show

    def epoch(self, text: str, seconds: float, **reached: object) -> None:
        """An epoch has ended: print a line with the estimated time left, and record the results `reached`."""
        self.done += 1
        self.spent += seconds
        seconds_left = self.spent / self.done * (self.epochs - self.done)
        self.line(f"{text}, {duration(seconds)}, {duration(seconds_left)} left")
        self._record(**reached, seconds=round(seconds, 2), left=round(seconds_left, 2))

    def _record(self, **reached: object) -> None:
        """Record the process and its progress."""
        if self.work is not None:
            values = {"title": self.title, "host": socket.gethostname(), "process": os.getpid(), **reached}
            write_text(self.work / RECORD, json.dumps(values) + "\n")
