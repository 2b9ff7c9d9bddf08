"""Stage download: a file comes whole and checked or not at all, whatever goes wrong on the way."""

import hashlib
import http.server
import io
import threading
import zipfile
from collections.abc import Callable
from itertools import pairwise

import pytest

from sparse_sharing.errors import DownloadError
from sparse_sharing.pipeline.specs import DownloadSpec
from sparse_sharing.stages import download

CONTENT = bytes(range(256)) * 5000
SHA256 = hashlib.sha256(CONTENT).hexdigest()
OTHER = "0" * 64


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers each request with the next answer of a script; the last one is repeated."""

    def do_GET(self):
        self.server.requests.append((self.path, dict(self.headers)))
        number = min(len(self.server.requests), len(self.server.answers)) - 1
        self.server.answers[number](self)

    def log_message(self, *arguments):
        """Say nothing."""


class Server(http.server.ThreadingHTTPServer):
    """A server on this machine, with the requests that it got."""

    answers: list[Callable]

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.requests, self.answers = [], [whole]

    @property
    def url(self):
        """The address of a file here."""
        return f"http://127.0.0.1:{self.server_port}/file"

    @property
    def ranges(self):
        """The range that each request asked for."""
        return [headers.get("Range") for _, headers in self.requests]


def respond(handler, status, body=b"", length=None, **headers):
    """Send a response; `length` is announced where it is not that of the body."""
    handler.send_response(status)
    for name, value in headers.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.send_header("Content-Length", str(len(body) if length is None else length))
    handler.end_headers()
    handler.wfile.write(body)


def whole(handler):
    """The whole file."""
    respond(handler, 200, CONTENT)


def cut(size, **headers):
    """The beginning of the file, though the whole is announced."""
    return lambda handler: respond(handler, 200, CONTENT[:size], len(CONTENT), **headers)


def rest(handler):
    """What a request for a range asks for, or the whole file."""
    start = int(handler.headers.get("Range", "bytes=0-")[len("bytes=") : -1])
    span = f"bytes {start}-{len(CONTENT) - 1}/{len(CONTENT)}"
    respond(handler, 206 if start else 200, CONTENT[start:], ETag='"v1"', **({"Content_Range": span} if start else {}))


def status(code, **headers):
    """A response without a file."""
    return lambda handler: respond(handler, code, b"no file", **headers)


@pytest.fixture
def server(monkeypatch):
    """A server that gives the file, until a test gives it other answers."""
    for name in ("http_proxy", "https_proxy", "no_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    with Server() as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running
        running.shutdown()
        thread.join()


@pytest.fixture
def fetch(server, tmp_path):
    """A function that fetches from the server and gives the path of the file."""

    def run(sleep=lambda seconds: None, **values):
        output = tmp_path / "below" / "file.bin"
        download.run(DownloadSpec(**{"url": server.url, "sha256": SHA256, **values}), output, sleep)
        return output

    return run


def refusal(fetch, tmp_path, **values):
    """The message of a fetch that fails; it has left no file, not even a part of one."""
    with pytest.raises(DownloadError) as caught:
        fetch(**values)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
    return str(caught.value)


def test_a_file_is_fetched_and_nothing_else_is_left(fetch, server):
    output = fetch()
    assert output.read_bytes() == CONTENT
    assert [path.name for path in output.parent.iterdir()] == [output.name]
    assert len(server.requests) == 1


def test_an_existing_file_is_not_changed_and_nothing_is_requested(fetch, server, tmp_path):
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "file.bin").write_bytes(b"mine")
    assert fetch().read_bytes() == b"mine"
    assert server.requests == []


def test_a_file_that_appears_meanwhile_is_not_changed(fetch, server, tmp_path):
    def appear_first(handler):
        (tmp_path / "below" / "file.bin").write_bytes(b"mine")
        whole(handler)

    server.answers = [appear_first]
    output = fetch()
    assert output.read_bytes() == b"mine"
    assert [path.name for path in output.parent.iterdir()] == [output.name]


def test_what_the_server_refuses_is_not_tried_again_and_the_message_says_where_to_put_the_file(fetch, server, tmp_path):
    server.answers = [status(404)]
    message = refusal(fetch, tmp_path)
    assert f"{server.url}: the server answered 404" in message
    assert f"save it as {tmp_path / 'below' / 'file.bin'} (sha256 {SHA256})" in message
    assert len(server.requests) == 1


def test_a_file_with_another_checksum_is_thrown_away(fetch, tmp_path):
    message = refusal(fetch, tmp_path, sha256=OTHER)
    assert f"expected sha256 {OTHER}, got {SHA256}" in message


def test_a_file_without_a_checksum_is_accepted_and_its_checksum_logged(fetch, caplog):
    assert fetch(sha256=None).read_bytes() == CONTENT
    assert f"the configuration has no checksum; its sha256 is {SHA256}" in caplog.text


def test_an_interrupted_transfer_resumes_where_it_stopped(fetch, server):
    server.answers = [cut(300_000, ETag='"v1"'), rest]
    assert fetch().read_bytes() == CONTENT
    assert server.ranges == [None, "bytes=300000-"]
    assert server.requests[1][1]["If-Range"] == '"v1"'


def test_a_transfer_begins_again_where_the_server_cannot_say_that_the_file_is_the_same(fetch, server):
    server.answers = [cut(300_000), cut(200_000, ETag='W/"v1"'), whole]
    assert fetch().read_bytes() == CONTENT
    assert server.ranges == [None, None, None]


def test_a_file_that_has_changed_meanwhile_comes_whole(fetch, server):
    server.answers = [cut(300_000, ETag='"v0"'), whole]
    assert fetch().read_bytes() == CONTENT
    assert server.ranges == [None, "bytes=300000-"]


def test_a_wrong_part_is_not_taken(fetch, server):
    def wrong(handler):
        respond(handler, 206, CONTENT[7:], ETag='"v1"', Content_Range=f"bytes 7-{len(CONTENT) - 1}/{len(CONTENT)}")

    server.answers = [cut(300_000, ETag='"v1"'), wrong, rest]
    assert fetch().read_bytes() == CONTENT


def test_a_range_that_the_server_does_not_have_is_no_longer_asked_for(fetch, server):
    server.answers = [cut(300_000, ETag='"v1"'), status(416), whole]
    assert fetch().read_bytes() == CONTENT
    assert server.ranges == [None, "bytes=300000-", None]


def test_a_file_that_is_always_cut_short_is_given_up_after_growing_pauses(fetch, server, tmp_path):
    server.answers = [cut(300_000)]
    pauses = []
    message = refusal(fetch, tmp_path, sleep=pauses.append)
    assert f"was interrupted after 300000 of {len(CONTENT)} bytes" in message
    assert len(server.requests) == download.ATTEMPTS
    assert pauses
    assert all(later == 2 * earlier for earlier, later in pairwise(pauses))


def test_a_transfer_that_gets_further_each_time_is_not_given_up(fetch, server):
    def some(handler):
        start = int(handler.headers.get("Range", "bytes=0-")[len("bytes=") : -1])
        span = {"Content_Range": f"bytes {start}-{len(CONTENT) - 1}/{len(CONTENT)}"} if start else {}
        part = CONTENT[start : start + 100_000]
        respond(handler, 206 if start else 200, part, len(CONTENT) - start, ETag='"v1"', **span)

    server.answers = [some]
    assert fetch().read_bytes() == CONTENT
    assert len(server.requests) == -(-len(CONTENT) // 100_000) > 2 * download.ATTEMPTS


@pytest.mark.parametrize("code", [429, 500, 503])
def test_a_server_that_is_busy_is_asked_again(fetch, server, code):
    server.answers = [status(code), whole]
    assert fetch().read_bytes() == CONTENT


def test_without_a_network_the_message_says_where_to_put_the_file(fetch, tmp_path):
    message = refusal(fetch, tmp_path, url="http://127.0.0.1:1/file", member="text.txt")
    assert "http://127.0.0.1:1/file: cannot be downloaded" in message
    assert f"Download the file 'text.txt' of that archive by other means and save it as {tmp_path / 'below'}" in message


def test_the_proxy_of_the_environment_is_used(fetch, server, monkeypatch):
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{server.server_port}")
    assert fetch(url="http://example.invalid/file").read_bytes() == CONTENT
    assert [path for path, _ in server.requests] == ["http://example.invalid/file"]


def test_hosts_that_need_no_proxy_are_asked_directly(fetch, server, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    assert fetch().read_bytes() == CONTENT


@pytest.mark.parametrize("url", ["file:///etc/hostname", "ftp://127.0.0.1/file", "/etc/hostname"])
def test_other_addresses_than_those_of_the_web_are_refused(fetch, tmp_path, url):
    assert "must start with http:// or https://" in refusal(fetch, tmp_path, url=url)


@pytest.mark.parametrize("target", ["file:///etc/hostname", "ftp://127.0.0.1:1/file"])
def test_a_server_cannot_send_on_to_other_addresses(fetch, server, tmp_path, target):
    server.answers = [status(302, Location=target)]
    assert server.url in refusal(fetch, tmp_path)


def test_a_server_can_send_on_to_another_page(fetch, server):
    server.answers = [status(302, Location="/elsewhere"), whole]
    assert fetch().read_bytes() == CONTENT


def zipped(**members):
    """An answer that is a zip archive."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return lambda handler: respond(handler, 200, stream.getvalue())


def test_one_file_of_an_archive_is_taken_and_its_own_checksum_compared(fetch, server):
    server.answers = [zipped(small=b"x", vectors=CONTENT)]
    output = fetch(member="vectors")
    assert output.read_bytes() == CONTENT
    assert [path.name for path in output.parent.iterdir()] == [output.name]


def test_an_archive_without_the_file_or_that_is_none_is_refused(fetch, server, tmp_path):
    server.answers = [zipped(small=b"x")]
    assert "the archive has no 'vectors', only small" in refusal(fetch, tmp_path, member="vectors")
    server.answers = [whole]
    assert "is not a readable zip archive" in refusal(fetch, tmp_path, member="vectors")
