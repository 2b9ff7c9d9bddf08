"""Where text comes from: folders of files, lists of documents, files that are fetched."""

import functools
import hashlib
import http.server
import threading
from collections import Counter

import pytest
import yaml

from sparse_sharing.data.demo import generate

NAMES = ["Ann", "Bo", "Cy", "Di", "Ed", "Flo"]


def document(name, number):
    """A document of two sentences of our own in the format of CoNLL-2012."""
    who = NAMES[number % len(NAMES)]
    sentences = [
        [f"{who} NNP (TOP(S(NP*) (PERSON)", "sees VBZ (VP* *", "Rome NNP (NP*)))) (GPE)"],
        ["The DT (TOP(S(NP* *", "cat NN *) *", "sleeps VBZ (VP*) *", "/. . *)) *"],
    ]
    lines = [f"#begin document ({name}); part 000"]
    for sentence in sentences:
        for index, token in enumerate(sentence):
            word, pos, parse, entity = token.split()
            lines.append(f"{name} 0 {index} {word} {pos} {parse} - - - - {entity} -")
        lines.append("")
    return "\n".join([*lines, "#end document", ""])


def write_documents(root):
    """A tree of documents, and a list of those of each split."""
    ids = {"train": [f"nw/a/00/a_{n:04}" for n in range(6)], "dev": ["bc/b/00/b_0000"], "test": ["bc/b/00/b_0001"]}
    every = [*ids["train"], *ids["dev"], *ids["test"], "pt/nt/40/nt_4001"]
    for number, name in enumerate(every):
        path = root / "ontonotes" / "english" / f"{name}.v4_gold_conll"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(document(name, number), encoding="utf-8")
    for split, names in ids.items():
        (root / "ontonotes" / f"{split}.ids").write_text("\n".join(names) + "\n", encoding="utf-8")


def write_columns(root, folder):
    """Column files with the four columns word, part of speech, chunk and name."""
    (root / folder).mkdir(parents=True)
    for name, text in generate("joint", {"train": 40, "dev": 10, "test": 10}, 1).items():
        (root / folder / name).write_text(text, encoding="utf-8")


def write_vectors(path, dimension=3):
    """Word vectors of two words."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{word}{' 0.5' * dimension}\n" for word in ("the", "cat")), encoding="utf-8")


def write_data(root):
    """What the configurations read, in small."""
    write_documents(root)
    write_columns(root, "conll03")
    write_columns(root, "ewt_uner")
    write_vectors(root / "glove" / "glove.6B.100d.txt")
    write_vectors(root / "glove" / "glove.6B.50d.trimmed.txt.gz")


def shrink(values):
    """A configuration with the same data, tasks and systems on the smallest budget."""
    values |= {"run": "tiny", "seeds": [1], "device": "cpu", "data_root": "data"}
    values["model"] |= {"word_dimension": 6, "character_filters": 4, "character_dimension": 4, "hidden": 4}
    for section in ("warmup", "prune", "train"):
        values[section]["epochs"] = 1
        values[section].pop("patience", None)
    values["prune"] |= {"rounds": 1, "final_density": 0.5}
    for system in values["train"]["systems"]:
        system.pop("epochs", None)
    return values


@pytest.fixture
def configured(fresh, repository):
    """A function that gives the workflow with a configuration of the checkout in small, and its data."""

    def configure(name):
        write_data(fresh.folder / "data")
        values = shrink(yaml.safe_load((repository / "config" / f"{name}.yaml").read_text(encoding="utf-8")))
        fresh.config_file.write_text(yaml.safe_dump(values, sort_keys=False), encoding="utf-8")
        return fresh

    return configure


CONFIGURATIONS = ["conll03", "ewt", "negative_transfer", "ontonotes"]


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_a_configuration_plans_each_of_its_jobs_where_its_data_are_there(configured, name):
    planned = configured(name).planned("all")
    assert planned["prepare"] == planned["summarise"] == 1
    assert planned["evaluate"] == planned["train_model"] > 3
    assert "download" not in planned


@pytest.mark.slow
@pytest.mark.parametrize("name", ["ewt", "negative_transfer", "ontonotes"])
def test_a_configuration_runs_to_its_tables_on_a_small_budget(configured, name):
    workflow = configured(name)
    workflow.run("all")
    tasks = {"ewt": "upos", "negative_transfer": "position", "ontonotes": "chunk"}
    assert tasks[name] in workflow.path("tables/summary.csv").read_text(encoding="utf-8")


def test_a_file_that_is_new_changed_or_gone_in_a_folder_reads_the_text_anew(configured):
    workflow = configured("ontonotes")
    workflow.run("data")
    assert workflow.planned("data") == Counter()
    folder = workflow.folder / "data" / "ontonotes" / "english" / "nw" / "a" / "00"
    own = folder / "a_0000.v4_gold_conll"
    before = own.read_bytes()

    own.write_bytes(before.replace(b"Rome", b"Bonn"))
    assert workflow.planned("data") == Counter(prepare=1)
    own.write_bytes(before)
    new = folder / "a_0099.v4_gold_conll"
    new.write_text(document("nw/a/00/a_0099", 1), encoding="utf-8")
    assert workflow.planned("data") == Counter(prepare=1)
    new.unlink()
    (folder / "a_0099.v4_auto_conll").write_text("no part of the text")
    assert workflow.planned("data") == Counter()
    own.unlink()
    assert workflow.planned("data") == Counter(prepare=1)


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
    assert fetching.planned("data") == Counter(download=1, prepare=1)
    fetching.run("data")
    assert fetching.planned("data") == Counter()
    assert fetching.planned("data", "--forceall") == Counter(prepare=1)
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
    assert "put it at data/conll03/train.txt" in log
    assert log.strip() in failed.stdout
    assert not (fetching.folder / "data" / "conll03" / "train.txt").exists()
