"""Commands that add a task to a finished model, or remove one."""

from pathlib import Path
from typing import Annotated

import typer

from sparse_sharing.cli.device import Device, Threads
from sparse_sharing.cli.options import Output
from sparse_sharing.cli.tagging import ModelFolder

app = typer.Typer()


@app.command()
def extend(
    model: ModelFolder,
    config: Annotated[Path, typer.Argument(help="Configuration with the new task, its files and how to train it.")],
    output: Output,
    task: Annotated[
        str | None, typer.Option(help="The new task; if left out, the only task that the model lacks.")
    ] = None,
    share: Annotated[
        float,
        typer.Option(min=0.001, max=1, help="Share of the free weights that the new task keeps; the others stay free."),
    ] = 0.5,
    seed: Annotated[
        int | None, typer.Option(help="Seed of the training; if left out, the first seed of the configuration.")
    ] = None,
    device: Device = "auto",
    threads: Threads = 1,
) -> None:
    """Add a task to a finished model. The other tasks keep every tag and score; this is checked before writing."""
    from sparse_sharing.config import load_config
    from sparse_sharing.tagging import adding
    from sparse_sharing.tagging.finding import find_model
    from sparse_sharing.training.threads import set_threads

    set_threads(threads)
    found = adding.run(find_model(model), load_config(config), task, output, device, share, seed)
    typer.echo(
        f"{output}: {found['free']:,} of {found['weights']:,} weights were free; the task has {found['taken']:,} of "
        f"them, {found['left']:,} are left. {found['words']:,} new words. The other tasks give the same tags and "
        "probabilities."
    )


@app.command()
def remove(
    model: ModelFolder,
    task: Annotated[str, typer.Argument(help="The task to remove.")],
    output: Output,
    device: Device = "auto",
) -> None:
    """Remove a task from a model; weights that only this task keeps become free, all others are unchanged."""
    from sparse_sharing.tagging import removal
    from sparse_sharing.tagging.finding import find_model

    free, weights = removal.run(find_model(model), task, output, device)
    typer.echo(f"{output}: without task '{task}', {free:,} of {weights:,} weights are free.")
