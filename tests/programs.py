"""The programs `sparse-sharing` and `snakemake`, forked from a server that has loaded them.

They do what the installed ones do, each in a process of its own; only their imports, which are most of the time of a
small job, are shared.
"""

import atexit
import functools
import gc
import importlib
import json
import os
import pkgutil
import shutil
import signal
import socket
import sys
import tempfile
from pathlib import Path

from crashing import SERVER

CLIENT = Path(__file__).with_name("client.py")
NAMES = ("sparse-sharing", "snakemake")


@functools.cache
def folder() -> Path:
    """The folder with the programs, for the start of PATH; they work as long as this process."""
    folder = Path(tempfile.mkdtemp(prefix="programs"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    SERVER.Process(target=_serve, args=(folder,), daemon=True).start()
    for name in NAMES:
        program = folder / name
        program.write_text(CLIENT.read_text().replace("#!python", f"#!{sys.executable} -IS", 1))
        program.chmod(0o755)
    return folder


def _serve(folder: Path) -> None:
    """Fork a process for each call, until this process is ended."""
    import sparse_sharing.stages

    for module in pkgutil.iter_modules(sparse_sharing.stages.__path__):
        importlib.import_module(f"sparse_sharing.stages.{module.name}")
    gc.freeze()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(folder / "server"))
        server.listen(64)
        while True:
            call, _ = server.accept()
            if os.fork() == 0:
                server.close()
                os.setsid()
                _answer(call)
            call.close()


def _answer(call: socket.socket) -> None:
    """Run a program in this process and send how it ended; does not return."""
    code = 1
    try:
        size, files, _, _ = socket.recv_fds(call, 8, 3)
        with call.makefile("rb") as reader:
            values = json.loads(reader.read(int.from_bytes(size, "big")))
        call.sendall(os.getpid().to_bytes(8, "big"))
        for target, file in enumerate(files):
            os.dup2(file, target)
            os.close(file)
        code = _run(**values)
    finally:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        call.sendall(bytes([code]))
        os._exit(code)


def _run(name: str, arguments: list[str], folder: str, environment: dict[str, str]) -> int:
    """Become a program that was started there with these arguments; returns its exit code."""
    from snakemake.cli import main as snakemake

    from sparse_sharing.cli import main as sparse_sharing

    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    # New ones: those of the server remember what its own streams were, such as files.
    sys.stdin, sys.stdout, sys.stderr = (
        open(number, mode, closefd=False, encoding="utf-8")  # noqa: SIM115
        for number, mode in enumerate("rww")
    )
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    sys.argv = [str(Path(sys.executable).with_name(name)), *arguments]
    try:
        snakemake(arguments) if name == "snakemake" else sparse_sharing()
    except SystemExit as end:
        if isinstance(end.code, int | None):
            return end.code or 0
        sys.stderr.write(f"{end.code}\n")
        return 1
    except BaseException:
        sys.excepthook(*sys.exc_info())
        return 1
    return 0
