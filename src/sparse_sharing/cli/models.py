"""Commands on trained models: export a task, show the size."""

from pathlib import Path
from typing import Annotated

import typer

from sparse_sharing.cli.device import Device, Threads
from sparse_sharing.cli.options import Output
from sparse_sharing.cli.tagging import ModelFolder
from sparse_sharing.training.threads import set_threads

app = typer.Typer()


@app.command()
def size(model: ModelFolder) -> None:
    """Print the size of a model in bytes, and the size of dense models with one task each."""
    from sparse_sharing.network.storage import load_model, storage_sizes
    from sparse_sharing.tagging.finding import find_model

    path = find_model(model) / "model.safetensors"
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
    task: Annotated[
        str | None, typer.Option(help="The task to export; if left out, with --onnx, all tasks in one file.")
    ] = None,
    dev: Annotated[
        Path | None,
        typer.Option(help="dev.safetensors of the dataset, for the check; found automatically in a results folder."),
    ] = None,
    onnx: Annotated[bool, typer.Option("--onnx", help="Write network.onnx, which runs without torch.")] = False,
    int8: Annotated[
        bool, typer.Option("--int8", help="Store the ONNX weights in eight bits; the loss in score is measured.")
    ] = False,
    trim: Annotated[
        bool,
        typer.Option(
            "--trim",
            help="Only with a transformer: keep only the pieces of words in the model's vocabulary and in the texts "
            "of its run.",
        ),
    ] = False,
    words: Annotated[
        Path | None, typer.Option(help="With --trim: a text, in UTF-8, of whose words the pieces are also kept.")
    ] = None,
    device: Device = "auto",
    threads: Threads = 1,
) -> None:
    """Export one task as a model, or all tasks as an ONNX file, after checking that the tags are the same."""
    from sparse_sharing.tagging import export as exporting
    from sparse_sharing.tagging.finding import find_model

    set_threads(threads)
    exporting.run(find_model(model), task, dev, output, onnx, device, int8, trim, words)
