"""The command line: one sub-command per stage of the workflow, and what a user needs besides.

Exit codes: 0 done; 1 the program's fault; 2 wrong option or configuration; 3 wrong data; 4 an earlier stage's file is
missing, damaged or made under other settings; 5 training cannot go on; 6 a file cannot be written; 130 interrupted.
"""

import json
import logging
import sys
from pathlib import Path
from typing import Annotated, Literal, TypeVar

import typer
from pydantic import ValidationError

from sparse_sharing import __version__
from sparse_sharing.config import Specs, load_config, models_of
from sparse_sharing.config import specs as stage_specs
from sparse_sharing.config.schema import Config
from sparse_sharing.errors import ConfigError, UserError

app = typer.Typer(
    name="sparse-sharing",
    help="Learn sparse sharing architectures for several tagging tasks: the stages of the workflow, by hand.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)

SpecType = TypeVar("SpecType", bound=stage_specs.Spec)
WRITE_FAILED, INTERRUPTED = 6, 130

SpecOption = Annotated[
    str,
    typer.Option("--spec", metavar="JSON|FILE", help="What to do: JSON as `sparse-sharing spec` prints it."),
]
Output = Annotated[Path, typer.Option("--output", help="Folder to write into; it is made where it is missing.")]
OutputFile = Annotated[Path, typer.Option("--output", help="File to write.")]
Vocabulary = Annotated[Path, typer.Option(help="vocabulary.json of the prepared dataset.")]
TrainText = Annotated[Path, typer.Option("--train", help="train.safetensors of the prepared dataset.")]
DevText = Annotated[Path, typer.Option("--dev", help="dev.safetensors of the prepared dataset.")]
Weights = Annotated[Path, typer.Option(help="weights.safetensors to start from and to rewind to.")]
Device = Annotated[Literal["auto", "cpu", "cuda"], typer.Option(help="auto takes a GPU if there is one.")]
Threads = Annotated[int, typer.Option(min=1, help="CPU threads; one is fastest for these networks.")]
Named = Annotated[list[str], typer.Option(metavar="NAME=FILE", help="May be given several times.")]


@app.callback(invoke_without_command=True)
def version(
    show: Annotated[bool, typer.Option("--version", help="Print the version and leave.", is_eager=True)] = False,
) -> None:
    """Print the version where it is asked for."""
    if show:
        typer.echo(__version__)
        raise typer.Exit


@app.command()
def demo(spec: SpecOption, output: Output) -> None:
    """Stage demo: write the embedded demo corpora as column files."""
    from sparse_sharing.stages import demo as stage

    stage.run(parse_spec(spec, stage_specs.DemoSpec), output)


@app.command()
def prepare(
    spec: SpecOption,
    train: Annotated[list[str], typer.Option(metavar="CORPUS=FILE", help="Training file of a corpus.")],
    test: Annotated[list[str], typer.Option(metavar="CORPUS=FILE", help="Test file of a corpus.")],
    output: Output,
    dev: Annotated[list[str] | None, typer.Option(metavar="CORPUS=FILE", help="Development file of a corpus.")] = None,
    vectors: Annotated[Path | None, typer.Option(help="Word vectors, GloVe or word2vec text, plain or gzip.")] = None,
) -> None:
    """Stage prepare: read column files, build the vocabularies, encode the text of every split."""
    from sparse_sharing.stages import prepare as stage

    files = {"train": parse_named(train), "dev": parse_named(dev or []), "test": parse_named(test)}
    stage.run(parse_spec(spec, stage_specs.PrepareSpec), files, vectors, output)


@app.command()
def warmup(
    spec: SpecOption,
    vocabulary: Vocabulary,
    vectors: Annotated[Path, typer.Option(help="vectors.safetensors of the prepared dataset.")],
    train: TrainText,
    dev: DevText,
    output: OutputFile,
    device: Device = "auto",
    threads: Threads = 1,
) -> None:
    """Stage warmup: make the starting weights, theta(0) or theta(w)."""
    from sparse_sharing.stages import warmup as stage

    set_threads(threads)
    stage.run(parse_spec(spec, stage_specs.WarmupSpec), vocabulary, vectors, train, dev, output, device)


@app.command()
def prune(
    spec: SpecOption,
    vocabulary: Vocabulary,
    train: TrainText,
    dev: DevText,
    weights: Weights,
    output: Output,
    device: Device = "auto",
    threads: Threads = 1,
) -> None:
    """Stage prune: find the masks of one task by iterative magnitude pruning."""
    from sparse_sharing.stages import prune as stage

    set_threads(threads)
    stage.run(parse_spec(spec, stage_specs.PruneSpec), vocabulary, train, dev, weights, output, device)


@app.command()
def select(
    spec: SpecOption,
    masks: Annotated[list[str], typer.Option(metavar="TASK=FILE", help="masks.safetensors of a task's pruning.")],
    output: Output,
) -> None:
    """Stage select: pick one round's mask for each task."""
    from sparse_sharing.stages import select as stage

    stage.run(parse_spec(spec, stage_specs.SelectSpec), parse_named(masks), output)


@app.command()
def train(
    spec: SpecOption,
    vocabulary: Vocabulary,
    train: TrainText,
    dev: DevText,
    weights: Weights,
    output: Output,
    masks: Annotated[Path | None, typer.Option(help="masks.safetensors of a selection; sparse sharing only.")] = None,
    device: Device = "auto",
    threads: Threads = 1,
) -> None:
    """Stage train: train one model of a system."""
    from sparse_sharing.stages import train as stage

    set_threads(threads)
    stage.run(parse_spec(spec, stage_specs.TrainSpec), vocabulary, train, dev, weights, masks, output, device)


@app.command()
def evaluate(
    spec: SpecOption,
    model: Annotated[Path, typer.Option(help="Folder of the trained model.")],
    test: Annotated[Path, typer.Option(help="test.safetensors of the prepared dataset.")],
    output: Output,
    device: Device = "auto",
    threads: Threads = 1,
) -> None:
    """Stage evaluate: score a trained model on the test text."""
    from sparse_sharing.stages import evaluate as stage

    set_threads(threads)
    stage.run(parse_spec(spec, stage_specs.EvaluateSpec), model, test, output, device)


@app.command()
def tables(
    spec: SpecOption,
    run: Annotated[Path, typer.Option(help="Folder of the run, results/NAME.")],
    output: Output,
) -> None:
    """Stage tables: gather the results of all models of a run."""
    from sparse_sharing.stages import tables as stage

    stage.run(parse_spec(spec, stage_specs.TablesSpec), run, output)


@app.command()
def spec(
    stage: Annotated[str, typer.Argument(help="demo, prepare, warmup, prune, select, train, evaluate or tables.")],
    config: Annotated[Path, typer.Option(help="Configuration of the run.")] = Path("config.yaml"),
    dataset: Annotated[str | None, typer.Option(help="Stages prepare to evaluate.")] = None,
    seed: Annotated[int | None, typer.Option(help="Stages warmup to evaluate.")] = None,
    start: Annotated[Literal["initial", "warmup"] | None, typer.Option(help="Stages warmup, prune and select.")] = None,
    task: Annotated[str | None, typer.Option(help="Stage prune.")] = None,
    choice: Annotated[str | None, typer.Option(help="Stage select.")] = None,
    system: Annotated[str | None, typer.Option(help="Stages train and evaluate.")] = None,
    model: Annotated[str | None, typer.Option(help="A task, or shared; stages train and evaluate.")] = None,
) -> None:
    """Print what a stage is to do under a configuration, for its option --spec."""
    values = {"dataset": dataset, "seed": seed, "start": start, "task": task, "choice": choice}
    values |= {"system": system, "model": model}
    typer.echo(find_spec(load_config(config), stage, values).canonical())


@app.command()
def schema() -> None:
    """Print the JSON schema of the configuration."""
    typer.echo(json.dumps(Config.model_json_schema(), indent=2, ensure_ascii=False))


def find_spec(config: Config, stage: str, values: dict[str, object]) -> stage_specs.Spec:
    """The spec of one job.

    Raises:
        ConfigError: There is no such stage, an option is missing, or it names nothing in the configuration.
    """
    needed = {
        "demo": (),
        "prepare": ("dataset",),
        "warmup": ("dataset", "seed", "start"),
        "prune": ("dataset", "seed", "start", "task"),
        "select": ("dataset", "seed", "start", "choice"),
        "train": ("dataset", "seed", "system", "model"),
        "evaluate": ("dataset", "seed", "system", "model"),
        "tables": (),
    }
    if stage not in needed:
        raise ConfigError(f"there is no stage '{stage}'; stages are {', '.join(needed)}")
    if missing := [name for name in needed[stage] if values.get(name) is None]:
        raise ConfigError(f"stage {stage} needs the option --{missing[0]}")
    specs = Specs(config)
    known = {
        "dataset": lambda: specs.datasets,
        "seed": lambda: config.seeds,
        "start": lambda: ["initial", "warmup"],
        "task": lambda: specs.tasks(values["dataset"]),
        "choice": lambda: specs.choices,
        "system": lambda: specs.systems,
        "model": lambda: models_of(specs.systems[values["system"]].sharing, specs.tasks(values["dataset"])),
    }
    for name in needed[stage]:
        # What tasks and models there are depends on options that have been checked before them.
        if values[name] not in (names := known[name]()):
            raise ConfigError(f"--{name}: got '{values[name]}'; this configuration has {', '.join(map(str, names))}")
    return getattr(specs, stage)(*(values[name] for name in needed[stage]))


def parse_spec(text: str, kind: type[SpecType]) -> SpecType:
    """A spec from JSON, or from a file that holds it.

    Raises:
        ConfigError: The text is neither, or no spec of this stage.
    """
    source = "--spec"
    if not text.lstrip().startswith("{"):
        source = text
        try:
            text = Path(text).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"--spec: '{text[:60]}' is neither JSON nor a file that can be read") from error
    try:
        return kind.model_validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = "".join(f"{part}: " for part in first["loc"])
        raise ConfigError(
            f"{source}: is no spec of this stage ({place}{first['msg']}); print one with `sparse-sharing spec`"
        ) from error


def parse_named(values: list[str]) -> dict[str, Path]:
    """`NAME=FILE` options as a mapping.

    Raises:
        ConfigError: An option has another form, or a name stands twice.
    """
    named: dict[str, Path] = {}
    for value in values:
        name, equals, path = value.partition("=")
        if not (name and equals and path):
            raise ConfigError(f"got '{value}'; expected NAME=FILE")
        if name in named:
            raise ConfigError(f"got two files for '{name}'")
        named[name] = Path(path)
    return named


def set_threads(threads: int) -> None:
    """Let torch use so many threads."""
    import torch

    torch.set_num_threads(threads)


def main() -> None:
    """Run the command line: errors of the user are one message and an exit code, never a traceback."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s: %(message)s", stream=sys.stderr)
    try:
        app()
    except UserError as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(error.exit_code)
    except OSError as error:
        typer.echo(f"error: {error.filename or 'a file'}: {error.strerror}. Nothing that was there is lost", err=True)
        sys.exit(WRITE_FAILED)
    except SystemExit as end:
        # Typer has made this exit code of Ctrl-C.
        if end.code == INTERRUPTED:
            typer.echo("interrupted; the same command goes on from the last finished epoch", err=True)
        raise
