"""Displays a run: a line for each job that ends, and on a terminal a line for each running job."""

import sys
import threading
import time
from collections.abc import Callable

from rich.console import Console
from rich.live import Live
from rich.text import Text

from sparse_sharing.errors import INTERRUPTED
from sparse_sharing.running.jobs import RunningJob
from sparse_sharing.terminal.escaping import visible, visible_lines
from sparse_sharing.terminal.progress import duration

SHOWN = 8
"""How many running jobs have a line; the others are counted."""


class RunDisplay:
    """Follows the jobs of one run. Its methods may be called from any thread."""

    def __init__(self, console: Console | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        """Write to a console; standard error if None."""
        self.console = console or Console(file=sys.stderr, highlight=False, soft_wrap=True)
        self.clock, self.began = clock, clock()
        self.announced: dict[int, RunningJob] = {}
        self.running: dict[int, RunningJob] = {}
        self.ended: set[int] = set()
        self.total, self.stopping = 0, False
        self.lock = threading.RLock()
        self.live: Live | None = None

    def plan(self, total: int) -> None:
        """Announce the number of jobs; only the first call has an effect."""
        if not self.total:
            self.total = total
            self._line(f"{total} {'job' if total == 1 else 'jobs'} to run", "bold")
            if self.console.is_terminal:
                self.live = Live(
                    console=self.console, get_renderable=self._at_work, transient=True, refresh_per_second=2
                )
                self.live.start()

    def announce(self, number: int, job: RunningJob) -> None:
        """A job begins, or is about to begin."""
        with self.lock:
            self.announced[number] = self.running[number] = job

    def finish(self, number: int) -> None:
        """A job has succeeded."""
        with self.lock:
            job = self.running.pop(number, None)
        if job is not None and job.outputs:
            self.ended.add(number)
            result = job.result()
            self._line(f"{self._count()} {job.label}{': ' if result else ''}{result} ({self._since(job)})")

    def fail(self, number: int, job: RunningJob) -> None:
        """A job has failed: show its message and its log. Jobs ended by Ctrl-C have not failed."""
        with self.lock:
            job = self.running.pop(number, job)
        if self.stopping:
            return
        complaint = job.complaint()
        # Ctrl-C may reach a job before Snakemake: the job then ends before `stop` is called.
        ending = "stopped" if INTERRUPTED in complaint else "failed"
        self._line(f"{self._count()} {ending}: {job.label}", "bold red")
        self._line("    " + visible_lines(complaint).replace("\n", "\n    "))
        for path in job.logs:
            self._line(f"    log: {path}")

    def stop(self) -> None:
        """The user has stopped the run: jobs that are interrupted from now on have not failed."""
        if not self.stopping:
            self.stopping = True
            self._line("Stopping the running jobs ...")

    def say(self, text: str) -> None:
        """Show a warning or an error of the run as a whole."""
        if not self.stopping:
            self._line(visible_lines(text))

    def close(self) -> None:
        """Remove the lines of the running jobs."""
        if self.live is not None:
            self.live.stop()
            self.live = None

    def _line(self, text: str, style: str = "") -> None:
        self.console.print(Text(visible(text, keep="\n\t"), style=style))

    def _count(self) -> str:
        return f"[{len(self.ended)}/{self.total}]" if self.total else f"[{len(self.ended)}]"

    def _since(self, job: RunningJob) -> str:
        return duration(self.clock() - job.started)

    def _at_work(self) -> Text:
        """A line for each running job, and one for the run."""
        with self.lock:
            running = [job for job in self.running.values() if job.outputs]
        lines = [f"  {job.label}: {job.progress() or self._since(job)}" for job in running[:SHOWN]]
        if len(running) > SHOWN:
            lines.append(f"  and {len(running) - SHOWN} more are running")
        lines.append(f"{len(self.ended)} of {self.total} jobs done, {duration(self.clock() - self.began)}")
        return Text(visible("\n".join(lines), keep="\n"), style="cyan", no_wrap=True, overflow="ellipsis")
