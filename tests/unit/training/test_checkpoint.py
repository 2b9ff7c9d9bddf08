"""Checkpoints: an interrupted training ends with the same bits, a foreign or damaged one is not used."""

import subprocess
import sys
from dataclasses import replace

import pytest
from tiny import MODEL, TASKS, all_bits, mask_network, network_of, optimization_of, task_data

from sparse_sharing.errors import ArtifactError
from sparse_sharing.pipeline.specs import WarmupSpec
from sparse_sharing.training.checkpoint import Checkpoint, work_folder
from sparse_sharing.training.loop import Progress, train_epochs
from sparse_sharing.training.trainer import Trainer

EPOCHS = 4
DATA = task_data()
HOLD_LOCK = """
import sys
from filelock import FileLock
with FileLock(sys.argv[1]):
    print("locked", flush=True)
    sys.stdin.read()
"""


def spec_of(optimizer="adam", **changes):
    """The spec of a stage that trains."""
    optimization = optimization_of(optimizer, epochs=EPOCHS, **changes)
    return WarmupSpec(data="0" * 16, seed=1, model=MODEL, optimization=optimization)


class Run:
    """A fresh network and trainer, and their checkpoint in a folder."""

    def __init__(self, folder, spec, label="training"):
        """Give each task a mask; dropout makes the random numbers matter."""
        self.network = mask_network(network_of(dropout=0.5, word_dropout=0.2))
        self.trainer = Trainer(self.network, spec.optimization)
        self.checkpoint = Checkpoint(folder / "training.safetensors", spec, label)
        self.optimization = spec.optimization
        self.progress = Progress()

    def restore(self):
        """Go back to the checkpoint."""
        self.progress = self.checkpoint.restore(self.network, self.trainer)
        return self

    def epochs(self, **options):
        """Train on; a checkpoint is written after each epoch."""
        for epoch in train_epochs(
            self.network, self.trainer, DATA, self.optimization, ("train",), self.progress, 1, **options
        ):
            self.checkpoint.save(self.network, self.trainer, self.progress)
            yield epoch

    def finish(self):
        """Train to the end."""
        list(self.epochs())
        return self

    def result(self):
        """All that a training gives, but for the time it took."""
        history = [replace(epoch, seconds=0.0) for epoch in self.progress.history]
        weights = [all_bits(values) for values in (self.network.values(), self.progress.best, self.trainer.state())]
        return (*weights, history, self.progress.best_epoch)


class Killed(BaseException):
    """Stands for whatever ends a process."""


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
@pytest.mark.parametrize("finished", [1, 2, 3, 4])
def test_a_resumed_training_ends_with_the_bits_of_an_uninterrupted_one(tmp_path, optimizer, finished):
    spec = spec_of(optimizer)
    interrupted = Run(tmp_path / "interrupted", spec)
    for epoch in interrupted.epochs():
        if epoch.number == finished:
            break
    resumed = Run(tmp_path / "interrupted", spec).restore()
    assert len(resumed.progress.history) == finished
    assert resumed.finish().result() == Run(tmp_path / "whole", spec).finish().result()


