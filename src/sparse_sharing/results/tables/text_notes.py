"""What a reader of scores should know about a text: sentences in two splits, and repaired tags."""

from collections.abc import Mapping
from pathlib import Path

from sparse_sharing.storage.artifacts import load_json, parts_of


def text_notes(summary: Path) -> list[str]:
    """What a reader of scores should know about a prepared dataset: sentences in two splits, and repaired tags.

    Args:
        summary: the `summary.json` of the dataset.
    """
    details: Mapping = load_json(summary, "summary").details
    notes = []
    with parts_of(summary):
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
