"""Writing: the same content gives the same bytes, and a file is replaced as a whole or not at all."""

import errno
import os
import subprocess
import sys

import pytest

from sparse_sharing.storage.artifacts import file_digest, write_atomically, write_text

WRITE = """
import sys
from pathlib import Path
import numpy as np
from sparse_sharing.storage.artifacts import save_json, save_tensors
from sparse_sharing.pipeline.specs import EvaluateSpec
spec = EvaluateSpec(data="d" * 16, model="m" * 16, dataset="joint", system="hard", seed=1, batch_size=7)
folder = Path(sys.argv[1])
tensors = {name: np.arange(5, dtype=np.float32) for name in ("b", "a", "c")}
save_tensors(folder / "x.safetensors", "weights", spec, tensors, {"z": 1, "a": [1.5]})
save_json(folder / "x.json", "metrics", spec, {"z": 1, "a": [1.5]})
"""


def test_two_processes_write_the_same_bytes(tmp_path):
    for name in ("one", "two"):
        environment = {**os.environ, "PYTHONHASHSEED": "1" if name == "one" else "2"}
        subprocess.run([sys.executable, "-c", WRITE, tmp_path / name], check=True, env=environment)
    for file in ("x.safetensors", "x.json"):
        assert file_digest(tmp_path / "one" / file) == file_digest(tmp_path / "two" / file)


def test_writing_makes_the_folder_and_replaces_what_was_there(tmp_path):
    path = tmp_path / "deep" / "er" / "file.txt"
    write_text(path, "one\r\nä\n")
    write_text(path, "two\r\nä\n")
    assert path.read_bytes() == "two\r\nä\n".encode()
    assert list(path.parent.iterdir()) == [path]


def test_a_written_file_has_the_permissions_of_any_new_file(tmp_path):
    (tmp_path / "plain").write_bytes(b"")
    write_atomically(tmp_path / "atomic", b"")
    assert (tmp_path / "atomic").stat().st_mode == (tmp_path / "plain").stat().st_mode


@pytest.mark.parametrize("failure", [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt()])
def test_a_write_that_fails_half_way_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch, failure):
    path = tmp_path / "file.txt"
    write_text(path, "old")

    def fail(handle):
        raise failure

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(type(failure)) as caught:
        write_text(path, "new")
    assert path.read_text(encoding="utf-8") == "old"
    assert list(tmp_path.iterdir()) == [path]
    if isinstance(failure, OSError):
        assert (caught.value.filename, caught.value.strerror) == (str(path), "No space left on device")


def test_an_error_names_the_file_that_was_asked_for_not_a_temporary_one(tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(IsADirectoryError) as caught:
        write_text(tmp_path / "folder", "text")
    assert caught.value.filename == str(tmp_path / "folder")
    with pytest.raises(FileExistsError) as caught:
        write_text(tmp_path / "file" / "below", "text")
    assert caught.value.filename == str(tmp_path / "file")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder"]
