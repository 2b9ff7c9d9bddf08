"""The costs of a job: processor time over all its attempts, updates and tokens of each task, and dev scores.

The record is beside the outputs of a job but is not one of them, since processor time differs from run to run.
"""

import json
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

from sparse_sharing.errors import ArtifactError
from sparse_sharing.pipeline.artefact import COSTS
from sparse_sharing.storage.artifacts import remedy, write_text

COSTS_FILE = COSTS.file
"""Name of the record in the folder of a job's outputs."""

SECONDS_FILE = "processor_seconds"
"""Name of the file in the work folder of a job with the processor time of its attempts."""


@dataclass(frozen=True)
class Costs:
    """The costs of one job.

    Attributes:
        processor_seconds: processor time of all threads of the stage, over all its attempts.
        updates: optimizer steps on batches of each task.
        tokens: tokens in these batches, by task.
        dev_scores: by task, the number of dev scores used for choices: each epoch is compared with the best before it.
    """

    processor_seconds: float
    updates: dict[str, int] = field(default_factory=dict)
    tokens: dict[str, int] = field(default_factory=dict)
    dev_scores: dict[str, int] = field(default_factory=dict)


class Meter:
    """Measures the processor time of a stage, including the attempts that were interrupted."""

    def __init__(self) -> None:
        """Start measuring."""
        self.started, self.before = time.process_time(), 0.0
        self.path: Path | None = None

    def keep_in(self, work: Path) -> None:
        """Add the time of earlier attempts, stored in the work folder, and store the time of this one there."""
        self.path = work / SECONDS_FILE
        try:
            self.before = float(self.path.read_text(encoding="ascii"))
        except (OSError, ValueError):
            self.before = 0.0

    @property
    def seconds(self) -> float:
        """Processor seconds of this attempt and all earlier ones."""
        return self.before + time.process_time() - self.started

    def save(self) -> None:
        """Store the time so far; call it before each checkpoint, so that no finished epoch is lost."""
        if self.path is not None:
            write_text(self.path, f"{self.seconds:.2f}\n")


def write_costs(folder: Path, costs: Costs) -> None:
    """Write the record of a job into the folder of its outputs."""
    values = asdict(costs) | {"processor_seconds": round(costs.processor_seconds, 2)}
    write_text(folder / COSTS_FILE, json.dumps(values, indent=1) + "\n")


def read_costs(folder: Path) -> Costs | None:
    """The record of a job; None if there is none, as for results of earlier versions.

    Raises:
        ArtifactError: The record is damaged.
    """
    path = folder / COSTS_FILE
    try:
        values = json.loads(path.read_bytes())
        counts = {
            name: {str(task): int(count) for task, count in values[name].items()}
            for name in ("updates", "tokens", "dev_scores")
        }
        return Costs(float(values["processor_seconds"]), **counts)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ArtifactError(f"{path}: is damaged ({error}). {remedy(path)}") from error