@pytest.mark.parametrize("finished", [1, 2, 3])
def test_a_resumed_training_has_the_own_best_epochs_of_an_uninterrupted_one(tmp_path, finished):
    spec = spec_of("adam")
    whole = Run(tmp_path / "whole", spec)
    list(whole.epochs(each_best=True))
    for epoch in Run(tmp_path / "part", spec).epochs(each_best=True):
        if epoch.number == finished:
            break
    resumed = Run(tmp_path / "part", spec).restore()
    list(resumed.epochs(each_best=True))
    assert resumed.progress.own_epochs == whole.progress.own_epochs
    assert resumed.progress.own_values.keys() == whole.progress.own_values.keys() == set(TASKS)
    for task in TASKS:
        assert all_bits(resumed.progress.own_values[task]) == all_bits(whole.progress.own_values[task])


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_a_training_killed_within_an_epoch_resumes_after_the_last_finished_one(tmp_path, optimizer):
    def kill(step, steps):
        if (len(killed.progress.history), step) == (2, steps // 2):
            raise Killed

    spec = spec_of(optimizer)
    killed = Run(tmp_path / "killed", spec)
    with pytest.raises(Killed):
        list(killed.epochs(on_step=kill))
    resumed = Run(tmp_path / "killed", spec).restore()
    assert len(resumed.progress.history) == 2
    assert resumed.finish().result() == Run(tmp_path / "whole", spec).finish().result()


def test_a_resumed_training_is_no_more_patient(tmp_path):
    spec = spec_of("sgd", learning_rate=1e-9, patience=2)
    whole = Run(tmp_path / "whole", spec).finish()
    next(Run(tmp_path / "interrupted", spec).epochs())
    next(Run(tmp_path / "interrupted", spec).restore().epochs())
    resumed = Run(tmp_path / "interrupted", spec).restore()
    assert len(resumed.progress.history) == 2
    assert resumed.finish().result() == whole.result()
    assert len(whole.progress.history) == 3 < EPOCHS


def test_without_a_checkpoint_training_starts_from_nothing(tmp_path):
    run = Run(tmp_path, spec_of())
    before = all_bits(run.network.values())
    assert run.restore().progress == Progress()
    assert all_bits(run.network.values()) == before


@pytest.mark.parametrize(
    ("spec", "label"),
    [(spec_of("adam", batch_size=5), "training"), (spec_of(), "another training")],
    ids=["spec", "label"],
)
def test_a_checkpoint_of_another_spec_or_label_is_not_used(tmp_path, spec, label):
    Run(tmp_path, spec_of()).finish()
    other = Run(tmp_path, spec, label).restore()
    assert other.progress == Progress()
    assert other.result() == Run(tmp_path, spec, label).result()


@pytest.mark.parametrize("damage", ["truncated", "flipped", "empty", "foreign"])
def test_a_damaged_checkpoint_is_not_used_and_reported(tmp_path, damage, caplog):
    run = Run(tmp_path, spec_of()).finish()
    content = run.checkpoint.path.read_bytes()
    flipped = content[:-1] + bytes([content[-1] ^ 1])
    damaged = {"truncated": content[:-100], "flipped": flipped, "empty": b"", "foreign": b"{}" * 100}[damage]
    run.checkpoint.path.write_bytes(damaged)
    other = Run(tmp_path, spec_of()).restore()
    assert other.result() == Run(tmp_path / "new", spec_of()).result()
    assert "the checkpoint cannot be used, training starts again" in caplog.text


def test_the_work_folder_is_removed_after_success(tmp_path):
    with work_folder(tmp_path / "stage") as folder:
        (folder / "training.safetensors").write_bytes(b"")
        assert folder == tmp_path / "stage" / "work"
    assert list((tmp_path / "stage").iterdir()) == []


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, Killed])
def test_the_work_folder_is_kept_after_an_exception_and_free_again(tmp_path, error):
    with pytest.raises(error), work_folder(tmp_path) as folder:
        (folder / "training.safetensors").write_bytes(b"progress")
        raise error
    with work_folder(tmp_path) as folder:
        assert (folder / "training.safetensors").read_bytes() == b"progress"


@pytest.mark.parametrize(("content", "kept"), [(b"text", True), (b"other text", False)], ids=["same", "other"])
def test_progress_is_thrown_away_where_an_input_file_has_other_content(tmp_path, content, kept):
    source = tmp_path / "train.safetensors"
    source.write_bytes(b"text")
    with pytest.raises(Killed), work_folder(tmp_path, [source]) as folder:
        (folder / "training.safetensors").write_bytes(b"progress")
        raise Killed
    source.write_bytes(content)
    with work_folder(tmp_path, [source]) as folder:
        assert (folder / "training.safetensors").exists() == kept


def test_a_folder_in_use_is_refused(tmp_path):
    with work_folder(tmp_path) as folder:
        (folder / "training.safetensors").write_bytes(b"progress")
        with pytest.raises(ArtifactError, match="another process is making the same files"), work_folder(tmp_path):
            pass
        assert (folder / "training.safetensors").read_bytes() == b"progress"


def test_a_folder_in_use_by_another_process_is_refused(tmp_path):
    (tmp_path / "work").mkdir()
    command = [sys.executable, "-c", HOLD_LOCK, str(tmp_path / "work" / "lock")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout.readline() == "locked\n"
        with pytest.raises(ArtifactError, match="another process is making the same files"), work_folder(tmp_path):
            pass
        other.stdin.close()
        other.wait(timeout=30)
    with work_folder(tmp_path) as folder:
        assert folder.exists()


def test_work_in_other_folders_runs_in_parallel(tmp_path):
    with work_folder(tmp_path / "one") as one, work_folder(tmp_path / "other") as other:
        assert one != other
        assert one.exists()
        assert other.exists()
