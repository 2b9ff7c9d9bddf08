"""The program: all commands together, and what becomes of errors."""

import logging
import sys
from typing import Annotated

import typer

from sparse_sharing import __version__
from sparse_sharing.cli.commands import Commands
from sparse_sharing.errors import ConfigError, ResourceError, UserError
from sparse_sharing.terminal.display import VisibleFormatter, visible_lines
from sparse_sharing.terminal.shortage import explain

WRITE_FAILED, INTERRUPTED = 6, 130

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
    show: Annotated[bool, typer.Option("--version", help="Print the version and leave.", is_eager=True)] = False,
) -> None:
    """Print the version, or without a command the help."""
    if show:
        typer.echo(__version__)
        raise typer.Exit
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
        raise typer.Exit(ConfigError.exit_code)


def main() -> None:
    """Run the command line: errors of the user are one message and an exit code, never a traceback."""
    log = logging.StreamHandler(sys.stderr)
    log.setFormatter(VisibleFormatter("%(levelname)s: %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[log])
    try:
        app()
    except UserError as error:
        _complain(str(error))
        sys.exit(error.exit_code)
    except (MemoryError, RuntimeError, OSError) as error:
        if (shortage := explain(error)) is not None:
            _complain(f"{sys.argv[1]}: {shortage}")
            sys.exit(ResourceError.exit_code)
        if not isinstance(error, OSError):
            raise
        _complain(f"{error.filename or 'a file'}: {error.strerror}. Nothing that was there is lost")
        sys.exit(WRITE_FAILED)
    except SystemExit as end:
        # Typer has made this exit code of Ctrl-C.
        if end.code == INTERRUPTED:
            typer.echo("interrupted; a training that is started again goes on from its last finished epoch", err=True)
        raise


def _complain(message: str) -> None:
    """Show an error; what it quotes from files cannot steer the terminal."""
    typer.echo(f"error: {visible_lines(message)}", err=True)
