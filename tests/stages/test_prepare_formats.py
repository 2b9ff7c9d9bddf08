"""Stage prepare on folders of documents and derived tasks."""

import numpy as np
import pytest
from preparing import prepare_all

from sparse_sharing.config import parse_config
from sparse_sharing.errors import ConfigError
from sparse_sharing.pipeline import Specs
from sparse_sharing.text.sources import split_digest
from sparse_sharing.text.summary import read_summary
from sparse_sharing.training.inputs import load_text, load_vocabulary

TASKS = [
    {"name": "chunk", "layer": "chunk", "scheme": "iob2"},
    {"name": "ner", "layer": "ner", "scheme": "iob2", "model_scheme": "bioes"},
    {"name": "position", "derive": "position"},
]


def document(name, who):
    """A document of one sentence."""
    rows = [f"{who} NNP (TOP(S(NP*) (PERSON)", "has VBZ (VP* *", "seen VBN (VP*)))) *"]
    lines = ["{} 0 {} {} {} {} - - - - {} -".format(name, index, *row.split(" ")) for index, row in enumerate(rows)]
    return "\n".join([f"#begin document ({name}); part 000", *lines, "", "#end document", ""])


@pytest.fixture
def folder(tmp_path):
    """A folder of documents, and lists of those of train and test."""
    for name, who in {"nw/a": "Ann", "nw/b": "Bo", "nw/c": "Cy", "nw/e": "Ed", "pt/d": "Di"}.items():
        path = tmp_path / "texts" / f"{name}.gold_conll"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(document(name, who))
    (tmp_path / "train.ids").write_text("nw/a\nnw/b\npt/d\n")
    (tmp_path / "test.ids").write_text("nw/c\n")
    return tmp_path


def specs_of(documents):
    """The specs of preparing the folder."""
    corpus = {"name": "text", "format": "conll2012", "train": "texts", "test": "texts", "tasks": TASKS}
    if documents:
        corpus["documents"] = {"train": "train.ids", "test": "test.ids"}
    values = {"run": "x", "data": {"datasets": [{"name": "joint", "corpora": [corpus]}]}}
    values |= {"select": {"choices": [{"name": "best", "rule": "best_dev"}]}}
    values |= {"train": {"systems": [{"name": "hard", "sharing": "hard"}]}}
    return Specs(parse_config(values))


def run(folder, documents=True, lists=("train", "test")):
    """Prepare the folder."""
    files = {split: {"text": folder / "texts"} for split in ("train", "test")}
    named = {f"text.{split}": folder / f"{split}.ids" for split in lists}
    prepare_all(specs_of(documents), "joint", files, folder / "data", documents=named)
    return read_summary(folder / "data", [task["name"] for task in TASKS])["splits"]


def test_each_split_is_made_of_its_documents_and_the_summary_says_what_was_left_out(folder):
    splits = run(folder)
    train, test = splits["train"]["corpora"]["text"], splits["test"]["corpora"]["text"]
    assert (train["document_starts"], train["documents_skipped"], train["file"]) == (2, 3, "texts")
    assert (test["document_starts"], test["documents_skipped"]) == (1, 4)
    vocabulary = load_vocabulary(folder / "data" / "vocabulary.json")
    text = load_text(folder / "data" / "test.safetensors")["ner"]
    assert text.words() == [["Cy", "has", "seen"]]
    assert text.gold_tags("chunk", vocabulary) == [["B-NP", "B-VP", "I-VP"]]
    assert text.gold_tags("ner", vocabulary) == [["S-PERSON", "O", "O"]]
    assert text.gold_tags("position", vocabulary) == [["0", "1", "2"]]


def test_each_sentence_of_a_prepared_text_has_its_document_where_there_are_two(folder):
    (folder / "train.ids").write_text("nw/a\nnw/b\nnw/e\n")
    splits = run(folder)
    documents = {split: load_text(folder / "data" / f"{split}.safetensors")["ner"].documents for split in splits}
    assert (documents["train"].dtype, documents["train"].tolist()) == (np.int32, [0, 1])
    assert (documents["dev"], documents["test"]) == (None, None)
    assert {split: values["corpora"]["text"]["documents"] for split, values in splits.items()} == {
        "train": 2,
        "dev": None,
        "test": None,
    }


def test_the_digest_of_a_folder_is_that_of_its_files(folder):
    before = split_digest(folder / "texts")
    (folder / "texts" / "README").write_text("not read")
    assert split_digest(folder / "texts") == before
    (folder / "texts" / "nw" / "a.gold_conll").rename(folder / "texts" / "nw" / "z.gold_conll")
    renamed = split_digest(folder / "texts")
    (folder / "texts" / "nw" / "z.gold_conll").write_text(document("nw/a", "Annie"))
    assert len({before, renamed, split_digest(folder / "texts")}) == 3


@pytest.mark.parametrize(("documents", "lists"), [(True, ("train",)), (False, ("test",))])
def test_lists_of_documents_are_given_exactly_where_the_spec_has_them(folder, documents, lists):
    with pytest.raises(ConfigError, match=r"the spec and the option --documents text\.test=FILE do not agree"):
        run(folder, documents, lists)
