"""No more jobs on a GPU than are wanted; tried on GPUs that exist by name alone."""

import subprocess
import sys

import pytest

from sparse_sharing.errors import ConfigError
from sparse_sharing.training import devices
from sparse_sharing.training.devices import claim_slot, is_assigned, jobs_per_gpu, runtime_folder

GPUS = ("GPU-a", "GPU-b")


@pytest.fixture
def impatient(monkeypatch):
    """Whoever would wait fails instead."""

    def refuse(seconds):
        raise TimeoutError

    monkeypatch.setattr(devices.time, "sleep", refuse)


def test_jobs_are_spread_over_the_gpus_and_one_too_many_waits(tmp_path, impatient):
    held = [claim_slot(GPUS, 2, tmp_path) for _ in range(4)]
    assert [slot.gpu for slot in held] == [0, 1, 0, 1]
    with pytest.raises(TimeoutError):
        claim_slot(GPUS, 2, tmp_path)
    held[1].lock.release()
    assert claim_slot(GPUS, 2, tmp_path).gpu == 1


def test_a_gpu_is_known_by_its_name_however_a_process_counts_it(tmp_path, impatient):
    first = claim_slot(GPUS, 1, tmp_path)
    assert first.gpu == 0
    with pytest.raises(TimeoutError):
        claim_slot(["GPU-a"], 1, tmp_path)
    assert claim_slot(["GPU-b", "GPU-a"], 1, tmp_path).gpu == 0


HOLD = """
import signal, sys
from pathlib import Path
from sparse_sharing.training.devices import claim_slot
slot = claim_slot(["GPU-a"], 1, Path(sys.argv[1]))
print(slot.gpu, flush=True)
signal.pause()
"""


@pytest.mark.slow
def test_a_killed_job_frees_its_slot(tmp_path, impatient):
    job = subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert job.stdout.readline() == "0\n"
    with pytest.raises(TimeoutError):
        claim_slot(["GPU-a"], 1, tmp_path)
    job.kill()
    job.communicate()
    assert claim_slot(["GPU-a"], 1, tmp_path).gpu == 0


def test_who_waits_is_given_the_slot_that_comes_free(tmp_path, monkeypatch, caplog):
    held = claim_slot(["GPU-a"], 1, tmp_path)
    monkeypatch.setattr(devices.time, "sleep", lambda seconds: held.lock.release())
    with caplog.at_level("INFO"):
        assert claim_slot(["GPU-a"], 1, tmp_path).gpu == 0
    assert "waiting" in caplog.text


def test_a_gpu_that_slurm_has_assigned_needs_no_slot():
    assert is_assigned({"SLURM_JOB_ID": "7", "CUDA_VISIBLE_DEVICES": "2"})
    assert not is_assigned({"CUDA_VISIBLE_DEVICES": "2"})
    assert not is_assigned({"SLURM_JOB_ID": "7"})


def test_the_number_of_jobs_comes_from_the_environment():
    assert jobs_per_gpu({}) == 1
    assert jobs_per_gpu({devices.JOBS_PER_GPU: "3"}) == 3
    for text in ("0", "-1", "many", ""):
        with pytest.raises(ConfigError, match=devices.JOBS_PER_GPU):
            jobs_per_gpu({devices.JOBS_PER_GPU: text})


def test_the_folder_is_the_users_own(tmp_path, monkeypatch):
    monkeypatch.setattr(devices.tempfile, "tempdir", str(tmp_path))
    folder = runtime_folder()
    assert folder == runtime_folder()
    assert folder.stat().st_mode & 0o077 == 0
    folder.rmdir()
    (tmp_path / "elsewhere").mkdir()
    folder.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ConfigError, match="not a folder of this user"):
        runtime_folder()
