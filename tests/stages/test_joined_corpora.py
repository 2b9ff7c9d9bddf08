"""One task in two corpora of different formats, from files to scores."""

import pytest
from preparing import prepare_all

from sparse_sharing.config import parse_config
from sparse_sharing.pipeline import Specs
from sparse_sharing.stages import evaluate, train, warmup
from sparse_sharing.storage.artifacts import load_tensors
from sparse_sharing.text.summary import read_summary
from sparse_sharing.training.inputs import load_text, load_vocabulary

COLUMNS = {
    "train": "Ann N I-PER\nsees V O\nRome N I-LOC\n\nBo N I-PER\nsleeps V O\n",
    "dev": "Ann N I-PER\nsleeps V O\n",
    "test": "-DOCSTART- -X- O\n\nBo N I-PER\nsees V O\n\n-DOCSTART- -X- O\n\nRome N I-LOC\nsleeps V O\n",
}
JSON_LINES = {
    "train": '{"tokens": ["Paris", "sleeps"], "ner": ["B-GPE", "O"]}\n',
    "test": '{"tokens": ["Bo", "sleeps"], "ner": ["B-PERSON", "O"]}\n{"tokens": ["Oslo"], "ner": ["B-WORK"]}\n',
}
LABELS = {"GPE": "LOC", "PERSON": "PER"}
NEWS_TASKS = [{"name": "pos", "column": 1}, {"name": "ner", "column": 2, "scheme": "iob1", "model_scheme": "bioes"}]
WEB_TASKS = [{"name": "ner", "layer": "ner", "scheme": "iob2", "model_scheme": "bioes", "labels": LABELS}]


def values(web):
    """The configuration; `web` has the splits of the second corpus."""
    corpora = [
        {"name": "news", **{split: f"news.{split}" for split in COLUMNS}, "tasks": NEWS_TASKS},
        {"name": "web", "format": "jsonl", **{split: f"web.{split}" for split in web}, "tasks": WEB_TASKS},
    ]
    if "test" in web:
        corpora[1]["dev"] = "web.train"
    return {
        "run": "x",
        "device": "cpu",
        "data": {"datasets": [{"name": "joint", "corpora": corpora}]},
        "model": {"word_dimension": 4, "character_dimension": 4, "character_filters": 4, "hidden": 4},
        "select": {"choices": [{"name": "best", "rule": "best_dev"}]},
        "train": {"epochs": 1, "systems": [{"name": "hard", "sharing": "hard"}]},
    }


def prepared(folder, web):
    """The specs and the folder of the prepared dataset."""
    files = {}
    for name, texts in {"news": COLUMNS, "web": {split: JSON_LINES[split] for split in web}}.items():
        for split, text in texts.items():
            files.setdefault(split, {})[name] = folder / f"{name}.{split}"
            (folder / f"{name}.{split}").write_text(text)
    if "test" in web:
        files["dev"]["web"] = folder / "web.train"
    specs = Specs(parse_config(values(web)))
    return specs, prepare_all(specs, "joint", files, folder / "data")


@pytest.fixture
def both(tmp_path):
    """A second corpus with all splits."""
    return prepared(tmp_path, ("train", "test"))


def test_the_sentences_of_a_task_are_those_of_both_corpora_with_the_tags_of_each(both):
    _, data = both
    vocabulary = load_vocabulary(data / "vocabulary.json")
    assert vocabulary.tasks["ner"].tags == ("O", "S-LOC", "S-PER")
    train, test = (load_text(data / f"{split}.safetensors", vocabulary=vocabulary) for split in ("train", "test"))
    assert train["ner"].words() == [["Ann", "sees", "Rome"], ["Bo", "sleeps"], ["Paris", "sleeps"]]
    assert train["ner"].gold_tags("ner", vocabulary) == [["S-PER", "O", "S-LOC"], ["S-PER", "O"], ["S-LOC", "O"]]
    assert train["pos"].words() == [["Ann", "sees", "Rome"], ["Bo", "sleeps"]]
    assert test["ner"].gold_tags("ner", vocabulary)[2:] == [["S-PER", "O"], ["S-WORK"]]
    assert test["ner"].documents.tolist() == [0, 1, 2, 3]


def test_the_summary_counts_by_corpus_and_leaks_are_looked_for_across_them(both):
    _, data = both
    summary = read_summary(data, ["ner", "pos"])
    test = summary["splits"]["test"]["corpora"]
    assert {name: (own["sentences"], own["spans"]["ner"]) for name, own in test.items()} == {
        "news": (2, {"LOC": 1, "PER": 1}),
        "web": (2, {"PER": 1, "WORK": 1}),
    }
    assert test["web"]["tags_not_in_training"] == {"ner": ["S-WORK"]}
    assert "ner" not in test["news"]["tags_not_in_training"]
    found = [own for own in summary["leaks"] if own["sentences"]]
    (leak,) = [own for own in found if (own["corpus"], own["split"]) == ("web", "test")]
    assert (leak["in_corpus"], leak["in_split"], leak["sentences"]) == ("news", "train", 1)


def test_a_corpus_without_test_text_adds_to_training_only(tmp_path):
    _, data = prepared(tmp_path, ("train",))
    splits = read_summary(data, ["ner", "pos"])["splits"]
    assert {split: list(own["corpora"]) for split, own in splits.items()} == {
        "train": ["news", "web"],
        "dev": ["news"],
        "test": ["news"],
    }
    assert len(load_text(data / "train.safetensors")["ner"].words()) == 3
    assert load_text(data / "test.safetensors")["ner"].words() == load_text(data / "test.safetensors")["pos"].words()


def test_a_model_is_trained_and_scored_on_both(both, tmp_path):
    specs, data = both
    vocabulary, texts = data / "vocabulary.json", {split: data / f"{split}.safetensors" for split in COLUMNS}
    start, model, scores = tmp_path / "weights.safetensors", tmp_path / "model", tmp_path / "scores"
    warmup.run(
        specs.warmup("joint", 1, "initial"),
        vocabulary,
        data / "vectors.safetensors",
        texts["train"],
        texts["dev"],
        start,
        "cpu",
    )
    spec = specs.train("joint", 1, "hard", "shared")
    train.run(spec, vocabulary, texts["train"], texts["dev"], start, None, model, "cpu")
    evaluate.run(specs.evaluate("joint", 1, "hard", "shared"), model, texts["test"], scores, "cpu")
    lines = (scores / "predictions" / "ner.txt").read_text().splitlines()
    assert [line.split()[:2] for line in lines if line] == [
        ["Bo", "I-PER"],
        ["sees", "O"],
        ["Rome", "I-LOC"],
        ["sleeps", "O"],
        ["Bo", "I-PER"],
        ["sleeps", "O"],
        ["Oslo", "I-WORK"],
    ]
    rows = load_tensors(scores / "sentences.safetensors", "sentences").tensors
    assert (rows["ner"].shape[0], rows["pos"].shape[0]) == (4, 2)
    assert rows["ner.leaked"].tolist() == [False, False, True, False]
