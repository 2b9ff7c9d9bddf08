"""The benchmark of tagging reads its corpus, counts processor time and memory, and compares in turn."""

import sys

import pytest


@pytest.fixture(autouse=True)
def importable(monkeypatch, repository):
    """The benchmarks are no part of the installed package."""
    monkeypatch.syspath_prepend(str(repository))


def test_a_corpus_is_read_without_its_document_marks(tmp_path):
    from benchmarks.tagging import Written

    path = tmp_path / "train.txt"
    path.write_text("-DOCSTART- -X- O O\n\nAnn N B-NP B-PER\nruns V B-VP O\n\nLee N B-NP B-PER\n", encoding="utf-8")
    assert Written.read(path).sentences == [[("Ann", "N", "B-PER"), ("runs", "V", "O")], [("Lee", "N", "B-PER")]]
    assert Written.read(path, 1).words == [["Ann", "runs"]]


def test_each_form_of_input_holds_the_same_words(tmp_path):
    from benchmarks.tagging import write_inputs

    inputs = write_inputs(tmp_path, [["Ann", "runs"], ["Lee"]])
    assert inputs["columns"][0].read_text(encoding="utf-8") == "Ann\nruns\n\nLee\n"
    assert inputs["plain text"][0].read_text(encoding="utf-8") == "Ann runs\nLee\n"
    assert inputs["JSON Lines"][1] == ["--input", "columns", "--output", "jsonl"]


def test_the_cost_of_a_command_is_its_own_and_not_that_of_its_parent():
    from benchmarks.processes import cost_of

    ballast = b"x" * 300_000_000
    small = cost_of([sys.executable, "-c", "pass"])
    busy = cost_of([sys.executable, "-c", "x = b'x' * 100_000_000\nfor n in range(3_000_000): pass"])
    assert len(ballast) / 1e6 > small.megabytes + 200
    assert busy.megabytes > small.megabytes + 80
    assert busy.seconds > small.seconds > 0


def test_a_command_that_fails_is_an_error_with_its_message():
    from benchmarks.processes import cost_of

    with pytest.raises(RuntimeError, match="ended with 3: broken"):
        cost_of([sys.executable, "-c", "import sys; sys.stderr.write('broken'); sys.exit(3)"])


def test_every_action_sees_every_sentence_once():
    from benchmarks.tagging import sentence_milliseconds

    seen = {"a": [], "b": []}
    found = sentence_milliseconds({name: values.append for name, values in seen.items()}, [["x"], ["y"], ["z"]])
    assert seen == {"a": [["x"], ["y"], ["z"]], "b": [["x"], ["y"], ["z"]]}
    assert all(len(series.values) == 3 for series in found.values())
