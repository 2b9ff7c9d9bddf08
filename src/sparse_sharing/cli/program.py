"""The program `sparse-sharing` with all its commands."""

from typing import Annotated

import typer

from sparse_sharing import __version__
from sparse_sharing.cli.commands import Commands
from sparse_sharing.cli.exits import run
from sparse_sharing.errors import INTERRUPTED, ConfigError

app = typer.Typer(
    name="sparse-sharing",
    cls=Commands,
    help="Learn which weights of one network each tagging task should share: train, compare and use taggers.",
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)


@app.callback(invoke_without_command=True)
def version(
    context: typer.Context,
    show: Annotated[bool, typer.Option("--version", help="Print the version and exit.", is_eager=True)] = False,
) -> None:
    """Print the version; without a command, print the help."""
    if show:
        typer.echo(__version__)
        raise typer.Exit
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
        raise typer.Exit(ConfigError.exit_code)


def main() -> None:
    """Run the command line."""
    run(app, INTERRUPTED)
