"""How the cost grows with the tasks, the vocabulary, the network and the corpus; measured, and plotted as SVG."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
import vl_convert

from benchmarks import data
from benchmarks.inference import loading_seconds, touch
from benchmarks.jobs import dry_run
from benchmarks.timing import Series, side_by_side
from benchmarks.training import Setting, Steps, network_of, paper_settings, stepper
from sparse_sharing.text.vocabulary import Vocabulary
from sparse_sharing.training.inputs import load_text

TASKS = (1, 3, 10, 30)
WORDS = (20_000, 100_000, 400_000)
HIDDEN = (100, 200, 400)
LAYERS = (1, 2, 3)
SENTENCES = (14_000, 140_000, 1_400_000)
BATCHES = (10, 32, 64, 128, 256)
THREADS = (1, 2)
JOBS = (200, 2_000, 10_000)

FONT = "Liberation Sans, Arial, sans-serif"

Points = list[tuple[float, Series]]


@dataclass(frozen=True)
class Case:
    """One size of what grows, and everything else as it usually is."""

    setting: Setting
    tasks: tuple[str, ...] = data.TASKS
    words: int = data.WORDS
    threads: int = 1


def measure(folder: Path, blocks: int) -> dict[str, tuple[str, Points]]:
    """For each thing that grows: what the vertical axis shows, and the points."""
    base = paper_settings()[0]
    grown = {
        "tasks": {count: Case(base, tuple(f"task{number}" for number in range(count))) for count in TASKS},
        "words of the vocabulary": {count: Case(base, words=count) for count in WORDS},
        "hidden units": {size: Case(_changed(base, hidden=size)) for size in HIDDEN},
        "layers": {count: Case(_changed(base, layers=count)) for count in LAYERS},
        "sentences of a batch": {size: Case(_with_batch(base, size)) for size in BATCHES},
        "threads": {count: Case(base, threads=count) for count in THREADS},
    }
    speeds = {name: ("sparse training, tokens/s", _speeds(cases, blocks)) for name, cases in grown.items()}
    loading, memory = _loading(folder)
    return {
        **speeds,
        "sentences of the corpus": ("opening the encoded text, seconds", loading),
        "sentences of the corpus, memory": ("memory of its own, MB", memory),
        "jobs of the workflow": (
            "plan, processor seconds",
            [(count, Series((spent,))) for count, spent in map(dry_run, JOBS)],
        ),
    }


def plot(measured: dict[str, tuple[str, Points]], path: Path) -> None:
    """One small panel for each thing that grows: medians, and bars from the smallest to the largest value."""
    panels = [_panel(name, unit, points) for name, (unit, points) in measured.items()]
    config = {"background": "white", "font": FONT, "axis": {"titleFontWeight": "normal"}}
    path.parent.mkdir(parents=True, exist_ok=True)
    figure = {"concat": panels, "columns": 3, "spacing": 28, "config": config}
    path.write_text(vl_convert.vegalite_to_svg(figure), encoding="utf-8")


def _panel(name: str, unit: str, points: Points) -> dict[str, Any]:
    """A panel of the plot as a Vega-Lite specification."""
    places = [place for place, _ in points]
    rows = [
        {"place": place, "median": series.median, "lowest": series.range[0], "highest": series.range[1]}
        for place, series in points
    ]
    top = max(1.0 if unit.endswith("MB") else 1e-3, *(row["highest"] for row in rows))
    across = {"type": "log"} if max(places) >= 20 * min(places) else {"zero": False}
    x = {"field": "place", "type": "quantitative", "title": name, "scale": {**across, "padding": 12, "nice": False}}
    x["axis"] = {"values": places, "format": ",", "grid": False}
    y = {"type": "quantitative", "title": unit, "scale": {"domain": [0, 1.15 * top]}, "axis": {"tickCount": 5}}
    bars = {"y": {**y, "field": "lowest"}, "y2": {"field": "highest"}}
    layers = [
        {"mark": {"type": "line", "point": True}, "encoding": {"y": {**y, "field": "median"}}},
        {"mark": {"type": "rule"}, "encoding": bars},
    ]
    return {"width": 220, "height": 150, "data": {"values": rows}, "encoding": {"x": x}, "layer": layers}


def to_json(measured: dict[str, tuple[str, Points]]) -> dict:
    """The points as plain values."""
    return {
        name: {"unit": unit, "points": [[place, list(series.values)] for place, series in points]}
        for name, (unit, points) in measured.items()
    }


def _changed(setting: Setting, **changes: int) -> Setting:
    return replace(setting, model=setting.model.model_copy(update=changes))


def _with_batch(setting: Setting, size: int) -> Setting:
    return replace(setting, optimization=setting.optimization.model_copy(update={"batch_size": size}))


def _speeds(cases: dict[int, Case], blocks: int) -> Points:
    """Tokens per second of sparse training for each size, side by side; a block has 60 sentences, or a batch."""
    actions, tokens = {}, {}
    for size, case in cases.items():
        vocabulary = data.generated_vocabulary(case.words, case.tasks)
        text = data.generated_text(vocabulary, 4000)
        model, optimization = case.setting.model, case.setting.optimization
        batch = optimization.batch_size
        steps = Steps.draw(text, list(case.tasks), batch, blocks, max(1, 60 // batch))
        train = steps.run(stepper(network_of("sparse", model, vocabulary), optimization))
        actions[size] = partial(_with_threads, case.threads, train)
        tokens[size] = np.array(steps.tokens)
    runs = side_by_side(actions, [1.0] * blocks)
    return [(size, Series(tuple(tokens[size] * runs[size].values))) for size in cases]


def _with_threads(threads: int, action: Callable[[int], object], number: int) -> None:
    torch.set_num_threads(threads)
    action(number)
    torch.set_num_threads(1)


def _loading(folder: Path) -> tuple[Points, Points]:
    """Seconds to open encoded corpora that have been opened once before, and the memory that reading them takes."""
    vocabulary: Vocabulary = data.generated_vocabulary()
    times, memory = [], []
    for count in SENTENCES:
        path = folder / f"{count}.safetensors"
        data.save_text(path, data.generated_text(vocabulary, count), vocabulary)
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
