"""Snakemake, forked from a server that has loaded it: a dry run then takes a sixth of the processor time.

It is the real program in a process of its own; only its imports, which are most of what a dry run does, are shared.
"""

import os
import subprocess
import sys
from pathlib import Path

from crashing import SERVER


def snakemake(arguments: list[str], cwd: Path, env: dict[str, str], output: Path) -> subprocess.CompletedProcess:
    """Run `snakemake` with arguments in a folder; all that it says goes to the file `output`, and is the `stdout`."""
    process = SERVER.Process(target=_run, args=(arguments, cwd, env, output))
    process.start()
    process.join()
    said = output.read_text(encoding="utf-8")
    return subprocess.CompletedProcess(["snakemake", *arguments], process.exitcode, said)


def _run(arguments: list[str], cwd: Path, env: dict[str, str], output: Path) -> None:
    """Become a `snakemake` that was started there with these arguments."""
    from snakemake.cli import main

    said = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(said, 1)
    os.dup2(said, 2)
    os.environ.clear()
    os.environ.update(env)
    os.chdir(cwd)
    sys.argv = ["snakemake", *arguments]
    main(arguments)
