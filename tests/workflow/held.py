"""`sparse-sharing`, but after every round of pruning it waits while the file `hold` is there."""

import sys
import time
from pathlib import Path

from sparse_sharing.cli import main

HOLD = Path("hold")
replace = Path.replace


def replace_and_wait(path: Path, target: Path) -> Path:
    """Give a file its final name; if it holds the finished rounds, wait."""
    replaced = replace(path, target)
    while Path(target).name == "rounds.safetensors" and HOLD.exists():
        time.sleep(0.1)
    return replaced


Path.replace = replace_and_wait
sys.exit(main())
