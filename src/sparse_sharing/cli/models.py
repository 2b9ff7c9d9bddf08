"""Commands about trained models: take one task out, show what a model takes."""

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
    """Print what a model takes, in bytes, beside separate models that keep every weight, one for each task."""
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
        str | None, typer.Option(help="The task to take out; without it and with --onnx, all in one file.")
    ] = None,
    dev: Annotated[
        Path | None,
        typer.Option(help="dev.safetensors of the dataset, for the proof; found by itself in a results folder."),
    ] = None,
    onnx: Annotated[bool, typer.Option("--onnx", help="Write network.onnx, which runs without torch.")] = False,
    int8: Annotated[
        bool, typer.Option("--int8", help="Store the ONNX weights in eight bits; what that costs is measured.")
    ] = False,
    device: Device = "auto",
    threads: Threads = 1,
) -> None:
    """Take a model home: one task as a model of its own, or all tasks as an ONNX file, proved to give the same tags."""
    from sparse_sharing.tagging import export as exporting
    from sparse_sharing.tagging.finding import find_model

    set_threads(threads)
    exporting.run(find_model(model), task, dev, output, onnx, device, int8)
