"""Tests between systems: who is compared on what, and what the verdicts of a table rest on."""

import numpy as np
import pytest

from sparse_sharing import statistics, tables
from sparse_sharing.artifacts import save_tensors
from sparse_sharing.config.specs import EvaluateSpec
from sparse_sharing.errors import ArtifactError
from sparse_sharing.tables.comparisons import COMPARISONS

MEETINGS = [("single", "hard"), ("single", "sparse"), ("hard", "sparse")]


@pytest.fixture
def write(tmp_path):
    """A function that writes the counts of a model's sentences."""

    def save(system, tensors, *, dataset="joint", seed=1):
        path = tmp_path / f"{len(list(tmp_path.iterdir()))}.safetensors"
        spec = EvaluateSpec(data="d", model="m", dataset=dataset, system=system, seed=seed, batch_size=1)
        save_tensors(path, "sentences", spec, tensors)
        return path

    return save


def tokens(rate, seed=0, sentences=200):
    """Counts of a tagger with a rate of right tokens; int32 [sentences, 2]."""
    right = np.random.default_rng(seed).binomial(10, rate, size=sentences)
    return np.stack([right, np.full(sentences, 10)], axis=1).astype(np.int32)


def spans(rate, seed=0, sentences=200):
    """Counts of a tagger that finds spans at a rate; int32 [sentences, 3]."""
    right = np.random.default_rng(seed).binomial(3, rate, size=sentences)
    return np.stack([right, np.full(sentences, 3), np.full(sentences, 3)], axis=1).astype(np.int32)


@pytest.fixture
def paths(write):
    """Two seeds of a single-task system (a file per task), of hard and of sparse sharing."""
    found = []
    for seed in (1, 2):
        found += [write("single", {"pos": tokens(0.9, seed)}, seed=seed)]
        found += [write("single", {"ner": spans(0.8, seed)}, seed=seed)]
        found += [write("hard", {"pos": tokens(0.8, 10 + seed), "ner": spans(0.8, 10 + seed)}, seed=seed)]
        found += [write("sparse", {"pos": tokens(0.9, seed), "ner": spans(0.9, 20 + seed)}, seed=seed)]
    return found


def test_every_pair_is_compared_on_each_task_in_their_order(paths):
    frame = tables.compare(tables.read_counts(paths), MEETINGS)
    assert list(frame.columns) == COMPARISONS
    rows = list(zip(frame["reference"], frame["system"], frame["task"], strict=True))
    assert rows == [(*pair, task) for pair in MEETINGS for task in ("ner", "pos")]
    assert set(frame["seeds"]) == {2}
    assert set(frame["sentences"]) == {200}
    assert dict(zip(frame["task"], frame["metric"], strict=True)) == {"ner": "f1", "pos": "accuracy"}


def test_the_difference_is_that_of_the_means_over_seeds_of_the_scores_of_all_sentences(paths):
    counts = tables.read_counts(paths)
    frame = tables.compare(counts, MEETINGS)
    row = frame[(frame["system"] == "hard") & (frame["task"] == "pos")].iloc[0]
    scores = {
        system: [statistics.score(counts["joint", system, seed, "pos"].values.sum(0)) for seed in (1, 2)]
        for system in ("single", "hard")
    }
    assert row["difference"] == pytest.approx(np.mean(scores["hard"]) - np.mean(scores["single"]))
    assert row["lower"] < row["difference"] < row["upper"] < 0


def test_verdicts_tell_help_harm_and_equality_apart(paths):
    frame = tables.compare(tables.read_counts(paths), MEETINGS)
    verdicts = {tuple(row): verdict for *row, verdict in frame[["reference", "system", "task", "verdict"]].to_numpy()}
    assert verdicts["single", "hard", "pos"] == "hurt"
    assert verdicts["single", "sparse", "ner"] == verdicts["hard", "sparse", "pos"] == "helped"
    assert verdicts["single", "sparse", "pos"] == "no measurable difference"
    equal = frame[(frame["system"] == "sparse") & (frame["reference"] == "single") & (frame["task"] == "pos")].iloc[0]
    assert (equal["difference"], equal["p"], equal["seed_p"]) == (0, 1, 1)


