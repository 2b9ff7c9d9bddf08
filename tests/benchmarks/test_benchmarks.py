"""The benchmarks run, on a tiny network; the references compute what our own network computes."""

import json
import subprocess
import sys

import pytest
import torch
from rich.console import Console
from tiny import (
    MODEL,
    TASKS,
    batch_of,
    encoded,
    mask_network,
    network_of,
    optimization_of,
    sentences,
    vocabulary_of,
)

from sparse_sharing.text.batches import make_batch
from sparse_sharing.training.trainer import Trainer

WRITTEN = [("Ann", "N", "B-NP", "B-PER"), ("Lee", "N", "I-NP", "I-PER"), ("runs", "V", "B-VP", "O")]


@pytest.fixture(autouse=True)
def importable(monkeypatch, repository):
    """The benchmarks are no part of the installed package."""
    monkeypatch.syspath_prepend(str(repository))


def test_a_quick_run_measures_every_way_of_sharing_and_both_references(tmp_path, monkeypatch):
    from benchmarks import __main__ as program
    from benchmarks import data, training

    monkeypatch.setattr(data, "real_corpus", lambda: None)
    monkeypatch.setattr(data, "SENTENCES", {"train": 300, "dev": 40, "test": 40})
    monkeypatch.setattr(data, "WORDS", 500)
    report = program.measure(tmp_path, quick=True, hidden=6, processes=False)
    (speeds, prediction) = report.speeds.values()
    assert set(speeds) == {*training.KINDS, training.REFERENCE_A, training.REFERENCE_B}
    assert all(min(series.values) > 0 for series in (*speeds.values(), *prediction.values()))
    report.save(tmp_path / "bench.json")
    found = json.loads((tmp_path / "bench.json").read_text(encoding="utf-8"))
    assert {target["name"] for target in found["targets"]} >= {
        "masking",
        "sparse step over (a)",
        "sparse step over (b)",
    }
    console = Console(record=True, width=120, file=(tmp_path / "out").open("w"))
    report.show(console)
    assert "reference (b)" in console.export_text()


def packed_tagger(network):
    """Reference (a) with the weights of one of our networks."""
    from benchmarks.reference import PackedHardSharing

    reference = PackedHardSharing(MODEL, network.vocabulary, 0.1)
    reference.network.share(network.values())
    return reference


def test_reference_a_is_our_network_with_other_means():
    network, text = network_of(), encoded(sentences(6, seed=1))
    for task in TASKS:
        batch = batch_of(text, task)
        expected = network.loss(task, network.gather(batch), batch)
        torch.testing.assert_close(packed_tagger(network).network(task, batch), expected)


def test_reference_b_with_masks_of_ones_trains_like_reference_a():
    from benchmarks.reference import OriginalMasking, random_masks

    vocabulary, text = vocabulary_of(), encoded(sentences(8, seed=1))
    dense = packed_tagger(network_of())
    masked = OriginalMasking(MODEL, vocabulary, 0.1, random_masks(MODEL, vocabulary, 1.1))
    masked.network.load_state_dict(masked.network.state_dict() | dense.network.state_dict())
    for turn, task in enumerate(TASKS):
        batch = make_batch(text, [2 * turn, 2 * turn + 1], task)
        dense.step(task, batch)
        masked.step(task, batch)
    for name, value in dense.network.state_dict().items():
        torch.testing.assert_close(masked.network.state_dict()[name], value)


def test_reference_b_leaves_weights_outside_the_mask_where_they_were_in_a_first_step():
    from benchmarks.reference import OriginalMasking, random_masks

    masks = random_masks(MODEL, vocabulary_of(), 0.5)
    masked = OriginalMasking(MODEL, vocabulary_of(), 0.1, masks)
    before = {name: value.clone() for name, value in masked.network.state_dict().items()}
    masked.step("pos", batch_of(encoded(sentences(4, seed=1)), "pos"))
    for name, mask in masks["pos"].items():
        now, outside = masked.network.state_dict()[name], ~mask
        assert torch.equal(now[outside], before[name][outside])
        assert not torch.equal(now[~outside], before[name][~outside])


def test_generated_text_has_the_statistics_of_the_corpus_that_it_imitates():
    from benchmarks import data

    text = data.generated_text(data.generated_vocabulary(), 3000)
    assert text.lengths.mean() == pytest.approx(14.5, abs=1)
    assert (text.lengths.min(), text.lengths.max() <= 113) == (1, True)
    assert text.surface_words.max() == data.WORDS


def test_values_are_compared_pair_by_pair():
    from benchmarks.timing import Series

    one, other = Series((10.0, 20.0, 90.0)), Series((5.0, 10.0, 10.0))
    assert (one.median, one.range, one.ratio(other)) == (20.0, (10.0, 90.0), 2.0)


def test_things_side_by_side_are_measured_equally_often():
    from benchmarks.timing import side_by_side

    calls = []
    found = side_by_side({"a": lambda n: calls.append(("a", n)), "b": lambda n: calls.append(("b", n))}, [1, 2, 3])
    assert sorted(calls) == sorted((name, n) for name in "ab" for n in (0, 0, 1, 2))
    assert {name: len(series.values) for name, series in found.items()} == {"a": 3, "b": 3}


@pytest.mark.parametrize("option", ["--help"])
def test_the_options_are_explained(repository, option):
    result = subprocess.run(
        [sys.executable, "-m", "benchmarks", option], cwd=repository, capture_output=True, text=True, check=True
    )
    assert "--quick" in result.stdout
    assert "--scaling" in result.stdout


