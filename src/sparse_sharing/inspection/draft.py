"""Drafts a configuration from the content of files; it is valid, and its comments say what to check."""

import json
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sparse_sharing.config.schema import SHARED, SPLITS
from sparse_sharing.errors import DataError
from sparse_sharing.inspection import doubts
from sparse_sharing.inspection.labels import INVENTORIES, likely_typos
from sparse_sharing.inspection.names import FileGroup, given_group, group_files
from sparse_sharing.inspection.survey import ColumnSurvey, CorpusSurvey, survey, words_key
from sparse_sharing.text.readers.lines import quote
from sparse_sharing.text.schemes import misformed
from sparse_sharing.text.splits import duplicate_counts
from sparse_sharing.text.tags import loosely


@dataclass(frozen=True)
class _Task:
    name: str
    column: ColumnSurvey


@dataclass(frozen=True)
class _Corpus:
    group: FileGroup
    survey: CorpusSurvey
    tasks: list[_Task]


def draft(
    files: Sequence[Path],
    run: str,
    output: Path,
    files_by_split: Mapping[str, Sequence[Path]] | None = None,
    split: str | None = None,
) -> str:
    """The draft of a configuration for some files as YAML, to be stored at `output`.

    Args:
        files: data files; their names give their splits.
        run: the name of the run.
        output: named in comments.
        files_by_split: files whose split the user has named; `files` are then training files.
        split: shares such as 80/10/10, if dev and test are to be cut from the training files.

    Raises:
        DataError: A file cannot be read, its split is not clear, a corpus lacks train or test, or no column can be a
            task.
    """
    if files_by_split or split:
        groups = [given_group({**(files_by_split or {}), "train": [*(files_by_split or {}).get("train", []), *files]})]
        files = list(groups[0])
    else:
        groups = group_files(files)
    surveys = [(group, survey(group.files)) for group in groups]
    taken: set[str] = set()
    corpora = [_Corpus(group, surveyed, _name_tasks(group, surveyed, taken)) for group, surveyed in surveys]
    if without := [corpus.group for corpus in corpora if not corpus.tasks]:
        raise DataError(_without_tasks(without[0], next(c.survey for c in corpora if c.group is without[0])))
    if len({path.is_absolute() for path in files}) > 1:
        files = [path.absolute() for path in files]
    root = os.path.commonpath([path.parent for path in files]) or "."
    stated = root if Path(root).is_absolute() else os.path.relpath(root, output.parent)
    sentences = sum(len(corpus.survey.sentences["train"]) for corpus in corpora)
    lines = [
        "# Drafted by `sparse-sharing init`: read the comments, correct what is wrong, then run",
        f"#   sparse-sharing validate {_comment(str(output))}",
        f"#   sparse-sharing run {_comment(str(output))}",
        "",
        f"run: {run}",
        f"data_root: {json.dumps(stated)}   # where the paths below start; relative to the folder of this file",
        "seeds: [1]             # three or more are needed to compare systems",
        "",
        "data:",
        "  vectors: null        # recommended: word vectors in GloVe or word2vec text format, plain or gzip",
        "  datasets:",
        f"    - name: {corpora[0].group.name if len(corpora) == 1 else 'all'}",
        "      corpora:",
        *(line for corpus in corpora for line in _corpus_lines(corpus, root, split)),
        *_settings(sentences),
    ]
    return "\n".join(lines) + "\n"


def _name_tasks(group: FileGroup, surveyed: CorpusSurvey, taken: set[str]) -> list[_Task]:
    """The columns that can be tasks, each with an unused name."""
    tasks = []
    for column in surveyed.columns:
        if column.index == surveyed.word_column or not column.is_task:
            continue
        name = _topic(column)
        options = (name, f"{name}_{group.name}", f"{name}_{column.index}", f"{name}_{group.name}_{column.index}")
        name = next(option for option in options if option.lower() not in taken | {SHARED})
        taken.add(name.lower())
        tasks.append(_Task(name, column))
    return tasks


def _topic(column: ColumnSurvey) -> str:
    """What the labels of a column are about, if they are well-known."""
    if column.layer is not None:
        name = re.sub(r"[^A-Za-z0-9_-]", "", column.layer.rpartition(":")[2]).lstrip("-_").lower()[:40]
        return name.removesuffix("_tags") or "tags"
    labels = {label.upper() for label in column.types}
    shares = {name: len(labels & known) / len(labels) for name, known in INVENTORIES.items()}
    allowed = ("chunk", "ner") if column.spans else ("upos", "pos")
    best = max(allowed, key=lambda name: shares[name])
    return best if shares[best] >= 0.3 else "spans" if column.spans else "tags"


