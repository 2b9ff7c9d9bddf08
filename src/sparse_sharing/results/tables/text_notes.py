"""Notes on a text that matter for its scores: sentences in two splits, and repaired tags."""

from collections.abc import Sequence
from pathlib import Path

from sparse_sharing.storage.artifacts import parts_of
from sparse_sharing.text.summary import read_summary


def text_notes(data: Path, tasks: Sequence[str]) -> list[str]:
    """Notes on a prepared dataset that matter for its scores: sentences in two splits, and repaired tags.

    Args:
        data: the folder of the prepared dataset.
        tasks: the tasks of the dataset.
    """
    details = read_summary(data, tasks)
    notes = []
    with parts_of(data / "summary.json"):
        for leak in details["leaks"]:
            if leak["sentences"]:
                text, other = f"{leak['corpus']} {leak['split']}", f"{leak['in_corpus']} {leak['in_split']}"
                notes.append(f"{_sentences(leak['sentences'])} of {text} also in {other}, word for word")
        for split, values in details["splits"].items():
            for corpus, read in values["corpora"].items():
                repairs = sum(read.get("repairs", {}).values())
                notes += [f"{corpus}, {split}: {repairs:,} repaired tags"] if repairs else []
    return notes


def _sentences(count: int) -> str:
    return "1 sentence" if count == 1 else f"{count:,} sentences"
