"""Tests between systems: who is compared on what, and what the verdicts of a table rest on."""

import numpy as np
import pandas as pd
import pytest

from sparse_sharing.errors import ArtifactError
from sparse_sharing.evaluation import statistics
from sparse_sharing.pipeline.specs import EvaluateSpec
from sparse_sharing.pipeline.tables.comparisons import RECORD
from sparse_sharing.results.tables.comparisons import compare, read_counts
from sparse_sharing.storage.artifacts import save_tensors

PAIRS = [("single", "hard"), ("single", "sparse"), ("hard", "sparse")]


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
    """Three seeds of a single-task system (a file per task), of hard and of sparse sharing."""
    found = []
    for seed in (1, 2, 3):
        found += [write("single", {"pos": tokens(0.9, seed)}, seed=seed)]
        found += [write("single", {"ner": spans(0.8, seed)}, seed=seed)]
        found += [write("hard", {"pos": tokens(0.8, 10 + seed), "ner": spans(0.8, 10 + seed)}, seed=seed)]
        found += [write("sparse", {"pos": tokens(0.9, seed), "ner": spans(0.95, 20 + seed)}, seed=seed)]
    return found


def compared(paths, pairs=PAIRS, **options):
    return compare(read_counts(paths), pairs, **options)


def row_of(frame, system, task, reference="single"):
    return frame[(frame["system"] == system) & (frame["reference"] == reference) & (frame["task"] == task)].iloc[0]


def test_every_pair_is_compared_on_each_task_and_their_mean_in_order(paths):
    frame = compared(paths)
    assert list(frame.columns) == list(RECORD.columns)
    rows = list(zip(frame["reference"], frame["system"], frame["task"], strict=True))
    assert rows == [(*pair, task) for pair in PAIRS for task in ("ner", "pos", "mean")]
    for column, values in {"seeds": {3}, "units": {"sentences"}, "unit_count": {200}, "comparisons": {9}}.items():
        assert set(frame[column]) == values
    metrics = {"ner": "f1", "pos": "accuracy", "mean": "mean"}
    assert dict(zip(frame["task"], frame["metric"], strict=True)) == metrics


def test_the_difference_is_that_of_the_means_over_seeds_of_the_scores_of_all_sentences(paths):
    counts = read_counts(paths)
    frame = compare(counts, PAIRS)
    found = {}
    for task in ("pos", "ner"):
        scores = {
            system: [statistics.score(counts["joint", system, seed, task].values.sum(0)) for seed in (1, 2, 3)]
            for system in ("single", "hard")
        }
        found[task] = np.mean(scores["hard"]) - np.mean(scores["single"])
        assert row_of(frame, "hard", task)["difference"] == pytest.approx(found[task])
    assert row_of(frame, "hard", "mean")["difference"] == pytest.approx(np.mean(list(found.values())))


def test_there_is_a_verdict_if_and_only_if_the_interval_leaves_zero_out(paths):
    frame = compared(paths)
    verdicts = {tuple(row): verdict for *row, verdict in frame[["reference", "system", "task", "verdict"]].to_numpy()}
    assert verdicts["single", "hard", "pos"] == "hurt"
    assert verdicts["single", "sparse", "ner"] == verdicts["hard", "sparse", "pos"] == "helped"
    assert verdicts["single", "sparse", "pos"] == "no measurable difference"
    for row in frame.itertuples():
        outside = "helped" if row.lower > 0 else "hurt" if row.upper < 0 else "no measurable difference"
        assert row.verdict == outside
        assert row.lower < row.difference < row.upper
        assert row.detectable > row.upper - row.difference


def test_equal_models_differ_by_nothing(write):
    paths = [write(name, {"pos": tokens(0.9, seed)}, seed=seed) for seed in (1, 2, 3) for name in ("single", "hard")]
    row = compared(paths).iloc[0]
    assert (row["difference"], row["text_error"], row["verdict"]) == (0, 0, "no measurable difference")


