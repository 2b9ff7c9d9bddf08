"""The command line of the light distribution, which runs exported models without torch."""

from typing import Annotated

import typer

from sparse_sharing import __version__
from sparse_sharing.cli import serving, tagging
from sparse_sharing.cli.exits import run

app = typer.Typer(
    name="sparse-sharing-tagger",
    help="Tag text with models that `sparse-sharing export MODEL --onnx` wrote.",
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)
app.add_typer(tagging.app)
app.add_typer(serving.app)


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


def main() -> None:
    """Run the command line."""
    run(app)