def test_plots_are_the_same_bytes_for_the_same_points(tmp_path):
    from benchmarks import scaling
    from benchmarks.timing import Series

    points = {"tasks": ("tokens/s", [(1, Series((1.0, 2.0))), (3, Series((2.0, 4.0)))])}
    for name in ("one.svg", "two.svg"):
        scaling.plot(points, tmp_path / name)
    assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "two.svg").read_bytes()


def test_a_sparse_step_of_the_benchmark_is_the_step_of_the_program():
    from benchmarks.training import stepper

    network, text = network_of(), encoded(sentences(4, seed=1))
    loss = stepper(network, optimization_of("sgd"))("pos", batch_of(text, "pos"))
    assert loss.item() > 0


def test_speeds_are_measured_for_each_size_and_leave_one_thread():
    from benchmarks import scaling
    from benchmarks.training import paper_settings

    base = paper_settings(hidden=6)[0]
    cases = {
        size: scaling.Case(scaling._with_batch(base, size), words=500, threads=threads)
        for size, threads in ((5, 1), (20, 2))
    }
    points = scaling._speeds(cases, blocks=2)
    assert [size for size, _ in points] == [5, 20]
    assert all(len(series.values) == 2 and min(series.values) > 0 for _, series in points)
    assert torch.get_num_threads() == 1


@pytest.mark.parametrize("masked", [False, True])
def test_the_plainly_written_method_takes_the_steps_of_our_engine(masked):
    from benchmarks.plain import PlainTrainer

    network, other = (mask_network(network_of()) if masked else network_of() for _ in range(2))
    text, before = encoded(sentences(24, seed=1)), network.copy_values()
    optimization = optimization_of("adam", gradient_clip=0.5)
    plain, ours = PlainTrainer(network, optimization), Trainer(other, optimization)
    for turn, task in enumerate([*TASKS, *TASKS]):
        batch = make_batch(text, range(4 * turn, 4 * turn + 4), task)
        expected = ours.step(task, batch, 0.01)
        torch.testing.assert_close(plain.step(task, batch, 0.01), expected)
    reached = other.values()
    for name, value in network.values().items():
        torch.testing.assert_close(value, reached[name], atol=2e-5, rtol=1e-4)
        assert torch.equal(value == before[name], reached[name] == before[name]), name


def test_accuracy_is_measured_in_both_ways(tmp_path, monkeypatch):
    from benchmarks import accuracy, data

    lines = [f"{word} {pos} {chunk} {ner}" for word, pos, chunk, ner in WRITTEN]
    text = "\n".join([*lines, ""] * 12)
    for split in ("train", "dev", "test"):
        (tmp_path / f"{split}.txt").write_text(text, encoding="utf-8")
    monkeypatch.setattr(data, "real_corpus", lambda: tmp_path)
    monkeypatch.setattr(accuracy, "BiLstm", lambda layers: MODEL)
    console = Console(record=True, width=120, file=(tmp_path / "out").open("w"))
    accuracy.run(tmp_path, quick=True, console=console)
    outcomes = json.loads((tmp_path / "accuracy.json").read_text(encoding="utf-8"))
    assert [(outcome["kind"], outcome["way"]) for outcome in outcomes] == [
        ("hard", "plain"),
        ("hard", "engine"),
        ("sparse", "plain"),
        ("sparse", "engine"),
    ]
    assert all(set(outcome["scores"]) == set(TASKS) for outcome in outcomes)
    assert "their mean" in console.export_text()


@pytest.mark.parametrize("with_spacy", [False, True])
def test_each_system_is_compared_with_and_without_features_and_nothing_is_measured_twice(
    tmp_path, monkeypatch, with_spacy
):
    from benchmarks import data, peers, spacy_peer

    if with_spacy and not spacy_peer.is_installed():
        pytest.skip("spaCy is not installed")
    lines = [f"{word} {pos} {chunk} {ner}" for word, pos, chunk, ner in WRITTEN]
    folder = tmp_path / "conll03"
    folder.mkdir()
    for split in ("train", "dev", "test"):
        (folder / f"{split}.txt").write_text("\n".join([*lines, ""] * 12), encoding="utf-8")
    monkeypatch.setattr(data, "real_corpus", lambda: folder)
    monkeypatch.setattr(peers, "is_installed", lambda: with_spacy)
    console = Console(record=True, width=160, file=(tmp_path / "out").open("w"))
    for _ in range(2):
        peers.run(tmp_path, (1,), console, sentences=6, epochs=1)
    outcomes = peers.read(tmp_path / "peers.json")
    expected = ["single", "single, features", "hard", "hard, features"]
    assert [outcome.system for outcome in outcomes] == ["spaCy"] * with_spacy + expected
    for outcome in outcomes:
        assert set(outcome.trained.test) == set(outcome.trained.dev) == {"pos", "ner"}
        assert outcome.trained.epochs >= 1
    assert console.export_text().count("Test scores") == 2


def test_a_budget_ends_before_another_epoch_would_exceed_it(monkeypatch):
    from benchmarks import peer_trainings

    now = iter([0.0, 1.0, 2.0, 3.0])
    monkeypatch.setattr(peer_trainings.time, "process_time", lambda: next(now))
    budget = peer_trainings.Budget(3.5)
    assert [budget.ends(), budget.ends(), budget.ends()] == [False, False, True]
    assert (budget.epochs, budget.spent) == (3, 3.0)