@pytest.mark.parametrize("seeds", [(1,), (1, 2)])
def test_one_or_two_seeds_are_about_these_models_and_their_interval_covers_texts_only(write, seeds):
    paths = [write(name, {"pos": tokens(rate, seed)}, seed=seed) for seed in seeds
             for name, rate in (("single", 0.9), ("hard", 0.8), ("sparse", 0.9))]  # fmt: skip
    frame = compared(paths, PAIRS[:2])
    assert frame["verdict"].tolist() == ["these models: lower", "these models: no measurable difference"]
    assert frame["training_error"].isna().all()
    assert set(compared(paths[::-1], [("hard", "single")])["verdict"]) == {"these models: higher"}


def test_trainings_that_differ_take_a_verdict_away(write):
    """Two systems differ by ten points on average, and their seeds by as much."""
    rates = {"single": (0.7, 0.8, 0.9), "hard": (0.6, 0.7, 0.8)}
    paths = [
        write(name, {"pos": tokens(rate, seed)}, seed=seed)
        for name, own in rates.items()
        for seed, rate in enumerate(own)
    ]
    row = compared(paths).iloc[0]
    assert row["difference"] == pytest.approx(-10, abs=1)
    assert row["verdict"] == "no measurable difference"
    assert row["training_error"] > 4 * row["text_error"]
    assert compared(paths[::3]).iloc[0]["verdict"] == "these models: lower"


def test_documents_are_resampled_where_the_text_has_them(write):
    """Sentences of a document are copies of each other, so that there are only as many units as documents."""
    documents = np.repeat(np.arange(20, dtype=np.int32), 10)
    paths = {"documents": [], "sentences": []}
    for kind, found in paths.items():
        for name, rate in (("single", 0.8), ("hard", 0.8)):
            for seed in (1, 2, 3):
                counts = tokens(rate, seed + 10 * (name == "hard"), sentences=20)[documents]
                own = {"pos": counts, "pos.documents": documents, "pos.leaked": documents > 3}
                own = own if kind == "documents" else {"pos": counts}
                found.append(write(name, own, seed=seed, dataset=kind))
    frame = compared([*paths["documents"], *paths["sentences"]]).set_index("dataset")
    assert frame["units"].to_dict() == {"documents": "documents", "sentences": "sentences"}
    assert frame["unit_count"].to_dict() == {"documents": 20, "sentences": 200}
    one_seed = compared([paths[kind][place] for kind in paths for place in (0, 3)]).set_index("dataset")["text_error"]
    assert one_seed["documents"] > 2.5 * one_seed["sentences"]


def test_a_text_of_one_document_is_resampled_by_sentences(write):
    paths = [
        write(name, {"pos": tokens(0.8, place), "pos.documents": np.zeros(200, np.int32)})
        for place, name in enumerate(("single", "hard"))
    ]
    assert compared(paths)[["units", "unit_count"]].to_numpy().tolist() == [["sentences", 200]]


def test_a_text_of_one_sentence_allows_no_verdict(write):
    paths = [write(name, {"pos": tokens(rate, sentences=1)}) for name, rate in (("single", 0.9), ("hard", 0.1))]
    row = compared(paths).iloc[0]
    assert (row["verdict"], row["reason"]) == ("no verdict", "the test text is a single sentence")
    assert np.isnan(row["lower"])


def test_a_barred_system_gets_no_verdict_on_that_task_and_on_the_mean(paths):
    frame = compared(paths, barred={("joint", "sparse", "ner"): "dev F1 is 0", ("other", "hard", "pos"): "unrelated"})
    barred = frame[frame["verdict"] == "no verdict"]
    assert {(row.system, row.task, row.reason) for row in barred.itertuples()} == {
        ("sparse", task, "dev F1 is 0") for task in ("ner", "mean")
    }
    assert len(barred) == 4
    assert (frame[frame["verdict"] != "no verdict"]["reason"] == "").all()


