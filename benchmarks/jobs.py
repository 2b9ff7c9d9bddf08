"""What whole processes take: start-up, memory, two jobs at once, and the workflow's own time.

The functions that end in `_job` run in processes of their own: `python -m benchmarks.jobs NAME FOLDER`.
"""

import json
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import yaml

from benchmarks.processes import ENVIRONMENT, ROOT
from benchmarks.timing import Series, seconds

STEPS_SECONDS = 8.0
"""How long each job of a pair trains."""
BARE = """
rule all:
    input:
        expand("b/{{pair}}", pair=range({pairs})),
rule first:
    output:
        "a/{{pair}}",
    shell:
        "touch {{output}}"
rule second:
    input:
        "a/{{pair}}",
    output:
        "b/{{pair}}",
    shell:
        "touch {{output}}"
"""


def startup_seconds(folder: Path, repetitions: int) -> Series:
    """From the start of the process to the end of its first training step."""
    return Series(tuple(seconds(lambda: _finish(_start("first_step_job", folder))) for _ in range(repetitions)))


def peak_memory(folder: Path) -> float:
    """Peak memory in MB of a training with masks: the batches with the most tokens, scores, checkpoint, model."""
    return float(_finish(_start("memory_job", folder)))


def pair_ratio(folder: Path, repetitions: int) -> Series:
    """Tokens per second of two jobs at once over those of one job alone."""
    ratios = []
    for _ in range(repetitions):
        alone = float(_finish(_start("steps_job", folder)))
        pair = [_start("steps_job", folder) for _ in range(2)]
        ratios.append(sum(float(_finish(job)) for job in pair) / alone)
    return Series(tuple(ratios))


def planning(jobs: int, repetitions: int) -> tuple[int, Series, Series]:
    """Plan a configuration of about `jobs` jobs and the same number of bare jobs, in turn.

    Returns:
        The jobs of the configuration, and processor seconds of its plans and of those of bare jobs.
    """
    turns = [(dry_run(jobs), bare_dry_run(jobs)) for _ in range(repetitions)]
    counts = [count for (count, _), _ in turns]
    return counts[0], Series(tuple(spent for (_, spent), _ in turns)), Series(tuple(bare for _, bare in turns))


def dry_run(jobs: int) -> tuple[int, float]:
    """Generate a configuration of about `jobs` jobs; returns its size and the processor seconds of its dry run."""
    values = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
    (few, _), (more, _) = _dry_run(values, 2), _dry_run(values, 3)
    return _dry_run(values, max(1, round((jobs - few) / (more - few)) + 2))


