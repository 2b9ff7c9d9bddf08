"""Archives the counts behind every test score of a run as plain CSV, which does not depend on later file formats.

One gzip file per dataset, seed and system, named `DATASET.seedN.SYSTEM.csv.gz`; equal counts give equal bytes. No text
of the corpus is in them.
"""

import csv
import gzip
import io
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from sparse_sharing.errors import ArtifactError
from sparse_sharing.pipeline import layout
from sparse_sharing.storage.artifacts import load_tensors, parts_of, write_atomically

COLUMNS = ("dataset", "system", "seed", "task", "sentence", "correct", "predicted", "gold")
"""`sentence` counts from 1 in the order of the test file. Spans: correct, predicted and gold ones of the sentence.
Tags: correct ones, and all tokens as gold; predicted is blank."""

Key = tuple[str, str, int, str]
"""Dataset, system, seed and task."""

SENTENCE_FORMATS = (1,)
"""Earlier versions of the format of sentence counts that can be archived, too."""


def write_evidence(run: Path, output: Path, force: bool = False) -> list[Path]:
    """Archive the counts of every evaluation of a run so far; returns all files, including existing ones.

    Args:
        run: folder of the run, results/NAME.
        output: folder of the archive; the files are written into a folder with the run's name.
        force: whether to replace files with other counts.

    Raises:
        ArtifactError: The run has no evaluation, one is damaged, or the archive has other counts of a system.
    """
    systems: dict[tuple[str, int, str], dict[str, np.ndarray]] = defaultdict(dict)
    pattern = layout.EVALUATION.format(run=run.name, dataset="*", seed="*", system="*", model="*")
    for path in sorted(run.parent.glob(f"{Path(pattern).relative_to('results')}/sentences.safetensors")):
        artifact = load_tensors(path, "sentences", older=SENTENCE_FORMATS)
        with parts_of(path):
            system = (artifact.spec["dataset"], int(artifact.spec["seed"]), artifact.spec["system"])
            # Tensors with a dot in their name have other facts about the sentences of a task.
            counts = {task: values for task, values in artifact.tensors.items() if "." not in task}
            if any(values.ndim != 2 or values.shape[1] not in (2, 3) for values in counts.values()):
                raise ValueError("counts of sentences: expected a table")
        systems[system] |= counts
    if not systems:
        raise ArtifactError(
            f"{run}: has no evaluation yet; expected the folder of a run, results/NAME, with at least one"
        )
    contents = {_file(output / run.name, *system): _content(system, tasks) for system, tasks in systems.items()}
    changed = [path for path, content in contents.items() if path.exists() and path.read_bytes() != content]
    if changed and not force:
        raise ArtifactError(
            f"{changed[0]}: has other counts than the run ({len(changed)} such files). Keep it under another name, "
            "or replace all of them with --force"
        )
    for path, content in contents.items():
        write_atomically(path, content)
    return sorted(contents)


def read_evidence(folder: Path) -> dict[Key, np.ndarray]:
    """The counts of every model and task in an archive, in the order of the test file.

    Returns:
        int64 [sentences, 2] (correct, tokens) or [sentences, 3] (correct, predicted, gold spans).

    Raises:
        ArtifactError: There is no file, one is damaged, or two systems were scored on different sentences.
    """
    counts_by_key: dict[Key, np.ndarray] = {}
    for path in sorted(folder.glob("*.csv.gz")):
        counts_by_key |= _read(path)
    if not counts_by_key:
        raise ArtifactError(f"{folder}: has no evidence files (*.csv.gz)")
    first: dict[tuple[str, str], Key] = {}
    for key, counts in counts_by_key.items():
        other = first.setdefault((key[0], key[3]), key)
        if not np.array_equal(counts[:, -1], counts_by_key[other][:, -1]):
            raise ArtifactError(
                f"{folder}: task '{key[3]}' was scored on other sentences for {key[1]}, seed {key[2]}, than for "
                f"{other[1]}, seed {other[2]}"
            )
    return counts_by_key


def _file(folder: Path, dataset: str, seed: int, system: str) -> Path:
    return folder / f"{dataset}.seed{seed}.{system}.csv.gz"


def _content(system: tuple[str, int, str], tasks: Mapping[str, np.ndarray]) -> bytes:
    """The file of one system, tasks in alphabetical order; it contains no time and no file name."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    dataset, seed, name = system
    for task in sorted(tasks):
        for number, counts in enumerate(tasks[task].tolist(), start=1):
            correct, *predicted, gold = counts
            writer.writerow([dataset, name, seed, task, number, correct, *(predicted or [""]), gold])
    return gzip.compress(text.getvalue().encode("ascii"), mtime=0)


def _read(path: Path) -> dict[Key, np.ndarray]:
    """The counts of the tasks in one file."""
    rows: dict[Key, list[list[int]]] = defaultdict(list)
    try:
        for row in _rows(path):
            sentence_counts = rows[row["dataset"], row["system"], int(row["seed"]), row["task"]]
            if int(row["sentence"]) != len(sentence_counts) + 1:
                raise ValueError(f"sentence {row['sentence']} of task {row['task']} is out of order")
            sentence_counts.append([int(row[name]) for name in ("correct", "predicted", "gold") if row[name]])
        return {key: np.array(values, np.int64) for key, values in rows.items()}
    except (OSError, EOFError, ValueError, KeyError, TypeError, csv.Error) as error:
        raise ArtifactError(f"{path}: is damaged, or was not written by sparse-sharing evidence ({error})") from error


def _rows(path: Path) -> Iterator[dict[str, str]]:
    with gzip.open(path, "rt", encoding="ascii", newline="") as stream:
        yield from csv.DictReader(stream)
