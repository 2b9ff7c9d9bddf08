"""Commands on a finished run as a whole: hand on what stands behind its results, and remove what can be made again."""

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
    config: Annotated[Path | None, typer.Option(help="Configuration file of the run, to be taken along.")] = None,
) -> None:
    """Pack what a referee needs: settings, environment, digests, masks, counts, tables; no text and no vectors."""
    from sparse_sharing.inspection.bundle import bundle as pack

    output = output or Path(f"{run.name}.bundle.tar.gz")
    names = pack(run, output, config)
    typer.echo(f"{output}: {len(names)} files, {output.stat().st_size:,} bytes. Its README.md says what each is.")
    typer.echo(f"Tables from it: tar xzf {output} && sparse-sharing tables --spec {run.name}/spec.json", nl=False)
    typer.echo(f" --run {run.name} --output rebuilt")


@app.command()
def clean(
    run: RunFolder,
    text: Annotated[bool, typer.Option("--text", help="The prepared text and vectors as well.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Remove; otherwise only show what would go.")] = False,
) -> None:
    """Remove what can be made again: checkpoints of finished jobs, prepared text; never results, masks or models."""
    from sparse_sharing.inspection.clean import removable, remove

    items = removable(run, text)
    total = sum(item.size for item in items)
    if items:
        show_table(["bytes", "path", "why it can go"], [(item.size, str(item.path), item.why) for item in items])
    if yes:
        remove(items)
        typer.echo(f"{total:,} bytes were removed.")
    elif items:
        typer.echo(f"{total:,} bytes would be removed. Nothing was changed: remove them with --yes.")
    else:
        typer.echo("Nothing can be removed.")
