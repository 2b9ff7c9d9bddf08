"""Event files hold the numbers of the tables."""

import sys

import pytest
from typer.testing import CliRunner

from sparse_sharing.cli import app
from sparse_sharing.errors import ArtifactError, ConfigError
from sparse_sharing.inspection.events import write_events
from sparse_sharing.storage.artifacts import write_text


@pytest.fixture
def run(tmp_path):
    """A run with one training and one pruning."""
    history = "epoch,learning_rate,loss,dev ner,dev mean,best,seconds\n1,0.1,2.5,40,40,0,1.50\n2,0.1,1.5,60,60,1,2.00\n"
    rounds = "round,density,kept,dev_score,best_epoch,epochs,seconds\n0,1.000000,100,70.0,2,2,3.00\n"
    write_text(tmp_path / "run/news/seed1/train/hard/shared/history.csv", history)
    write_text(tmp_path / "run/news/seed1/warmup/prune/ner/rounds.csv", rounds)
    return tmp_path / "run"


def test_each_column_becomes_a_curve_over_its_steps_and_training_time(run, tmp_path):
    loader = pytest.importorskip("tensorboard.backend.event_processing.event_file_loader")
    assert write_events(run, tmp_path / "events") == 2
    (path,) = (tmp_path / "events/news/seed1/train/hard/shared").iterdir()
    events = list(loader.RawEventFileLoader(str(path)).Load())
    from tensorboard.compat.proto.event_pb2 import Event

    steps = [Event.FromString(event) for event in events[1:]]
    assert [(event.step, event.wall_time) for event in steps] == [(1, 1.5), (2, 3.5)]
    last = {value.tag: value.simple_value for value in steps[1].summary.value}
    assert last["dev ner"] == 60
    assert set(last) == {"learning_rate", "loss", "dev ner", "dev mean", "best", "seconds"}


def test_the_same_tables_give_the_same_bytes(run, tmp_path):
    pytest.importorskip("tensorboard")
    written = []
    for name in ("once", "again"):
        result = CliRunner().invoke(app, ["tensorboard", str(run), "--output", str(tmp_path / name)])
        assert result.output.startswith("Wrote 2 curves"), result.output
        written.append([path.read_bytes() for path in sorted((tmp_path / name).rglob("events*"))])
    assert written[0] == written[1]


def test_without_the_extra_a_message_says_how_to_install_it(run, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorboard.compat.proto.event_pb2", None)
    with pytest.raises(ConfigError, match=r"pip install 'sparse-sharing\[tensorboard\]'"):
        write_events(run, tmp_path / "events")


def test_a_folder_without_curves_and_a_damaged_table_are_refused(run, tmp_path):
    pytest.importorskip("tensorboard")
    with pytest.raises(ArtifactError, match="holds neither"):
        write_events(tmp_path / "nowhere", tmp_path / "events")
    write_text(run / "news/seed1/train/hard/shared/history.csv", "epoch,loss,seconds\n1,much,1\n")
    with pytest.raises(ArtifactError, match=r"history\.csv: is missing or damaged"):
        write_events(run, tmp_path / "events")
