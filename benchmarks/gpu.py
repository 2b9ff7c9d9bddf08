"""`python -m benchmarks.gpu FOLDER`: the speed of training steps on a GPU; FOLDER is a prepared dataset.

Prints JSON lines while it runs, so that no measurement is lost if it is interrupted. It has three parts:

- steps: every batch size and precision, ways of sharing and plain references, in turn;
- launches: the kernel launches and the device time of one step of dense and of sparse sharing;
- jobs: several processes at once, each training its own network, one step at a time.
"""

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import torch

from benchmarks.reference import OriginalMasking, PackedHardSharing, random_masks
from benchmarks.timing import side_by_side
from benchmarks.training import DENSITY, REFERENCE_A, REFERENCE_B, Steps, network_of, only_task, stepper
from sparse_sharing.config.encoders.bilstm import BiLstm
from sparse_sharing.config.schema import Optimization
from sparse_sharing.text.batches import Batch
from sparse_sharing.text.encoded import EncodedText
from sparse_sharing.text.vocabulary import Vocabulary
from sparse_sharing.training.inputs import load_text, load_vocabulary

KINDS = ("single", "hard", "sparse")
BATCH_SIZES = (10, 32, 128)
PRECISIONS = (None, "bfloat16")
JOBS = (1, 2, 4, 8, 16)

Action = Callable[[int], None]


def synchronized(action: Action, device: torch.device) -> Action:
    """An action that ends when the device has finished its work."""

    def whole(number: int) -> None:
        action(number)
        if device.type == "cuda":
            torch.cuda.synchronize(device)

    return whole


def moving(step: Callable[[str, Batch], object], device: torch.device) -> Callable[[str, Batch], object]:
    """A step that first sends its batch to the device."""
    return lambda task, batch: step(task, batch.to(device))


def step_of(
    kind: str, model: BiLstm, optimization: Optimization, vocabulary: Vocabulary, device: torch.device
) -> tuple[Callable[[str, Batch], object], str | None]:
    """The training step of a way of sharing on a device, and its only task if it has one."""
    network = network_of(kind, model, vocabulary, device=device)
    return moving(stepper(network, optimization), device), only_task(kind, network)


def measure_steps(
    text: EncodedText, vocabulary: Vocabulary, model: BiLstm, device: torch.device, blocks: int, length: int
) -> None:
    """Print steps and tokens per second of every batch size and precision."""
    precisions = PRECISIONS if device.type == "cuda" else PRECISIONS[:1]
    for size in BATCH_SIZES:
        steps = Steps.draw(text, list(vocabulary.tasks), size, blocks, length)
        actions: dict[str, Action] = {}
        for precision in precisions:
            optimization = Optimization(batch_size=size, precision=precision)
            for kind in KINDS:
                step, only = step_of(kind, model, optimization, vocabulary, device)
                actions[f"{kind} {precision or 'float32'}"] = synchronized(steps.run(step, only), device)
        for name, reference in references(model, vocabulary).items():
            reference.network.to(device)
            actions[name] = synchronized(steps.run(moving(reference.step, device)), device)
        speeds = side_by_side(actions, steps.tokens, warm_up=2)
        for name, series in speeds.items():
            per_step = sum(steps.tokens) / len(steps.tokens) / length
            show(
                "steps",
                batch=size,
                name=name,
                tokens_per_second=series.median,
                range=series.range,
                milliseconds=1000 * per_step / series.median,
            )


def references(model: BiLstm, vocabulary: Vocabulary) -> dict[str, PackedHardSharing | OriginalMasking]:
    """The plain implementations; the masks of the second are moved by its own step."""
    masks = random_masks(model, vocabulary, DENSITY)
    if torch.cuda.is_available():
        masks = {task: {name: mask.cuda() for name, mask in task_masks.items()} for task, task_masks in masks.items()}
    return {
        REFERENCE_A: PackedHardSharing(model, vocabulary, 0.1),
        REFERENCE_B: OriginalMasking(model, vocabulary, 0.1, masks),
    }


