"""Commands about a user's own data: draft a configuration for it, and check one before anything is trained."""

import re
from pathlib import Path
from typing import Annotated

import typer

from sparse_sharing.errors import ConfigError

app = typer.Typer()


@app.command()
def init(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Column files, plain or gzip, of all splits.")],
    output: Annotated[Path, typer.Option(help="Configuration to write; the run takes its name.")] = Path("mine.yaml"),
    force: Annotated[bool, typer.Option("--force", help="Overwrite a file that is there.")] = False,
) -> None:
    """Draft a configuration for column files: splits and corpora from their names, tasks from their columns."""
    from sparse_sharing.artifacts import write_text
    from sparse_sharing.config.schema import NAME
    from sparse_sharing.inspection.draft import draft

    if output.exists() and not force:
        raise ConfigError(f"{output}: is there already; name another file with --output, or overwrite it with --force")
    run = re.sub(r"[^A-Za-z0-9_-]", "", output.stem)[:64]
    text = draft(files, run if re.fullmatch(NAME, run) else "mine", output)
    write_text(output, text)
    typer.echo(f"{output} is written. Read its comments, then: sparse-sharing validate {output}")
