"""Derives from the names of files which split each is, and which files belong to one corpus."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sparse_sharing.config.schema import SPLITS
from sparse_sharing.config.section import NAME
from sparse_sharing.errors import DataError

WORDS_OF_SPLITS = {
    "train": ("train", "training", "trn"),
    "dev": ("dev", "development", "devel", "valid", "validation", "val", "testa", "tune"),
    "test": ("test", "testing", "testb", "tst", "eval"),
}
SPLIT_OF_WORD = {word: split for split, split_words in WORDS_OF_SPLITS.items() for word in split_words}

_words = re.compile(r"[^\W_]+").findall
# wnut17train, conll2003Test: a digit or a change of letter case separates the split from the name before it; train1,
# dev02: digits after it number the parts of a split.
_joined = re.compile(r"(?P<corpus>.*?\d(?=[a-zA-Z])|.*?[a-z](?=[A-Z]))(?P<word>[A-Za-z]+)").fullmatch
_numbered_part = re.compile(r"(?P<word>[A-Za-z]+?)\d+").fullmatch


@dataclass
class FileGroup:
    """The files of one corpus by split."""

    name: str
    files: dict[str, list[Path]] = field(default_factory=dict)

    def __iter__(self) -> Iterator[Path]:
        return (path for paths in self.files.values() for path in paths)


def split_and_corpus(path: Path) -> tuple[str | None, str]:
    """The split in the name of a file, or else of its folder, and the rest of the name, which names the corpus.

    `news.train.conll.gz` is split train of corpus news; `train.pos` in a folder wsj is split train of corpus wsj.
    """
    name = path.name.removesuffix(".gz")
    words = [part for word in _words(name) for part in _parts(word)]
    # The suffix after the last dot is not part of the name, unless it is the split, as in eng.testa.
    if len(words) > 1 and "." in name and words[-1].lower() not in SPLIT_OF_WORD:
        words.pop()
    split = next((SPLIT_OF_WORD[word.lower()] for word in reversed(words) if word.lower() in SPLIT_OF_WORD), None)
    rest = [word for word in words if SPLIT_OF_WORD.get(word.lower()) != split or split is None]
    folder = path.resolve().parent
    if split is None and (split := SPLIT_OF_WORD.get(folder.name.lower())) is not None:
        return split, "-".join(rest)
    return split, "-".join(rest) or "-".join(_words(folder.name)) or "corpus"


def group_files(paths: Iterable[Path]) -> list[FileGroup]:
    """Group files into corpora, in the order of the files.

    Raises:
        DataError: A file's name contains no split, two files are the same split of a corpus, or a corpus lacks train or
            test.
    """
    groups: dict[tuple[str, Path], FileGroup] = {}
    examples = ", ".join(f"{split} ({', '.join(words[1:])})" for split, words in WORDS_OF_SPLITS.items())
    for path in paths:
        split, corpus = split_and_corpus(path)
        if split is None:
            raise DataError(
                f"{path}: found no split in the name; expected a word such as {examples} in it, or name the file with "
                "--train, --dev or --test"
            )
        folder = path.resolve().parent
        folder = folder.parent if folder.name.lower() in SPLIT_OF_WORD else folder
        group = groups.setdefault((corpus.lower(), folder), FileGroup(corpus))
        if split in group.files:
            raise DataError(
                f"{path}: is the {split} file of corpus '{corpus}', but so is {group.files[split][0]}; if both are, "
                f"name them with --{split}"
            )
        group.files[split] = [path]
    joined = _joined_groups(list(groups.values()))
    for group in joined:
        if missing := [split for split in ("train", "test") if split not in group.files]:
            listed = ", ".join(map(str, group))
            raise DataError(
                f"corpus '{group.name}' ({listed}) has no {missing[0]} file; every corpus needs a file for training "
                f"and one for the test: name it with --{missing[0]}, or cut one off with --split 80/10/10"
            )
    _name_apart(joined)
    return joined


def given_group(files: Mapping[str, Sequence[Path]]) -> FileGroup:
    """The one corpus whose splits the user has named; it is called after its first training file.

    Raises:
        DataError: No training file is named.
    """
    if not files.get("train"):
        raise DataError("no training file was named; name one with --train FILE")
    group = FileGroup(
        split_and_corpus(files["train"][0])[1], {split: list(paths) for split, paths in files.items() if paths}
    )
    _name_apart([group])
    return group


def _parts(word: str) -> list[str]:
    """A word of a file's name, cut where a word for a split is attached to it without a separator."""
    if (match := _joined(word)) and match["word"].lower() in SPLIT_OF_WORD:
        return [match["corpus"], match["word"]]
    if (match := _numbered_part(word)) and match["word"].lower() in SPLIT_OF_WORD:
        return [match["word"]]
    return [word]


def _joined_groups(groups: list[FileGroup]) -> list[FileGroup]:
    """Join groups that lack a split, if their splits are different: they are files of one corpus with other names."""
    lacking = [group for group in groups if not {"train", "test"} <= group.files.keys()]
    splits = [split for group in lacking for split in group.files]
    if len(lacking) < 2 or len(set(splits)) < len(splits) or not {"train", "test"} <= set(splits):
        return groups
    files = {split: paths for group in lacking for split, paths in group.files.items()}
    name = next(group.name for group in lacking if "train" in group.files)
    return [*(group for group in groups if group not in lacking), FileGroup(name, files)]


def _name_apart(groups: list[FileGroup]) -> None:
    """Give each group a valid, unique name."""
    taken: set[str] = set()
    for group in groups:
        name = "".join(letter for letter in group.name if re.fullmatch(r"[A-Za-z0-9_-]", letter)).lstrip("-_")[:50]
        name = name if re.fullmatch(NAME, name) else "corpus"
        same = next(number for number in range(1, len(groups) + 1) if _numbered(name, number).lower() not in taken)
        group.name = _numbered(name, same)
        taken.add(group.name.lower())
        group.files = {split: group.files[split] for split in SPLITS if split in group.files}


def _numbered(name: str, number: int) -> str:
    return name if number == 1 else f"{name}-{number}"
