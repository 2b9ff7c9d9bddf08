"""Explains why a file would be made again: its settings against those of the configuration, and its inputs."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sparse_sharing.errors import ConfigError
from sparse_sharing.inspection.spec_differences import differences
from sparse_sharing.pipeline.jobs import Job
from sparse_sharing.pipeline.provenance import spec_digest, stored_details, stored_spec, stored_spec_digest
from sparse_sharing.text.sources import split_digest


@dataclass(frozen=True)
class Reason:
    """One reason to make the files of a job again."""

    job: Job
    text: str


def job_of(path: Path, jobs: list[Job]) -> Job:
    """The job that makes a file or folder.

    Raises:
        ConfigError: No job of the configuration makes it.
    """
    wanted = path.resolve()
    for job in jobs:
        # The predictions are a folder; each file in it belongs to the job.
        if any(wanted == output.resolve() or output.resolve() in wanted.parents for output in job.outputs):
            return job
    for job in jobs:
        if wanted == job.folder.resolve():
            return job
    run = jobs[0].folder.parts[1]
    raise ConfigError(f"{path}: no job of this configuration makes it; its files are in {Path('results', run)}")


def reasons(job: Job) -> list[Reason]:
    """Why a job would run again: its own reasons, then those of all jobs that it depends on; none if it would not."""
    by_job: dict[str, list[Reason]] = {}
    _collect(job, by_job)
    return [reason for job_reasons in by_job.values() for reason in job_reasons]


def _collect(job: Job, by_job: dict[str, list[Reason]]) -> None:
    if job.label in by_job:
        return
    by_job[job.label] = [Reason(job, text) for text in _own_reasons(job)]
    for needed in job.needs.values():
        _collect(needed, by_job)


def _own_reasons(job: Job) -> Iterator[str]:
    """The reasons of one job, without those of the jobs before it."""
    missing = [path for path in job.outputs if not path.exists()]
    if missing:
        more = f" and {len(missing) - 1} more files" if len(missing) > 1 else ""
        yield f"{missing[0]}{more} {'are' if more else 'is'} missing"
    if job.carrier is not None and job.carrier.exists():
        yield from _changed_settings(job, job.carrier)
    yield from _changed_sources(job)
    yield from _newer_inputs(job)


def _changed_settings(job: Job, carrier: Path) -> Iterator[str]:
    """The keys in which the stored spec differs; keys that are digests of other specs name the jobs with those
    specs.
    """
    stored = stored_spec(carrier)
    if stored is None:
        yield f"{carrier} is damaged or was not written by sparse-sharing"
        return
    if spec_digest(stored) == job.spec.digest():
        return
    for key, (old, new) in differences(stored, job.spec.model_dump(mode="json")).items():
        needed = job.needs.get(key)
        if needed is None:
            yield (
                "the results it collects were made with other settings"
                if key == "metrics"
                else f"{key}: {old} -> {new}"
            )
        elif needed.carrier is not None and stored_spec_digest(needed.carrier) == needed.spec.digest():
            yield f"{key}: it was made from an earlier result of {needed.label}, which has been made again since"
        else:
            yield f"{key}: the settings of {needed.label} have changed"


def _changed_sources(job: Job) -> Iterator[str]:
    """The user's files that are missing, or whose content has changed since they were read."""
    yield from (f"{path} is missing" for path in job.sources if not path.exists() and "demo" not in job.needs)
    if job.stage not in ("prepare", "prepare_task") or not job.outputs[-1].exists():
        return
    summary = stored_details(job.outputs[-1]) or {}
    read = [values for split in summary.get("splits", {}).values() for values in _sources_of(split)]
    known_digests = {values["sha256"] for values in read if "sha256" in values}
    # Several files of one split have a common digest, which does not show which file has changed.
    together = {name for values in read if ", " in (names := values.get("file", "")) for name in names.split(", ")}
    vectors = getattr(job.spec, "vectors", False)
    for path in job.sources[:-1] if vectors else job.sources:
        if path.exists() and known_digests and path.name not in together and split_digest(path) not in known_digests:
            yield f"the content of {path} has changed since it was read"


def _sources_of(split: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
    """The entry of each corpus of a split in the summary of a text; the summary of a task has one corpus."""
    return split["corpora"].values() if "corpora" in split else [split]


def _newer_inputs(job: Job) -> Iterator[str]:
    """Inputs that were written after the files made from them."""
    output_times = [path.stat().st_mtime for path in job.outputs if path.exists()]
    read = [path for needed in job.needs.values() if needed.carrier is not None for path in [needed.carrier]]
    for path in [*read, *job.sources]:
        if output_times and path.exists() and path.stat().st_mtime > min(output_times):
            yield f"{path} is newer; the job runs again unless its content is the same"
