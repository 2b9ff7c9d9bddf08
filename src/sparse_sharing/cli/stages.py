"""The stages of the workflow, one command each."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from sparse_sharing.cli.device import Device, Threads
from sparse_sharing.cli.options import (
    DevFiles,
    DevText,
    Documents,
    Output,
    OutputFile,
    SpecOption,
    TestFiles,
    TrainFiles,
    TrainText,
    Vectors,
    Vocabulary,
    Weights,
    parse_files,
    parse_named,
)
from sparse_sharing.pipeline import specs as stage_specs
from sparse_sharing.pipeline.stage import STAGE
from sparse_sharing.storage.spec_files import read_spec
from sparse_sharing.training.threads import set_threads

app = typer.Typer()


def stage_command(function: Callable[..., None]) -> Callable[..., None]:
    """Make a function the command of the stage with its name."""
    record = STAGE[function.__name__]
    return app.command(help=f"Stage {record.name}: {record.meaning}.")(function)


@stage_command
def demo(spec: SpecOption, output: Output) -> None:
    from sparse_sharing.stages import demo as stage

    stage.run(read_spec(spec, stage_specs.DemoSpec), output)


@stage_command
def download(spec: SpecOption, output: OutputFile) -> None:
    from sparse_sharing.stages import download as stage

    stage.run(read_spec(spec, stage_specs.DownloadSpec), output)


@stage_command
def prepare(
    spec: SpecOption,
    train: TrainFiles,
    output: Output,
    test: TestFiles = None,
    dev: DevFiles = None,
    documents: Documents = None,
    vectors: Annotated[Path | None, typer.Option(help="Word vectors, GloVe or word2vec text, plain or gzip.")] = None,
) -> None:
    from sparse_sharing.stages import prepare as stage

    files = {"train": parse_files(train), "dev": parse_files(dev or []), "test": parse_files(test or [])}
    stage.run(read_spec(spec, stage_specs.PrepareSpec), files, vectors, output, parse_named(documents or []))


@stage_command
def prepare_task(
    spec: SpecOption,
    train: TrainFiles,
    output: Output,
    test: TestFiles = None,
    dev: DevFiles = None,
    documents: Documents = None,
) -> None:
    from sparse_sharing.stages import prepare_task as stage

    files = {"train": parse_files(train), "dev": parse_files(dev or []), "test": parse_files(test or [])}
    stage.run(read_spec(spec, stage_specs.PrepareTaskSpec), files, output, parse_named(documents or []))


@stage_command
def warmup(
    spec: SpecOption,
    vocabulary: Vocabulary,
    vectors: Vectors,
    train: TrainText,
    dev: DevText,
    output: OutputFile,
    pretrained: Annotated[
        Path | None, typer.Option(help="Folder of the pretrained encoder, if the spec has one.")
    ] = None,
    device: Device = "auto",
    threads: Threads = 1,
) -> None:
    from sparse_sharing.stages import warmup as stage

    set_threads(threads)
    stage.run(read_spec(spec, stage_specs.WarmupSpec), vocabulary, vectors, train, dev, output, device, pretrained)


@stage_command
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
    from sparse_sharing.stages import prune as stage

    set_threads(threads)
    stage.run(read_spec(spec, stage_specs.PruneSpec), vocabulary, train, dev, weights, output, device)


@stage_command
def search(
    spec: SpecOption,
    vocabulary: Vocabulary,
    train: TrainText,
    dev: DevText,
    weights: Weights,
    masks: Annotated[list[str], typer.Option(metavar="TASK=FILE", help="masks.safetensors of a task's pruning.")],
    output: Output,
    device: Device = "auto",
    threads: Threads = 1,
) -> None:
    from sparse_sharing.stages import search as stage

    set_threads(threads)
    named = parse_named(masks)
    stage.run(read_spec(spec, stage_specs.SearchSpec), named, vocabulary, train, dev, weights, output, device)


@stage_command
def select(
    spec: SpecOption,
    weights: Weights,
    output: Output,
    masks: Annotated[
        list[str] | None, typer.Option(metavar="TASK=FILE", help="masks.safetensors of a task's pruning.")
    ] = None,
    file: Annotated[Path | None, typer.Option(help="Masks of all tasks, for a choice with rule file.")] = None,
    search: Annotated[
        Path | None, typer.Option(help="search.json of the search, for a choice with rule search.")
    ] = None,
) -> None:
    from sparse_sharing.stages import select as stage

    stage.run(read_spec(spec, stage_specs.SelectSpec), parse_named(masks or []), weights, output, file, search)


@stage_command
def train(
    spec: SpecOption,
    vocabulary: Vocabulary,
    train: TrainText,
    dev: DevText,
    weights: Weights,
    output: Output,
    masks: Annotated[
        Path | None, typer.Option(help="masks.safetensors of a selection, if the system has a choice.")
    ] = None,
    test: Annotated[
        Path | None, typer.Option(help="test.safetensors of the prepared dataset; replicate.epoch_on_test only.")
    ] = None,
    device: Device = "auto",
    threads: Threads = 1,
) -> None:
    from sparse_sharing.stages import train as stage

    set_threads(threads)
    stage.run(read_spec(spec, stage_specs.TrainSpec), vocabulary, train, dev, weights, masks, output, device, test)


@stage_command
def add_task(
    spec: SpecOption,
    model: Annotated[Path, typer.Option(help="Folder of the finished model.")],
    vocabulary: Vocabulary,
    vectors: Vectors,
    train: TrainText,
    dev: DevText,
    output: Output,
    device: Device = "auto",
    threads: Threads = 1,
) -> None:
    from sparse_sharing.stages import add_task as stage

    set_threads(threads)
    stage.run(read_spec(spec, stage_specs.AddTaskSpec), model, vocabulary, vectors, train, dev, output, device)


@stage_command
def merge(
    spec: SpecOption,
    model: Annotated[list[str], typer.Option(metavar="TASK=FOLDER", help="Folder of a task's finished model.")],
    vocabulary: Vocabulary,
    train: TrainText,
    dev: DevText,
    weights: Weights,
    output: Output,
    device: Device = "auto",
    threads: Threads = 1,
) -> None:
    from sparse_sharing.stages import merge as stage

    set_threads(threads)
    models = parse_named(model)
    stage.run(read_spec(spec, stage_specs.MergeSpec), models, vocabulary, train, dev, weights, output, device)


@stage_command
def evaluate(
    spec: SpecOption,
    model: Annotated[Path, typer.Option(help="Folder of the trained model.")],
    test: Annotated[Path, typer.Option(help="test.safetensors of the prepared dataset.")],
    output: Output,
    device: Device = "auto",
    threads: Threads = 1,
) -> None:
    from sparse_sharing.stages import evaluate as stage

    set_threads(threads)
    stage.run(read_spec(spec, stage_specs.EvaluateSpec), model, test, output, device)


@stage_command
def tables(
    spec: SpecOption,
    run: Annotated[Path, typer.Option(help="Folder of the run, results/NAME.")],
    output: Output,
) -> None:
    from sparse_sharing.stages import tables as stage

    stage.run(read_spec(spec, stage_specs.TablesSpec), run, output)


@stage_command
def report(
    spec: SpecOption,
    run: Annotated[Path, typer.Option(help="Folder of the run, results/NAME.")],
    output: OutputFile,
    configuration: Annotated[
        str | None, typer.Option(help="The configuration file of the run, for the command that repeats it.")
    ] = None,
) -> None:
    from sparse_sharing.stages import report as stage

    stage.run(read_spec(spec, stage_specs.ReportSpec), run, output, configuration)


@stage_command
def figures(
    spec: SpecOption,
    tables: Annotated[Path, typer.Option(help="Folder of the tables, results/NAME/tables.")],
    output: Output,
) -> None:
    from sparse_sharing.stages import figures as stage

    stage.run(read_spec(spec, stage_specs.FiguresSpec), tables, output)
