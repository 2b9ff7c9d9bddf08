"""When a run was finished, and the machine that wrote its page."""

import os
import platform
from datetime import UTC, datetime
from pathlib import Path

CPU = Path("/proc/cpuinfo")
"""Where Linux names the processor."""


def facts(run_folder: Path) -> dict[str, str]:
    """The date of the run's tables and the hardware of this machine, without names that identify the machine."""
    finished = datetime.fromtimestamp((run_folder / "tables" / "provenance.json").stat().st_mtime, UTC)
    cores = os.cpu_count()
    return {
        "Tables written": f"{finished:%Y-%m-%d %H:%M} UTC",
        "Page written on": f"{processor()}, {cores} {'core' if cores == 1 else 'cores'}, {platform.system()}",
    }


def processor(source: Path = CPU) -> str:
    """The model of the processor, or its architecture if the system does not name a model."""
    try:
        lines = source.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models and models[0] else platform.machine()
