"""Describes a job of a run: its name, its progress and its result, all from its files."""

import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sparse_sharing.inspection.status import last_words
from sparse_sharing.terminal.progress import RECORD, duration


@dataclass(frozen=True)
class RunningJob:
    """A job, as announced by Snakemake.

    Attributes:
        rule: its rule, which has the name of its stage.
        identity: its wildcards, such as dataset, seed and task.
        outputs: the files that it writes.
        logs: its log.
        started: when it began, in seconds of a monotonic clock.
    """

    rule: str
    identity: Mapping[str, str]
    outputs: Sequence[str] = ()
    logs: Sequence[str] = field(default=())
    started: float = 0.0

    @property
    def label(self) -> str:
        """The stage and the identity of the job, as in `status`: `prune joint seed1 warmup ner`."""
        names = (f"seed{value}" if key == "seed" else str(value) for key, value in self.identity.items())
        return " ".join([self.rule, *names])

    def progress(self) -> str:
        """The progress of the job from its record: round and epoch, best dev score, time left; empty before the
        first.
        """
        try:
            record = json.loads((Path(self.outputs[0]).parent / "work" / RECORD).read_bytes())
            parts = [str(record["at"])]
            if record.get("best", -1) >= 0:
                parts.append(f"best dev {record['best']:.2f}")
            return ", ".join([*parts, f"{duration(record['left'])} left"])
        except (OSError, ValueError, KeyError, IndexError, TypeError):
            return ""

    def result(self) -> str:
        """The result of the job in a few words; may be empty."""
        reader = _RESULTS.get(self.rule)
        try:
            return reader({Path(path).name: Path(path) for path in self.outputs}) if reader else ""
        except (OSError, ValueError, KeyError, IndexError, TypeError):
            return ""

    def complaint(self) -> str:
        """The error in the log of a failed job."""
        said = [line for path in self.logs if (line := last_words(Path(path)))]
        return said[-1] if said else "it ended without a message; the process may have been killed"


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def _prepared(files: Mapping[str, Path]) -> str:
    splits = json.loads(files["summary.json"].read_bytes())["details"]["splits"]
    counts = {
        split: sum(corpus["sentences"] for corpus in values["corpora"].values()) for split, values in splits.items()
    }
    return ", ".join(f"{split} {count:,}" for split, count in counts.items()) + " sentences"


def _tagged(files: Mapping[str, Path]) -> str:
    return f"{json.loads(files['summary.json'].read_bytes())['details']['tags']:,} tags"


def _pruned(files: Mapping[str, Path]) -> str:
    rounds = _rows(files["rounds.csv"])
    best = max((row for row in rounds if row["dev_score"]), key=lambda row: float(row["dev_score"]))
    if float(best["dev_score"]) == 0:
        return f"dev score 0 before pruning and in each of {len(rounds) - 1} rounds"
    return f"best dev {float(best['dev_score']):.2f} at density {float(best['density']):.2f}, {len(rounds) - 1} rounds"


def _searched(files: Mapping[str, Path]) -> str:
    best = _rows(files["search.csv"])[-1]
    details = json.loads(files["search.json"].read_bytes())["details"]
    return f"best dev {details['dev_score']:.2f} of {len(details['trials'])} combinations after {best['epochs']} epochs"


def _selected(files: Mapping[str, Path]) -> str:
    return "density " + ", ".join(f"{row['task']} {float(row['density']):.2f}" for row in _rows(files["choice.csv"]))


def _trained(files: Mapping[str, Path]) -> str:
    epochs = _rows(files["history.csv"])
    best = next(row for row in epochs if row["best"] == "1")
    return f"best dev {float(best['dev mean']):.2f} in epoch {best['epoch']} of {len(epochs)}"


def _merged(files: Mapping[str, Path]) -> str:
    chosen = [row for row in _rows(files["merging.csv"]) if row["best"] == "1"]
    return "dev " + ", ".join(f"{row['task']} {float(row['dev']):.2f}" for row in chosen)


def _evaluated(files: Mapping[str, Path]) -> str:
    tasks = json.loads(files["metrics.json"].read_bytes())["details"]["tasks"]
    scores = (f"{task} {metrics['test'][metrics['metric']]:.2f}" for task, metrics in sorted(tasks.items()))
    return "test " + ", ".join(scores)


_RESULTS = {
    "prepare": _prepared,
    "prepare_task": _tagged,
    "prune": _pruned,
    "prune_named": _pruned,
    "search": _searched,
    "select": _selected,
    "train": _trained,
    "add_task": _trained,
    "merge": _merged,
    "evaluate": _evaluated,
    "report": lambda files: str(files["report.html"]),
}
