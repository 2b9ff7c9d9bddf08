# What the rules share: the checked configuration, its specs and paths. No rules here.

import functools
import re
import shutil
from pathlib import Path

from snakemake.io import IOFile
from snakemake.logging import logger

from sparse_sharing.config import NAME, START, Specs, from_folder, jobs_of, layout, parse_config, stored_spec_digest
from sparse_sharing.errors import ConfigError


def config_folder():
    """The folder that a relative data_root starts at: that of the configuration, or this one if --config names it."""
    if "data_root" in workflow.config_settings.config:
        return Path()
    given = workflow.overwrite_configfiles
    return Path(given[-1]).parent if given else Path(workflow.basedir)


try:
    run_config = parse_config(from_folder(config, config_folder()))
except ConfigError as error:
    # No WorkflowError: Snakemake would name this file and line, not the user's.
    raise SystemExit(f"error: {error}")

specs = Specs(run_config)
RUN = layout.RUN.format(run=run_config.run)


wildcard_constraints:
    dataset=NAME,
    task=NAME,
    system=NAME,
    model=NAME,
    choice=NAME,
    seed=r"\d+",
    start=START,


def path(*parts):
    """A path of the layout in this run, joined from parts; its other wildcards are left open."""
    return "/".join(parts).replace(layout.RUN, RUN)


def log_of(*parts):
    """The log of the job that makes a file or folder."""
    return path(*parts).replace(RUN, f"{RUN}/logs", 1) + ".log"


def benchmark_of(*parts):
    """Time and memory of the job that makes a file or folder."""
    return path(*parts).replace(RUN, f"{RUN}/benchmarks", 1) + ".tsv"


def spec_of(stage, *names):
    """A function that gives a stage's spec as text for the wildcards that name the job."""

    def spec(wildcards):
        values = [int(wildcards.seed) if name == "seed" else wildcards[name] for name in names]
        return getattr(specs, stage)(*values).canonical()

    return spec


def option(name, values):
    """An option once for each value, as separate words; without values no option."""
    return [word for value in values for word in (name, value)]


def named(paths):
    """NAME=FILE for each item of a mapping."""
    return [f"{name}={file}" for name, file in paths.items()]


def gpus():
    """GPU slots of a training job: one where a GPU is used."""
    device = run_config.device
    return int(device == "cuda" or (device == "auto" and shutil.which("nvidia-smi") is not None))


def sources(split):
    """A function that gives the files of one split of a dataset, by corpus; the order of corpora has no meaning."""

    def files(wildcards):
        return dict(sorted(layout.source_files(run_config, specs.datasets[wildcards.dataset], split)))

    return files


def document_lists(split):
    """A function that gives the lists of documents of one split of a dataset, by corpus and split."""

    def files(wildcards):
        dataset = specs.datasets[wildcards.dataset]
        return dict(sorted(layout.document_lists(run_config, dataset, split)))

    return files


def source_paths(split):
    """A function that gives the files of one split of a dataset, and its lists of documents, but no folders."""

    def files(wildcards):
        texts = [*sources(split)(wildcards).values(), *document_lists(split)(wildcards).values()]
        return [text for text in texts if not Path(text).is_dir()]

    return files


def files_in_folders(wildcards):
    """Every file that is read in the folders of a dataset, once: each counts when it changes, is new or is gone."""
    texts = [text for split in ("train", "dev", "test") for text in sources(split)(wildcards).values()]
    return [file for text in sorted(set(texts)) if Path(text).is_dir() for file in layout.text_files(text)]


def source_options(split):
    """A function that gives the options of one split of a dataset: its files, and its lists of documents."""

    def options(wildcards):
        files = option(f"--{split}", named(sources(split)(wildcards)))
        return files + option("--documents", named(document_lists(split)(wildcards)))

    return options


# The files that are missing and can be fetched, as the configuration names them. A file that is there has no rule, so
# that nothing can replace it.
missing_files = [
    source.path for source in run_config.download if not Path(layout.source_path(run_config, source.path)).exists()
]


def vectors_path(wildcards):
    """The word vectors, where the configuration names any."""
    vectors = run_config.data.vectors
    return [] if vectors is None else [layout.source_path(run_config, vectors)]


def masks_of_tasks(wildcards):
    """The masks of each task of a dataset, by task; none where the choice names a file of masks."""
    if given_masks(wildcards):
        return {}
    own = path(layout.PRUNE, "masks.safetensors")
    identity = {
        "dataset": wildcards.dataset,
        "seed": wildcards.seed,
        "start": wildcards.start,
    }
    return {task: own.format(**identity, task=task) for task in specs.tasks(wildcards.dataset)}


def given_masks(wildcards):
    """The file of masks that a choice names, if it does."""
    file = specs.choices[wildcards.choice].file
    return [] if file is None else [layout.source_path(run_config, file)]


