"""A text that is four times as long takes the memory of the short one, but for a few bytes per sentence."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from sparse_sharing.storage.artifacts import load_tensors

SENTENCES, LENGTH, WORDS = 1_600, 40, 500
"""The short text fills every buffer: with half as many sentences, the buffers still grow by 1,600 kilobytes."""
ALLOWED = 1_500
"""Kilobytes that 4,800 more sentences of 40 tokens may take; held in memory, they take more than 12,000."""

PREPARE = """
import sys
from pathlib import Path
from sparse_sharing.config import parse_config
from sparse_sharing.pipeline import Specs
from sparse_sharing.stages import prepare, prepare_task

folder, cut = Path(sys.argv[1]), sys.argv[2] == "cut"
names = {split: f"{split}.txt" for split in (("train", "test") if cut else ("train", "dev", "test"))}
tasks = [{"name": "pos", "column": 1}, {"name": "ner", "column": 2, "scheme": "iob2", "model_scheme": "bioes"}]
values = {"run": "x", "data": {"datasets": [{"name": "d", "corpora": [{"name": "c", **names, "tasks": tasks}]}]}}
values |= {"select": {"choices": [{"name": "best", "rule": "best_dev"}]}}
values |= {"train": {"systems": [{"name": "hard", "sharing": "hard"}]}}
files = {split: {"c": folder / name} for split, name in names.items()}
specs = Specs(parse_config(values))
prepare.run(specs.prepare("d"), files, None, folder / "data")
for task in ("pos", "ner"):
    prepare_task.run(specs.prepare_task("d", task), files, folder / "data" / "tags" / task)
print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""


def write_corpus(folder, sentences):
    """Random words and tags: the given number of training sentences, and a few for dev and test."""
    random = np.random.default_rng(1)
    folder.mkdir()
    for split, count in (("train", sentences), ("dev", 20), ("test", 20)):
        words = random.integers(WORDS, size=(count, LENGTH))
        blocks = ("\n".join(f"w{word} P{word % 7} {'B-X' if word % 5 else 'O'}" for word in row) for row in words)
        (folder / f"{split}.txt").write_text("\n\n".join(blocks) + "\n")
    return folder


def peak(folder, kind):
    """Kilobytes of the process that prepares a corpus, at their highest."""
    command = [sys.executable, "-c", PREPARE, folder, kind]
    # The same hashes in every run, so that sets and dictionaries take the same memory.
    settings = {**os.environ, "PYTHONHASHSEED": "0"}
    return int(subprocess.run(command, capture_output=True, text=True, check=True, env=settings).stdout)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak memory of a process is read from /proc")
@pytest.mark.parametrize("kind", ["three files", "cut"])
def test_memory_stays_flat(tmp_path, kind):
    short, long = (write_corpus(tmp_path / name, count) for name, count in (("a", SENTENCES), ("b", 4 * SENTENCES)))
    assert peak(long, kind) - peak(short, kind) < ALLOWED
    tokens = load_tensors(long / "data" / "train.safetensors", "text").tensors["c/tokens"]
    assert len(tokens) == LENGTH * 4 * SENTENCES * (0.9 if kind == "cut" else 1)
