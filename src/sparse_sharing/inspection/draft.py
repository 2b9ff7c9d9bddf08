"""Drafts a configuration from what stands in files: valid as it is, and commented for the person who changes it."""

import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from sparse_sharing.config.schema import SHARED, SPLITS
from sparse_sharing.data.columns import quote
from sparse_sharing.data.schemes import misformed
from sparse_sharing.data.splits import duplicate_counts
from sparse_sharing.errors import DataError
from sparse_sharing.inspection.labels import INVENTORIES, likely_typos
from sparse_sharing.inspection.names import FileGroup, group_files
from sparse_sharing.inspection.survey import ColumnSurvey, CorpusSurvey, survey


@dataclass(frozen=True)
class _Task:
    name: str
    column: ColumnSurvey


@dataclass(frozen=True)
class _Corpus:
    group: FileGroup
    survey: CorpusSurvey
    tasks: list[_Task]


def draft(files: Sequence[Path], run: str, output: Path) -> str:
    """The configuration for some files as YAML, to be stored at `output`.

    Raises:
        DataError: A file cannot be read or its split not be told, a corpus lacks train or test, or no column can be a
            task.
    """
    surveys = [(group, survey(group.files)) for group in group_files(files)]
    taken: set[str] = set()
    corpora = [_Corpus(group, found, _name_tasks(group, found, taken)) for group, found in surveys]
    if without := [corpus.group for corpus in corpora if not corpus.tasks]:
        names = ", ".join(str(path) for path in without[0].files.values())
        raise DataError(f"{names}: found no column of tags beside the words; expected one label in each line")
    if len({path.is_absolute() for path in files}) > 1:
        files = [path.absolute() for path in files]
    root = os.path.commonpath([path.parent for path in files]) or "."
    stated = root if Path(root).is_absolute() else os.path.relpath(root, output.parent)
    sentences = sum(len(corpus.survey.sentences["train"]) for corpus in corpora)
    lines = [
        "# Drafted by `sparse-sharing init`: read the comments, mend what is wrong, then",
        f"#   sparse-sharing validate {_comment(str(output))}",
        f"#   sparse-sharing run {_comment(str(output))}",
        "",
        f"run: {run}",
        f"data_root: {json.dumps(stated)}   # the paths below start here; it starts itself at the folder of this file",
        "seeds: [1]             # three or more to tell a difference from chance",
        "",
        "data:",
        "  vectors: null        # better: the path of word vectors in GloVe or word2vec text format, plain or gzip",
        "  datasets:",
        f"    - name: {corpora[0].group.name if len(corpora) == 1 else 'all'}",
        "      corpora:",
        *(line for corpus in corpora for line in _corpus_lines(corpus, root)),
        *_settings(sentences),
    ]
    return "\n".join(lines) + "\n"


def _name_tasks(group: FileGroup, found: CorpusSurvey, taken: set[str]) -> list[_Task]:
    """The columns that can be tasks, each with a name that no task has yet."""
    tasks = []
    for column in found.columns:
        if column.index == found.word_column or not column.is_task:
            continue
        name = _topic(column)
        options = (name, f"{name}_{group.name}", f"{name}_{column.index}", f"{name}_{group.name}_{column.index}")
        name = next(option for option in options if option.lower() not in taken | {SHARED})
        taken.add(name.lower())
        tasks.append(_Task(name, column))
    return tasks


def _topic(column: ColumnSurvey) -> str:
    """What the labels of a column are about, if that can be told."""
    labels = {label.upper() for label in column.types}
    shares = {name: len(labels & known) / len(labels) for name, known in INVENTORIES.items()}
    allowed = ("chunk", "ner") if column.spans else ("upos", "pos")
    best = max(allowed, key=lambda name: shares[name])
    return best if shares[best] >= 0.3 else "spans" if column.spans else "tags"


