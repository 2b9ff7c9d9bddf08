"""Explains out-of-memory errors: the memory that was requested, used and allowed."""

import errno
import os
import re
import resource
from pathlib import Path

KILOBYTE = 1024
UNITS = {unit: KILOBYTE**power for power, unit in enumerate(("B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"))}
UNITS["bytes"] = 1

ADVICE = (
    "Give the job more memory (mem_mb of its rule in the profile), or reduce its need: a smaller batch_size, a "
    "smaller model, shorter sentences. An interrupted training resumes after its last finished epoch"
)

_asked = re.compile(r"(?:tried to allocate|Tried to allocate|Unable to allocate) ([0-9.]+) (bytes|[KMGTPE]iB)").search
_of_torch = re.compile(r"can't allocate memory|not enough memory|out of memory|ALLOC_FAILED").search


def explain(error: BaseException) -> str | None:
    """The explanation of an out-of-memory error and what to do; None for an error of another kind.

    Notes on the error name the operation.
    """
    if not _is_shortage(error):
        return None
    place = "".join(f"{note}: " for note in getattr(error, "__notes__", ()))
    asked = asked_bytes(error)
    more = "" if asked is None else f"{shown(asked)} more were requested; "
    return f"{place}out of memory: {more}{situation()}. {ADVICE}"


def asked_bytes(error: BaseException) -> int | None:
    """The bytes that were requested, from the message of an allocator."""
    match = _asked(str(error))
    return round(float(match[1]) * UNITS[match[2]]) if match else None


def situation() -> str:
    """The memory that this process has used, and its limits."""
    held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * KILOBYTE
    allowed = ", ".join(f"{shown(size)} {what}" for what, size in allowances().items())
    return f"the process has used {shown(held)}" + (f" (limits: {allowed})" if allowed else "")


def allowances() -> dict[str, int]:
    """The limits in bytes: address space, control group (as set by Slurm and containers), free memory."""
    soft, _ = resource.getrlimit(resource.RLIMIT_AS)
    sizes = {
        "of address space": None if soft == resource.RLIM_INFINITY else soft,
        "for this job": _group_limit(),
        "free on the machine": _free(),
    }
    return {what: size for what, size in sizes.items() if size is not None}


def shown(size: int) -> str:
    """Bytes as readable text."""
    return f"{size / 1e6:,.0f} MB" if size >= 1e6 else f"{size:,} bytes"


def _is_shortage(error: BaseException) -> bool:
    if isinstance(error, OSError):
        return error.errno == errno.ENOMEM
    return isinstance(error, MemoryError) or (isinstance(error, RuntimeError) and bool(_of_torch(str(error))))


def _group_limit() -> int | None:
    """The smallest limit of the control groups (version 2) that contain this process."""
    try:
        group_path = Path("/proc/self/cgroup").read_text(encoding="ascii").strip().rpartition("::")[2]
        folder = Path("/sys/fs/cgroup") / group_path.lstrip("/")
        files = (group / "memory.max" for group in (folder, *folder.parents) if group.is_relative_to("/sys/fs/cgroup"))
        limits = [text for file in files if file.exists() and (text := file.read_text(encoding="ascii").strip())]
        return min((int(text) for text in limits if text.isdigit()), default=None)
    except (OSError, ValueError):
        return None


def _free() -> int | None:
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        available = next((line.split()[1] for line in lines if line.startswith("MemAvailable:")), None)
    except OSError:
        return None
    return int(available) * KILOBYTE if available else os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
