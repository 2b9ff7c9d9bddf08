"""Reads the summary of a prepared dataset: the summaries of its text and of the tags of its tasks, as one."""

import copy
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from sparse_sharing.storage.artifacts import load_json, parts_of


def read_summary(folder: Path, tasks: Iterable[str]) -> dict[str, Any]:
    """The summary of the prepared text in a folder, with facts about the tags of tasks in each split and corpus.

    Each corpus of a split has, by task, `repairs`, `missing_tags`, `spans` and `tags_not_in_training`.

    Raises:
        ArtifactError: A summary is missing or damaged.
    """
    path = folder / "summary.json"
    summary = copy.deepcopy(load_json(path, "summary").details)
    summary["tags"] = {}
    for task in tasks:
        path = folder / "tags" / task / "summary.json"
        details = load_json(path, "task_summary").details
        with parts_of(path):
            summary["tags"][task] = details["tags"]
            for split, values in details["splits"].items():
                for name, facts in values["corpora"].items() if "corpora" in values else [(details["corpus"], values)]:
                    corpus = summary["splits"][split]["corpora"][name]
                    for key in ("repairs", "missing_tags", "spans", "tags_not_in_training"):
                        corpus.setdefault(key, {})
                        if facts[key] or key == "repairs":
                            corpus[key][task] = facts[key]
    return summary