def measure_launches(text: EncodedText, vocabulary: Vocabulary, model: BiLstm, device: torch.device) -> None:
    """Print kernel launches and device time of a step, from PyTorch's profiler."""
    from torch.profiler import ProfilerActivity, profile

    length = 10
    for size in BATCH_SIZES:
        steps = Steps.draw(text, list(vocabulary.tasks), size, 2, length)
        for kind in ("hard", "sparse"):
            step, only = step_of(kind, model, Optimization(batch_size=size), vocabulary, device)
            action = synchronized(steps.run(step, only), device)
            action(0)
            with profile(activities=[ProfilerActivity.CPU, ProfilerActivity.CUDA]) as profiled:
                started = time.perf_counter()
                action(1)
                spent = time.perf_counter() - started
            events = profiled.key_averages()
            launches = sum(event.count for event in events if "LaunchKernel" in event.key)
            busy = sum(event.self_device_time_total for event in events) / 1000
            show(
                "launches",
                batch=size,
                name=kind,
                launches=launches / length,
                device_milliseconds=busy / length,
                milliseconds_profiled=1000 * spent / length,
            )


def measure_jobs(
    folder: Path, device: torch.device, seconds: float, label: str, size: int, counts: Sequence[int]
) -> None:
    """Print the total steps per second of several processes at once."""
    for count in counts:
        command = [sys.executable, "-m", "benchmarks.gpu", str(folder), "--device", str(device), "--train-for"]
        command += [str(seconds), "--batch-size", str(size)]
        running = [
            subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(count)
        ]
        for process in running:
            process.stdout.readline()
        for process in running:
            process.stdin.write("go\n")
            process.stdin.flush()
        rates = [float(process.stdout.readline() or "nan") for process in running]
        for process in running:
            process.communicate()
        show("jobs", label=label, batch=size, jobs=count, steps_per_second=sum(rates), slowest=min(rates))


def train_for(folder: Path, device: torch.device, seconds: float, size: int) -> None:
    """Train with sparse sharing: report readiness, wait for a line, then print the steps per second."""
    vocabulary, text = read(folder)
    steps = Steps.draw(text, list(vocabulary.tasks), size, 2, 50)
    step, only = step_of("sparse", BiLstm(word_dimension=50), Optimization(batch_size=size), vocabulary, device)
    action = synchronized(steps.run(step, only), device)
    action(0)
    say("ready")
    sys.stdin.readline()
    started, done = time.perf_counter(), 0
    while (spent := time.perf_counter() - started) < seconds:
        action(done % 2)
        done += 1
    say(str(done * 50 / spent))
    sys.stdin.readline()  # All end together: a process of CUDA's multi-process service that ends disturbs the others.


def read(folder: Path) -> tuple[Vocabulary, EncodedText]:
    """The vocabulary and the training text of a prepared dataset."""
    vocabulary = load_vocabulary(folder / "vocabulary.json")
    return vocabulary, next(iter(load_text(folder / "train.safetensors").values()))


def show(part: str, **values: object) -> None:
    """Print one measurement as a line of JSON."""
    rounded = {key: round(value, 3) if isinstance(value, float) else value for key, value in values.items()}
    say(json.dumps({"part": part, **rounded}))


def say(line: str) -> None:
    """Write a line and flush it."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> None:
    """Measure the parts that the command line selects."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gpu", description=__doc__)
    parser.add_argument("folder", type=Path, help="prepared dataset: vocabulary.json and train.safetensors")
    parser.add_argument("--device", default="cuda", help="cuda, or cpu to try the script")
    parser.add_argument("--parts", nargs="*", default=["steps", "launches", "jobs"], help="what to measure")
    parser.add_argument("--label", default="", help="a word for the lines of the part jobs, such as mps")
    parser.add_argument("--train-for", type=float, help="run as one of the simultaneous jobs, for this many seconds")
    parser.add_argument("--batch-size", type=int, default=10, help="batch size of the simultaneous jobs")
    parser.add_argument("--blocks", type=int, default=7, help="repetitions of each measurement")
    parser.add_argument("--length", type=int, default=30, help="steps in a repetition")
    parser.add_argument("--jobs", type=int, nargs="*", default=JOBS, help="numbers of simultaneous jobs")
    parser.add_argument("--seconds", type=float, default=4.0, help="how long the simultaneous jobs train")
    options = parser.parse_args()
    torch.set_num_threads(1)
    device, model = torch.device(options.device), BiLstm(word_dimension=50)
    if options.train_for:
        train_for(options.folder, device, options.train_for, options.batch_size)
        return
    vocabulary, text = read(options.folder)
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu"
    show("device", name=name, torch=torch.__version__)
    if "jobs" in options.parts:
        measure_jobs(options.folder, device, options.seconds, options.label, options.batch_size, options.jobs)
    if "steps" in options.parts:
        measure_steps(text, vocabulary, model, device, options.blocks, options.length)
    if "launches" in options.parts:
        measure_launches(text, vocabulary, model, device)


if __name__ == "__main__":
    main()
