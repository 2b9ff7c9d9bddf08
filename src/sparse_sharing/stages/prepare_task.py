"""Stage `prepare_task`: labelled files -> the tags of one task in train, dev and test, in separate files.

The stage `prepare` encodes the text itself. Both read the same sentences; every file has a digest of them to check
this.
"""

import logging
from collections.abc import Iterable, Mapping
from pathlib import Path

from sparse_sharing.config.corpora import SPLITS, TaskColumn
from sparse_sharing.pipeline.specs import PrepareTaskSpec
from sparse_sharing.storage.artifacts import save_json, save_tensors
from sparse_sharing.text.corpus import Corpus, Files, read_corpus, require_dev_spans
from sparse_sharing.text.joined import as_details, joined_tags
from sparse_sharing.text.spool import Spool
from sparse_sharing.text.vocabulary import MISSING_TAG, TaskTags

log = logging.getLogger(__name__)


def run(spec: PrepareTaskSpec, files: Files, output: Path, documents: Mapping[str, Path] | None = None) -> None:
    """Encode the tags of a task into the folder `output`; `documents` gives the lists of documents by CORPUS.SPLIT.

    The tags that occur in training are numbered in alphabetical order, and after them those that occur only in dev or
    test.

    Raises:
        ConfigError: Files of a corpus are missing.
        DataError: A file cannot be read, is malformed, or the dev text has no span of a task that is judged by spans.
    """
    task = spec.task
    with Spool(output) as spool:
        corpora = [read_corpus(corpus, files, documents or {}, spool) for corpus in spec.corpora]
        require_dev_spans(corpora, files)
        tags = task_tags(task, {tag for corpus in corpora for tag in corpus.texts["train"].tags[task.name]})
        splits: dict[str, dict[str, dict]] = {}
        for split in SPLITS:
            numbers, unseen, sentences, splits[split] = [], [], {}, {}
            for corpus in (corpus for corpus in corpora if split in corpus.texts):
                text, name = corpus.texts[split], corpus.spec.name
                streamed, new = text.encode_tags(task.name, [*tags.tags, *unseen])
                numbers.append(streamed)
                unseen += new
                sentences[name] = text.digest()
                corpus_unseen = sorted({*text.tags[task.name]} & {*unseen}, key=unseen.index)
                splits[split][name] = _summarise(corpus, split, corpus_unseen)
            details = {"task": task.name, "split": split, "unseen": unseen, **as_details(sentences), **tags.to_json()}
            save_tensors(output / f"{split}.safetensors", "tags", spec, {"tags": joined_tags(numbers)}, details)
        save_json(output / "summary.json", "task_summary", spec, _summary(spec, len(tags.tags), splits))
    _report(task.name, splits)


def task_tags(task: TaskColumn, tags: Iterable[str]) -> TaskTags:
    """The tags of a task that occur in training, in the model's scheme."""
    return TaskTags(
        tuple(sorted({*tags} - {MISSING_TAG})),
        task.scheme,
        task.model_scheme,
        task.metric,
        task.choose_on_dev is not False,
    )


def _summary(spec: PrepareTaskSpec, tags: int, splits: Mapping[str, Mapping[str, dict]]) -> dict:
    """The summary of a task; `splits` has the facts about each split by corpus."""
    if spec.more is None:
        only = {split: values[spec.corpus.name] for split, values in splits.items()}
        return {"corpus": spec.corpus.name, "tags": tags, "splits": only}
    return {"tags": tags, "splits": {split: {"corpora": values} for split, values in splits.items()}}


def _summarise(corpus: Corpus, split: str, unseen: list[str]) -> dict:
    """The summary of the tags of a split of a corpus: facts that matter for the scores on it."""
    read, text, task = corpus.summary[split], corpus.texts[split], corpus.spec.tasks[0]
    spans = None if task.scheme == "none" else dict(sorted(text.type_counts(task.name, task.model_scheme).items()))
    return {
        **{key: read[key] for key in ("file", "sha256", "cut") if key in read},
        "sentences": len(text.lengths),
        "repairs": read.get("repairs", {}).get(task.name, 0),
        "missing_tags": read.get("missing_tags", {}).get(task.name, 0),
        "spans": spans,
        "tags_not_in_training": unseen,
    }


def _report(task: str, splits: Mapping[str, Mapping[str, dict]]) -> None:
    """Log warnings of what may make scores wrong."""
    for split, corpus, values in ((split, *item) for split, by_corpus in splits.items() for item in by_corpus.items()):
        if values["repairs"]:
            log.warning("%s %s: %d tags of task '%s' were repaired", corpus, split, values["repairs"], task)
        if values["tags_not_in_training"]:
            unseen = ", ".join(values["tags_not_in_training"])
            log.warning("%s %s: task '%s' has tags that do not occur in training: %s", corpus, split, task, unseen)
