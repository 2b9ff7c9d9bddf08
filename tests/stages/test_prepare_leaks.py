"""Stage prepare finds the sentences that occur in two splits of any corpora which one model sees."""

import numpy as np
import pytest

from sparse_sharing.config import parse_config
from sparse_sharing.pipeline import Specs
from sparse_sharing.stages import prepare
from sparse_sharing.storage.artifacts import load_json, load_tensors

FILES = {
    "first.train": ["the cat", "a dog", "the cat"],
    "first.dev": ["one more", "a dog"],
    "first.test": ["a fish", "only here", "her hat"],
    "second.train": ["a fish", "his hat"],
    "second.dev": ["her hat"],
    "second.test": ["the cat", "the", "the cat"],
}
"""By corpus and split, sentences that are read with the tag X for each word."""


@pytest.fixture
def prepared(tmp_path):
    """The folder of the prepared dataset."""
    files = {}
    for name, sentences in FILES.items():
        corpus, split = name.split(".")
        files.setdefault(split, {})[corpus] = tmp_path / name
        blocks = ("".join(f"{word} X\n" for word in sentence.split()) for sentence in sentences)
        (tmp_path / name).write_text("\n".join(blocks))
    corpora = [
        {
            "name": corpus,
            **{split: f"{corpus}.{split}" for split in files},
            "tasks": [{"name": f"pos_{corpus}", "column": 1}],
        }
        for corpus in ("first", "second")
    ]
    values = {"run": "x", "data": {"datasets": [{"name": "joint", "corpora": corpora}]}}
    values |= {"select": {"choices": [{"name": "best", "rule": "best_dev"}]}}
    values |= {"train": {"systems": [{"name": "hard", "sharing": "hard"}]}}
    prepare.run(Specs(parse_config(values)).prepare("joint"), files, None, tmp_path / "data")
    return tmp_path / "data"


def flags(folder, split, corpus):
    """Which sentences of a split are marked."""
    array = load_tensors(folder / f"{split}.safetensors", "text").tensors[f"{corpus}/leaked"]
    assert array.dtype == bool
    return array.tolist()


def test_a_sentence_is_marked_where_train_or_dev_of_any_corpus_has_it_as_a_whole(prepared):
    assert flags(prepared, "dev", "first") == [False, True]
    assert flags(prepared, "dev", "second") == [False]
    assert flags(prepared, "test", "first") == [True, False, True]
    assert flags(prepared, "test", "second") == [True, False, True]


def test_training_sentences_are_not_marked(prepared):
    tensors = load_tensors(prepared / "train.safetensors", "text").tensors
    assert not [name for name in tensors if name.endswith("/leaked")]


def test_the_summary_counts_the_sentences_of_each_pair_of_splits(prepared):
    summary = load_json(prepared / "summary.json", "summary").details
    keys = ("corpus", "split", "in_corpus", "in_split")
    counts = {tuple(leak[key] for key in keys): leak["sentences"] for leak in summary["leaks"]}
    assert len(counts) == 4 * 3
    assert {pair: count for pair, count in counts.items() if count} == {
        ("first", "dev", "first", "train"): 1,
        ("first", "test", "second", "train"): 1,
        ("first", "test", "second", "dev"): 1,
        ("second", "test", "first", "train"): 2,
    }
    assert summary["splits"]["test"]["corpora"]["first"]["leaked"] == np.sum(flags(prepared, "test", "first"))