def _corpus_lines(corpus: _Corpus, root: str, split_shares: str | None) -> Iterable[str]:
    """The section of one corpus."""
    files, surveyed = corpus.group.files, corpus.survey
    sizes = (f"{split} {len(surveyed.sentences[split]):,}" for split in SPLITS if split in surveyed.sentences)
    yield f"        - name: {corpus.group.name}      # sentences: {', '.join(sizes)}"
    problems = list(_problems(corpus))
    if problems:
        yield "          # To check:"
        yield from (f"          # - {_comment(problem)}" for problem in problems)
    yield from _form_lines(surveyed)
    for split in SPLITS:
        if split in files:
            paths = [os.path.relpath(path, root) for path in files[split]]
            yield f"          {split}: {json.dumps(paths[0] if len(paths) == 1 else paths)}"
        elif split_shares and split == "test":
            units = "documents" if surveyed.documents > 1 else "sentences"
            yield f"          split: {split_shares}      # {units} of the training file for train, dev and test"
            yield "          split_seed: 1"
        elif not split_shares:
            yield "          dev_fraction: 0.1    # no dev file: this share of train becomes dev, drawn with split_seed"
            yield "          split_seed: 1"
    if surveyed.form.format == "columns":
        yield f"          word_column: {surveyed.word_column}    # {_examples(surveyed.columns[surveyed.word_column])}"
    broken = [task.name for task in corpus.tasks if task.column.rewritten[task.column.scheme]]
    if broken:
        yield f"          repair: true         # tags of {', '.join(broken)} break their scheme; false: reject the file"
    yield "          tasks:"
    for task in corpus.tasks:
        yield from _task_lines(task)


def _form_lines(surveyed: CorpusSurvey) -> Iterable[str]:
    """The keys that say how the files are read."""
    form = surveyed.form
    if form.format != "columns":
        yield f"          format: {form.format}"
    if form.format == "jsonl":
        yield f"          words: {json.dumps(words_key(form))}"
    if form.separator:
        yield "          separator: tab       # cells may be empty, and words may contain spaces"
    if form.comments:
        yield "          comments: true       # lines before a sentence that begin with # and look like comments"


def _without_tasks(group: FileGroup, surveyed: CorpusSurvey) -> str:
    """The message that a corpus has no task, with reasons."""
    names = ", ".join(map(str, group))
    reasons = [
        f"\n  {column.layer or f'column {column.index}'}: {_reason(column)}"
        for column in surveyed.columns
        if column.index != surveyed.word_column
    ]
    return f"{names}: found no column of tags beside the words; expected one label on each line{''.join(reasons)}"


def _task_lines(task: _Task) -> Iterable[str]:
    column = task.column
    kind = ("type" if len(column.types) == 1 else "types") + " of spans" if column.spans else "tags"
    yield f"            - name: {task.name}    # {len(column.types)} {kind}: {_examples(column)}"
    if column.layer is None:
        yield f"              column: {column.index}"
    else:
        yield f"              layer: {json.dumps(column.layer)}"
    yield f"              scheme: {column.scheme}"
    if column.loose:
        yield "              spelling: loose        # these are span tags in another spelling than B-PER"
    if column.missing and not column.spans:
        yield f"              missing: skip          # {column.missing:,} tokens have no value"
    if column.spans:
        yield "              model_scheme: bioes    # what the model is trained on; conversion is exact"
    yield f"              metric: {'f1' if column.spans else 'accuracy'}"


