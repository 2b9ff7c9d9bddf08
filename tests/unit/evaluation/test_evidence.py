"""The archive of counts behind test scores: what comes back, equal bytes, older formats, and what is refused."""

import gzip

import numpy as np
import pytest
from typer.testing import CliRunner

from sparse_sharing.cli import app
from sparse_sharing.errors import ArtifactError
from sparse_sharing.evaluation.evidence import read_evidence, write_evidence
from sparse_sharing.pipeline import layout
from sparse_sharing.pipeline.specs import EvaluateSpec
from sparse_sharing.results.tables.comparisons import read_counts
from sparse_sharing.storage import artifacts
from sparse_sharing.storage.artifacts import save_tensors

SPANS = np.array([[1, 2, 3], [0, 0, 0], [4, 4, 4]])
TAGS = np.array([[3, 5], [1, 1], [7, 7]])


def write_counts(run, system, model, seed=1, **tensors):
    """The counts of one evaluation."""
    path = layout.below(run, layout.EVALUATION, dataset="news", seed=seed, system=system, model=model)
    spec = EvaluateSpec(data="d", model="m", dataset="news", system=system, seed=seed, batch_size=1)
    save_tensors(path / "sentences.safetensors", "sentences", spec, tensors)
    return path / "sentences.safetensors"


@pytest.fixture
def run(tmp_path):
    """A run with a joint system and one of a model per task."""
    folder = tmp_path / "results" / "mine"
    write_counts(folder, "hard", "shared", ner=SPANS, pos=TAGS)
    write_counts(folder, "single", "ner", ner=SPANS - [1, 0, 0])
    write_counts(folder, "single", "pos", pos=TAGS)
    return folder


def test_archived_counts_are_read_back(run, tmp_path):
    written = write_evidence(run, tmp_path / "evidence")
    assert [path.name for path in written] == ["news.seed1.hard.csv.gz", "news.seed1.single.csv.gz"]
    paths = sorted(run.rglob("sentences.safetensors"))
    expected, found = read_counts(paths), read_evidence(tmp_path / "evidence" / "mine")
    assert set(found) == set(expected)
    assert all(np.array_equal(found[key], expected[key].values) for key in expected)


def test_the_file_is_plain_csv(run, tmp_path):
    path = write_evidence(run, tmp_path)[0]
    lines = gzip.decompress(path.read_bytes()).decode("ascii").splitlines()
    assert lines[0] == "dataset,system,seed,task,sentence,correct,predicted,gold"
    assert lines[1] == "news,hard,1,ner,1,1,2,3"
    assert lines[4] == "news,hard,1,pos,1,3,,5"


def test_equal_counts_give_equal_bytes(run, tmp_path):
    first = {path.name: path.read_bytes() for path in write_evidence(run, tmp_path / "a")}
    second = {path.name: path.read_bytes() for path in write_evidence(run, tmp_path / "b")}
    assert first == second
    assert all(content[4:8] == bytes(4) for content in first.values())  # no time in the head


def test_later_seeds_join_those_that_are_there(run, tmp_path):
    write_evidence(run, tmp_path)
    write_counts(run, "hard", "shared", seed=2, ner=SPANS, pos=TAGS)
    assert len(write_evidence(run, tmp_path)) == 3


def test_other_counts_replace_archived_ones_only_by_force(run, tmp_path):
    write_evidence(run, tmp_path)
    write_counts(run, "hard", "shared", ner=SPANS, pos=TAGS - [1, 0])
    with pytest.raises(ArtifactError, match=r"news.seed1.hard.csv.gz: holds other counts"):
        write_evidence(run, tmp_path)
    write_evidence(run, tmp_path, force=True)
    assert read_evidence(tmp_path / "mine")["news", "hard", 1, "pos"][0].tolist() == [2, 5]


def test_what_else_is_said_of_sentences_is_left_out(run, tmp_path):
    write_counts(run, "hard", "shared", **{"ner": SPANS, "ner.documents": np.array([0, 0, 1])})
    write_evidence(run, tmp_path)
    assert ("news", "hard", 1, "ner") in read_evidence(tmp_path / "mine")


def test_counts_of_the_first_format_are_archived_whatever_the_present_one(run, tmp_path, monkeypatch):
    monkeypatch.setitem(artifacts.FORMATS, "sentences", 1)
    write_counts(run, "hard", "shared", ner=SPANS, pos=TAGS)
    monkeypatch.setitem(artifacts.FORMATS, "sentences", 9)
    (run / "news/seed1/evaluate/single/ner/sentences.safetensors").unlink()
    (run / "news/seed1/evaluate/single/pos/sentences.safetensors").unlink()
    assert len(write_evidence(run, tmp_path)) == 1


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not gzip",
        gzip.compress(b"dataset,system\nnews,hard\n"),
        gzip.compress(b"dataset,system,seed,task,sentence,correct,predicted,gold\nnews,hard,1,ner,2,1,1,1\n"),
        gzip.compress(b"dataset,system,seed,task,sentence,correct,predicted,gold\nnews,hard,1,ner,1,x,1,1\n"),
    ],
    ids=["empty", "not gzip", "too few columns", "a sentence is missing", "not a number"],
)
def test_a_damaged_archive_is_refused_with_its_path(tmp_path, content):
    (tmp_path / "news.seed1.hard.csv.gz").write_bytes(content)
    with pytest.raises(ArtifactError, match=r"news.seed1.hard.csv.gz|holds no evidence"):
        read_evidence(tmp_path)


def test_systems_scored_on_other_sentences_are_refused(run, tmp_path):
    write_counts(run, "single", "ner", ner=SPANS + np.array([0, 0, 1]))
    write_evidence(run, tmp_path)
    with pytest.raises(ArtifactError, match="task 'ner' was scored on other sentences"):
        read_evidence(tmp_path / "mine")


def test_the_command_says_what_it_wrote(run, tmp_path):
    result = CliRunner().invoke(app, ["evidence", str(run), "--output", str(tmp_path / "out")])
    assert result.output == f"Wrote 2 files to {tmp_path / 'out' / 'mine'}, one per dataset, seed and system.\n"


def test_a_folder_without_evaluations_is_no_run(tmp_path):
    with pytest.raises(ArtifactError, match="has no evaluation yet"):
        write_evidence(tmp_path / "results" / "none", tmp_path)
