# What all rules use: the checked configuration, its specs and paths. This file has no rules.

import functools
import gc
import inspect
import os
import re
import shutil
from pathlib import Path

from snakemake.io import IOFile
from snakemake.logging import logger

from sparse_sharing.config import NAME, START, from_folder, parse_config
from sparse_sharing.pipeline import Specs, jobs_of, layout, stored_spec_digest
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
    given = workflow.overwrite_configfiles
    return Path(given[-1]).parent if given else Path(workflow.basedir)


def named_configuration():
    """The configuration file, relative to the current folder if it is below it; no file for the default run."""
    given = [Path(file) for file in workflow.overwrite_configfiles[-1:]]
    own = [file for file in given if file != Path(workflow.basedir) / "config.yaml"]
    return [str(file.relative_to(Path.cwd())) if file.is_relative_to(Path.cwd()) else file.name for file in own]


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


def corpora_of(wildcards):
    """The names of the corpora that a job reads: all of its dataset, or that of its task."""
    dataset, task = specs.datasets[wildcards.dataset], wildcards.get("task")
    return [corpus.name for corpus in dataset.corpora if task is None or task in [own.name for own in corpus.tasks]]


def sources(split):
    """A function that returns the (corpus, file) pairs of one split for a job, sorted by corpus."""

    @of_jobs
    def files(wildcards):
        pairs = layout.source_files(run_config, specs.datasets[wildcards.dataset], split)
        read = corpora_of(wildcards)
        return sorted((pair for pair in pairs if pair[0] in read), key=lambda pair: pair[0])

    return files


def document_lists(split):
    """A function that returns the document lists of one split of a dataset, by corpus and split."""

    @of_jobs
    def files(wildcards):
        lists = layout.document_lists(run_config, specs.datasets[wildcards.dataset], split)
        read = [f"{corpus}.{split}" for corpus in corpora_of(wildcards)]
        return dict(sorted((name, path) for name, path in lists if name in read))

    return files


def source_paths(split):
    """A function that returns the files of one split of a dataset and its document lists, without folders."""

    @of_jobs
    def files(wildcards):
        texts = [text for _, text in sources(split)(wildcards)] + [*document_lists(split)(wildcards).values()]
        return [text for text in texts if not Path(text).is_dir()]

    return files


@of_jobs
def files_in_folders(wildcards):
    """The files in the folders of a dataset, each once, so that Snakemake notices changed, new and missing files."""
    texts = [text for split in ("train", "dev", "test") for _, text in sources(split)(wildcards)]
    return [file for text in sorted(set(texts)) if Path(text).is_dir() for file in layout.text_files(text)]


def source_options(split):
    """A function that returns the options for one split of a dataset: its files and its document lists."""

    @of_jobs
    def options(wildcards):
        files = option(f"--{split}", named(sources(split)(wildcards)))
        return files + option("--documents", named(document_lists(split)(wildcards)))

    return options


# The missing files that can be downloaded, as the configuration names them. An existing file has no rule, so that
# nothing can replace it.
missing_files = [
    source.path for source in run_config.download if not Path(layout.source_path(run_config, source.path)).exists()
]


@of_jobs
def vectors_path(wildcards):
    """The word vectors, if the configuration names any."""
    vectors = run_config.data.vectors
    return [] if vectors is None else [layout.source_path(run_config, vectors)]


# The folder of the pretrained encoder, if the configuration names one.
pretrained = [str(folder) for folder in [layout.pretrained_folder(run_config)] if folder is not None]


@of_jobs
def pretrained_files(wildcards):
    """The files of the pretrained encoder that are read."""
    return [str(file) for folder in pretrained for file in layout.pretrained_files(Path(folder))]


def masks_of_tasks(wildcards):
    """The masks of each task of a dataset, by task; none if the choice needs no pruning."""
    choice = specs.choices[wildcards.choice]
    if not choice.is_pruned:
        return {}
    masks = outputs_of("prune" if choice.pruning is None else "prune_named")["masks"]
    identity = {
        "dataset": wildcards.dataset,
        "seed": wildcards.seed,
        "start": wildcards.start,
        "pruning": choice.pruning,
    }
    return {task: masks.format(**identity, task=task) for task in specs.tasks(wildcards.dataset)}


