"""What to say where the memory of the machine does not suffice: how much was asked for, held and allowed."""

import errno
import os
import re
import resource
from pathlib import Path

KILOBYTE = 1024
UNITS = {unit: KILOBYTE**power for power, unit in enumerate(("B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"))}
UNITS["bytes"] = 1

ADVICE = (
    "Give the job more memory (mem_mb of its rule in the profile), or ask for less of it: a smaller batch_size, a "
    "smaller model, shorter sentences. A training that is started again goes on from its last finished epoch"
)

_asked = re.compile(r"(?:tried to allocate|Tried to allocate|Unable to allocate) ([0-9.]+) (bytes|[KMGTPE]iB)").search
_of_torch = re.compile(r"can't allocate memory|not enough memory|out of memory|ALLOC_FAILED").search


def explain(error: BaseException) -> str | None:
    """What a lack of memory means and what to do about it; None for an error of another kind.

    Notes on the error say what was being done.
    """
    if not _is_shortage(error):
        return None
    place = "".join(f"{note}: " for note in getattr(error, "__notes__", ()))
    asked = asked_bytes(error)
    more = "" if asked is None else f"{shown(asked)} more were asked for; "
    return f"{place}the memory does not suffice: {more}{situation()}. {ADVICE}"


def asked_bytes(error: BaseException) -> int | None:
    """The bytes that an allocator says it was asked for."""
    found = _asked(str(error))
    return round(float(found[1]) * UNITS[found[2]]) if found else None


def situation() -> str:
    """What this process holds and what it may hold."""
    held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * KILOBYTE
    allowed = ", ".join(f"{shown(size)} {what}" for what, size in allowances().items())
    return f"the process has held {shown(held)}" + (f" (limits: {allowed})" if allowed else "")


def allowances() -> dict[str, int]:
    """Bytes by what limits them: address space, control group (as Slurm and containers set it), free memory."""
    soft, _ = resource.getrlimit(resource.RLIMIT_AS)
    known = {
        "of address space": None if soft == resource.RLIM_INFINITY else soft,
        "for this job": _group_limit(),
        "free on the machine": _free(),
    }
    return {what: size for what, size in known.items() if size is not None}


def shown(size: int) -> str:
    """Bytes for people."""
    return f"{size / 1e6:,.0f} MB" if size >= 1e6 else f"{size:,} bytes"


def _is_shortage(error: BaseException) -> bool:
    if isinstance(error, OSError):
        return error.errno == errno.ENOMEM
    return isinstance(error, MemoryError) or (isinstance(error, RuntimeError) and bool(_of_torch(str(error))))


def _group_limit() -> int | None:
    """The limit of the control group (version 2) that this process is in, or of one around it: the smallest."""
    try:
        own = Path("/proc/self/cgroup").read_text(encoding="ascii").strip().rpartition("::")[2]
        folder = Path("/sys/fs/cgroup") / own.lstrip("/")
        files = (group / "memory.max" for group in (folder, *folder.parents) if group.is_relative_to("/sys/fs/cgroup"))
        limits = [text for file in files if file.exists() and (text := file.read_text(encoding="ascii").strip())]
        return min((int(text) for text in limits if text.isdigit()), default=None)
    except (OSError, ValueError):
        return None


def _free() -> int | None:
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        found = next((line.split()[1] for line in lines if line.startswith("MemAvailable:")), None)
    except OSError:
        return None
    return int(found) * KILOBYTE if found else os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
