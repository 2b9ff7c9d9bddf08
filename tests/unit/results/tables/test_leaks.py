"""Scores without the test sentences that training or dev has too, and notes on the text."""

import json

import numpy as np
import pytest

from sparse_sharing.config.schema import DemoSize
from sparse_sharing.errors import ArtifactError
from sparse_sharing.pipeline.specs import DemoSpec, EvaluateSpec
from sparse_sharing.results.tables.comparisons import read_counts
from sparse_sharing.results.tables.leaks import leaks
from sparse_sharing.results.tables.text_notes import text_notes
from sparse_sharing.storage.artifacts import save_json, save_tensors

# the second of four sentences is leaked, and all of it is right
TOKENS = np.array([[1, 2], [4, 4], [0, 1], [1, 3]], dtype=np.int32)
FLAGS = np.array([False, True, False, False])


@pytest.fixture
def write(tmp_path):
    """A function that writes the counts of a model's sentences, and flags."""

    def save(system, tensors, *, seed=1):
        path = tmp_path / f"{len(list(tmp_path.iterdir()))}.safetensors"
        spec = EvaluateSpec(data="d", model="m", dataset="joint", system=system, seed=seed, batch_size=1)
        save_tensors(path, "sentences", spec, tensors)
        return path

    return save


def test_the_table_has_the_score_with_and_without_leaked_sentences(write):
    better = TOKENS + np.array([[1, 0], [0, 0], [0, 0], [0, 0]], dtype=np.int32)
    paths = [write("hard", {"pos": counts, "pos.leaked": FLAGS}, seed=s) for s, counts in ((1, TOKENS), (2, better))]
    frame = leaks(paths)
    assert len(frame) == 1
    row = frame.iloc[0]
    assert tuple(row[["system", "task", "metric", "seeds", "sentences", "leaked"]]) == (
        ("hard", "pos", "accuracy", 2, 4, 1)
    )
    assert row["value"] == pytest.approx((60 + 70) / 2)
    assert row["without_leaked"] == pytest.approx((100 * 2 / 6 + 100 * 3 / 6) / 2)
    assert row["difference"] == pytest.approx(row["without_leaked"] - row["value"])


def test_f1_without_leaked_sentences_is_that_of_the_summed_counts_that_are_left(write):
    spans = np.array([[2, 2, 2], [1, 2, 3]], dtype=np.int32)
    frame = leaks([write("hard", {"ner": spans, "ner.leaked": np.array([True, False])})])
    assert frame.iloc[0]["without_leaked"] == pytest.approx(100 * 2 * 1 / (2 + 3))
    assert frame.iloc[0]["metric"] == "f1"


@pytest.mark.parametrize("tensors", [{"pos": TOKENS}, {"pos": TOKENS, "pos.leaked": np.zeros(4, dtype=bool)}])
def test_nothing_is_shown_where_no_sentence_is_flagged(write, tensors):
    assert len(leaks([write("hard", tensors)])) == 0


@pytest.mark.parametrize("flags", [FLAGS[:3], FLAGS.astype(np.uint8)])
def test_flags_that_do_not_fit_are_refused_by_the_name_of_their_file(write, flags):
    path = write("hard", {"pos": TOKENS, "pos.leaked": flags})
    with pytest.raises(ArtifactError, match=f"{path}: its parts do not fit"):
        leaks([path])


def test_systems_are_not_compared_on_flags(write):
    paths = [write(name, {"pos": TOKENS, "pos.leaked": FLAGS}) for name in ("single", "hard")]
    assert {key[3] for key in read_counts(paths)} == {"pos"}


def test_the_notes_on_a_text_name_sentences_in_two_splits_and_repairs(tmp_path):
    details = {
        "leaks": [
            {"corpus": "c", "split": split, "in_corpus": other, "in_split": earlier, "sentences": count}
            for split, other, earlier, count in (
                ("dev", "c", "train", 0),
                ("test", "c", "train", 1),
                ("test", "d", "dev", 1200),
            )
        ],
        "splits": {split: {"corpora": {"c": {}}} for split in ("train", "dev", "test")},
    }
    path, spec = tmp_path / "summary.json", DemoSpec(size=DemoSize())
    save_json(path, "summary", spec, details)
    for task, repairs in (("ner", 2), ("pos", 1)):
        nothing = {"repairs": 0, "missing_tags": 0, "spans": None, "tags_not_in_training": []}
        splits = {"train": {**nothing, "repairs": repairs}, "dev": nothing, "test": nothing}
        own = {"corpus": "c", "tags": 3, "splits": splits}
        save_json(tmp_path / "tags" / task / "summary.json", "task_summary", spec, own)
    assert text_notes(tmp_path, ["ner", "pos"]) == [
        "1 sentence of c test also in c train, word for word",
        "1,200 sentences of c test also in d dev, word for word",
        "c, train: 3 repaired tags",
    ]
    document = json.loads(path.read_text(encoding="utf-8"))
    assert document["details"] == details
