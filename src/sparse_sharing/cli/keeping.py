"""Commands on a finished run as a whole: archive it for others, and remove files that can be made again."""

from pathlib import Path
from typing import Annotated

import typer

from sparse_sharing.cli.show import show_table

app = typer.Typer()

RunFolder = Annotated[Path, typer.Argument(metavar="results/RUN", help="Folder of a run.")]


@app.command()
def bundle(
    run: RunFolder,
    output: Annotated[Path | None, typer.Option(help="Archive to write; RUN.bundle.tar.gz if left out.")] = None,
    config: Annotated[
        Path | None, typer.Option(help="Configuration file of the run, to include in the archive.")
    ] = None,
) -> None:
    """Archive what a reviewer needs: settings, environment, digests, masks, counts, tables; no text and no vectors."""
    from sparse_sharing.inspection.bundle import bundle as pack

    output = output or Path(f"{run.name}.bundle.tar.gz")
    names = pack(run, output, config)
    typer.echo(f"{output}: {len(names)} files, {output.stat().st_size:,} bytes. Its README.md describes each.")
    typer.echo(
        f"To make its tables again: tar xzf {output} && sparse-sharing tables --spec {run.name}/spec.json", nl=False
    )
    typer.echo(f" --run {run.name} --output rebuilt")


@app.command()
def clean(
    run: RunFolder,
    text: Annotated[bool, typer.Option("--text", help="Also remove the prepared text and vectors.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Remove the files; without it, only list them.")] = False,
) -> None:
    """Remove checkpoints of finished jobs and prepared text; results, masks and models are never removed."""
    from sparse_sharing.inspection.clean import removable, remove

    items = removable(run, text)
    total = sum(item.size for item in items)
    if items:
        show_table(["bytes", "path", "what it is"], [(item.size, str(item.path), item.why) for item in items])
    if yes:
        remove(items)
        typer.echo(f"Removed {total:,} bytes.")
    elif items:
        typer.echo(f"{total:,} bytes can be removed. Nothing was removed: add --yes to remove them.")
    else:
        typer.echo("There is nothing to remove.")
