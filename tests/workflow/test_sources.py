"""Where text comes from: folders of files, lists of documents, files that are fetched."""

import functools
import hashlib
import http.server
import threading
from collections import Counter

import pytest
from small import document

pytestmark = pytest.mark.slow


def test_a_new_changed_or_removed_file_in_a_folder_makes_the_text_again(configured):
    workflow = configured("ontonotes")
    workflow.run("data")
    assert workflow.planned("data") == Counter()
    folder = workflow.folder / "data" / "ontonotes" / "english" / "nw" / "a" / "00"
    own = folder / "a_0000.v4_gold_conll"
    before = own.read_bytes()

    own.write_bytes(before.replace(b"Rome", b"Bonn"))
    assert workflow.planned("data") == Counter(prepare=1, prepare_task=3)
    own.write_bytes(before)
    new = folder / "a_0099.v4_gold_conll"
    new.write_text(document("nw/a/00/a_0099", 1), encoding="utf-8")
    assert workflow.planned("data") == Counter(prepare=1, prepare_task=3)
    new.unlink()
    (folder / "a_0099.v4_auto_conll").write_text("no part of the text")
    assert workflow.planned("data") == Counter()
    own.unlink()
    assert workflow.planned("data") == Counter(prepare=1, prepare_task=3)


def test_a_folder_that_is_missing_is_named(configured):
    workflow = configured("ontonotes")
    (workflow.folder / "data" / "ontonotes" / "english").rename(workflow.folder / "elsewhere")
    plan = workflow.snakemake("data", "--dry-run")
    assert plan.returncode == 1
    assert "data/ontonotes/english" in plan.stdout
    assert "Traceback" not in plan.stdout


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves the files of a folder and says nothing."""

    def log_message(self, *arguments):
        """Say nothing."""


@pytest.fixture
def server(tmp_path, monkeypatch):
    """The address of a server of the files in the folder `web`, and that folder."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    web = tmp_path / "web"
    web.mkdir()
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(web))) as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}", web
        running.shutdown()
        thread.join()


@pytest.fixture
def fetching(configured, server):
    """The workflow of a configuration whose training file is missing and can be fetched; its sources."""
    address, web = server
    workflow = configured("negative_transfer")
    train = workflow.folder / "data" / "conll03" / "train.txt"
    train.rename(web / "train.txt")
    with workflow.edited() as config:
        digest = hashlib.sha256((web / "train.txt").read_bytes()).hexdigest()
        sources = {
            "conll03/train.txt": {"url": f"{address}/train.txt", "sha256": digest},
            "conll03/test.txt": {"url": f"{address}/never.txt"},
        }
        config["download"] = [{"path": path, **source} for path, source in sources.items()]
    return workflow


def test_a_missing_file_is_fetched_once_and_never_replaced(fetching):
    assert fetching.planned("data") == Counter(download=1, prepare=1, prepare_task=2)
    fetching.run("data")
    assert fetching.planned("data") == Counter()
    assert fetching.planned("data", "--forceall") == Counter(prepare=1, prepare_task=2)
    with fetching.edited() as config:
        config["download"][0]["url"] += "?other"
    assert fetching.planned("data") == Counter()


def test_a_file_that_cannot_be_fetched_fails_with_what_to_do(fetching):
    with fetching.edited() as config:
        config["download"][0]["url"] += ".gz"
    failed = fetching.snakemake("data", "--cores", "1")
    assert failed.returncode == 1
    log = fetching.path("logs/download/conll03/train.txt.log").read_text()
    assert "the server answers 404" in log
    assert "save it as data/conll03/train.txt" in log
    assert log.strip() in failed.stdout
    assert not (fetching.folder / "data" / "conll03" / "train.txt").exists()
