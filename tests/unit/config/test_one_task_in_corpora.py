"""One task in several corpora of a dataset."""

import json

import pytest

from sparse_sharing.config import parse_config
from sparse_sharing.errors import ConfigError
from sparse_sharing.pipeline import Specs

FILES = {"train": "a", "dev": "b", "test": "c"}
NER = {"name": "ner", "column": 1, "scheme": "iob2"}


def corpora(first=None, second=None, task=None, **files):
    """Two corpora with the task ner; the second may lack files, and says other things of the task."""
    return [
        {"name": "news", **FILES, "tasks": [{"name": "pos", "column": 2}, NER], **(first or {})},
        {"name": "web", **(files or FILES), "tasks": [{**NER, "column": 3, **(task or {})}], **(second or {})},
    ]


def specs(changed, own):
    """The specs of a configuration with one dataset."""
    return Specs(parse_config(changed("data.datasets", [{"name": "joint", "corpora": own}])))


def refusal(changed, own):
    """The message of the error that corpora raise."""
    with pytest.raises(ConfigError) as caught:
        specs(changed, own)
    return str(caught.value)


def test_a_task_of_two_corpora_is_one_task_whose_spec_has_both(changed):
    found = specs(changed, corpora())
    assert found.tasks("joint") == ["ner", "pos"]
    ner, pos = found.prepare_task("joint", "ner"), found.prepare_task("joint", "pos")
    assert [(corpus.name, [task.column for task in corpus.tasks]) for corpus in ner.corpora] == [
        ("news", [1]),
        ("web", [3]),
    ]
    assert "more" not in json.loads(pos.canonical())


def test_the_order_of_corpora_changes_no_spec(changed):
    one, other = specs(changed, corpora()), specs(changed, corpora()[::-1])
    assert one.prepare_task("joint", "ner").digest() == other.prepare_task("joint", "ner").digest()


def test_a_corpus_may_have_training_text_only_if_another_has_the_test_text(changed):
    own = corpora(train="a")
    found = specs(changed, own).prepare_task("joint", "ner")
    assert [(corpus.name, corpus.splits, corpus.dev_fraction) for corpus in found.corpora] == [
        ("news", None, None),
        ("web", ["train"], None),
    ]
    own[1]["dev_fraction"] = 0.2
    assert specs(changed, own).prepare_task("joint", "ner").corpora[1].splits == ["train", "dev"]
    own[1]["tasks"][0]["name"] = "names"
    assert "corpus 'web': test is required" in refusal(changed, own)
    assert "no other corpus of the dataset has test text of task 'names'" in refusal(changed, own)


@pytest.mark.parametrize(
    ("task", "message"),
    [
        ({"scheme": "iob1"}, "in the corpora 'news' and 'web', whose model_scheme differ: iob2 and iob1"),
        ({"metric": "accuracy"}, "whose metric differ: None and accuracy"),
        ({"loss_weight": 2}, "whose loss_weight differ: None and 2.0"),
    ],
)
def test_what_corpora_say_of_a_task_must_fit(changed, task, message):
    assert message in refusal(changed, corpora(task=task))


def test_schemes_of_files_may_differ_and_letter_case_does_not_count(changed):
    found = specs(changed, corpora(task={"scheme": "iob1", "model_scheme": "iob2"}))
    assert [corpus.tasks[0].scheme for corpus in found.prepare_task("joint", "ner").corpora] == ["iob2", "iob1"]
    assert "two tasks are called ner" in refusal(changed, corpora(task={"name": "NER"}))
    assert "two tasks are called ner" in refusal(changed, corpora(second={"tasks": [NER, NER]}))
