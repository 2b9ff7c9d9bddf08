"""The command that serves a model over HTTP."""

import ipaddress
import logging
from typing import Annotated

import typer

from sparse_sharing.cli.device import Device, Threads
from sparse_sharing.cli.tagging import ModelFolder
from sparse_sharing.errors import ConfigError

app = typer.Typer()
log = logging.getLogger(__name__)


@app.command()
def serve(
    model: ModelFolder,
    host: Annotated[
        str, typer.Option(help="Address to listen on; by default only this machine can connect.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0 takes a free one.")] = 8000,
    megabytes: Annotated[float, typer.Option(min=0.001, help="Largest size of a request.")] = 1.0,
    seconds: Annotated[float, typer.Option(min=0.01, help="Longest time for one answer.")] = 30.0,
    waiting: Annotated[int, typer.Option(min=1, help="Requests that may be pending at once; more are refused.")] = 64,
    device: Device = "auto",
    threads: Threads = 1,
) -> None:
    """Serve a model over HTTP: POST /tag with JSON, GET /health. Needs the extra `serve`."""
    try:
        import uvicorn

        from sparse_sharing.serving.server import Limits, make_app
    except ImportError as error:
        raise ConfigError(f"serve needs {error.name}; pip install starlette uvicorn") from error
    from sparse_sharing.tagging.loading import load_tagger

    tagger = load_tagger(model, None, device, threads)
    if not _is_loopback(host):
        log.warning("%s can be reached from other machines, and anyone who reaches it can use it", host)
    limits = Limits(megabytes, seconds, waiting)
    config = uvicorn.Config(
        make_app(tagger, limits),
        host=host,
        port=port,
        access_log=False,
        lifespan="off",
        limit_concurrency=2 * waiting + 1,
    )
    uvicorn.Server(config).run()


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
