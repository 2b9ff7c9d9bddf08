"""GPU slots: limit the number of jobs on a GPU of this machine, even if they are started from several terminals.

A slot is a locked file. The system releases the lock when the process ends, in any way.
"""

import contextlib
import functools
import logging
import os
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import torch
from filelock import FileLock, Timeout

from sparse_sharing.errors import ConfigError

log = logging.getLogger(__name__)

JOBS_PER_GPU = "SPARSE_SHARING_JOBS_PER_GPU"
"""The environment variable for the number of jobs that may share a GPU; the default is 1."""

SECONDS_BETWEEN_TRIES = 1.0


class Slot(NamedTuple):
    """A place on a GPU, held as long as this object lives."""

    gpu: int
    """The index of the GPU in torch."""

    lock: FileLock | None
    """None if a batch system such as Slurm already assigns the GPU exclusively."""


@functools.cache
def own_slot() -> Slot:
    """The only slot of this process, claimed on first use and held until the process ends."""
    if is_assigned(os.environ):
        return Slot(0, None)
    names = [str(torch.cuda.get_device_properties(gpu).uuid) for gpu in range(torch.cuda.device_count())]
    return claim_slot(names, jobs_per_gpu(os.environ), runtime_folder())


def is_assigned(environment: Mapping[str, str]) -> bool:
    """Whether a batch system has given this process GPUs of its own."""
    return "SLURM_JOB_ID" in environment and bool(environment.get("CUDA_VISIBLE_DEVICES"))


def jobs_per_gpu(environment: Mapping[str, str]) -> int:
    """How many jobs may share a GPU.

    Raises:
        ConfigError: The environment variable is not a number from 1 on.
    """
    text = environment.get(JOBS_PER_GPU, "1")
    if not (text.isascii() and text.isdigit() and int(text) > 0):
        raise ConfigError(f"{JOBS_PER_GPU}: got '{text}'; expected the number of jobs that may share a GPU, from 1 on")
    return int(text)


def claim_slot(names: Sequence[str], slots: int, folder: Path) -> Slot:
    """Take a free slot, on a GPU with as few jobs as possible; wait if there is none.

    Args:
        names: names of the GPUs that this process can see, which are the same in every process.
        slots: jobs that may share a GPU.
        folder: the folder of the lock files.
    """
    waiting = False
    while True:
        for number in range(slots):
            for gpu, name in enumerate(names):
                lock = FileLock(folder / f"{name}.{number}")
                with contextlib.suppress(Timeout):
                    lock.acquire(timeout=0)
                    return Slot(gpu, lock)
        if not waiting:
            log.info("all GPUs are used by other jobs (%s=%d); waiting for one to end", JOBS_PER_GPU, slots)
            waiting = True
        time.sleep(SECONDS_BETWEEN_TRIES)


def runtime_folder() -> Path:
    """A folder for lock files that this user's processes on this machine share.

    Raises:
        ConfigError: It belongs to another user, or is a link.
    """
    folder = Path(tempfile.gettempdir()) / f"sparse-sharing-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.is_symlink() or folder.stat().st_uid != os.getuid():
        raise ConfigError(f"{folder}: is not a folder of this user; remove it, or set TMPDIR to a folder of your own")
    return folder
