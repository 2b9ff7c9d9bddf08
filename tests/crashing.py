"""A stage in a process of its own, which is killed at a chosen write, or meets an error there.

The processes are forked from a server that has loaded torch: an attempt costs a fraction of a second.
"""

import contextlib
import logging
import multiprocessing
import os
import resource
import signal
import sys
from collections.abc import Callable
from importlib import import_module
from multiprocessing.process import BaseProcess
from pathlib import Path

SERVER = multiprocessing.get_context("forkserver")
STAGES = [f"sparse_sharing.stages.{name}" for name in ("prepare", "prune", "evaluate", "tables")]
SERVER.set_forkserver_preload([*STAGES, "snakemake.cli"])  # the second for programs.py: a process has one server

FAILED = 6
"""The exit code of a stage that could not write."""


def start(stage: str, arguments: tuple, write: int = 0, after: bool = False, prepare: Callable = id) -> BaseProcess:
    """Start a stage.

    Args:
        stage: its module.
        arguments: of its function `run`.
        write: kill it at this write, counted from 1; 0 lets it live.
        after: kill it when the new file has its name, not while it still has a temporary one.
        prepare: called with `stage` in the process before anything else.
    """
    process = SERVER.Process(target=_run, args=(stage, arguments, write, after, prepare), daemon=True)
    process.start()
    return process


def outcome(process: BaseProcess, seconds: float = 120) -> int:
    """Wait for the end: the exit code, or the negative number of the signal that killed it."""
    process.join(seconds)
    if process.exitcode is None:
        process.kill()
        raise AssertionError(f"still running after {seconds} seconds")
    return process.exitcode


def limit_file_size(stage: str, size: int) -> None:
    """Let no file of this process grow beyond a size: writing on is an error, as on a full disk."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


def _run(stage: str, arguments: tuple, write: int, after: bool, prepare: Callable) -> None:
    import torch

    torch.set_num_threads(1)
    logging.disable()
    prepare(stage)
    if write:
        _kill_at(write, after)
    with Path(os.devnull).open("w") as nowhere, contextlib.redirect_stderr(nowhere):
        try:
            import_module(f"sparse_sharing.stages.{stage}").run(*arguments)
        except OSError:
            sys.exit(FAILED)


def _kill_at(write: int, after: bool) -> None:
    """Have the n-th file that gets its final name be the end of this process."""
    replace, left = Path.replace, [write]

    def replace_or_die(path: Path, target: Path) -> Path:
        left[0] -= 1
        if left[0] == 0 and not after:
            os.kill(os.getpid(), signal.SIGKILL)
        replaced = replace(path, target)
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return replaced

    Path.replace = replace_or_die
