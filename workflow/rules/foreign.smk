# Refuses finished files that were made under other settings, where Snakemake would not notice. This file has no rules.

import functools
from pathlib import Path

from snakemake.io import IOFile
from snakemake.logging import logger

from sparse_sharing.pipeline import layout, stored_spec_digest


def expected_specs():
    """For each file of the run that stores a spec, in the order of stages: the rule, the file and the expected spec."""
    for job in run_jobs:
        if job.carrier is not None:
            yield job.stage, str(job.carrier), job.spec


def taken_for_right(maker, file, spec):
    """Whether Snakemake would accept a file: it has no record of the file, or one with this spec."""
    recorded = workflow.persistence.params(IOFile(file))
    return recorded is None or repr(layout.spec_file(run_config.run, maker, spec)) in recorded


@functools.cache
def warn_of_missing_sources():
    """Warn of missing files of the user, which Snakemake does not notice once the results are made."""
    if workflow.is_main_process and (missing := layout.missing_sources(run_config)):
        logger.warning(
            f"{len(missing)} files that this configuration names are missing; the first is {missing[0]}. "
            f"Check the paths and data_root (now '{run_config.data_root}')."
        )


@functools.cache
def foreign_files():
    """The finished files that were made under other settings without Snakemake noticing, each with its stage."""
    return [
        (maker, file)
        for maker, file, spec in expected_specs()
        if stored_spec_digest(Path(file)) not in (None, spec.digest()) and taken_for_right(maker, file, spec)
    ]


@of_jobs
def refuse_foreign(wildcards):
    """Refuse finished files that were made under other settings, if Snakemake would not notice; returns no input.

    Snakemake compares settings with its own records. Without records, as in results that were copied, it accepts every
    existing file; with records, it accepts a file that has replaced another.
    """
    warn_of_missing_sources()
    if not workflow.is_main_process or workflow.dag_settings.forcerun or workflow.dag_settings.forceall:
        return []
    if foreign := foreign_files():
        maker, file = foreign[0]
        # No WorkflowError: Snakemake would print a traceback around one that an input function raises.
        raise SystemExit(
            f"{len(foreign)} existing files were made under other settings than those of this configuration; "
            f"the first is {file}. Use the configuration of these results, or rebuild them with your usual "
            f"options and: snakemake --cores 4 all --forcerun {maker}"
        )
    return []