def _problems(corpus: _Corpus) -> Iterable[str]:
    """Problems that may make scores wrong, one line each."""
    surveyed = corpus.survey
    for path, (count, line, width, text) in surveyed.ragged.items():
        yield (
            f"{path}: {count:,} lines do not have {surveyed.width} columns (the first: line {line} has {width}); "
            f"correct them; that line is {quote(text, 40)}"
        )
    if surveyed.comments and surveyed.form.format == "columns":
        yield f"{surveyed.comments:,} lines that begin with # are skipped as comments"
    yield from (
        text
        for split, split_sentences in surveyed.sentences.items()
        for text in (*doubts.sentence_breaks(split, split_sentences), *doubts.headings(split, split_sentences))
    )
    names = {task.column.index: task.name for task in corpus.tasks}
    for column in surveyed.columns:
        if column.index in names:
            yield from (f"{names[column.index]}: {text}" for text in _task_problems(column))
        elif column.index != surveyed.word_column:
            name = f"column {column.index}" if column.layer is None else f"layer {column.layer}"
            yield f"{name} is not a task: {_reason(column)}"
    for (first, second), count in duplicate_counts(surveyed.sentences).items():
        if count:
            total = len(surveyed.sentences[second])
            yield f"{count:,} of {total:,} {second} sentences are also in {first}, word for word"


def _reason(column: ColumnSurvey) -> str:
    if len(column.values) == 1:
        return f"it is {quote(next(iter(column.values)))} in every line"
    if column.often_missing:
        return f"{column.missing:,} tokens have no value"
    kind = "numbers" if column.numeric else "too many different values for tags"
    reason = f"{kind} ({len(column.values):,} values, {_examples(column)})"
    if column.numeric and column.layer is not None:
        reason += "; if they are the numbers of tags, write the names of the tags instead"
    return reason


def _task_problems(column: ColumnSurvey) -> Iterable[str]:
    scheme = column.scheme
    if column.spans and column.missing and not column.loose:
        yield (
            f"{column.missing:,} tokens have no value, which is an error; correct the files, or set spelling: loose to "
            "read these tokens as outside of spans"
        )
    if count := column.rewritten[scheme]:
        yield f"{count:,} tags break {scheme} (first: {column.first_rewritten[scheme]}); repair rewrites them"
    tags = [loosely(value) if column.loose else value for value in column.values]
    if column.spans and (wrong := [tag for tag in tags if misformed([tag], scheme)]):
        yield f"these are not span tags, and repair cannot change them: {', '.join(map(quote, wrong[:5]))}"
    for label, meant in likely_typos(column.types).items():
        yield f"{quote(label)} ({column.types[label]} times): a typo of {quote(meant)}?"
    if column.spans and "dev" in column.by_split and not set(column.by_split["dev"]) - {"O"}:
        yield "no span in dev, so dev F1 is 0 and cannot choose anything; such a run is rejected"
    train = column.by_split["train"]
    for split, values in column.by_split.items():
        if unseen := sorted(set(values) - set(train)):
            more = f" and {len(unseen) - 5} more" if len(unseen) > 5 else ""
            yield f"in {split} but not in train: {', '.join(map(quote, unseen[:5]))}{more}"


def _examples(column: ColumnSurvey, count: int = 5) -> str:
    return " ".join(_comment(label) for label, _ in column.types.most_common(count))


def _comment(text: str) -> str:
    """Text without line breaks, so that it stays in its comment."""
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in text[:300])


def _settings(sentences: int) -> list[str]:
    """The sections after the data: a modest budget, with more epochs for less text."""
    epochs = 3 if sentences >= 10_000 else 6 if sentences >= 2_000 else 10
    return f"""
model:
  word_dimension: 100
  hidden: 200
  layers: 1
  # For rare and unseen words, most useful without word vectors: endings, shape and case. Steps take 10 to 20 % longer.
  features: {{prefix: 1, suffix: [1, 2, 3], shape: true, case: true}}
  rare_word_dropout: 0.25    # words that occur once are read as unknown in a fifth of the cases; not with word vectors

warmup: &training
  optimizer: adam
  learning_rate: 0.002
  learning_rate_decay: 0.05
  batch_size: {16 if sentences >= 2_000 else 8}
  epochs: {epochs}

prune:                   # rounds + 1 trainings for each task
  <<: *training
  rounds: 4              # round k keeps final_density ** (k / rounds) of the weights
  final_density: 0.25
  epochs: {epochs}

select:
  choices:
    - {{name: best, rule: best_dev}}

train:
  <<: *training
  epochs: {5 * epochs}             # of every system, including those of the warm-up that it starts from
  systems:
    - {{name: single, sharing: single}}
    - {{name: hard, sharing: hard}}
    - {{name: sparse, sharing: sparse, start: warmup, choice: best}}

tables: {{baseline: single}}""".splitlines()
