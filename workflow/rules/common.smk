# What all rules use: the checked configuration, its specs and paths. This file has no rules.

import functools
import gc
import inspect
import os
import re
import shutil
from pathlib import Path

from sparse_sharing.config import NAME, START, from_folder, parse_config
from sparse_sharing.pipeline import Specs, jobs_of, layout
from sparse_sharing.pipeline.stage import STAGE
from sparse_sharing.errors import ConfigError
from sparse_sharing.storage.spec_files import write_spec

# Planning creates millions of objects and keeps most; garbage collection would take an eighth of the time.
gc.freeze()
gc.set_threshold(100_000, 20, 100)


def config_folder():
    """The folder that a relative data_root refers to: that of the configuration, or the current one with --config."""
    if "data_root" in workflow.config_settings.config:
        return Path()
    files = workflow.overwrite_configfiles
    return Path(files[-1]).parent if files else Path(workflow.basedir)


def named_configuration():
    """The configuration file, relative to the current folder if it is below it; no file for the default run."""
    configurations = [Path(file) for file in workflow.overwrite_configfiles[-1:]]
    named = [file for file in configurations if file != Path(workflow.basedir) / "config.yaml"]
    return [str(file.relative_to(Path.cwd())) if file.is_relative_to(Path.cwd()) else file.name for file in named]


try:
    run_config = parse_config(from_folder(config, config_folder()))
except ConfigError as error:
    # No WorkflowError: Snakemake would name this file and line, not the user's.
    raise SystemExit(f"error: {error}")

specs = Specs(run_config)
run_jobs = jobs_of(specs)
RUN = layout.RUN.format(run=run_config.run)


wildcard_constraints:
    dataset=NAME,
    task=NAME,
    system=NAME,
    model=NAME,
    choice=NAME,
    pruning=NAME,
    seed=r"\d+",
    start=START,


def of_jobs(function):
    """Store the signature of a function that Snakemake calls for each job, which otherwise inspects it in every call."""
    function.__signature__ = inspect.signature(function)
    return function


def path(*parts):
    """A path of this run, joined from parts of the layout; its other wildcards stay."""
    return "/".join(parts).replace(layout.RUN, RUN)


@functools.cache
def outputs_of(stage):
    """The outputs of a stage by name, from its record."""
    record = STAGE[stage]
    files = {output.name: path(record.folder, output.file) for output in record.outputs}
    folders = {output.name for output in record.outputs if output.is_folder}
    return {name: directory(file) if name in folders else file for name, file in files.items()}


def log_of(stage):
    """The log of a job of a stage."""
    return path(STAGE[stage].beside("logs", ".log"))


def benchmark_of(stage):
    """The file with time and memory of a job of a stage."""
    return path(STAGE[stage].beside("benchmarks", ".tsv"))


def spec_file(stage, spec):
    """The path of a spec. The file is written when jobs run, not when they are planned, listed or touched.

    A job on another machine evaluates its params there, and so writes the file on that machine.
    """
    file = layout.spec_file(run_config.run, stage, spec)
    if workflow.executor_plugin is not None and not workflow.dryrun and not workflow.touch:
        write_spec(Path(file), spec)
    return file


def spec_of(stage):
    """A function that returns the file of a stage's spec for the wildcards of a job."""

    @of_jobs
    def file(wildcards):
        names = STAGE[stage].identity
        values = [int(wildcards.seed) if name == "seed" else wildcards[name] for name in names]
        return spec_file(stage, getattr(specs, stage)(*values))

    return file


def folder_of(kind, name):
    """A function that returns the folder of a named input or output of a job, wherever Snakemake stores the file."""
    if kind == "input":
        return of_jobs(lambda wildcards, input: os.path.dirname(input[name]))
    return of_jobs(lambda wildcards, output: os.path.dirname(output[name]))


def option(name, values):
    """The words of a command that repeat an option for each value."""
    return [word for value in values for word in (name, value)]


def named(paths):
    """NAME=FILE for each item of a mapping, or for each pair."""
    return [f"{name}={file}" for name, file in (paths.items() if isinstance(paths, dict) else paths)]


def gpus():
    """GPU slots of a training job: one if a GPU is used, otherwise none."""
    device = run_config.device
    return int(device == "cuda" or (device == "auto" and shutil.which("nvidia-smi") is not None))


CAPTIONS = Path(workflow.basedir) / "workflow" / "report"


def reported(file, category):
    """A table or figure, with its caption in Snakemake's report if there is one."""
    name, ending = Path(file).stem, Path(file).suffix
    if ending not in (".csv", ".svg") or not (CAPTIONS / f"{name}.rst").exists():
        return file
    return report(file, caption=f"../report/{name}.rst", category=category, labels={"what": name})


def files_of(stage, *names):
    """The named outputs of all jobs of a stage; without names all outputs."""
    jobs = [job for job in run_jobs if job.stage == stage]
    return [str(job.folder / name) for job in jobs for name in (names or job.files)]