def _corpus_lines(corpus: _Corpus, root: str) -> Iterable[str]:
    """The section of one corpus."""
    files, found = corpus.group.files, corpus.survey
    sizes = (f"{split} {len(found.sentences[split]):,}" for split in SPLITS if split in found.sentences)
    yield f"        - name: {corpus.group.name}      # sentences: {', '.join(sizes)}"
    problems = list(_problems(corpus))
    if problems:
        yield "          # To look at:"
        yield from (f"          # - {_comment(problem)}" for problem in problems)
    for split in SPLITS:
        if split in files:
            yield f"          {split}: {json.dumps(os.path.relpath(files[split], root))}"
        else:
            yield "          dev_fraction: 0.1    # no dev file: this share of train is cut off with split_seed"
            yield "          split_seed: 1"
    yield f"          word_column: {found.word_column}    # {_examples(found.columns[found.word_column])}"
    broken = [task.name for task in corpus.tasks if task.column.rewritten[task.column.scheme]]
    if broken:
        yield f"          repair: true         # tags of {', '.join(broken)} break their scheme; false: refuse the file"
    yield "          tasks:"
    for task in corpus.tasks:
        yield from _task_lines(task)


def _task_lines(task: _Task) -> Iterable[str]:
    column = task.column
    kinds = "types of spans" if column.spans else "tags"
    yield f"            - name: {task.name}    # {len(column.types)} {kinds}: {_examples(column)}"
    yield f"              column: {column.index}"
    yield f"              scheme: {column.scheme}"
    if column.spans:
        yield "              model_scheme: bioes    # what the model is trained on; conversion is exact"
    yield f"              metric: {'f1' if column.spans else 'accuracy'}"


def _problems(corpus: _Corpus) -> Iterable[str]:
    """What may spoil a score, one line each."""
    found = corpus.survey
    for path, (count, line, width) in found.ragged.items():
        yield f"{path}: {count:,} lines have not {found.width} columns (the first: line {line} has {width}): mend them"
    names = {task.column.index: task.name for task in corpus.tasks}
    for column in found.columns:
        if column.index in names:
            yield from (f"{names[column.index]}: {text}" for text in _task_problems(column))
        elif column.index != found.word_column:
            yield f"column {column.index} is no task: {_reason(column)}"
    for (first, second), count in duplicate_counts(found.sentences).items():
        if count:
            yield f"{count:,} of {len(found.sentences[second]):,} {second} sentences stand word for word in {first}"


def _reason(column: ColumnSurvey) -> str:
    if len(column.values) == 1:
        return f"it is {quote(next(iter(column.values)))} in every line"
    kind = "numbers" if column.numeric else "too many different values for tags"
    return f"{kind} ({len(column.values):,} values, {_examples(column)})"


def _task_problems(column: ColumnSurvey) -> Iterable[str]:
    scheme = column.scheme
    if count := column.rewritten[scheme]:
        yield f"{count:,} tags break {scheme} (first: {column.first_rewritten[scheme]}); repair rewrites them"
    if column.spans and (wrong := [tag for tag in column.values if misformed([tag], scheme)]):
        yield f"no span tags, which no repair can mend: {', '.join(map(quote, wrong[:5]))}"
    for label, meant in likely_typos(column.types).items():
        yield f"{quote(label)} ({column.types[label]} times): a slip of {quote(meant)}?"
    train = column.by_split["train"]
    for split, values in column.by_split.items():
        if unseen := sorted(set(values) - set(train)):
            more = f" and {len(unseen) - 5} more" if len(unseen) > 5 else ""
            yield f"in {split} but never in train: {', '.join(map(quote, unseen[:5]))}{more}"


def _examples(column: ColumnSurvey, count: int = 5) -> str:
    return " ".join(_comment(label) for label, _ in column.types.most_common(count))


def _comment(text: str) -> str:
    """Text that stays on its line, whatever characters are in it."""
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in text[:300])


def _settings(sentences: int) -> list[str]:
    """The sections after the data: a modest budget, with more epochs where there is less text."""
    epochs = 3 if sentences >= 10_000 else 6 if sentences >= 2_000 else 10
    return f"""
model: {{word_dimension: 100, hidden: 200, layers: 1}}

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
  epochs: {4 * epochs}             # after those of the warm-up; systems without one get as many in all
  systems:
    - {{name: single, sharing: single, epochs: {5 * epochs}}}
    - {{name: hard, sharing: hard, epochs: {5 * epochs}}}
    - {{name: sparse, sharing: sparse, start: warmup, choice: best}}

tables: {{baseline: single}}""".splitlines()
