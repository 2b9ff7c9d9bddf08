"""A stage whose memory does not suffice ends with exit code 8 and says what it was doing and what it lacked."""

import subprocess
import sys

import pytest

from sparse_sharing.pipeline import layout
from sparse_sharing.storage.spec_files import write_spec

PROGRAM = """
import resource, sys
from pathlib import Path
import sparse_sharing.stages.{stage}
from sparse_sharing.cli import main
size = next(int(line.split()[1]) for line in Path("/proc/self/status").read_text().splitlines() if "VmSize" in line)
resource.setrlimit(resource.RLIMIT_AS, (size * 1024 + {more}, -1))
main()
"""
MEGABYTES = 10**6


def limited(stage, megabytes, *arguments):
    """Run a stage in a process that may take so much more memory than it has with all its libraries loaded."""
    program = PROGRAM.format(stage=stage, more=megabytes * MEGABYTES)
    command = [sys.executable, "-c", program, stage, *map(str, arguments), "--device", "cpu"]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


def texts(pipeline):
    """The options that name the prepared text."""
    vocabulary, train, dev = pipeline.texts
    return ["--vocabulary", vocabulary, "--train", train, "--dev", dev]


def test_a_network_that_does_not_fit(pipeline, tmp_path):
    large = pipeline.changed(model={"hidden": 4_000})
    output, spec = tmp_path / "new" / "weights.safetensors", tmp_path / "warmup.json"
    write_spec(spec, large.specs.warmup("joint", 1, "initial"))
    done = limited(
        "warmup",
        *(100, "--spec", spec, *texts(pipeline)),
        *("--vectors", pipeline.data / "vectors.safetensors", "--output", output),
    )
    assert done.returncode == 8, done.stderr
    assert done.stderr.startswith("error: warmup: out of memory: ")
    assert "MB more were requested; the process has used" in done.stderr
    assert "MB of address space" in done.stderr
    assert "mem_mb of its rule" in done.stderr
    assert "Traceback" not in done.stderr
    assert not output.exists()


@pytest.mark.parametrize("fits", [False, True])
def test_a_step_that_does_not_fit(made_long, tmp_path, fits):
    spec = tmp_path / "train.json"
    write_spec(spec, made_long.specs.train("joint", 1, "single", "pos"))
    done = limited(
        "train",
        *(4_000 if fits else 60, "--spec", spec, *texts(made_long)),
        *("--weights", made_long.weights("initial"), "--output", tmp_path / "new"),
    )
    assert done.returncode == (0 if fits else 8), done.stderr
    assert (tmp_path / "new" / "model.safetensors").exists() is fits
    if not fits:
        assert (
            "error: train: epoch 1, step 1/1, task pos, a batch of 4 sentences of up to 3000 tokens: out of memory: "
            in done.stderr
        )


@pytest.fixture
def made_long(pipeline):
    """The pipeline with sentences of 3,000 tokens to train on, up to the starting weights."""
    sentence = "on X B-A B-A\n" * 3_000
    (pipeline.folder / "train.txt").write_text("\n".join([sentence] * 4))
    for split in ("dev", "test"):
        (pipeline.folder / f"{split}.txt").write_text("on X B-A B-A\n")
    long = pipeline.changed(train={"epochs": 1, "systems": [{"name": "single", "sharing": "single"}]})
    long = long.changed(model={"hidden": 60})
    for path in (long.data, long.path(layout.START, start="initial")):
        for file in path.glob("*.*"):
            file.unlink()
    long.prepare()
    long.warm_up("initial")
    return long
