"""How a program ends: its error messages and its exit codes."""

import logging
import sys

import typer

from sparse_sharing.errors import ResourceError, UserError
from sparse_sharing.terminal.display import VisibleFormatter, visible_lines
from sparse_sharing.terminal.shortage import explain

WRITE_FAILED, INTERRUPTED = 6, 130


def run(app: typer.Typer, interrupted: str = "interrupted") -> None:
    """Run a program: a user's error gives one message and an exit code, never a traceback.

    `interrupted` is the message after Ctrl-C.
    """
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
        _complain(f"{error.filename or 'a file'}: {error.strerror}. Existing files are unchanged")
        sys.exit(WRITE_FAILED)
    except SystemExit as end:
        # Typer turns Ctrl-C into this exit code.
        if end.code == INTERRUPTED:
            typer.echo(interrupted, err=True)
        raise


def _complain(message: str) -> None:
    """Print an error; control characters quoted from files are made visible, so that they cannot steer the terminal."""
    typer.echo(f"error: {visible_lines(message)}", err=True)