def search_of_choice(wildcards):
    """The result of the search of a choice, if its rule is search."""
    searched = specs.choices[wildcards.choice].rule == "search"
    if not searched:
        return []
    return [outputs_of("search")["search"].format(**wildcards)]


def given_masks(wildcards):
    """The file of masks that a choice names, if any."""
    file = specs.choices[wildcards.choice].file
    return [] if file is None else [layout.source_path(run_config, file)]


@of_jobs
def starting_weights(wildcards):
    """The weights that a system starts from."""
    start = specs.start(wildcards.system)
    return outputs_of("warmup")["weights"].format(dataset=wildcards.dataset, seed=wildcards.seed, start=start)


@of_jobs
def masks_of_system(wildcards):
    """The masks that a system is trained with, if any."""
    system = specs.systems[wildcards.system]
    if system.choice is None:
        return []
    identity = {
        "dataset": wildcards.dataset,
        "seed": wildcards.seed,
        "start": system.start,
        "choice": system.choice,
    }
    masks = outputs_of("select")["masks"].format(**identity)
    trained = specs.trained(wildcards.dataset, wildcards.system, wildcards.model)
    if specs.choices[system.choice].is_pruned and len(trained) < len(specs.tasks(wildcards.dataset)):
        # The file also has masks of other tasks, which may change its time. Changes of the masks that are read change
        # the spec.
        return [ancient(masks)]
    return [masks]


def systems_of(stage):
    """The systems whose models a stage makes."""
    return [system.name for system in run_config.train.systems if system.STAGE == stage]


extended_systems, merged_systems = systems_of("add_task"), systems_of("merge")


def extended_model(output):
    """A function that returns an output of the training whose model a system extends."""

    @of_jobs
    def file(wildcards):
        base = specs.systems[wildcards.system].extends
        identity = {"dataset": wildcards.dataset, "seed": wildcards.seed, "model": wildcards.model}
        return outputs_of("train")[output].format(system=base, **identity)

    return file


def merged_models(output):
    """A function that returns an output of the training of each merged model, by task."""

    @of_jobs
    def files(wildcards):
        system = specs.systems[wildcards.system]
        identity = {"dataset": wildcards.dataset, "seed": wildcards.seed, "system": system.merges}
        tasks = specs.trained(wildcards.dataset, wildcards.system, wildcards.model)
        return {task: outputs_of("train")[output].format(model=task, **identity) for task in tasks}

    return files


@of_jobs
def test_text_of_system(wildcards):
    """The test text, only for a system that chooses the epoch on test as the original code does."""
    if "epoch_on_test" not in (specs.replicate(wildcards.system) or []):
        return []
    return [outputs_of("prepare")["test"].format(dataset=wildcards.dataset)]


@of_jobs
def masks_and_test_text(wildcards):
    """The options of the files that only some trainings read."""
    return [*option("--masks", masks_of_system(wildcards)), *option("--test", test_text_of_system(wildcards))]


def tags_of(*splits):
    """A function that returns the tags of the tasks that a job reads, in some splits."""

    @of_jobs
    def files(wildcards):
        dataset = wildcards.dataset
        if "model" in wildcards.keys():
            tasks = specs.trained(dataset, wildcards.system, wildcards.model)
            test = test_text_of_system(wildcards) and splits != ("test",)
        elif "choice" in wildcards.keys():
            tasks, test = specs.tasks(dataset), False
        else:
            task = wildcards.get("task")
            tasks = [task] if task else specs.warmup(dataset, run_config.seeds[0], wildcards.start).tags or []
            test = False
        read = [*splits, "test"] if test else splits
        tags = outputs_of("prepare_task")
        return [tags[split].format(dataset=dataset, task=task) for task in tasks for split in read]

    return files


CAPTIONS = Path(workflow.basedir) / "workflow" / "report"


def reported(file, category):
    """A table or figure, with its caption in Snakemake's report if there is one."""
    name, ending = Path(file).stem, Path(file).suffix
    if ending not in (".csv", ".svg") or not (CAPTIONS / f"{name}.rst").exists():
        return file
    return report(file, caption=f"../report/{name}.rst", category=category, labels={"what": name})


def files_of(stage, *names):
    """The named outputs of all jobs of a stage; without names all outputs."""
    own = [job for job in run_jobs if job.stage == stage]
    return [str(job.folder / name) for job in own for name in (names or job.files)]


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
