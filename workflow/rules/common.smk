# What the rules share: the checked configuration, its specs and paths. No rules here.

from pathlib import Path

from sparse_sharing.config import NAME, Specs, layout, models_of, parse_config
from sparse_sharing.errors import ConfigError

try:
    run_config = parse_config(config)
except ConfigError as error:
    raise WorkflowError(str(error))

specs = Specs(run_config)
RUN = run_config.run


wildcard_constraints:
    dataset=NAME,
    task=NAME,
    system=NAME,
    model=NAME,
    choice=NAME,
    seed=r"\d+",
    start="initial|warmup",


def path(pattern):
    """A path of the layout in this run, its other wildcards left open."""
    return pattern.replace("{run}", RUN)


def log_of(pattern):
    """The log of the job that makes a file or folder."""
    return path(pattern).replace(f"results/{RUN}/", f"results/{RUN}/logs/", 1) + ".log"


def benchmark_of(pattern):
    """Time and memory of the job that makes a file or folder."""
    return path(pattern).replace(f"results/{RUN}/", f"results/{RUN}/benchmarks/", 1) + ".tsv"


def spec_of(stage, *names):
    """A function that gives a stage's spec as text for the wildcards that name the job."""

    def spec(wildcards):
        values = [int(wildcards.seed) if name == "seed" else wildcards[name] for name in names]
        return getattr(specs, stage)(*values).canonical()

    return spec


def tasks_of(dataset):
    """The names of a dataset's tasks."""
    return specs.tasks(dataset)


def option(name, values):
    """An option once for each value, as words for a rule to quote; no values: no option."""
    return [word for value in values for word in (name, value)]


def named(paths):
    """NAME=FILE for each item of a mapping."""
    return [f"{name}={file}" for name, file in paths.items()]


def gpus():
    """GPU slots of a training job: one where a GPU is used."""
    device = run_config.device
    return int(device == "cuda" or (device == "auto" and Path("/dev/nvidia0").exists()))


def prepared_files():
    """The encoded text of every dataset."""
    folders = [path(layout.DATA).format(dataset=dataset) for dataset in specs.datasets]
    return [f"{folder}/{file}" for folder in folders for file in layout.PREPARED_FILES]


def chosen_masks():
    """Every choice of masks that a system uses."""
    keys = ("dataset", "seed", "start", "choice")
    return [
        path(layout.SELECT).format(**dict(zip(keys, values))) + f"/{file}"
        for values in specs.tables().selections()
        for file in ("masks.safetensors", "choice.csv", "overlap.csv")
    ]


def trained_models():
    """Every model of the run."""
    keys = ("dataset", "seed", "system", "model")
    return [
        path(layout.MODEL).format(**dict(zip(keys, values))) + "/model.safetensors"
        for values in specs.tables().models()
    ]


def all_metrics():
    """The scores of every model of the run."""
    keys = ("dataset", "seed", "system", "model")
    return [
        path(layout.EVALUATION).format(**dict(zip(keys, values))) + "/metrics.json"
        for values in specs.tables().models()
    ]
