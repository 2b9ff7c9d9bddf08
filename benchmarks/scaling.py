"""How the cost grows with the tasks, the vocabulary, the network and the corpus; measured, and plotted as SVG."""

from collections.abc import Iterable
from pathlib import Path

import matplotlib
import numpy as np

from benchmarks import data
from benchmarks.inference import loading_seconds, touch
from benchmarks.jobs import dry_run
from benchmarks.timing import Series, side_by_side
from benchmarks.training import Setting, Steps, network_of, paper_settings, stepper
from sparse_sharing.data.vocabulary import Vocabulary
from sparse_sharing.stages.inputs import load_text

matplotlib.use("svg")
from matplotlib import pyplot

TASKS = (1, 3, 10, 30)
WORDS = (20_000, 100_000, 400_000)
HIDDEN = (100, 200, 400)
LAYERS = (1, 2, 3)
SENTENCES = (14_000, 140_000, 1_400_000)
JOBS = (200, 2_000, 10_000)

Points = list[tuple[float, Series]]


def measure(folder: Path, blocks: int) -> dict[str, tuple[str, Points]]:
    """For each thing that grows: what the vertical axis shows, and the points."""
    base = paper_settings()[0]
    tasks = {count: (base, tuple(f"task{number}" for number in range(count)), data.WORDS) for count in TASKS}
    words = {count: (base, data.TASKS, count) for count in WORDS}
    hidden = {size: (_changed(base, hidden=size), data.TASKS, data.WORDS) for size in HIDDEN}
    layers = {count: (_changed(base, layers=count), data.TASKS, data.WORDS) for count in LAYERS}
    grown = {"tasks": tasks, "words of the vocabulary": words, "hidden units": hidden, "layers": layers}
    speeds = {name: ("sparse training, tokens/s", _speeds(cases, blocks)) for name, cases in grown.items()}
    loading, memory = _loading(folder)
    return {
        **speeds,
        "sentences of the corpus": ("opening the encoded text, seconds", loading),
        "sentences of the corpus, memory": ("memory of its own, MB", memory),
        "jobs of the workflow": (
            "dry run, seconds",
            [(count, Series((spent,))) for count, spent in map(dry_run, JOBS)],
        ),
    }


def plot(measured: dict[str, tuple[str, Points]], path: Path) -> None:
    """One small panel for each thing that grows: medians, and bars from the smallest to the largest value."""
    pyplot.rcParams.update({"svg.hashsalt": "scaling", "font.size": 8, "svg.fonttype": "none"})
    figure, panels = pyplot.subplots(2, 4, figsize=(11, 5), layout="constrained")
    for panel in panels.flat[len(measured) :]:
        panel.set_visible(False)
    for panel, (name, (unit, points)) in zip(panels.flat, measured.items(), strict=False):
        places = [place for place, _ in points]
        medians = np.array([series.median for _, series in points])
        ranges = np.abs(np.array([series.range for _, series in points]).T - medians)
        panel.errorbar(places, medians, yerr=ranges, marker="o", markersize=3, capsize=2, linewidth=1)
        panel.set(
            xlabel=name, ylabel=unit, ylim=(0, None), xscale="log" if max(places) > 20 * min(places) else "linear"
        )
        panel.set_ylim(0, 1.15 * max(1e-3, *(series.range[1] for _, series in points)))
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, metadata={"Date": None})
    pyplot.close(figure)


def to_json(measured: dict[str, tuple[str, Points]]) -> dict:
    """The points as plain values."""
    return {
        name: {"unit": unit, "points": [[place, list(series.values)] for place, series in points]}
        for name, (unit, points) in measured.items()
    }


def _changed(setting: Setting, **changes: int) -> Setting:
    return Setting(setting.name, setting.model.model_copy(update=changes), setting.optimization)


def _speeds(cases: dict[int, tuple[Setting, tuple[str, ...], int]], blocks: int) -> Points:
    """Tokens per second of sparse training for each size, side by side."""
    actions, tokens = {}, []
    for size, (setting, tasks, words) in cases.items():
        vocabulary = data.generated_vocabulary(words, tasks)
        text = data.generated_text(vocabulary, 4000)
        steps = Steps.draw(text, list(tasks), 10, blocks, 6)
        actions[size] = steps.run(stepper(network_of("sparse", setting.model, vocabulary), setting.optimization))
        tokens = steps.tokens
    return [(size, series) for size, series in side_by_side(actions, tokens).items()]


def _loading(folder: Path) -> tuple[Points, Points]:
    """Seconds to open encoded corpora that have been opened once before, and the memory that reading them takes."""
    vocabulary: Vocabulary = data.generated_vocabulary()
    times, memory = [], []
    for count in SENTENCES:
        path = folder / f"{count}.safetensors"
        data.save_text(path, data.generated_text(vocabulary, count))
        # The first opening compares the content with its digest; it is remembered.
        load_text(path)
        times.append((count, loading_seconds(path, 5)))
        before = _own_memory()
        texts = load_text(path)
        touch(texts)
        memory.append((count, Series((max(0.0, _own_memory() - before),))))
        del texts
        path.unlink()
        path.with_name(f".{path.name}.checked").unlink(missing_ok=True)
    return times, memory


def _own_memory() -> float:
    """Memory in MB that is this process's alone: pages of files are shared and can be taken back."""
    fields: Iterable[str] = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) / 1024 for line in fields if line.startswith("RssAnon"))
