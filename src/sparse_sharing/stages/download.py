"""Stage `download`: download one file, complete and checked, or not at all; an existing file is never replaced."""

import http.client
import logging
import os
import shutil
import ssl
import time
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO

from sparse_sharing import __version__
from sparse_sharing.errors import DownloadError
from sparse_sharing.pipeline.specs import DownloadSpec
from sparse_sharing.storage.artifacts import file_digest

log = logging.getLogger(__name__)

ATTEMPTS = 5
"""Attempts without progress before a download fails."""

FIRST_PAUSE = 1.0
"""Seconds before the second attempt; each later pause is twice as long."""

SILENCE = 60.0
"""Seconds without a byte after which a connection counts as broken."""

CHUNK = 1 << 20
PASSING = {408, 425, 429, 500, 502, 503, 504}
"""HTTP statuses that a server may not repeat later."""


class _InterruptedError(Exception):
    """The transfer was interrupted, or the server sent something else."""


BROKEN = (urllib.error.URLError, ConnectionError, TimeoutError, ssl.SSLError, http.client.HTTPException)
BROKEN += (_InterruptedError,)
"""Errors of the network; errors of the disk are not among them."""


def run(spec: DownloadSpec, output: Path, sleep: Callable[[float], None] = time.sleep) -> None:
    """Download a file to the path `output`; nothing happens if the path exists.

    An interrupted transfer is resumed after a pause if the server allows it, else started again. The file appears under
    its name once its length, and its SHA-256 if the spec has one, are right. Proxies are taken from the environment
    (`http_proxy`, `https_proxy`, `no_proxy`).

    Raises:
        DownloadError: The address is not http or https, or cannot be reached; the server refuses; the file is not the
            expected one; the archive is damaged or lacks the member.
    """
    if output.exists():
        log.info("%s: already exists, not downloaded", output)
        return
    if not spec.url.startswith(("http://", "https://")):
        raise DownloadError(f"{spec.url}: must start with http:// or https://")
    output.parent.mkdir(parents=True, exist_ok=True)
    with ExitStack() as cleaning:
        fetched = _temporary(output, "part", cleaning)
        with fetched.open("wb") as stream:
            _fetch(spec, output, stream, sleep)
        if spec.member is not None:
            archive, fetched = fetched, _temporary(output, "member", cleaning)
            _extract(spec, output, archive, fetched)
        digest = file_digest(fetched)
        if spec.sha256 is None:
            log.warning("%s: not verified, since the configuration has no checksum; its sha256 is %s", output, digest)
        elif digest != spec.sha256:
            raise DownloadError(
                f"{spec.url}: expected sha256 {spec.sha256}, got {digest}; the file was discarded. "
                f"{_by_hand(spec, output)}"
            )
        size = fetched.stat().st_size
        _give_name(fetched, output)
    log.info("%s: downloaded from %s, %d bytes, sha256 %s", output, spec.url, size, digest)


def _temporary(output: Path, ending: str, cleaning: ExitStack) -> Path:
    """A path beside the output that no other process uses; a file left at it is removed at the end."""
    path = output.with_name(f".{output.name}.{os.getpid()}.{ending}")
    cleaning.callback(path.unlink, missing_ok=True)
    return path


def _give_name(fetched: Path, output: Path) -> None:
    """Give the finished file its name, unless another file with that name has appeared meanwhile."""
    with fetched.open("rb") as stream:
        os.fsync(stream.fileno())
    try:
        os.link(fetched, output)
    except FileExistsError:
        log.info("%s: has appeared in the meantime and is kept", output)
    except OSError:
        # Some file systems have no hard links.
        if not output.exists():
            fetched.replace(output)


