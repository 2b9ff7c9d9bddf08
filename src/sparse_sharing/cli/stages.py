"""The stages of the workflow, one command each."""

from pathlib import Path
from typing import Annotated

import typer

from sparse_sharing.cli.options import (
    Device,
    DevText,
    Output,
    OutputFile,
    SpecOption,
    Threads,
    TrainText,
    Vocabulary,
    Weights,
    parse_files,
    parse_named,
    parse_spec,
    set_threads,
)
from sparse_sharing.config import specs as stage_specs

app = typer.Typer()


@app.command()
def demo(spec: SpecOption, output: Output) -> None:
    """Stage demo: write the embedded demo corpora as column files."""
    from sparse_sharing.stages import demo as stage

    stage.run(parse_spec(spec, stage_specs.DemoSpec), output)


@app.command()
def download(spec: SpecOption, output: OutputFile) -> None:
    """Stage download: fetch one file of the section `download`; a file that is there already is left alone."""
    from sparse_sharing.stages import download as stage

    stage.run(parse_spec(spec, stage_specs.DownloadSpec), output)


@app.command()
def prepare(
    spec: SpecOption,
    train: Annotated[list[str], typer.Option(metavar="CORPUS=FILE", help="Training file of a corpus.")],
    output: Output,
    test: Annotated[list[str] | None, typer.Option(metavar="CORPUS=FILE", help="Test file of a corpus.")] = None,
    dev: Annotated[list[str] | None, typer.Option(metavar="CORPUS=FILE", help="Development file of a corpus.")] = None,
    documents: Annotated[
        list[str] | None, typer.Option(metavar="CORPUS.SPLIT=FILE", help="List of the documents of a split.")
    ] = None,
    vectors: Annotated[Path | None, typer.Option(help="Word vectors, GloVe or word2vec text, plain or gzip.")] = None,
) -> None:
    """Stage prepare: read labelled text, build the vocabularies, encode the text of every split."""
    from sparse_sharing.stages import prepare as stage

    files = {"train": parse_files(train), "dev": parse_files(dev or []), "test": parse_files(test or [])}
    stage.run(parse_spec(spec, stage_specs.PrepareSpec), files, vectors, output, parse_named(documents or []))


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
    output: Output,
    masks: Annotated[
        list[str] | None, typer.Option(metavar="TASK=FILE", help="masks.safetensors of a task's pruning.")
    ] = None,
    file: Annotated[Path | None, typer.Option(help="Masks of all tasks, for a choice with rule file.")] = None,
) -> None:
    """Stage select: pick one round's mask for each task."""
    from sparse_sharing.stages import select as stage

    stage.run(parse_spec(spec, stage_specs.SelectSpec), parse_named(masks or []), output, file)


@app.command()
def train(
    spec: SpecOption,
    vocabulary: Vocabulary,
    train: TrainText,
    dev: DevText,
    weights: Weights,
    output: Output,
    masks: Annotated[
        Path | None, typer.Option(help="masks.safetensors of a selection, where there is a choice.")
    ] = None,
    test: Annotated[
        Path | None, typer.Option(help="test.safetensors of the prepared dataset; replicate.epoch_on_test only.")
    ] = None,
    device: Device = "auto",
    threads: Threads = 1,
) -> None:
    """Stage train: train one model of a system."""
    from sparse_sharing.stages import train as stage

    set_threads(threads)
    stage.run(parse_spec(spec, stage_specs.TrainSpec), vocabulary, train, dev, weights, masks, output, device, test)


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
def report(
    spec: SpecOption,
    run: Annotated[Path, typer.Option(help="Folder of the run, results/NAME.")],
    output: OutputFile,
) -> None:
    """Stage report: show a finished run on one self-contained HTML page."""
    from sparse_sharing.stages import report as stage

    stage.run(parse_spec(spec, stage_specs.ReportSpec), run, output)


@app.command()
def figures(
    spec: SpecOption,
    tables: Annotated[Path, typer.Option(help="Folder of the tables, results/NAME/tables.")],
    output: Output,
) -> None:
    """Stage figures: draw the tables of a run."""
    from sparse_sharing.stages import figures as stage

    stage.run(parse_spec(spec, stage_specs.FiguresSpec), tables, output)
