"""What file names say about splits and corpora."""

from pathlib import Path

import pytest

from sparse_sharing.errors import DataError
from sparse_sharing.inspection.names import given_group, group_files, split_and_corpus


@pytest.mark.parametrize(
    ("name", "split", "corpus"),
    [
        ("news/train.txt", "train", "news"),
        ("news/news.dev.conll.gz", "dev", "news"),
        ("conll/eng.testa", "dev", "eng"),
        ("conll/eng.testb", "test", "eng"),
        ("ud/en_ewt-ud-train.iob2", "train", "en-ewt-ud"),
        ("demo/pos.valid.txt", "dev", "pos"),
        ("news/test/part-1.txt", "test", "part-1"),
        ("wsj/train.pos", "train", "wsj"),
        ("news/contest.txt", None, "contest"),
    ],
)
def test_split_and_corpus_are_recognised_from_the_name_or_otherwise_the_folder(tmp_path, name, split, corpus):
    assert split_and_corpus(tmp_path / name) == (split, corpus)


def test_files_of_one_corpus_come_together_whatever_their_order():
    names = ["d/b.test.txt", "d/a.train.txt", "d/b.train.txt", "d/a.dev.txt", "d/a.test.txt"]
    groups = {group.name: list(group.files) for group in group_files(map(Path, names))}
    assert groups == {"b": ["train", "test"], "a": ["train", "dev", "test"]}


def test_corpora_of_one_name_in_two_folders_are_named_apart():
    groups = group_files(Path(f"{folder}/a.{split}.txt") for folder in "xy" for split in ("train", "test"))
    assert [group.name for group in groups] == ["a", "a-2"]


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["a/one.txt"], "found no split in the name"),
        (["a/train.txt"], "has no test file"),
        (["a/test.txt", "a/dev.txt"], "has no train file"),
        (["a/train.txt", "a/train.conll", "a/test.txt"], "but so is"),
    ],
)
def test_names_that_leave_a_question_are_refused_with_what_to_do(names, message):
    with pytest.raises(DataError, match=message):
        group_files(map(Path, names))


@pytest.mark.parametrize(
    ("name", "split", "corpus"),
    [
        ("d/wnut17train.conll", "train", "wnut17"),
        ("d/emerging.test.annotated", "test", "emerging"),
        ("d/newsTest.txt", "test", "news"),
        ("d/train1.txt", "train", "d"),
        ("d/latest.txt", None, "latest"),
        ("d/news.contest2.txt", None, "news-contest2"),
    ],
)
def test_a_split_may_be_joined_to_a_name_by_a_digit_or_a_capital(tmp_path, name, split, corpus):
    assert split_and_corpus(tmp_path / name) == (split, corpus)


def test_files_of_one_folder_whose_splits_complete_each_other_are_one_corpus():
    (group,) = group_files(map(Path, ["d/wnut17train.conll", "d/emerging.dev.conll", "d/emerging.test.annotated"]))
    assert group.name == "wnut17"
    assert list(group.files) == ["train", "dev", "test"]


def test_splits_that_a_person_names_need_no_names():
    group = given_group({"test": [Path("d/c")], "train": [Path("d/a.txt"), Path("d/b.txt")], "dev": []})
    assert group.files == {"train": [Path("d/a.txt"), Path("d/b.txt")], "test": [Path("d/c")]}
    with pytest.raises(DataError, match="no training file"):
        given_group({"test": [Path("d/c")]})