def starting_weights(wildcards):
    """The weights that a system starts from."""
    start = specs.start(wildcards.system)
    return path(layout.WEIGHTS).format(dataset=wildcards.dataset, seed=wildcards.seed, start=start)


def masks_of_system(wildcards):
    """The masks that a system is trained with, if it has any."""
    system = specs.systems[wildcards.system]
    if system.choice is None:
        return []
    identity = {
        "dataset": wildcards.dataset,
        "seed": wildcards.seed,
        "start": system.start,
        "choice": system.choice,
    }
    return [path(layout.SELECT, "masks.safetensors").format(**identity)]


def test_text_of_system(wildcards):
    """The test text, only for a system that replicates the original's choice of the epoch on test."""
    if "epoch_on_test" not in (specs.replicate(wildcards.system) or []):
        return []
    return [path(layout.DATA, "test.safetensors").format(dataset=wildcards.dataset)]


CAPTIONS = Path(workflow.basedir) / "workflow" / "report"


def reported(file, category):
    """A table or figure with its caption in Snakemake's report, where there is a caption for it."""
    name, ending = Path(file).stem, Path(file).suffix
    if ending not in (".csv", ".svg") or not (CAPTIONS / f"{name}.rst").exists():
        return file
    return report(file, caption=f"../report/{name}.rst", category=category, labels={"what": name})


MODEL_KEYS = ("dataset", "seed", "system", "model")
START_KEYS = ("dataset", "seed", "start")
SELECTION_KEYS = (*START_KEYS, "choice")
PRUNING_KEYS = (*START_KEYS, "task")


def files_of(pattern, names, jobs, keys):
    """The named files that jobs write into the folder of a pattern; a job is given by the values of the keys."""
    folders = [path(pattern).format(**dict(zip(keys, values))) for values in jobs]
    return [f"{folder}/{name}" for folder in folders for name in names]


def prepared_files(*names):
    """Files of the encoded text of every dataset."""
    return files_of(layout.DATA, names, [(dataset,) for dataset in sorted(specs.datasets)], ["dataset"])


def chosen_masks(*names):
    """Files of every choice of masks that a system uses."""
    return files_of(layout.SELECT, names, specs.tables().selections(), SELECTION_KEYS)


def trained_models(*names):
    """Files of every model of the run."""
    return files_of(layout.MODEL, names, specs.tables().models(), MODEL_KEYS)


def pruned(*names):
    """Files of every pruning of the run."""
    return files_of(layout.PRUNE, names, specs.tables().prunings(), PRUNING_KEYS)


def evaluations(*names):
    """Files of the evaluation of every model of the run."""
    return files_of(layout.EVALUATION, names, specs.tables().models(), MODEL_KEYS)


def expected_specs():
    """For the files of the run that tell a spec, first stages first: the rule, the file, and the spec they must tell."""
    rule_of = {"train": "train_model", "tables": "summarise"}
    for job in jobs_of(specs):
        if job.carrier is not None:
            yield rule_of.get(job.stage, job.stage), str(job.carrier), job.spec


def taken_for_right(file, spec):
    """Whether Snakemake has no record of how a file was made, or one that says: under this spec."""
    recorded = workflow.persistence.params(IOFile(file))
    return recorded is None or repr(spec.canonical()) in recorded


@functools.cache
def warn_of_missing_sources():
    """Say that files of the user's are missing: Snakemake does not notice once the results are made."""
    if workflow.is_main_process and (missing := layout.missing_sources(run_config)):
        logger.warning(
            f"{len(missing)} files that this configuration names are missing; the first is {missing[0]}. "
            f"Check the paths and data_root (now '{run_config.data_root}')."
        )


def refuse_foreign(wildcards):
    """No input; refuses finished files that were made under other settings where Snakemake would not notice.

    Snakemake compares settings with its own records. Without them, in results copied from elsewhere, it takes every
    file that exists for right; with them, a file that was put in the place of another.
    """
    warn_of_missing_sources()
    if not workflow.is_main_process or workflow.dag_settings.forcerun or workflow.dag_settings.forceall:
        return []
    foreign = [
        (maker, file)
        for maker, file, spec in expected_specs()
        if stored_spec_digest(Path(file)) not in (None, spec.digest()) and taken_for_right(file, spec)
    ]
    if foreign:
        maker, file = foreign[0]
        # No WorkflowError: Snakemake would print a traceback around one that an input function raises.
        raise SystemExit(
            f"{len(foreign)} files were brought here from elsewhere and made under other settings than this "
            f"configuration's; the first is {file}. Use the configuration of these results, or build them anew with "
            f"the options of your run and: snakemake --cores 4 all --forcerun {maker}"
        )
    return []
