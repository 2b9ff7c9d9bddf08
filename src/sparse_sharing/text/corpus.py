"""Reads all splits of a corpus: its words, and the tags of some tasks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from sparse_sharing.config.corpora import SPLITS, CorpusSpec
from sparse_sharing.errors import ConfigError, DataError
from sparse_sharing.text.collected import CollectedText, collect_text, document_numbers
from sparse_sharing.text.dev_spans import no_dev_spans, tasks_without_dev_spans
from sparse_sharing.text.flaws import Flaws
from sparse_sharing.text.readers.reading import in_model_schemes, read_split, refuse_shared_documents
from sparse_sharing.text.sentences import ReadReport
from sparse_sharing.text.sources import file_names, split_digest, stamps
from sparse_sharing.text.splits import assign_splits, development, sample
from sparse_sharing.text.spool import Spool

Files = Mapping[str, Mapping[str, Path | Sequence[Path]]]
"""For each split, the file or files of each corpus."""


@dataclass
class Corpus:
    """The text of a corpus in its splits, and the facts that were found when it was read."""

    spec: CorpusSpec
    texts: dict[str, CollectedText] = field(default_factory=dict)
    summary: dict[str, dict] = field(default_factory=dict)

    @property
    def digests(self) -> dict[str, np.ndarray]:
        """By split, uint64 [S], equal if sentences are equal word for word; empty for a missing split."""
        empty = np.zeros(0, np.uint64)
        return {split: self.texts[split].digests if split in self.texts else empty for split in SPLITS}


def read_corpus(spec: CorpusSpec, files: Files, documents: Mapping[str, Path], spool: Spool) -> Corpus:
    """Read the splits of a corpus; a missing dev split is cut from the training sentences.

    The sentences do not depend on which of its tasks `spec` has.

    Raises:
        ConfigError: A file is missing.
        DataError: A file cannot be read.
    """
    corpus = Corpus(spec)
    document_files: dict[str, dict[str, Path]] = {}
    for split in spec.splits or SPLITS:
        path = files.get(split, {}).get(spec.name)
        if not path:
            if (split == "dev" and spec.dev_fraction is not None) or (split != "train" and spec.split):
                continue
            raise ConfigError(f"corpus '{spec.name}': missing the {split} file; add --{split} {spec.name}=FILE")
        listed = documents.get(f"{spec.name}.{split}")
        if (listed is not None) != (split in (spec.documents or ())):
            raise ConfigError(
                f"corpus '{spec.name}': the spec and the option --documents {spec.name}.{split}=FILE do not agree: "
                "expected both or neither to have a list of documents"
            )
        flaws = Flaws()
        report = ReadReport(flaws=flaws)
        size, seed = (spec.train_sentences, spec.train_sentences_seed) if split == "train" else (None, None)
        limit = size if seed is None else None
        before = stamps(path)
        sentences = in_model_schemes(read_split(spec, path, listed, report, limit), spec.tasks)
        text = collect_text(sentences, [task.name for task in spec.tasks], spool)
        flaws.raise_first()
        corpus.texts[split] = replace(text, documents=document_numbers(report.documents))
        if size is not None and seed is not None:
            chosen = sample(len(corpus.texts[split].lengths), size, seed)
            _, corpus.texts[split] = corpus.texts[split].cut(chosen, spool)
        digest = split_digest(path)
        if stamps(path) != before:
            raise DataError(
                f"{file_names(path)}: was changed while it was read; wait until it is complete, then run this "
                "command again"
            )
        corpus.summary[split] = {
            "file": file_names(path),
            "sha256": digest,
            "document_starts": report.document_starts,
            "comments": report.comments,
            "repairs": report.repairs,
            "missing_tags": report.missing,
        }
        document_files[split] = report.document_files
        if spec.format in ("conll2012", "spans"):
            corpus.summary[split]["documents_skipped"] = report.documents_skipped
            corpus.summary[split]["documents_repeated"] = report.documents_repeated
    refuse_shared_documents(document_files)
    if spec.split:
        _split(corpus, spec.split, spool)
    elif spec.dev_fraction is not None:
        chosen = development(len(corpus.texts["train"].lengths), spec.dev_fraction, _cut_seed(spec))
        corpus.texts["train"], corpus.texts["dev"] = corpus.texts["train"].cut(chosen, spool)
        share = f"{spec.dev_fraction:g} of the training sentences, cut with seed {spec.split_seed}"
        corpus.summary["dev"] = {"cut": share}
    return corpus


def require_dev_spans(corpora: Sequence[Corpus], files: Files) -> None:
    """Raise DataError if the dev text of all corpora of a task has no span and its metric is the F1 of spans."""
    with_dev = [corpus for corpus in corpora if "dev" in corpus.texts]
    missing = [tasks_without_dev_spans(corpus.spec, corpus.texts["dev"].tags) for corpus in with_dev]
    if all(missing):
        spec = with_dev[0].spec
        dev = files.get("dev", {}).get(spec.name)
        named = ", ".join(map(str, [dev] if isinstance(dev, Path) else dev)) if dev else None
        raise DataError(no_dev_spans(spec, missing[0][0].name, named))


def _cut_seed(spec: CorpusSpec) -> int:
    """The seed of the cut of the training text (ConfigError if there is none)."""
    if spec.split_seed is None:
        raise ConfigError(f"corpus '{spec.name}': the spec cuts the training text but has no split_seed; add one")
    return spec.split_seed


def _split(corpus: Corpus, shares: str, spool: Spool) -> None:
    """Cut the training text into train, dev and test."""
    whole, seed = corpus.texts["train"], _cut_seed(corpus.spec)
    parts = assign_splits(len(whole.lengths), shares, seed, whole.documents)
    rest, corpus.texts["test"] = whole.cut(parts == SPLITS.index("test"), spool)
    corpus.texts["train"], corpus.texts["dev"] = rest.cut(parts[parts < 2] == SPLITS.index("dev"), spool)
    for split in SPLITS[1:]:
        corpus.summary[split] = {"cut": f"split {shares} of the training file, drawn with seed {seed}"}
