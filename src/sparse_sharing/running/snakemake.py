"""Starts Snakemake in a separate process on the workflow of this program."""

import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path

from sparse_sharing.errors import ConfigError

CARRIED = Path(__file__).resolve().parents[1] / "_workflow"
"""The folder with the files of the workflow in an installed wheel; setup.py copies them there."""

TOP = Path(__file__).resolve().parents[3]
"""The root of the repository, which has these files in a clone."""

LOGGER = "sparse-sharing"
"""Name of the logger plugin that shows the run line by line."""

OTHER_TASKS = {
    *("-n", "--dry-run", "--dryrun", "-S", "--summary", "-D", "--detailed-summary", "--list-changes", "--lc"),
    *("--dag", "--rulegraph", "--filegraph", "--d3dag", "-l", "--list-rules", "--list", "--list-target-rules", "--lt"),
    *("--unlock", "--report", "--lint", "--cleanup-metadata", "--cm", "--delete-all-output", "--touch", "-t"),
    *("--archive", "--version", "-v", "--help", "-h", "--logger"),
}
"""Options with which Snakemake runs no jobs, or has another logger: its own output is shown."""


def workflow_folder() -> Path:
    """The folder of the Snakefile, `workflow/`, `profiles/` and `config.yaml`: of the wheel, or of the clone.

    Raises:
        ConfigError: Neither exists.
    """
    for folder in (CARRIED, TOP):
        if (folder / "Snakefile").is_file():
            return folder
    raise ConfigError(
        f"{CARRIED}: the workflow is missing from this installation; install sparse-sharing again with pip"
    )


def runs_jobs(options: Sequence[str]) -> bool:
    """Whether Snakemake runs jobs with these options, rather than plans, lists or repairs."""
    return not any(option.partition("=")[0] in OTHER_TASKS for option in options)


def command(
    config: Path, cores: int | None, overrides: Mapping[str, str], profile: str | None, options: Sequence[str]
) -> list[str]:
    """The command line of Snakemake.

    Args:
        config: the configuration file.
        cores: jobs at once on this machine; None: as in the profile.
        overrides: top-level keys of the configuration with other values.
        profile: name of a profile of the workflow, such as slurm, or a folder.
        options: the user's further options and targets of Snakemake.
    """
    folder = workflow_folder()
    command = [sys.executable, "-m", "snakemake", *options]
    command += ["--snakefile", str(folder / "Snakefile"), "--configfile", str(config)]
    if overrides:
        command += ["--config", *(f"{key}={value}" for key, value in overrides.items())]
    if cores is not None:
        command += ["--cores", str(cores)]
    if profile is not None:
        carried = folder / "workflow" / "profiles" / profile
        command += ["--workflow-profile", str(carried if carried.is_dir() else profile)]
    if runs_jobs(options):
        command += ["--logger", LOGGER, "--no-hooks"]
    return command


def locked(arguments: Sequence[str]) -> str:
    """The message that the folder is locked; `arguments` are those of Snakemake, which name the configuration."""
    after = dict(pairwise(arguments))
    config = shlex.quote(after.get("--configfile", "mine.yaml"))
    return (
        "The folder is locked: another run is active in it, or an earlier run was killed. If no run is active, remove "
        f"the lock, then start the run again. To remove it: sparse-sharing run {config} -- --unlock"
    )


def run(command: Sequence[str]) -> tuple[int, bool]:
    """Run a command to its end; returns its exit code, and whether it was interrupted.

    The command runs in its own session, so that Ctrl-C reaches it once: SIGINT is sent to all its processes, and it has
    time to end its jobs. A second Ctrl-C sends SIGTERM.
    """
    environment = {
        **os.environ,
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]),
    }
    before = {signum: signal.signal(signum, _interrupt) for signum in (signal.SIGTERM, signal.SIGHUP)}
    process = subprocess.Popen(list(command), env=environment, start_new_session=True)
    signals = iter([signal.SIGINT, signal.SIGTERM])
    interrupted = False
    code = None
    while code is None:
        try:
            # With a limit: a signal that arrives just before a wait without one is not noticed until the process ends.
            code = process.wait(timeout=1)
        except subprocess.TimeoutExpired:
            continue
        except KeyboardInterrupt:
            interrupted = True
            if process.poll() is None:
                os.killpg(process.pid, next(signals, signal.SIGKILL))
    for signum, handler in before.items():
        signal.signal(signum, handler)
    return code, interrupted


def _interrupt(signum: int, frame: object) -> None:
    raise KeyboardInterrupt
