"""Stage `prepare_task`: labelled files -> the tags of one task in train, dev and test, in separate files.

The text itself is encoded by the stage `prepare`. Both read the same sentences; a digest of them says so in every file.
"""

import logging
from collections.abc import Iterable, Mapping
from pathlib import Path

from sparse_sharing.config.corpora import SPLITS, TaskColumn
from sparse_sharing.pipeline.specs import PrepareTaskSpec
from sparse_sharing.storage.artifacts import save_json, save_tensors
from sparse_sharing.text.corpus import Corpus, Files, read_corpus
from sparse_sharing.text.spool import Spool
from sparse_sharing.text.vocabulary import MISSING_TAG, TaskTags

log = logging.getLogger(__name__)


def run(spec: PrepareTaskSpec, files: Files, output: Path, documents: Mapping[str, Path] | None = None) -> None:
    """Encode the tags of a task into the folder `output`; `documents` gives the lists of documents by CORPUS.SPLIT.

    The tags that occur in training are numbered in alphabetical order, those of dev and test that do not, behind them.

    Raises:
        ConfigError: Files are missing for the corpus.
        DataError: A file cannot be read, is malformed, or its dev text has no span of a task that is judged by spans.
    """
    with Spool(output) as spool:
        corpus = read_corpus(spec.corpus, files, documents or {}, spool)
        tags = task_tags(spec.task, corpus.texts["train"].tags[spec.task.name])
        unseen = {}
        for split in SPLITS:
            text = corpus.texts[split]
            numbers, unseen[split] = text.encode_tags(spec.task.name, tags.tags)
            details = {
                "task": spec.task.name,
                "corpus": spec.corpus.name,
                "split": split,
                "sentences": text.digest(),
                "unseen": list(unseen[split]),
                **tags.to_json(),
            }
            save_tensors(output / f"{split}.safetensors", "tags", spec, {"tags": numbers}, details)
        summary = {
            "corpus": spec.corpus.name,
            "tags": len(tags.tags),
            "splits": {split: _summarise(spec.task, corpus, split, unseen[split]) for split in SPLITS},
        }
        save_json(output / "summary.json", "task_summary", spec, summary)
    _report(spec, summary["splits"])


def task_tags(task: TaskColumn, tags: Iterable[str]) -> TaskTags:
    """The tags of a task, from those that occur in training, in the model's scheme."""
    return TaskTags(
        tuple(sorted({*tags} - {MISSING_TAG})),
        task.scheme,
        task.model_scheme,
        task.metric,
        task.choose_on_dev is not False,
    )


def _summarise(task: TaskColumn, corpus: Corpus, split: str, unseen: tuple[str, ...]) -> dict:
    """What a person should know about the tags of a split before believing a score on it."""
    read, text = corpus.summary[split], corpus.texts[split]
    spans = None if task.scheme == "none" else dict(sorted(text.type_counts(task.name, task.model_scheme).items()))
    return {
        **{key: read[key] for key in ("file", "sha256", "cut") if key in read},
        "sentences": len(text.lengths),
        "repairs": read.get("repairs", {}).get(task.name, 0),
        "missing_tags": read.get("missing_tags", {}).get(task.name, 0),
        "spans": spans,
        "tags_not_in_training": list(unseen),
    }


def _report(spec: PrepareTaskSpec, splits: Mapping[str, Mapping]) -> None:
    """Warn in the log of what may spoil a score."""
    corpus, task = spec.corpus.name, spec.task.name
    for split, values in splits.items():
        if values["repairs"]:
            log.warning("%s %s: %d tags of task '%s' were repaired", corpus, split, values["repairs"], task)
        if values["tags_not_in_training"]:
            unseen = ", ".join(values["tags_not_in_training"])
            log.warning("%s %s: task '%s' has tags that training lacks: %s", corpus, split, task, unseen)
