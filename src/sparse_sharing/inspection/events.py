"""Writes learning curves as event files for TensorBoard, from the tables of trainings."""

import csv
import io
from collections.abc import Iterable, Mapping
from pathlib import Path

from sparse_sharing.errors import ArtifactError, ConfigError
from sparse_sharing.pipeline import layout
from sparse_sharing.pipeline.artefact import HISTORY, ROUNDS
from sparse_sharing.pipeline.stage import STAGE
from sparse_sharing.storage.artifacts import write_atomically

CURVES = {
    layout.any_below(f"{STAGE['train'].folder}/{HISTORY.file}"): "epoch",
    layout.any_below(f"{STAGE['prune'].folder}/{ROUNDS.file}"): "round",
    layout.any_below(f"{STAGE['prune_named'].folder}/{ROUNDS.file}"): "round",
}
"""The tables of a run that have a curve, and the column with its steps."""

FILE = "events.out.tfevents.0.sparse-sharing"


def write_events(run: Path, output: Path) -> int:
    """Write an event file for each training and each pruning of a run; returns their number.

    The folders below `output` mirror those of the run. The time of an event is the training time until it, in seconds.

    Raises:
        ConfigError: The extra `tensorboard` is not installed.
        ArtifactError: The run has no finished training, or a table is damaged.
    """
    curves = [(path, step) for pattern, step in CURVES.items() for path in sorted(run.glob(pattern))]
    if not curves:
        raise ArtifactError(
            f"{run}: has neither history.csv nor rounds.csv of a training; expected the folder of a run"
        )
    for path, step in curves:
        try:
            with path.open(encoding="utf-8", newline="") as stream:
                content = _events(csv.DictReader(stream), step)
        except (OSError, ValueError, KeyError, TypeError, csv.Error) as error:
            raise ArtifactError(f"{path}: is missing or damaged ({error})") from error
        write_atomically(output / path.parent.relative_to(run) / FILE, content)
    return len(curves)


def _events(rows: Iterable[Mapping[str, str]], step: str) -> bytes:
    """The rows of a table as the bytes of an event file, one scalar for each column."""
    try:
        from tensorboard.compat.proto.event_pb2 import Event  # pyright: ignore[reportAttributeAccessIssue]  (made by protobuf)
        from tensorboard.compat.proto.summary_pb2 import Summary  # pyright: ignore[reportAttributeAccessIssue]  (made by protobuf)
        from tensorboard.summary.writer.record_writer import RecordWriter
    except ImportError as error:
        raise ConfigError("event files need an extra package: pip install 'sparse-sharing[tensorboard]'") from error
    stream = io.BytesIO()
    writer = RecordWriter(stream)
    writer.write(Event(file_version="brain.Event:2").SerializeToString())
    seconds = 0.0
    for row in rows:
        seconds += float(row["seconds"])
        values = [Summary.Value(tag=name, simple_value=float(row[name])) for name in row if name != step and row[name]]
        event = Event(step=int(row[step]), wall_time=seconds, summary=Summary(value=values))
        writer.write(event.SerializeToString())
    return stream.getvalue()