def test_p_is_corrected_over_all_comparisons_of_a_dataset_and_no_other(paths, write):
    alone = tables.compare(tables.read_counts(paths), MEETINGS)
    assert alone["p_corrected"].to_numpy() == pytest.approx(statistics.holm(alone["p"].to_numpy()))
    more = [write(name, {"pos": tokens(0.9, 3)}, dataset="other") for name in ("single", "hard")]
    both = tables.compare(tables.read_counts([*paths, *more]), MEETINGS)
    assert both[both["dataset"] == "joint"].equals(alone)


def test_a_further_system_changes_no_test_but_the_correction(paths, write):
    alone = tables.compare(tables.read_counts(paths), MEETINGS)
    more = [write("zeta", {"pos": tokens(0.7, seed)}, seed=seed) for seed in (1, 2)]
    both = tables.compare(tables.read_counts([*paths, *more]), [*MEETINGS, ("single", "zeta")])
    columns = ["system", "task", "difference", "lower", "upper", "p"]
    assert both[both["system"] != "zeta"][columns].reset_index(drop=True).equals(alone[columns])


def test_systems_are_compared_on_the_tasks_and_seeds_that_both_have(write):
    paths = [write("single", {"pos": tokens(0.9), "ner": spans(0.8)}, seed=seed) for seed in (1, 2)]
    paths.append(write("hard", {"pos": tokens(0.8)}, seed=2))
    frame = tables.compare(tables.read_counts(paths), MEETINGS)
    assert frame[["system", "task", "seeds", "smallest_seed_p"]].to_numpy().tolist() == [["hard", "pos", 1, 1.0]]


def test_nothing_to_compare_is_an_empty_table_with_its_columns(paths):
    frame = tables.compare(tables.read_counts(paths), [])
    assert list(frame.columns) == COMPARISONS
    assert len(frame) == 0


def test_a_test_set_without_sentences_is_compared_on_nothing(write):
    empty = np.zeros((0, 2), dtype=np.int32)
    paths = [write(name, {"pos": empty}) for name in ("single", "hard")]
    assert len(tables.compare(tables.read_counts(paths), MEETINGS)) == 0


def test_the_same_counts_give_the_same_table(paths):
    first, second = (tables.compare(tables.read_counts(order), MEETINGS) for order in (paths, paths[::-1]))
    assert first.equals(second)


@pytest.mark.parametrize(
    "other", [tokens(0.9, sentences=199), spans(0.9), tokens(0.9) + np.array([0, 1], dtype=np.int32)]
)
def test_models_that_were_scored_on_different_sentences_are_refused_by_name(write, other):
    first, second = write("single", {"pos": tokens(0.9)}), write("hard", {"pos": other})
    with pytest.raises(ArtifactError) as error:
        tables.read_counts([first, second])
    assert str(error.value).startswith(f"{second}: task 'pos' was scored on other sentences than in {first}")


@pytest.mark.parametrize("system", ["single", "hard"])
def test_a_comparison_of_a_barred_model_has_no_verdict_and_the_others_keep_theirs(paths, system):
    counts = tables.read_counts(paths)
    plain = tables.compare(counts, MEETINGS)
    barred = tables.compare(counts, MEETINGS, barred={("joint", system, "pos"): "zero on dev: pos"})
    touched = (plain["task"] == "pos") & ((plain["reference"] == system) | (plain["system"] == system))
    assert set(barred[touched]["verdict"]) == {"no verdict"}
    assert barred[~touched].equals(plain[~touched])
    assert barred.drop(columns="verdict").equals(plain.drop(columns="verdict"))