def test_the_intervals_widen_with_the_number_of_comparisons_of_their_dataset_only(paths, write):
    few, many = compared(paths, PAIRS[:1]), compared(paths)
    width = [frame.iloc[0]["upper"] - frame.iloc[0]["lower"] for frame in (few, many)]
    assert width[1] > width[0]
    more = [write(name, {"pos": tokens(0.9, 3)}, dataset="other") for name in ("single", "hard")]
    both = compared([*paths, *more])
    pd.testing.assert_frame_equal(both[both["dataset"] == "joint"].reset_index(drop=True), many)


def test_the_mean_is_tested_where_both_systems_have_all_tasks(paths, write):
    paths += [write("part", {"pos": tokens(0.9, seed)}, seed=seed) for seed in (1, 2, 3)]
    frame = compared(paths, [("single", "part"), ("single", "hard")])
    assert frame[frame["system"] == "part"]["task"].tolist() == ["pos"]
    assert frame[frame["system"] == "hard"]["task"].tolist() == ["ner", "pos", "mean"]


def test_the_mean_of_two_tasks_of_one_text_varies_as_both_do_together(write):
    """The same counts under two names: the mean over both varies with the text as each does; not so on two texts."""
    rates = (("single", 0.9), ("hard", 0.8))
    same = [write(name, dict.fromkeys(("pos", "also"), tokens(rate))) for name, rate in rates]
    other = [write(name, {"pos": tokens(rate), "also": tokens(rate, sentences=199)}) for name, rate in rates]
    together, apart = (compared(paths).set_index("task")["text_error"] for paths in (same, other))
    assert together["mean"] == pytest.approx(together["pos"])
    assert apart["mean"] == pytest.approx(apart["pos"] / np.sqrt(2), rel=0.05)


def test_systems_are_compared_on_the_tasks_and_seeds_that_both_have(write):
    paths = [write("single", {"pos": tokens(0.9), "ner": spans(0.8)}, seed=seed) for seed in (1, 2)]
    paths.append(write("hard", {"pos": tokens(0.8)}, seed=2))
    assert compared(paths)[["system", "task", "seeds"]].to_numpy().tolist() == [["hard", "pos", 1]]


def test_nothing_to_compare_is_an_empty_table_with_its_columns(paths):
    frame = compared(paths, [])
    assert list(frame.columns) == list(RECORD.columns)
    assert len(frame) == 0


def test_a_test_set_without_sentences_is_compared_on_nothing(write):
    empty = np.zeros((0, 2), dtype=np.int32)
    paths = [write(name, {"pos": empty}) for name in ("single", "hard")]
    assert len(compared(paths)) == 0


def test_the_same_counts_give_the_same_table(paths):
    first, second = (compared(order) for order in (paths, paths[::-1]))
    assert first.equals(second)


@pytest.mark.parametrize(
    "other",
    [
        {"pos": tokens(0.9, sentences=199)},
        {"pos": spans(0.9)},
        {"pos": tokens(0.9) + np.array([0, 1], dtype=np.int32)},
        {"pos": tokens(0.9), "pos.documents": np.arange(200, dtype=np.int32)},
    ],
)
def test_models_that_were_scored_on_different_sentences_are_refused_by_name(write, other):
    first, second = write("single", {"pos": tokens(0.9)}), write("hard", other)
    with pytest.raises(ArtifactError) as error:
        read_counts([first, second])
    assert str(error.value).startswith(f"{second}: task 'pos' was scored on other sentences than in {first}")


def test_documents_that_do_not_fit_the_sentences_are_refused(write):
    path = write("single", {"pos": tokens(0.9), "pos.documents": np.arange(7, dtype=np.int32)})
    with pytest.raises(ArtifactError, match=r"pos\.documents: expected one number per sentence"):
        read_counts([path])
