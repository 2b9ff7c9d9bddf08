"""Commands that use trained models: tag text, take one task out, weigh a model."""

import logging
import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from sparse_sharing.cli.options import Device, Output, Threads, set_threads

app = typer.Typer()
log = logging.getLogger(__name__)

ModelFolder = Annotated[Path, typer.Argument(help="Folder of a trained or exported model.")]

BATCHES_TOGETHER = 8
"""How many batches of sentences are sorted by length together."""


@app.command()
def tag(
    model: ModelFolder,
    file: Annotated[Path | None, typer.Argument(help="Text, plain or gzip; standard input if left out.")] = None,
    kind: Annotated[
        Literal["auto", "raw", "tokens", "columns"],
        typer.Option(
            "--input",
            help="raw: plain text; tokens: a sentence a line, its tokens between spaces; columns: a token a line. "
            "auto tells columns from raw text by the first lines.",
        ),
    ] = "auto",
    word_column: Annotated[int, typer.Option(help="Column of the words, from 0, or from the end: -1 is last.")] = 0,
    output: Annotated[
        Literal["auto", "columns", "jsonl", "color"],
        typer.Option(help="auto: color on a terminal, else columns. jsonl: one JSON object for each sentence."),
    ] = "auto",
    tasks: Annotated[str | None, typer.Option(help="Tasks between commas, in the order of the output; or all.")] = None,
    probabilities: Annotated[
        bool, typer.Option("--probabilities", help="Write the probability of each tag as well.")
    ] = False,
    vectors: Annotated[
        Path | None,
        typer.Option(help="The word vectors of the training, for words that the training text lacks."),
    ] = None,
    batch_size: Annotated[int, typer.Option(min=1, help="Sentences that run together.")] = 128,
    device: Device = "auto",
    threads: Threads = 1,
) -> None:
    """Tag text with all tasks of a model, or some: from a file or standard input to standard output."""
    from sparse_sharing.tagging import reading, writing
    from sparse_sharing.tagging.tagger import Tagger

    set_threads(threads)
    tagger = Tagger.load(model, vectors, device)
    names = tagger.require_tasks(None if tasks is None else [name.strip() for name in tasks.split(",")])
    if tagger.lacks_vectors:
        log.warning("the model was trained with word vectors: give them with --vectors, or fewer words are known")
    terminal = sys.stdout.isatty()
    sys.stdout.reconfigure(encoding="utf-8")
    write = writing.make_writer(_output_kind(output, terminal), sys.stdout, terminal)
    source = "standard input" if file is None else str(file)
    lines = reading.live_lines(sys.stdin.buffer, source) if file is None else reading.file_lines(file)
    items, found = reading.read_items(lines, kind, word_column, source)
    if kind == "auto":
        log.info("%s is read as %s (--input says otherwise); tasks: %s", source, found, ", ".join(names))
    for chunk in reading.in_chunks(items, BATCHES_TOGETHER * batch_size):
        tagged = tagger.tag((item.words for item in chunk), names, probabilities, batch_size)
        for item, sentence in zip(chunk, tagged, strict=True):
            write(item, sentence)
        sys.stdout.flush()


@app.command()
def size(model: ModelFolder) -> None:
    """Print what a model takes, in bytes, beside separate models that keep every weight, one for each task."""
    from sparse_sharing.models.storage import load_model, storage_sizes

    path = model / "model.safetensors"
    loaded = load_model(path)
    sizes = storage_sizes(loaded)
    typer.echo(f"{'bytes':<10}{'this model':>14}{'dense, one per task':>22}")
    for part, stored in sizes["stored"].items():
        typer.echo(f"{part:<10}{stored:>14,}{sizes['separate'][part]:>22,}")
    typer.echo(f"{'file':<10}{path.stat().st_size:>14,}")


@app.command()
def export(
    model: ModelFolder,
    output: Output,
    task: Annotated[str | None, typer.Option(help="The task to take out; may be left out if there is but one.")] = None,
    dev: Annotated[
        Path | None,
        typer.Option(help="dev.safetensors of the dataset, for the proof; found by itself in a results folder."),
    ] = None,
    onnx: Annotated[bool, typer.Option("--onnx", help="Write network.onnx as well, to run without torch.")] = False,
    device: Device = "auto",
    threads: Threads = 1,
) -> None:
    """Take one task out of a model: a model of its own, proved to give the same tags on the dev text."""
    from sparse_sharing.tagging import export as exporting

    set_threads(threads)
    exporting.run(model, task, dev, output, onnx, device)


def _output_kind(asked: str, terminal: bool) -> str:
    """The output that is meant by `auto`."""
    if asked != "auto":
        return asked
    return "color" if terminal else "columns"
