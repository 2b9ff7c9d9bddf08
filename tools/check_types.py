"""Runs `pyright`, if it can be started: it needs Node.js, which it downloads if there is none.

The environment that `make` sets up has Node.js (`pyright[nodejs]`), so that nothing is downloaded.
"""

import os
import subprocess
import sys

COMMAND = (sys.executable, "-m", "pyright")


def main(arguments: list[str]) -> int:
    """Check the types of the project; returns the exit code, which is 0 if pyright cannot be started."""
    # Otherwise it would search for a later version over the network at every start.
    environment = {**os.environ, "PYRIGHT_PYTHON_IGNORE_WARNINGS": "1"}
    started = subprocess.run([*COMMAND, "--version"], env=environment, capture_output=True, text=True)
    if started.returncode:
        why = (started.stderr.strip().splitlines() or [f"exit code {started.returncode}"])[-1]
        sys.stderr.write(
            f"Types are not checked: pyright cannot be started ({why}). It needs Node.js: "
            "pip install 'pyright[nodejs]', or a network to download it.\n"
        )
        return 0
    return subprocess.run([*COMMAND, "--pythonpath", sys.executable, *arguments], env=environment).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