def bare_dry_run(jobs: int) -> float:
    """Processor seconds of the dry run of jobs with one file to read and one to write: Snakemake's own time."""
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "Snakefile"
        path.write_text(BARE.format(pairs=jobs // 2), encoding="utf-8")
        return _plan(name, "--snakefile", str(path))[1]


def _dry_run(values: dict, seeds: int) -> tuple[int, float]:
    """The number of jobs of a configuration with `seeds` seeds, and the processor seconds of its dry run."""
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "config.yaml"
        path.write_text(yaml.safe_dump({**values, "seeds": list(range(seeds))}), encoding="utf-8")
        return _plan(name, "--snakefile", str(ROOT / "Snakefile"), "--configfile", str(path))


def _plan(folder: str, *options: str) -> tuple[int, float]:
    """The jobs that Snakemake plans in a folder, and the processor seconds that it takes."""
    command = [sys.executable, "-m", "snakemake", "-n", "--quiet", "rules", "--cores", "1", "all"]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    result = subprocess.run(
        [*command, "--directory", folder, *options], capture_output=True, text=True, check=False, env=ENVIRONMENT
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    match = re.search(r"^total\s+(\d+)", result.stdout + result.stderr, re.MULTILINE)
    if match is None:
        raise RuntimeError(f"the dry run failed: {(result.stdout + result.stderr)[-2000:]}")
    return int(match[1]), spent


def _start(name: str, folder: Path) -> subprocess.Popen:
    command = [sys.executable, "-m", "benchmarks.jobs", name, str(folder)]
    return subprocess.Popen(command, cwd=ROOT, env=ENVIRONMENT, stdout=subprocess.PIPE, text=True)


def _finish(job: subprocess.Popen) -> str:
    """What a job prints last."""
    out, _ = job.communicate()
    if job.returncode:
        raise RuntimeError(f"{job.args[3]} ended with {job.returncode}")
    return (out.strip().splitlines() or [""])[-1]


def first_step_job(folder: Path) -> None:
    """A warm-up that ends after its first step, as the command line starts it."""
    from sparse_sharing import cli
    from sparse_sharing.storage.spec_files import write_spec
    from sparse_sharing.training import trainer

    step = trainer.Trainer.step

    def only(self, task, batch, *settings):
        step(self, task, batch, *settings)
        os._exit(0)

    trainer.Trainer.step = only
    with tempfile.TemporaryDirectory() as name:
        spec = Path(name) / "warmup.json"
        write_spec(spec, _warmup_spec(1))
        sys.argv = ["sparse-sharing", "warmup", "--spec", str(spec), *_options(folder)]
        sys.argv += ["--vectors", str(folder / "vectors.safetensors"), "--output", f"{name}/weights.safetensors"]
        cli.main()


def memory_job(folder: Path) -> None:
    """Print the peak memory of a sparse training in MB; its epoch has the twenty batches with the most tokens."""
    from benchmarks.training import random_mask
    from sparse_sharing.config.schema import Optimization
    from sparse_sharing.pipeline.specs import TrainSpec
    from sparse_sharing.stages import train, warmup
    from sparse_sharing.training import loop
    from sparse_sharing.training.threads import set_threads

    set_threads(1)
    draw = loop.training_batches

    def largest(text, *options):
        return sorted(draw(text, *options), key=lambda batch: -int(text.lengths[batch].sum()))[:20]

    loop.training_batches = largest
    train._read_masks = lambda spec, path, network, weights: {
        task: _of(random_mask(network, 0.5, seed), weights) for seed, task in enumerate(spec.tasks)
    }
    with tempfile.TemporaryDirectory() as name:
        start, data = _warmup_spec(None), ("vocabulary.json", "vectors.safetensors", "train.safetensors")
        weights = Path(name) / "weights.safetensors"
        paths = [folder / file for file in data]
        warmup.run(start, *paths, folder / "dev.safetensors", weights, "cpu")
        spec = TrainSpec(
            data=start.data,
            tags=_tags(),
            start=start.digest(),
            masks="random",
            seed=1,
            system="sparse",
            sharing="sparse",
            tasks=list(_tags()),
            allow_dense=False,
            optimization=Optimization(epochs=2),
        )
        inputs = (folder / "vocabulary.json", folder / "train.safetensors", folder / "dev.safetensors", weights)
        train.run(spec, *inputs, weights, Path(name) / "model", "cpu")
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    _say(int(re.search(r"VmHWM:\s+(\d+)", status)[1]) / 1024)


def steps_job(folder: Path) -> None:
    """Print tokens per second of a sparse training of two layers that takes steps for some seconds."""
    from benchmarks.training import Steps, network_of, paper_settings, stepper
    from sparse_sharing.training.inputs import load_text, load_vocabulary
    from sparse_sharing.training.threads import set_threads

    set_threads(1)
    setting, vocabulary = paper_settings()[0], load_vocabulary(folder / "vocabulary.json")
    text = load_text(folder / "train.safetensors")["pos"]
    steps = Steps.draw(text, list(vocabulary.tasks), 10, 40, 5)
    block = steps.run(stepper(network_of("sparse", setting.model, vocabulary), setting.optimization))
    block(0)
    # Wall clock: jobs that are started together are measured over the same stretch of it.
    stretch = STEPS_SECONDS / 2
    start = (int(time.time() / stretch) + 2) * stretch
    time.sleep(max(0.0, start - time.time()))
    tokens, begin, number = 0, time.perf_counter(), 0
    while time.perf_counter() - begin < STEPS_SECONDS:
        block(number % 40)
        tokens += steps.tokens[number % 40]
        number += 1
    _say(tokens / (time.perf_counter() - begin))


def _of(mask, weights: str):
    from sparse_sharing.masks.mask import Mask

    return Mask(mask.keep, mask.shapes, weights)


def _warmup_spec(epochs: int | None):
    from benchmarks.data import spec_of
    from sparse_sharing.config.encoders.bilstm import BiLstm
    from sparse_sharing.config.schema import Optimization
    from sparse_sharing.pipeline.specs import WarmupSpec

    optimization = None if epochs is None else Optimization(epochs=epochs)
    tags = None if epochs is None else _tags()
    return WarmupSpec(data=spec_of().digest(), tags=tags, seed=1, model=BiLstm(layers=2), optimization=optimization)


def _tags() -> dict[str, str]:
    from benchmarks.data import task_specs

    return {task: spec.digest() for task, spec in task_specs().items()}


def _options(folder: Path) -> list[str]:
    names = {"--vocabulary": "vocabulary.json", "--train": "train.safetensors", "--dev": "dev.safetensors"}
    return [text for option, name in names.items() for text in (option, str(folder / name))]


def _say(value: object) -> None:
    sys.stdout.write(json.dumps(value) + "\n")


if __name__ == "__main__":
    {job.__name__: job for job in (first_step_job, memory_job, steps_job)}[sys.argv[1]](Path(sys.argv[2]))