def _fetch(spec: DownloadSpec, output: Path, stream: BinaryIO, sleep: Callable[[float], None]) -> None:
    """Write the file at the address to a stream."""
    opener, validator = _opener(), None
    furthest = failures = 0
    while True:
        try:
            with _open(opener, spec.url, stream.tell(), validator) as response:
                if response.status != http.client.PARTIAL_CONTENT:
                    stream.seek(0)
                    stream.truncate()
                validator = _validator(response.headers)
                _copy(response, stream)
                return
        except urllib.error.HTTPError as error:
            error.close()
            reason = f"{error.code} {error.reason}"
            if error.code == http.client.REQUESTED_RANGE_NOT_SATISFIABLE:
                validator = None
            elif error.code not in PASSING:
                raise DownloadError(f"{spec.url}: the server answered {reason}. {_by_hand(spec, output)}") from error
        except BROKEN as error:
            reason = str(getattr(error, "reason", error)) or type(error).__name__
        if validator is None:
            stream.seek(0)
            stream.truncate()
        failures = 0 if stream.tell() > furthest else failures + 1
        furthest = max(furthest, stream.tell())
        if failures >= ATTEMPTS:
            raise DownloadError(f"{spec.url}: cannot be downloaded ({reason}). {_by_hand(spec, output)}")
        pause = FIRST_PAUSE * 2 ** max(failures - 1, 0)
        log.warning("%s: %s; trying again in %g seconds from byte %d", spec.url, reason, pause, stream.tell())
        sleep(pause)


def _opener() -> urllib.request.OpenerDirector:
    """An opener for http and https addresses only, also after redirects."""
    proxies = {scheme: url for scheme, url in urllib.request.getproxies().items() if scheme in ("http", "https")}
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(proxies),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPRedirectHandler(),
        urllib.request.HTTPErrorProcessor(),
        urllib.request.UnknownHandler(),
    ):
        opener.add_handler(handler)
    return opener


def _open(
    opener: urllib.request.OpenerDirector, url: str, position: int, validator: str | None
) -> http.client.HTTPResponse:
    """The response to a request for a file from a position on; the server may still send the whole file."""
    headers = {"User-Agent": f"sparse-sharing/{__version__}", "Accept-Encoding": "identity"}
    if position and validator:
        headers |= {"Range": f"bytes={position}-", "If-Range": validator}
    response = opener.open(urllib.request.Request(url, headers=headers), timeout=SILENCE)
    if response.status == http.client.PARTIAL_CONTENT:
        if not response.headers.get("Content-Range", "").startswith(f"bytes {position}-"):
            response.close()
            raise _InterruptedError("the server sent another part of the file than the one requested")
    elif response.status != http.client.OK:
        response.close()
        raise _InterruptedError(f"the server answered {response.status}")
    return response


def _validator(headers: http.client.HTTPMessage) -> str | None:
    """The validator that shows whether the file is still the same: a strong ETag, else the time of its last change."""
    tag = headers.get("ETag", "")
    return tag if tag.startswith('"') else headers.get("Last-Modified")


def _copy(response: http.client.HTTPResponse, stream: BinaryIO) -> None:
    """Append a response to a stream, and check that it is complete."""
    expected = response.headers.get("Content-Length")
    begin = stream.tell()
    shutil.copyfileobj(response, stream, CHUNK)
    came = stream.tell() - begin
    if expected is not None and expected.isdigit() and came != int(expected):
        raise _InterruptedError(f"the transfer was interrupted after {came} of {expected} bytes")


def _extract(spec: DownloadSpec, output: Path, archive: Path, target: Path) -> None:
    """Write the member of a zip archive to a file."""
    try:
        with zipfile.ZipFile(archive) as members:
            if spec.member not in members.namelist():
                member_names = ", ".join(sorted(members.namelist())[:10])
                raise DownloadError(
                    f"{spec.url}: the archive has no '{spec.member}', only {member_names}. {_by_hand(spec, output)}"
                )
            with members.open(spec.member) as source, target.open("wb") as stream:
                shutil.copyfileobj(source, stream, CHUNK)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError) as error:
        reason = f"is not a readable zip archive ({error})"
        raise DownloadError(f"{spec.url}: {reason}. {_by_hand(spec, output)}") from error


def _by_hand(spec: DownloadSpec, output: Path) -> str:
    """The remedy: get the file by other means."""
    what = f"the file '{spec.member}' of that archive" if spec.member else "the file"
    checksum = f" (sha256 {spec.sha256})" if spec.sha256 else ""
    return f"Download {what} by other means and save it as {output}{checksum}; it is then used unchanged"
