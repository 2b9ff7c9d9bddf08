"""`pyright`, where it can be started: without a Node.js of its own or of the machine it has to download one.

The environment that `make` sets up has one (`pyright[nodejs]`), so that nothing is downloaded.
"""

import os
import subprocess
import sys

COMMAND = (sys.executable, "-m", "pyright")


def main(arguments: list[str]) -> int:
    """Check the types of the project; returns the exit code, which is 0 where pyright cannot be started."""
    # It would ask the network at every start whether there is a later version.
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
