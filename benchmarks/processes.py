"""The cost of a command: processor seconds and peak memory of a process and its children."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# A process in between: the peak that the system keeps for a process includes that of the one which started it.
MEASURE = """
import json, resource, subprocess, sys
done = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps([done.returncode, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, done.stderr[-2000:].decode()]))
"""


ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1"}
"""Every process that is measured runs on one thread."""


@dataclass(frozen=True)
class Cost:
    """Processor seconds, user and system, and peak memory in MB."""

    seconds: float
    megabytes: float


def cost_of(command: Sequence[str], folder: Path = ROOT, allowed: tuple[int, ...] = (0,)) -> Cost:
    """Run a command in a folder, discard its output, and measure it.

    Raises:
        RuntimeError: It ends with a code that is not allowed.
    """
    done = subprocess.run(
        [sys.executable, "-I", "-c", MEASURE, *command],
        capture_output=True,
        text=True,
        check=True,
        cwd=folder,
        env=ENVIRONMENT,
    )
    code, seconds, megabytes, errors = json.loads(done.stdout)
    if code not in allowed:
        raise RuntimeError(f"{' '.join(command)} ended with {code}: {errors}")
    return Cost(seconds, megabytes)


def sparse_sharing(*arguments: object) -> list[str]:
    """The command line of the package, with the Python that runs this."""
    return [sys.executable, "-m", "sparse_sharing", *map(str, arguments)]
